#include "mysql/type_value.h"

#include "event/binary.h"
#include "event/decimal.h"
#include "event/json.h"
#include "mysql/decimal.h"
#include "mysql/inflate.h"
#include "mysql/jsonb.h"
#include "mysql/temporal.h"

#include <arpa/inet.h>
#include <stdlib.h>

// ---- numbers

static bool write_integer(struct span bytes, struct buf *out)
{
    if (bytes.n == 0 || bytes.n > 8)
        return false;
    unsigned shift = 64 - 8 * (unsigned)bytes.n;
    buf_i64(out, (int64_t)(span_le(bytes) << shift) >> shift);
    return true;
}

static bool write_unsigned(struct span bytes, struct buf *out)
{
    buf_u64(out, span_le(bytes));
    return bytes.n != 0 && bytes.n <= 8;
}

static bool write_bigint_unsigned(struct span bytes, const struct my_writing *w, struct buf *out)
{
    uint64_t v = span_le(bytes);
    if (!w->precise_unsigned) {
        buf_i64(out, (int64_t)v);
    } else if (v <= INT64_MAX) {
        decimal_write_unscaled((int64_t)v, out);
    } else {
        char text[24];
        struct buf digits = {.p = text, .cap = sizeof text, .max_bytes = sizeof text};
        buf_u64(&digits, v);
        return decimal_write(buf_view(&digits), 0, out);
    }
    return bytes.n == 8;
}

static bool write_float(struct span bytes, bool single, struct buf *out)
{
    float v;
    uint32_t bits = (uint32_t)span_le(bytes);
    memcpy(&v, &bits, sizeof v);
    float_write_value((double)v, single, out);
    return bytes.n == 4;
}

static bool write_double(struct span bytes, struct buf *out)
{
    double v;
    uint64_t bits = span_le(bytes);
    memcpy(&v, &bits, sizeof v);
    float_write_value(v, false, out);
    return bytes.n == 8;
}

static bool write_decimal(const struct my_type *t, struct span bytes, const struct my_writing *w,
                          struct buf *out)
{
    char text[DECIMAL_TEXT_BYTES];
    size_t n;
    int64_t unscaled;
    if (w->shape.decimal == SHAPE_PRECISE && t->precision <= 18) {
        if (!my_decimal_unscaled(bytes, t->precision, t->scale, &unscaled))
            return false;
        decimal_write_unscaled(unscaled, out);
        return true;
    }
    if (!my_decimal_text(bytes, t->precision, t->scale, text, &n))
        return false;
    if (w->shape.decimal == SHAPE_PRECISE)
        return decimal_write((struct span){text, n}, t->scale, out);
    if (w->shape.decimal == SHAPE_DOUBLE) {
        text[n] = '\0';
        float_write_value(strtod(text, NULL), false, out);
        return true;
    }
    buf_char(out, '"');
    buf_bytes(out, text, n);
    buf_char(out, '"');
    return true;
}

// The log has them big-endian.
static bool write_bits(const struct my_type *t, struct span bytes, struct buf *out)
{
    unsigned char reversed[8];
    if (bytes.n == 0 || bytes.n > sizeof reversed)
        return false;
    if (t->form == MY_FORM_BIT) {
        buf_str(out, bytes.p[0] != 0 ? "true" : "false");
        return true;
    }
    for (size_t i = 0; i < bytes.n; i++)
        reversed[i] = (unsigned char)bytes.p[bytes.n - 1 - i];
    binary_write(out, reversed, bytes.n, SHAPE_BYTES);
    return true;
}

// ---- dates and times

static bool write_year(struct span bytes, struct buf *out)
{
    if (bytes.n != 1)
        return false;
    unsigned char v = (unsigned char)bytes.p[0];
    buf_u64(out, v == 0 ? 0 : 1900u + v);
    return true;
}

