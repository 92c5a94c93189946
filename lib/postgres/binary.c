#include "postgres/binary.h"

#include "base/cursor.h"
#include "event/decimal.h"
#include "event/json.h"
#include "postgres/datetime.h"
#include "postgres/scalar.h"

// pg_type.dat
#define NAME_OID 19
#define TEXT_OID 25
#define OID_OID 26
#define JSON_OID 114
#define BPCHAR_OID 1042
#define VARCHAR_OID 1043
#define UUID_OID 2950
#define JSONB_OID 3802

// ---- numbers of a fixed width

// Of so many bytes, which compilers read at once.
static uint16_t get16(const char *bytes)
{
    const unsigned char *p = (const unsigned char *)bytes;
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const char *bytes)
{
    const unsigned char *p = (const unsigned char *)bytes;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t get64(const char *bytes)
{
    return (int64_t)((uint64_t)get32(bytes) << 32 | get32(bytes + 4));
}

static bool write_integer(const struct pg_type *t, struct span bytes, struct buf *out)
{
    bool is_oid = t->base == OID_OID;
    if (bytes.n != (is_oid ? 4 : (size_t)t->bytes))
        return false;
    if (bytes.n == 8)
        buf_i64(out, get64(bytes.p));
    else if (bytes.n == 2)
        buf_i64(out, (int16_t)get16(bytes.p));
    else
        buf_i64(out, is_oid ? (int64_t)get32(bytes.p) : (int32_t)get32(bytes.p));
    return true;
}

static bool write_boolean(struct span bytes, struct buf *out)
{
    if (bytes.n != 1 || (unsigned char)bytes.p[0] > 1)
        return false;
    if (bytes.p[0] != 0)
        buf_lit(out, "true");
    else
        buf_lit(out, "false");
    return true;
}

static bool write_time(const struct pg_type *t, struct span bytes, struct buf *out)
{
    if (bytes.n != 8)
        return false;
    int64_t us = get64(bytes.p);
    if (t->form == PG_FORM_TIME)
        return time_write_us(us, t->unit, out);
    if (t->form == PG_FORM_TIMESTAMP)
        return timestamp_write_us(us, t->unit, out);
    timestamptz_write_us(us, t->precision, out);
    return true;
}

static bool write_date(const struct pg_type *t, struct span bytes, struct buf *out)
{
    if (bytes.n != 4)
        return false;
    date_write_days((int32_t)get32(bytes.p), t->unit == DATETIME_ISO, out);
    return true;
}

// ---- text

static bool is_sent_as_text(const struct pg_type *t)
{
    switch (t->base) {
    case NAME_OID:
    case TEXT_OID:
    case JSON_OID:
    case BPCHAR_OID:
    case VARCHAR_OID:
        return true;
    default:
        return t->is_enum;
    }
}

static void put_uuid(char text[36], const char *bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        *text++ = digits[(unsigned char)bytes[i] >> 4];
        *text++ = digits[(unsigned char)bytes[i] & 15];
    }
}

static bool write_text(const struct pg_type *t, struct span text, struct buf *out)
{
    char uuid[36];
    if (t->base == JSONB_OID) {
        if (text.n == 0 || text.p[0] != 1)
            return false;
        text.p++, text.n--;
    } else if (t->base == UUID_OID) {
        if (text.n != 16)
            return false;
        put_uuid(uuid, text.p);
        text = (struct span){uuid, sizeof uuid};
    }
    if (t->form == PG_FORM_RULE)
        return column_rule_write(t->rule, text, (size_t)t->length, out);
    json_quote(out, text);
    return true;
}

// ---- numeric

#define NUMERIC_NEGATIVE 0x4000
#define NUMERIC_NAN 0xC000
#define NUMERIC_INFINITY 0xD000
#define NUMERIC_MINUS_INFINITY 0xF000
#define NUMERIC_MAX_SCALE 0x3FFF
#define NUMERIC_MAX_CHARS (1u << 18) // 4 × 32768 before the point, and the scale

struct numeric {
    const char *digits;
    int n, weight, sign, scale;
};

static unsigned digit_at(const struct numeric *v, int i)
{
    return i >= 0 && i < v->n ? get16(v->digits + 2 * i) : 0;
}

static bool take_numeric(struct span bytes, struct numeric *v)
{
    if (bytes.n < 8)
        return false;
    *v = (struct numeric){
        .digits = bytes.p + 8,
        .n = get16(bytes.p),
        .weight = (int16_t)get16(bytes.p + 2),
        .sign = get16(bytes.p + 4),
        .scale = get16(bytes.p + 6),
    };
    if (bytes.n != 8 + 2 * (size_t)v->n || v->scale > NUMERIC_MAX_SCALE)
        return false;
    for (int i = 0; i < v->n; i++)
        if (digit_at(v, i) > 9999)
            return false;
    return true;
}

