#include "postgres/types.h"

#include "base/base64.h"
#include "event/json.h"
#include "postgres/array.h"
#include "postgres/datetime.h"
#include "event/decimal.h"
#include "postgres/scalar.h"

#include <stdlib.h>

#define PLACEHOLDER "__debezium_unavailable_value"

struct known {
    uint32_t oid; // 0: brought by an extension, known by its name
    const char *name;
    enum pg_form form;
};

// Sorted by oid as far as there is one. The oids are fixed for ever: pg_type.dat of PostgreSQL.
static const struct known known_types[] = {
    {16, "bool", PG_FORM_BOOLEAN},
    {17, "bytea", PG_FORM_BYTEA},
    {18, "char", PG_FORM_TEXT},
    {19, "name", PG_FORM_TEXT},
    {20, "int8", PG_FORM_INTEGER},
    {21, "int2", PG_FORM_INTEGER},
    {23, "int4", PG_FORM_INTEGER},
    {25, "text", PG_FORM_TEXT},
    {26, "oid", PG_FORM_INTEGER},
    {114, "json", PG_FORM_TEXT},
    {142, "xml", PG_FORM_TEXT},
    {600, "point", PG_FORM_POINT},
    {650, "cidr", PG_FORM_TEXT},
    {700, "float4", PG_FORM_FLOAT4},
    {701, "float8", PG_FORM_FLOAT8},
    {774, "macaddr8", PG_FORM_TEXT},
    {790, "money", PG_FORM_MONEY},
    {829, "macaddr", PG_FORM_TEXT},
    {869, "inet", PG_FORM_TEXT},
    {1042, "bpchar", PG_FORM_TEXT},
    {1043, "varchar", PG_FORM_TEXT},
    {1082, "date", PG_FORM_DATE},
    {1083, "time", PG_FORM_TIME},
    {1114, "timestamp", PG_FORM_TIMESTAMP},
    {1184, "timestamptz", PG_FORM_TIMESTAMPTZ},
    {1186, "interval", PG_FORM_INTERVAL},
    {1266, "timetz", PG_FORM_TIMETZ},
    {1560, "bit", PG_FORM_BITS},
    {1562, "varbit", PG_FORM_BITS},
    {1700, "numeric", PG_FORM_NUMERIC},
    {2950, "uuid", PG_FORM_TEXT},
    {3614, "tsvector", PG_FORM_TEXT},
    {3802, "jsonb", PG_FORM_TEXT},
    {3904, "int4range", PG_FORM_TEXT},
    {3906, "numrange", PG_FORM_TEXT},
    {3908, "tsrange", PG_FORM_TEXT},
    {3910, "tstzrange", PG_FORM_TEXT},
    {3912, "daterange", PG_FORM_TEXT},
    {3926, "int8range", PG_FORM_TEXT},
    {0, "hstore", PG_FORM_HSTORE},
    {0, "citext", PG_FORM_TEXT},
    {0, "ltree", PG_FORM_TEXT},
    {0, "isbn", PG_FORM_TEXT},
    {0, "issn", PG_FORM_TEXT},
    {0, "ismn", PG_FORM_TEXT},
    {0, "ean13", PG_FORM_TEXT},
    {0, "upc", PG_FORM_TEXT},
};
#define BIT_OID 1560
#define N_KNOWN (sizeof known_types / sizeof known_types[0])

static const struct known *find_known(uint32_t oid, const char *name)
{
    for (size_t i = 0; i < N_KNOWN; i++) {
        const struct known *k = &known_types[i];
        if (pg_type_is_builtin(oid) ? k->oid == oid
                                    : k->oid == 0 && name != NULL && strcmp(k->name, name) == 0)
            return k;
    }
    return NULL;
}

struct pg_type_info pg_type_builtin(uint32_t oid)
{
    const struct known *k = find_known(oid, NULL);
    return (struct pg_type_info){false, oid, -1, 'b', k != NULL ? k->name : NULL};
}

// typmod of numeric: 4 + (precision << 16 | scale in 11 bits, signed); since PostgreSQL 15 the scale may be
// negative.
static void resolve_numeric(struct pg_type *t, int32_t typmod)
{
    if (typmod < 4)
        t->form = PG_FORM_NUMERIC_VARIABLE;
    else
        t->scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
}

