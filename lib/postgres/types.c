#include "postgres/types.h"

#include "event/binary.h"
#include "event/decimal.h"
#include "event/json.h"
#include "postgres/array.h"
#include "postgres/geometry.h"
#include "postgres/hstore.h"
#include "postgres/scalar.h"
#include "postgres/vector.h"

#include <stdlib.h>

// ---- which type it is

struct known {
    uint32_t oid; // 0: brought by an extension, known by its name
    const char *name;
    enum pg_form form;
    int bytes;
    const char *logical;
    bool is_text;
};

// Debezium's names of what is a string to Connect.
#define JSON "io.debezium.data.Json"
#define XML "io.debezium.data.Xml"
#define UUID "io.debezium.data.Uuid"
#define LTREE "io.debezium.data.Ltree"
#define TSVECTOR "io.debezium.data.Tsvector"
#define ENUM "io.debezium.data.Enum"

// The oids are fixed for ever: pg_type.dat of PostgreSQL.
static const struct known known_types[] = {
    {16, "bool", PG_FORM_BOOLEAN, 0, NULL, false},
    {17, "bytea", PG_FORM_BYTEA, 0, NULL, false},
    {18, "char", PG_FORM_TEXT, 0, NULL, true},
    {19, "name", PG_FORM_TEXT, 0, NULL, true},
    {20, "int8", PG_FORM_INTEGER, 8, NULL, false},
    {21, "int2", PG_FORM_INTEGER, 2, NULL, false},
    {23, "int4", PG_FORM_INTEGER, 4, NULL, false},
    {25, "text", PG_FORM_TEXT, 0, NULL, true},
    {26, "oid", PG_FORM_INTEGER, 8, NULL, false},
    {114, "json", PG_FORM_TEXT, 0, JSON, false},
    {142, "xml", PG_FORM_TEXT, 0, XML, false},
    {600, "point", PG_FORM_POINT, 0, NULL, false},
    {650, "cidr", PG_FORM_TEXT, 0, NULL, false},
    {700, "float4", PG_FORM_FLOAT4, 0, NULL, false},
    {701, "float8", PG_FORM_FLOAT8, 0, NULL, false},
    {774, "macaddr8", PG_FORM_TEXT, 0, NULL, false},
    {790, "money", PG_FORM_MONEY, 0, NULL, false},
    {829, "macaddr", PG_FORM_TEXT, 0, NULL, false},
    {869, "inet", PG_FORM_TEXT, 0, NULL, false},
    {1042, "bpchar", PG_FORM_TEXT, 0, NULL, true},
    {1043, "varchar", PG_FORM_TEXT, 0, NULL, true},
    {1082, "date", PG_FORM_DATE, 0, NULL, false},
    {1083, "time", PG_FORM_TIME, 0, NULL, false},
    {1114, "timestamp", PG_FORM_TIMESTAMP, 0, NULL, false},
    {1184, "timestamptz", PG_FORM_TIMESTAMPTZ, 0, NULL, false},
    {1186, "interval", PG_FORM_INTERVAL, 0, NULL, false},
    {1266, "timetz", PG_FORM_TIMETZ, 0, NULL, false},
    {1560, "bit", PG_FORM_BITS, 0, NULL, false},
    {1562, "varbit", PG_FORM_BITS, 0, NULL, false},
    {1700, "numeric", PG_FORM_NUMERIC, 0, NULL, false},
    {2950, "uuid", PG_FORM_TEXT, 0, UUID, false},
    {3614, "tsvector", PG_FORM_TEXT, 0, TSVECTOR, false},
    {3802, "jsonb", PG_FORM_TEXT, 0, JSON, false},
    {3904, "int4range", PG_FORM_TEXT, 0, NULL, false},
    {3906, "numrange", PG_FORM_TEXT, 0, NULL, false},
    {3908, "tsrange", PG_FORM_TEXT, 0, NULL, false},
    {3910, "tstzrange", PG_FORM_TEXT, 0, NULL, false},
    {3912, "daterange", PG_FORM_TEXT, 0, NULL, false},
    {3926, "int8range", PG_FORM_TEXT, 0, NULL, false},
    {0, "hstore", PG_FORM_HSTORE, 0, NULL, false},
    {0, "citext", PG_FORM_TEXT, 0, NULL, true},
    {0, "ltree", PG_FORM_TEXT, 0, LTREE, false},
    {0, "isbn", PG_FORM_TEXT, 0, NULL, false},
    {0, "issn", PG_FORM_TEXT, 0, NULL, false},
    {0, "ismn", PG_FORM_TEXT, 0, NULL, false},
    {0, "ean13", PG_FORM_TEXT, 0, NULL, false},
    {0, "upc", PG_FORM_TEXT, 0, NULL, false},
    {0, "geometry", PG_FORM_GEOMETRY, 0, "io.debezium.data.geometry.Geometry", false},
    {0, "geography", PG_FORM_GEOMETRY, 0, "io.debezium.data.geometry.Geography", false},
    {0, "vector", PG_FORM_VECTOR, 0, NULL, false},
    {0, "halfvec", PG_FORM_HALF_VECTOR, 0, NULL, false},
    {0, "sparsevec", PG_FORM_SPARSE_VECTOR, 0, NULL, false},
};
#define N_KNOWN (sizeof known_types / sizeof known_types[0])