void my_type_write_no_date(const struct my_type *t, const struct my_writing *w, struct buf *out)
{
    if (t->nullable)
        buf_lit(out, "null");
    else if (t->form == MY_FORM_TIMESTAMP || (w->shape.time == SHAPE_ISOSTRING && t->form != MY_FORM_DATE))
        buf_lit(out, "\"1970-01-01T00:00:00Z\"");
    else if (w->shape.time == SHAPE_ISOSTRING)
        buf_lit(out, "\"1970-01-01Z\"");
    else
        buf_char(out, '0');
}

static bool write_date(const struct my_type *t, struct span bytes, const struct my_writing *w,
                       struct buf *out)
{
    struct my_date d;
    if (!my_date_read(bytes, &d))
        return false;
    if (!my_date_is_real(&d))
        return my_type_write_no_date(t, w, out), true;
    if (w->adjust_years)
        my_date_adjust(&d);
    my_date_write(&d, w->shape.time, out);
    return true;
}

static bool write_time(const struct my_type *t, struct span bytes, const struct my_writing *w,
                       struct buf *out)
{
    int64_t us;
    if (!(t->is_new ? my_time2_read(bytes, t->digits, &us) : my_time_read(bytes, &us)))
        return false;
    my_time_write(us, w->shape.time, out);
    return true;
}

static bool write_datetime(const struct my_type *t, struct span bytes, const struct my_writing *w,
                           struct buf *out)
{
    struct my_moment m;
    if (!(t->is_new ? my_datetime2_read(bytes, t->digits, &m) : my_datetime_read(bytes, &m)))
        return false;
    if (!my_date_is_real(&m.date))
        return my_type_write_no_date(t, w, out), true;
    if (w->adjust_years)
        my_date_adjust(&m.date);
    return my_datetime_write(&m, t->digits, w->shape.time, out);
}

static bool write_timestamp(const struct my_type *t, struct span bytes, const struct my_writing *w,
                            struct buf *out)
{
    int64_t us;
    if (!(t->is_new ? my_timestamp2_read(bytes, t->digits, &us) : my_timestamp_read(bytes, &us)))
        return false;
    if (us == 0)
        return my_type_write_no_date(t, w, out), true;
    my_timestamp_write(us, t->digits, out);
    return true;
}

// ---- text and bytes

static bool inflate(const struct my_type *t, struct span *bytes, struct my_writing *w, struct err *e)
{
    if (!t->compressed)
        return true;
    if (!inflate_value(*bytes, &w->inflated, e))
        return false;
    *bytes = buf_view(&w->inflated);
    return true;
}

static bool write_text(const struct my_type *t, struct span bytes, struct my_writing *w, struct buf *out,
                       struct err *e)
{
    struct span utf8;
    if (!inflate(t, &bytes, w, e) || !charset_convert(w->charsets, t->collation, bytes, &utf8, e))
        return false;
    if (t->rule != NULL)
        return column_rule_write(t->rule, utf8, t->length, out) ||
               err_set(e, STATUS_DATA, "the value cannot be hashed");
    json_quote(out, utf8);
    return true;
}

// The log leaves a BINARY's zeros at the end out.
static bool pad(const struct my_type *t, struct span *bytes, struct my_writing *w, struct err *e)
{
    if (t->wire != MY_STRING || bytes->n >= t->length)
        return true;
    buf_reset(&w->inflated);
    buf_span(&w->inflated, *bytes);
    while (w->inflated.n < t->length && !w->inflated.bad)
        buf_char(&w->inflated, '\0');
    *bytes = buf_view(&w->inflated);
    return buf_ok(&w->inflated, "a value", e);
}

static bool write_bytes(const struct my_type *t, struct span bytes, struct my_writing *w, struct buf *out,
                        struct err *e)
{
    if (!inflate(t, &bytes, w, e) || !pad(t, &bytes, w, e))
        return false;
    if (t->rule != NULL && bytes.n > t->rule->n)
        bytes.n = t->rule->n;
    binary_write(out, (const unsigned char *)bytes.p, bytes.n, w->shape.binary);
    return true;
}