static void put_groups(const struct numeric *v, int from, int to, struct buf *text)
{
    for (int i = from; i < to; i++) {
        unsigned group = digit_at(v, i);
        char four[4] = {(char)('0' + group / 1000), (char)('0' + group / 100 % 10),
                        (char)('0' + group / 10 % 10), (char)('0' + group % 10)};
        buf_bytes(text, four, sizeof four);
    }
}

// As numeric_out() prints it.
static void put_numeric(const struct numeric *v, struct buf *text)
{
    if (v->sign == NUMERIC_NEGATIVE)
        buf_char(text, '-');
    buf_u64(text, v->weight >= 0 ? digit_at(v, 0) : 0);
    put_groups(v, 1, v->weight + 1, text);
    if (v->scale == 0)
        return;
    buf_char(text, '.');
    size_t end = text->n + (size_t)v->scale;
    put_groups(v, v->weight + 1, v->weight + 1 + (v->scale + 3) / 4, text);
    if (!text->bad)
        text->n = end;
}

// What the short way has no room for, or another mode wants.
static bool write_as_text(const struct pg_type *t, const struct numeric *v, struct buf *out)
{
    struct pg_type scalar = *t;
    struct buf text;
    struct err e;
    scalar.is_array = false;
    buf_init(&text, NUMERIC_MAX_CHARS);
    if (v->sign == NUMERIC_NAN)
        buf_lit(&text, "NaN");
    else if (v->sign == NUMERIC_INFINITY)
        buf_lit(&text, "Infinity");
    else if (v->sign == NUMERIC_MINUS_INFINITY)
        buf_lit(&text, "-Infinity");
    else if (v->sign == 0 || v->sign == NUMERIC_NEGATIVE)
        put_numeric(v, &text);
    bool ok = !text.bad && pg_type_write(&scalar, buf_view(&text), out, &e);
    buf_release(&text);
    return ok;
}

#define TEN_17 INT64_C(100000000000000000)
#define TEN_34 ((decimal_int)TEN_17 * TEN_17)

// Of 38 digits at most, which an integer of 128 bits holds. zeros: how many follow.
static bool shift_in(decimal_int *value, int zeros, unsigned digits)
{
    static const int powers[] = {1, 10, 100, 1000, 10000};
    for (; zeros > 4; zeros -= 4) {
        if (*value >= TEN_34)
            return false;
        *value *= 10000;
    }
    if (*value >= TEN_34)
        return false;
    *value = *value * powers[zeros] + digits;
    return true;
}

// The value × 10^scale; false where that is no integer or has more than 38 digits.
static bool unscaled(const struct numeric *v, int scale, decimal_int *value)
{
    static const unsigned powers[] = {1, 10, 100, 1000};
    // How many more digits the scale has behind the point than the value; below 0: the last group's last.
    int zeros = scale - 4 * (v->n - 1 - v->weight);
    *value = 0;
    if (v->n == 0)
        return true;
    if (zeros <= -4 || zeros > 38)
        return false;
    for (int i = 0; i < v->n - 1; i++)
        if (!shift_in(value, 4, digit_at(v, i)))
            return false;
    unsigned last = digit_at(v, v->n - 1);
    if (zeros < 0 && last % powers[-zeros] != 0)
        return false;
    bool ok = zeros < 0 ? shift_in(value, 4 + zeros, last / powers[-zeros])
                        : shift_in(value, 4, last) && shift_in(value, zeros, 0);
    if (v->sign == NUMERIC_NEGATIVE)
        *value = -*value;
    return ok;
}

// The digits behind the point, without zeros at the end.
static int least_scale(const struct numeric *v)
{
    int scale = 4 * (v->n - 1 - v->weight);
    for (unsigned last = digit_at(v, v->n - 1); scale > 0 && last != 0 && last % 10 == 0; last /= 10)
        scale--;
    return v->n == 0 || scale < 0 ? 0 : scale;
}