#define CHAR_OID 18
#define BOX_OID 603
#define BPCHAR_OID 1042
#define VARCHAR_OID 1043
#define BIT_OID 1560
#define VARBIT_OID 1562

static const struct known *find_known(const struct pg_type_info *info)
{
    static const struct known enumeration = {0, "", PG_FORM_TEXT, 0, ENUM, true};
    bool builtin = pg_type_is_builtin(info->base);
    if (info->kind == 'e')
        return &enumeration;
    for (size_t i = 0; i < N_KNOWN; i++) {
        const struct known *k = &known_types[i];
        // A composite type or a range may bear an extension type's name.
        if (builtin
                ? k->oid == info->base
                : k->oid == 0 && info->kind == 'b' && info->name != NULL && strcmp(k->name, info->name) == 0)
            return k;
    }
    return NULL;
}

struct pg_type_info pg_type_builtin(uint32_t oid)
{
    struct pg_type_info info = {.base = oid, .typmod = -1, .kind = 'b'};
    const struct known *k = find_known(&info);
    info.name = k != NULL ? k->name : NULL;
    return info;
}

// ---- what its form depends on

// typmod of numeric: 4 + (precision << 16 | scale in 11 bits, signed); since PostgreSQL 15 the scale may be
// negative.
static void resolve_numeric(struct pg_type *t, int32_t typmod)
{
    if (typmod < 4) {
        t->form = PG_FORM_NUMERIC_VARIABLE;
        return;
    }
    t->scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
    t->digits = (typmod - 4) >> 16 & 0xffff;
}

static enum datetime_unit unit_of(const struct pg_type *t)
{
    static const enum datetime_unit units[] = {
        [SHAPE_CONNECT] = DATETIME_MS,
        [SHAPE_ISOSTRING] = DATETIME_ISO,
        [SHAPE_MICROSECONDS] = DATETIME_US,
        [SHAPE_NANOSECONDS] = DATETIME_NS,
    };
    enum shape_time time = t->shape->time;
    if (time == SHAPE_ADAPTIVE_MICROSECONDS && t->form == PG_FORM_TIME)
        return DATETIME_US;
    if (time == SHAPE_ADAPTIVE || time == SHAPE_ADAPTIVE_MICROSECONDS)
        return t->precision <= 3 ? DATETIME_MS : DATETIME_US;
    return units[time];
}

static void resolve_length(struct pg_type *t, uint32_t base, int32_t typmod)
{
    if (base == CHAR_OID)
        t->length = 1;
    else if ((base == BPCHAR_OID || base == VARCHAR_OID) && typmod > 4)
        t->length = typmod - 4;
    else if ((base == BIT_OID || base == VARBIT_OID) && typmod > 0)
        t->length = typmod;
    if (t->form == PG_FORM_BITS && t->length == 1)
        t->form = PG_FORM_BIT;
}

// Rules are for text, cutting for bytes too; arrays have none.
static void resolve_rule(struct pg_type *t, const struct column_rule *rule)
{
    if (rule == NULL || t->is_array)
        return;
    if (t->form == PG_FORM_TEXT && (t->is_text || rule->kind == RULE_TRUNCATE)) {
        t->form = PG_FORM_RULE;
        t->rule = rule;
    } else if (t->form == PG_FORM_BYTEA && rule->kind == RULE_TRUNCATE) {
        t->rule = rule;
    }
}