static bool write_enum(const struct my_type *t, struct span bytes, struct buf *out)
{
    uint64_t v = span_le(bytes);
    if (bytes.n > 8 || v > t->n_labels)
        return false;
    buf_char(out, '"');
    if (v != 0) // 0 is the error value, ''
        buf_span(out, t->label[v - 1]);
    buf_char(out, '"');
    return true;
}

static bool write_set(const struct my_type *t, struct span bytes, struct buf *out)
{
    uint64_t v = span_le(bytes);
    bool first = true;
    if (bytes.n > 8)
        return false;
    buf_char(out, '"');
    for (size_t i = 0; v != 0; i++, v >>= 1) {
        if ((v & 1) == 0)
            continue;
        if (i >= t->n_labels)
            return false;
        if (!first)
            buf_char(out, ',');
        first = false;
        buf_span(out, t->label[i]);
    }
    buf_char(out, '"');
    return true;
}

static bool quote_json(struct my_writing *w, struct buf *out, struct err *e)
{
    if (!buf_ok(&w->text, "a JSON value", e))
        return false;
    json_quote(out, buf_view(&w->text));
    return true;
}

static bool write_json(struct span bytes, struct my_writing *w, struct buf *out, struct err *e)
{
    buf_reset(&w->text);
    return jsonb_write(bytes, &w->text, e) && quote_json(w, out, e);
}

// ---- the rest

static double real_at(const char *p)
{
    double v;
    uint64_t bits = span_le((struct span){p, 8});
    memcpy(&v, &bits, sizeof v);
    return v;
}

// SRID 4, then well-known binary: of a point byte order 1, type 4, x, y.
static bool write_geometry(const struct my_type *t, struct span bytes, struct buf *out)
{
    if (bytes.n < 4)
        return false;
    uint64_t srid = span_le((struct span){bytes.p, 4});
    struct span wkb = {bytes.p + 4, bytes.n - 4};
    buf_char(out, '{');
    if (t->form == MY_FORM_POINT) {
        if (wkb.n != 21 || wkb.p[0] != 1)
            return false;
        buf_lit(out, "\"x\":");
        float_write_value(real_at(wkb.p + 5), false, out);
        buf_lit(out, ",\"y\":");
        float_write_value(real_at(wkb.p + 13), false, out);
        buf_char(out, ',');
    }
    buf_lit(out, "\"wkb\":");
    binary_write(out, (const unsigned char *)wkb.p, wkb.n, SHAPE_BYTES);
    buf_lit(out, ",\"srid\":");
    if (srid == 0)
        buf_lit(out, "null");
    else
        buf_u64(out, srid);
    buf_char(out, '}');
    return true;
}

static bool write_vector(struct span bytes, struct buf *out)
{
    if (bytes.n % 4 != 0)
        return false;
    buf_char(out, '[');
    for (size_t i = 0; i < bytes.n; i += 4) {
        if (i != 0)
            buf_char(out, ',');
        if (!write_float((struct span){bytes.p + i, 4}, true, out))
            return false;
    }
    buf_char(out, ']');
    return true;
}

// MariaDB stores a UUID of the versions that begin with a time by its parts in the reverse order, so that
// times sort (MariaDB source, plugin/type_uuid/sql_type_uuid.h).
static bool write_uuid(struct span bytes, struct buf *out)
{
    static const uint8_t reversed[16] = {12, 13, 14, 15, 10, 11, 8, 9, 6, 7, 0, 1, 2, 3, 4, 5};
    static const char hex[] = "0123456789abcdef";
    unsigned char stored[16] = {0};
    if (bytes.n > 16)
        return false;
    memcpy(stored, bytes.p, bytes.n);
    bool swapped = (stored[6] & 0x80) != 0 && stored[8] > 0 && stored[8] < 0x60;
    buf_char(out, '"');
    for (size_t i = 0; i < 16; i++) {
        unsigned char c = stored[swapped ? reversed[i] : i];
        if (i == 4 || i == 6 || i == 8 || i == 10)
            buf_char(out, '-');
        buf_char(out, hex[c >> 4]);
        buf_char(out, hex[c & 15]);
    }
    buf_char(out, '"');
    return true;
}