struct pg_type pg_type_resolve(const struct pg_type_info *info, int32_t typmod)
{
    const struct known *k = find_known(info->base, info->name);
    struct pg_type t = {k != NULL ? k->form : PG_FORM_NONE, info->is_array, 0, 6};
    if (k == NULL && info->kind == 'e')
        t.form = PG_FORM_TEXT;
    if (typmod < 0)
        typmod = info->typmod;
    // Debezium has no arrays of these.
    if (t.is_array && (t.form == PG_FORM_MONEY || t.form == PG_FORM_INTERVAL || t.form == PG_FORM_POINT))
        t.form = PG_FORM_NONE;
    if (t.form == PG_FORM_NUMERIC)
        resolve_numeric(&t, typmod);
    else if (info->base == BIT_OID && typmod == 1)
        t.form = PG_FORM_BIT;
    else if (typmod >= 0 && typmod < 6)
        t.precision = typmod; // of a time; nobody asks for another type's
    return t;
}

static bool integer_write(struct span text, struct buf *out)
{
    size_t sign = text.n != 0 && text.p[0] == '-';
    for (size_t i = sign; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    buf_span(out, text);
    return text.n > sign && text.n <= 20;
}

static bool boolean_write(struct span text, const char *yes, const char *no, struct buf *out)
{
    bool is_true = span_is(text, yes);
    buf_str(out, is_true ? "true" : "false");
    return is_true || span_is(text, no);
}

// Debezium has no decimal that is not a number, and writes null.
static bool numeric_write(const struct pg_type *t, struct span text, struct buf *out)
{
    if (text.n != 0 && (text.p[text.n - 1] == 'N' || text.p[text.n - 1] == 'y')) {
        buf_lit(out, "null");
        return span_is(text, "NaN") || span_is(text, "Infinity") || span_is(text, "-Infinity");
    }
    return t->form == PG_FORM_NUMERIC ? decimal_write(text, t->scale, out)
                                      : decimal_write_variable(text, out);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// \x and two digits a byte. Decoded into the buffer's free room behind the place where the base64 goes, so
// that no second buffer is needed.
static bool bytea_write(struct span text, struct buf *out)
{
    if (text.n % 2 != 0 || !span_starts(text, "\\x"))
        return false;
    size_t n = text.n / 2 - 1;
    if (!buf_room(out, (n + 2) / 3 * 4 + n + 2))
        return true; // the buffer is bad, and its owner says so
    unsigned char *bytes = (unsigned char *)out->p + out->n + (n + 2) / 3 * 4 + 2;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(text.p[2 + 2 * i]), low = hex_digit(text.p[3 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    buf_char(out, '"');
    base64_write(out, bytes, n);
    buf_char(out, '"');
    return true;
}

static bool write_form(const struct pg_type *t, struct span text, struct buf *out)
{
    switch (t->form) {
    case PG_FORM_INTEGER:
        return integer_write(text, out);
    case PG_FORM_BOOLEAN:
        return boolean_write(text, "t", "f", out);
    case PG_FORM_FLOAT4:
    case PG_FORM_FLOAT8:
        return float_write(text, t->form == PG_FORM_FLOAT4, out);
    case PG_FORM_NUMERIC:
    case PG_FORM_NUMERIC_VARIABLE:
        return numeric_write(t, text, out);
    case PG_FORM_TEXT:
        json_quote(out, text);
        return true;
    case PG_FORM_BYTEA:
        return bytea_write(text, out);
    case PG_FORM_DATE:
        return date_write(text, out);
    case PG_FORM_TIME:
        return time_write(text, t->precision, out);
    case PG_FORM_TIMETZ:
        return timetz_write(text, out);
    case PG_FORM_TIMESTAMP:
        return timestamp_write(text, t->precision, out);
    case PG_FORM_TIMESTAMPTZ:
        return timestamptz_write(text, t->precision, out);
    case PG_FORM_BIT:
        return boolean_write(text, "1", "0", out);
    case PG_FORM_BITS:
        return bits_write(text, out);
    case PG_FORM_MONEY:
        return money_write(text, out);
    case PG_FORM_INTERVAL:
        return interval_write(text, out);
    case PG_FORM_HSTORE:
        return hstore_write(text, out);
    case PG_FORM_POINT:
        return point_write(text, out);
    case PG_FORM_NONE:
        break;
    }
    return false;
}

static const char *form_name(enum pg_form form)
{
    static const char *const names[] = {
        [PG_FORM_NONE] = "unknown type",
        [PG_FORM_INTEGER] = "integer",
        [PG_FORM_BOOLEAN] = "boolean",
        [PG_FORM_FLOAT4] = "float",
        [PG_FORM_FLOAT8] = "float",
        [PG_FORM_NUMERIC] = "numeric of the column's scale",
        [PG_FORM_NUMERIC_VARIABLE] = "numeric",
        [PG_FORM_TEXT] = "text",
        [PG_FORM_BYTEA] = "bytea in hex",
        [PG_FORM_DATE] = "date",
        [PG_FORM_TIME] = "time",
        [PG_FORM_TIMETZ] = "time with time zone",
        [PG_FORM_TIMESTAMP] = "timestamp up to the year 294246",
        [PG_FORM_TIMESTAMPTZ] = "timestamp with time zone",
        [PG_FORM_BIT] = "bit",
        [PG_FORM_BITS] = "bit string",
        [PG_FORM_MONEY] = "money",
        [PG_FORM_INTERVAL] = "interval",
        [PG_FORM_HSTORE] = "hstore",
        [PG_FORM_POINT] = "point",
    };
    return names[form];
}

static bool write_array(const struct pg_type *t, struct array_walk *w, struct buf *out)
{
    for (bool comma = false;;) {
        enum array_token token = array_walk_next(w);
        if (token == ARRAY_END || token == ARRAY_BAD)
            return token == ARRAY_END;
        if (comma && token != ARRAY_CLOSE)
            buf_char(out, ',');
        comma = token != ARRAY_OPEN;
        if (token == ARRAY_OPEN || token == ARRAY_CLOSE)
            buf_char(out, token == ARRAY_OPEN ? '[' : ']');
        else if (token == ARRAY_NULL)
            buf_lit(out, "null");
        else if (!write_form(t, w->value, out))
            return false;
    }
}

bool pg_type_write(const struct pg_type *t, struct span text, struct buf *out, struct err *e)
{
    bool ok;
    if (t->is_array) {
        struct array_walk w;
        array_walk_begin(&w, text);
        ok = write_array(t, &w, out);
        array_walk_release(&w);
    } else {
        ok = write_form(t, text, out);
    }
    return ok || err_set(e, STATUS_DATA, "\"%.*s\" is no %s%s", text.n > 100 ? 100 : (int)text.n, text.p,
                         t->is_array ? "array of " : "", form_name(t->form));
}

void pg_type_write_zero(const struct pg_type *t, struct buf *out)
{
    static const char *const zeros[] = {
        [PG_FORM_NONE] = "null",
        [PG_FORM_INTEGER] = "0",
        [PG_FORM_BOOLEAN] = "false",
        [PG_FORM_FLOAT4] = "0.0",
        [PG_FORM_FLOAT8] = "0.0",
        [PG_FORM_NUMERIC] = "\"AA==\"",
        [PG_FORM_NUMERIC_VARIABLE] = "{\"scale\":0,\"value\":\"AA==\"}",
        [PG_FORM_TEXT] = "\"\"",
        [PG_FORM_BYTEA] = "\"\"",
        [PG_FORM_DATE] = "0",
        [PG_FORM_TIME] = "0",
        [PG_FORM_TIMETZ] = "\"00:00:00Z\"",
        [PG_FORM_TIMESTAMP] = "0",
        [PG_FORM_TIMESTAMPTZ] = "\"1970-01-01T00:00:00Z\"",
        [PG_FORM_BIT] = "false",
        [PG_FORM_BITS] = "\"\"",
        [PG_FORM_MONEY] = "\"AA==\"",
        [PG_FORM_INTERVAL] = "0",
        [PG_FORM_HSTORE] = "\"{}\"",
        [PG_FORM_POINT] = "{\"x\":0.0,\"y\":0.0,\"wkb\":\"AQEAAAAAAAAAAAAAAAAAAAAAAAAA\",\"srid\":null}",
    };
    buf_str(out, t->is_array ? "[]" : zeros[t->form]);
}

// The placeholder's bytes as numbers, for an array of integers.
static void write_unavailable_numbers(struct buf *out)
{
    static const char text[] = PLACEHOLDER;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        buf_char(out, i == 0 ? '[' : ',');
        buf_u64(out, (uint64_t)text[i]);
    }
    buf_char(out, ']');
}

bool pg_type_write_unavailable(const struct pg_type *t, struct buf *out, struct err *e)
{
    if (t->is_array && t->form == PG_FORM_INTEGER)
        write_unavailable_numbers(out);
    else if (t->is_array && t->form == PG_FORM_TEXT)
        buf_lit(out, "[\"" PLACEHOLDER "\"]");
    else if (!t->is_array && t->form == PG_FORM_TEXT)
        buf_lit(out, "\"" PLACEHOLDER "\"");
    else if (!t->is_array && t->form == PG_FORM_BYTEA)
        buf_lit(out, "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\""); // the placeholder in base64
    else if (!t->is_array && t->form == PG_FORM_HSTORE)
        buf_lit(out, "\"{\\\"" PLACEHOLDER "\\\":\\\"" PLACEHOLDER "\\\"}\"");
    else {
        err_set(e, STATUS_DATA,
                "an unchanged value of type %s%s was left out of the log and has no placeholder",
                t->is_array ? "array of " : "", form_name(t->form));
        return err_hint(e, "ALTER TABLE … REPLICA IDENTITY FULL puts the value into the log");
    }
    return true;
}