static bool has_no_array(enum pg_form form)
{
    return form == PG_FORM_MONEY || form == PG_FORM_INTERVAL || form == PG_FORM_POINT;
}

struct pg_type pg_type_resolve(const struct pg_type_info *info, int32_t typmod, const struct shape *shape,
                               const struct column_rule *rule)
{
    static const struct known unknown = {.form = PG_FORM_NONE};
    const struct known *k = find_known(info);
    if (k == NULL || (info->is_array && has_no_array(k->form)))
        k = &unknown;
    struct pg_type t = {
        .form = k->form,
        .is_array = info->is_array,
        .delimiter = k->form == PG_FORM_GEOMETRY ? ':'
                     : info->base == BOX_OID     ? ';'
                                                 : ',',
        .base = info->base,
        .is_enum = info->kind == 'e',
        .bytes = k->bytes,
        .precision = 6,
        .shape = shape,
        .logical = k->logical,
        .is_text = k->is_text,
    };
    if (typmod < 0)
        typmod = info->typmod;
    if (t.form == PG_FORM_NONE && shape->unknown)
        t.form = PG_FORM_OPAQUE;
    else if (t.form == PG_FORM_NUMERIC)
        resolve_numeric(&t, typmod);
    else if (t.form == PG_FORM_MONEY)
        t.scale = shape->money_scale;
    else if (typmod >= 0 && typmod < 6)
        t.precision = typmod; // of a time; nobody asks for another type's
    t.unit = unit_of(&t);
    resolve_length(&t, info->base, typmod);
    resolve_rule(&t, rule);
    return t;
}

// ---- values

static bool integer_write(struct span text, struct buf *out)
{
    size_t sign = text.n != 0 && text.p[0] == '-';
    for (size_t i = sign; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    bool leading_zero = text.n > sign + 1 && text.p[sign] == '0'; // which is no number in JSON
    buf_span(out, text);
    return text.n > sign && text.n <= 20 && !leading_zero;
}

static bool boolean_write(struct span text, const char *yes, const char *no, struct buf *out)
{
    bool is_true = span_is(text, yes);
    buf_str(out, is_true ? "true" : "false");
    return is_true || span_is(text, no);
}

// Debezium has no precise decimal that is not a number, and writes null.
static bool special_write(enum shape_decimal mode, struct span text, struct buf *out)
{
    static const char *const names[3][4] = {
        {"NaN", "null", "\"NAN\"", "\"NaN\""},
        {"Infinity", "null", "\"POSITIVE_INFINITY\"", "\"Infinity\""},
        {"-Infinity", "null", "\"NEGATIVE_INFINITY\"", "\"-Infinity\""},
    };
    for (size_t i = 0; i < 3; i++)
        if (span_is(text, names[i][0])) {
            buf_str(out, names[i][1 + mode]);
            return true;
        }
    return false;
}

static bool numeric_write(const struct pg_type *t, struct span text, struct buf *out)
{
    enum shape_decimal mode = t->shape->decimal;
    bool variable = t->form == PG_FORM_NUMERIC_VARIABLE;
    if (text.n != 0 && (text.p[text.n - 1] == 'N' || text.p[text.n - 1] == 'y'))
        return special_write(mode, text, out);
    if (mode == SHAPE_DECIMAL_STRING)
        return decimal_write_string(text, variable ? -1 : t->scale, out);
    if (mode == SHAPE_DOUBLE)
        return decimal_write_double(text, out);
    return variable ? decimal_write_variable(text, out) : decimal_write(text, t->scale, out);
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
        return bytea_write(text, t->shape->binary, t->rule != NULL ? t->rule->n : SIZE_MAX, out);
    case PG_FORM_DATE:
        return date_write(text, t->unit == DATETIME_ISO, out);
    case PG_FORM_TIME:
        return time_write(text, t->unit, out);
    case PG_FORM_TIMETZ:
        return timetz_write(text, out);
    case PG_FORM_TIMESTAMP:
        return timestamp_write(text, t->unit, out);
    case PG_FORM_TIMESTAMPTZ:
        return timestamptz_write(text, t->precision, out);
    case PG_FORM_BIT:
        return boolean_write(text, "1", text.n == 0 ? "" : "0", out); // bit varying(1) may be empty
    case PG_FORM_BITS:
        return bits_write(text, out);
    case PG_FORM_MONEY:
        return money_write(text, t->shape->decimal, t->scale, out);
    case PG_FORM_INTERVAL:
        return interval_write(text, t->shape->interval_string, out);
    case PG_FORM_HSTORE:
        return hstore_write(text, t->shape->hstore_map, out);
    case PG_FORM_POINT:
        return point_write(text, out);
    case PG_FORM_GEOMETRY:
        return geometry_write(text, out);
    case PG_FORM_VECTOR:
    case PG_FORM_HALF_VECTOR:
        return vector_write(text, t->form == PG_FORM_HALF_VECTOR, out);
    case PG_FORM_SPARSE_VECTOR:
        return sparse_vector_write(text, out);
    case PG_FORM_OPAQUE:
        binary_write(out, (const unsigned char *)text.p, text.n, t->shape->binary);
        return true;
    case PG_FORM_RULE:
        return column_rule_write(t->rule, text, (size_t)t->length, out);
    case PG_FORM_NONE:
        break;
    }
    return false;
}