static bool write_inet(int family, struct span bytes, struct buf *out)
{
    unsigned char address[16] = {0};
    char text[INET6_ADDRSTRLEN];
    if (bytes.n > (family == AF_INET ? 4 : 16))
        return false;
    memcpy(address, bytes.p, bytes.n);
    if (inet_ntop(family, address, text, sizeof text) == NULL)
        return false;
    buf_char(out, '"');
    buf_str(out, text);
    buf_char(out, '"');
    return true;
}

static bool write_plain(const struct my_type *t, struct span bytes, const struct my_writing *w,
                        struct buf *out)
{
    switch (t->form) {
    case MY_FORM_INTEGER:
        return write_integer(bytes, out);
    case MY_FORM_UNSIGNED:
        return write_unsigned(bytes, out);
    case MY_FORM_BIGINT_UNSIGNED:
        return write_bigint_unsigned(bytes, w, out);
    case MY_FORM_FLOAT:
        return write_float(bytes, true, out);
    case MY_FORM_FLOAT_AS_DOUBLE:
        return write_float(bytes, false, out);
    case MY_FORM_DOUBLE:
        return write_double(bytes, out);
    case MY_FORM_DECIMAL:
        return write_decimal(t, bytes, w, out);
    case MY_FORM_BIT:
    case MY_FORM_BITS:
        return write_bits(t, bytes, out);
    case MY_FORM_YEAR:
        return write_year(bytes, out);
    case MY_FORM_DATE:
        return write_date(t, bytes, w, out);
    case MY_FORM_TIME:
        return write_time(t, bytes, w, out);
    case MY_FORM_DATETIME:
        return write_datetime(t, bytes, w, out);
    case MY_FORM_TIMESTAMP:
        return write_timestamp(t, bytes, w, out);
    case MY_FORM_ENUM:
        return write_enum(t, bytes, out);
    case MY_FORM_SET:
        return write_set(t, bytes, out);
    case MY_FORM_GEOMETRY:
    case MY_FORM_POINT:
        return write_geometry(t, bytes, out);
    case MY_FORM_VECTOR:
        return write_vector(bytes, out);
    case MY_FORM_UUID:
        return write_uuid(bytes, out);
    case MY_FORM_INET4:
        return write_inet(AF_INET, bytes, out);
    case MY_FORM_INET6:
        return write_inet(AF_INET6, bytes, out);
    default:
        return false;
    }
}

bool my_type_write(const struct my_type *t, struct span bytes, struct my_writing *w, struct buf *out,
                   struct err *e)
{
    if (t->form == MY_FORM_TEXT)
        return write_text(t, bytes, w, out, e);
    if (t->form == MY_FORM_BYTES)
        return write_bytes(t, bytes, w, out, e);
    if (t->form == MY_FORM_JSON)
        return write_json(bytes, w, out, e);
    return write_plain(t, bytes, w, out) ||
           err_set(e, STATUS_DATA, "%zu bytes are no value of the column's type (%u)", bytes.n,
                   (unsigned)t->wire);
}

bool my_type_write_null(const struct my_type *t, struct buf *out, struct err *e)
{
    if (t->rule != NULL && t->rule->kind == RULE_MASK)
        return column_rule_write(t->rule, (struct span){"", 0}, t->length, out) ||
               err_set(e, STATUS_DATA, "the value cannot be masked");
    buf_lit(out, "null");
    return true;
}

bool my_type_write_difference(const struct my_type *t, struct span old, struct span difference,
                              struct my_writing *w, struct buf *out, struct err *e)
{
    if (t->form != MY_FORM_JSON)
        return err_set(e, STATUS_DATA, "a difference came for a column that is not JSON");
    buf_reset(&w->old_text);
    return jsonb_write(old, &w->old_text, e) && buf_ok(&w->old_text, "a JSON value", e) &&
           jsonb_apply(buf_view(&w->old_text), difference, &w->text, e) && quote_json(w, out, e);
}