static bool write_numeric(const struct pg_type *t, struct span bytes, struct buf *out)
{
    struct numeric v;
    decimal_int value;
    if (!take_numeric(bytes, &v))
        return false;
    bool variable = t->form == PG_FORM_NUMERIC_VARIABLE;
    int scale = variable ? least_scale(&v) : t->scale;
    bool is_number = v.sign == 0 || v.sign == NUMERIC_NEGATIVE;
    bool fits = scale >= 0 && (variable ? scale <= v.scale : v.scale <= scale);
    if (!is_number || !fits || t->shape->decimal != SHAPE_PRECISE || !unscaled(&v, scale, &value))
        return write_as_text(t, &v, out);
    if (variable) {
        buf_lit(out, "{\"scale\":");
        buf_i64(out, scale);
        buf_lit(out, ",\"value\":");
    }
    decimal_write_unscaled(value, out);
    if (variable)
        buf_char(out, '}');
    return true;
}

// ---- any type

bool pg_binary_takes(const struct pg_type *t)
{
    switch (t->form) {
    case PG_FORM_INTEGER:
    case PG_FORM_BOOLEAN:
    case PG_FORM_NUMERIC:
    case PG_FORM_NUMERIC_VARIABLE:
    case PG_FORM_BYTEA:
    case PG_FORM_DATE:
    case PG_FORM_TIME:
    case PG_FORM_TIMESTAMP:
    case PG_FORM_TIMESTAMPTZ:
        return true;
    case PG_FORM_TEXT:
    case PG_FORM_RULE:
        return is_sent_as_text(t) || t->base == UUID_OID || t->base == JSONB_OID;
    default:
        return false;
    }
}

static bool write_form(const struct pg_type *t, struct span bytes, struct buf *out)
{
    switch (t->form) {
    case PG_FORM_INTEGER:
        return write_integer(t, bytes, out);
    case PG_FORM_BOOLEAN:
        return write_boolean(bytes, out);
    case PG_FORM_NUMERIC:
    case PG_FORM_NUMERIC_VARIABLE:
        return write_numeric(t, bytes, out);
    case PG_FORM_BYTEA:
        bytes_write((const unsigned char *)bytes.p, bytes.n, t->shape->binary,
                    t->rule != NULL ? t->rule->n : SIZE_MAX, out);
        return true;
    case PG_FORM_DATE:
        return write_date(t, bytes, out);
    case PG_FORM_TIME:
    case PG_FORM_TIMESTAMP:
    case PG_FORM_TIMESTAMPTZ:
        return write_time(t, bytes, out);
    case PG_FORM_TEXT:
    case PG_FORM_RULE:
        return write_text(t, bytes, out);
    default:
        return false;
    }
}

// ---- arrays

#define MAX_DIMENSIONS 6 // MAXDIM

struct walk {
    const struct pg_type *t;
    struct cursor c;
    uint32_t dimensions, length[MAX_DIMENSIONS];
    struct buf *out;
};

static bool write_element(struct walk *w)
{
    uint32_t n = cursor_u32(&w->c);
    if (n == UINT32_MAX) {
        buf_lit(w->out, "null");
        return true;
    }
    struct span bytes = cursor_bytes(&w->c, n);
    return !w->c.bad && write_form(w->t, bytes, w->out);
}

// An element takes at least four bytes, so the lengths cannot make this run on.
static bool write_dimension(struct walk *w, uint32_t d)
{
    if (d == w->dimensions)
        return write_element(w);
    buf_char(w->out, '[');
    for (uint32_t i = 0; i < w->length[d]; i++) {
        if (i != 0)
            buf_char(w->out, ',');
        if (!write_dimension(w, d + 1))
            return false;
    }
    buf_char(w->out, ']');
    return true;
}

static bool write_array(const struct pg_type *t, struct span bytes, struct buf *out)
{
    struct walk w = {.t = t, .c = cursor_of(bytes), .out = out};
    w.dimensions = cursor_u32(&w.c);
    (void)cursor_u32(&w.c);
    (void)cursor_u32(&w.c); // the elements' type
    if (w.dimensions > MAX_DIMENSIONS)
        return false;
    bool empty = w.dimensions == 0;
    for (uint32_t d = 0; d < w.dimensions; d++) {
        w.length[d] = cursor_u32(&w.c);
        (void)cursor_u32(&w.c); // the lower bound
        empty = empty || w.length[d] == 0;
    }
    if (empty)
        buf_lit(out, "[]");
    else if (!write_dimension(&w, 0))
        return false;
    return !w.c.bad && cursor_left(&w.c) == 0;
}

bool pg_binary_write(const struct pg_type *t, struct span bytes, struct buf *out, struct err *e)
{
    bool ok = t->is_array ? write_array(t, bytes, out) : write_form(t, bytes, out);
    return ok || err_set(e, STATUS_DATA, "%zu bytes are no %s%s in binary", bytes.n,
                         t->is_array ? "array of " : "", pg_type_form_name(t));
}