const char *pg_type_form_name(const struct pg_type *t)
{
    static const char *const names[PG_FORMS] = {
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
        [PG_FORM_GEOMETRY] = "EWKB in hex",
        [PG_FORM_VECTOR] = "vector",
        [PG_FORM_HALF_VECTOR] = "half vector",
        [PG_FORM_SPARSE_VECTOR] = "sparse vector",
        [PG_FORM_OPAQUE] = "unknown type",
        [PG_FORM_RULE] = "text",
    };
    if (t->form == PG_FORM_TIMESTAMP && t->unit == DATETIME_NS)
        return "timestamp in nanoseconds, from 1677 to 2262";
    return names[t->form];
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
        array_walk_begin(&w, text, t->delimiter);
        ok = write_array(t, &w, out);
        array_walk_release(&w);
    } else {
        ok = write_form(t, text, out);
    }
    return ok || err_set(e, STATUS_DATA, "\"%.*s\" is no %s%s", text.n > 100 ? 100 : (int)text.n, text.p,
                         t->is_array ? "array of " : "", pg_type_form_name(t));
}

// ---- values that the log does not have

bool pg_type_write_null(const struct pg_type *t, struct buf *out, struct err *e)
{
    if (t->form == PG_FORM_RULE && t->rule->kind == RULE_MASK)
        return pg_type_write(t, (struct span){"", 0}, out, e);
    buf_lit(out, "null");
    return true;
}

const char *pg_type_zero(const struct pg_type *t)
{
    static const char *const zeros[PG_FORMS] = {
        [PG_FORM_INTEGER] = "0",
        [PG_FORM_BOOLEAN] = "f",
        [PG_FORM_FLOAT4] = "0",
        [PG_FORM_FLOAT8] = "0",
        [PG_FORM_NUMERIC] = "0",
        [PG_FORM_NUMERIC_VARIABLE] = "0",
        [PG_FORM_TEXT] = "",
        [PG_FORM_BYTEA] = "\\x",
        [PG_FORM_DATE] = "1970-01-01",
        [PG_FORM_TIME] = "00:00:00",
        [PG_FORM_TIMETZ] = "00:00:00+00",
        [PG_FORM_TIMESTAMP] = "1970-01-01 00:00:00",
        [PG_FORM_TIMESTAMPTZ] = "1970-01-01 00:00:00+00",
        [PG_FORM_BIT] = "0",
        [PG_FORM_BITS] = "",
        [PG_FORM_MONEY] = "$0.00",
        [PG_FORM_INTERVAL] = "00:00:00",
        [PG_FORM_HSTORE] = "",
        [PG_FORM_POINT] = "(0,0)",
        [PG_FORM_GEOMETRY] = "010700000000000000", // an empty collection
        [PG_FORM_VECTOR] = "[]",
        [PG_FORM_HALF_VECTOR] = "[]",
        [PG_FORM_SPARSE_VECTOR] = "{}/0",
        [PG_FORM_OPAQUE] = "",
        [PG_FORM_RULE] = "",
    };
    return t->is_array ? "{}" : zeros[t->form];
}

bool pg_type_write_zero(const struct pg_type *t, struct buf *out, struct err *e)
{
    const char *zero = pg_type_zero(t);
    struct pg_type plain = *t;
    plain.precision = 0; // without a fraction, whatever the column's
    return zero != NULL ? pg_type_write(&plain, span_of(zero), out, e) : pg_type_write_null(t, out, e);
}

// The placeholder's bytes as numbers, for an array of numbers.
static void write_unavailable_numbers(const struct pg_type *t, bool integers, struct buf *out)
{
    struct span text = t->shape->placeholder;
    buf_char(out, '[');
    for (size_t i = 0; i < text.n; i++) {
        if (i != 0)
            buf_char(out, ',');
        buf_u64(out, (unsigned char)text.p[i]);
        if (!integers)
            buf_lit(out, ".0");
    }
    buf_char(out, ']');
}

static void write_unavailable_hstore(const struct pg_type *t, struct buf *out)
{
    struct buf json;
    buf_init(&json, 8 * t->shape->placeholder.n + 16);
    struct buf *to = t->shape->hstore_map ? out : &json;
    buf_char(to, '{');
    json_quote(to, t->shape->placeholder);
    buf_char(to, ':');
    json_quote(to, t->shape->placeholder);
    buf_char(to, '}');
    if (to == &json)
        json_quote(out, buf_view(&json));
    out->bad |= json.bad;
    buf_release(&json);
}

// Bytes that bear the placeholder; in the modes that are strings to Debezium the text itself.
static void write_unavailable_bytes(const struct pg_type *t, struct buf *out)
{
    struct span text = t->shape->placeholder;
    if (t->shape->binary == SHAPE_BYTES)
        binary_write(out, (const unsigned char *)text.p, text.n, SHAPE_BYTES);
    else
        json_quote(out, text);
}

static void write_unavailable_geometry(const struct pg_type *t, struct buf *out)
{
    struct span text = t->shape->placeholder;
    buf_lit(out, "{\"wkb\":");
    binary_write(out, (const unsigned char *)text.p, text.n, SHAPE_BYTES);
    buf_lit(out, ",\"srid\":null}");
}

static bool no_placeholder(const struct pg_type *t, struct err *e)
{
    err_set(e, STATUS_DATA, "an unchanged value of type %s%s was left out of the log and has no placeholder",
            t->is_array ? "array of " : "", pg_type_form_name(t));
    return err_hint(e, "ALTER TABLE … REPLICA IDENTITY FULL puts the value into the log");
}

static bool write_unavailable_array(const struct pg_type *t, struct buf *out, struct err *e)
{
    bool floats = t->form == PG_FORM_FLOAT4 || t->form == PG_FORM_FLOAT8;
    if (t->form == PG_FORM_INTEGER || floats) {
        write_unavailable_numbers(t, !floats, out);
        return true;
    }
    if (t->form != PG_FORM_TEXT)
        return no_placeholder(t, e);
    buf_char(out, '[');
    json_quote(out, t->shape->placeholder);
    buf_char(out, ']');
    return true;
}

bool pg_type_write_unavailable(const struct pg_type *t, struct buf *out, struct err *e)
{
    if (t->is_array)
        return write_unavailable_array(t, out, e);
    switch (t->form) {
    case PG_FORM_TEXT:
        json_quote(out, t->shape->placeholder);
        return true;
    case PG_FORM_RULE:
        return pg_type_write(t, t->shape->placeholder, out, e);
    case PG_FORM_BYTEA:
    case PG_FORM_OPAQUE:
        write_unavailable_bytes(t, out);
        return true;
    case PG_FORM_HSTORE:
        write_unavailable_hstore(t, out);
        return true;
    case PG_FORM_VECTOR:
    case PG_FORM_HALF_VECTOR:
        write_unavailable_numbers(t, false, out);
        return true;
    case PG_FORM_GEOMETRY:
        write_unavailable_geometry(t, out);
        return true;
    default:
        return no_placeholder(t, e);
    }
}
