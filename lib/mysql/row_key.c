#include "mysql/row_key.h"

#include "base/calendar.h"
#include "event/json.h"
#include "mysql/charset.h"
#include "mysql/temporal.h"

#define DAY_US INT64_C(86400000000)
#define FRACTION_DIGITS 6

enum key_kind my_key_kind(const struct table_column *column)
{
    switch (column->type) {
    case MY_TINY:
    case MY_SHORT:
    case MY_INT24:
    case MY_LONG:
        return KEY_INTEGER;
    case MY_LONGLONG:
        return column->is_unsigned ? KEY_UNSIGNED : KEY_INTEGER;
    case MY_STRING:
    case MY_VARCHAR:
        return column->collation == CHARSET_BINARY_COLLATION ? KEY_BYTES : KEY_NONE;
    case MY_DATE:
    case MY_NEWDATE:
    case MY_DATETIME:
    case MY_DATETIME2:
    case MY_TIMESTAMP:
    case MY_TIMESTAMP2:
        return KEY_BYTES;
    default:
        return KEY_NONE;
    }
}

// ---- numbers

// Little-endian.
static bool write_number(const struct table_column *column, struct span bytes, struct buf *out)
{
    uint64_t v = 0;
    if (bytes.n == 0 || bytes.n > 8)
        return false;
    for (size_t i = 0; i < bytes.n; i++)
        v |= (uint64_t)(unsigned char)bytes.p[i] << 8 * i;
    unsigned spare = 64 - 8 * (unsigned)bytes.n;
    if (column->is_unsigned)
        buf_u64(out, v);
    else
        buf_i64(out, (int64_t)(v << spare) >> spare);
    return true;
}

// ZEROFILL's zeros in front are none of the number's.
static void write_digits(struct span text, struct buf *out)
{
    while (text.n > 1 && text.p[0] == '0')
        text.p++, text.n--;
    buf_span(out, text);
}

// ---- bytes

static const char hex[] = "0123456789ABCDEF";

// The log leaves out the zeros at a BINARY's end, which a query shows.
static void write_hex(const struct table_column *column, struct span bytes, struct buf *out)
{
    size_t n = column->type == MY_STRING && column->meta > bytes.n ? column->meta : bytes.n;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = i < bytes.n ? (unsigned char)bytes.p[i] : 0;
        buf_bytes(out, (char[]){hex[c >> 4], hex[c & 15]}, 2);
    }
}

// ---- dates and times

static bool is_date(const struct table_column *column)
{
    return column->type == MY_DATE || column->type == MY_NEWDATE;
}

static void write_moment(const struct my_date *d, int64_t us, struct buf *out)
{
    my_date_text(d, out);
    buf_char(out, ' ');
    my_time_text(us, FRACTION_DIGITS, out);
}

static void write_timestamp(int64_t us, struct buf *out)
{
    struct my_date d = {0};
    int64_t days = us / DAY_US;
    struct calendar_date real = calendar_date(days);
    if (us != 0) // else it is 0000-00-00
        d = (struct my_date){(int)real.year, real.month, real.day};
    write_moment(&d, us - days * DAY_US, out);
}

static bool write_logged_moment(const struct table_column *column, struct span bytes, struct buf *out)
{
    struct my_moment m = {0};
    int64_t us = 0;
    switch (column->type) {
    case MY_DATE:
    case MY_NEWDATE:
        if (!my_date_read(bytes, &m.date))
            return false;
        my_date_text(&m.date, out);
        return true;
    case MY_TIMESTAMP:
        return my_timestamp_read(bytes, &us) && (write_timestamp(us, out), true);
    case MY_TIMESTAMP2:
        return my_timestamp2_read(bytes, column->meta, &us) && (write_timestamp(us, out), true);
    case MY_DATETIME:
        return my_datetime_read(bytes, &m) && (write_moment(&m.date, m.us, out), true);
    default:
        return my_datetime2_read(bytes, column->meta, &m) && (write_moment(&m.date, m.us, out), true);
    }
}

// YYYY-MM-DD HH:MM:SS[.ffffff]
static bool write_printed_moment(const struct table_column *column, struct span text, struct buf *out)
{
    enum { SECONDS = 19 };
    buf_span(out, text);
    if (is_date(column))
        return text.n == 10;
    if (text.n == SECONDS)
        buf_char(out, '.');
    for (size_t n = text.n == SECONDS ? SECONDS + 1 : text.n; n < SECONDS + 1 + FRACTION_DIGITS; n++)
        buf_char(out, '0');
    return text.n >= SECONDS && text.n <= SECONDS + 1 + FRACTION_DIGITS;
}

// ----

static bool write_text(const struct table_column *column, const struct value *v, struct buf *out)
{
    bool printed = v->kind == VALUE_CELL;
    if (!printed && v->kind != VALUE_BYTES)
        return false;
    if (my_key_kind(column) != KEY_BYTES) {
        if (!printed)
            return write_number(column, v->bytes, out);
        write_digits(v->bytes, out);
        return true;
    }
    if (column->type == MY_STRING || column->type == MY_VARCHAR) {
        write_hex(column, v->bytes, out);
        return true;
    }
    return printed ? write_printed_moment(column, v->bytes, out) : write_logged_moment(column, v->bytes, out);
}

bool my_key_text(const struct table_column *column, const struct value *v, struct buf *out, struct err *e)
{
    return write_text(column, v, out) ||
           err_set(e, STATUS_DATA, "column %.*s of the primary key has no value that is understood",
                   SPAN_ARG(column->name));
}

bool my_key_literal(const struct table_column *column, struct span text, struct buf *sql)
{
    int64_t number;
    uint64_t natural;
    if (my_key_kind(column) != KEY_BYTES) {
        buf_span(sql, text);
        return json_i64(text, &number) || json_u64(text, &natural);
    }
    bool is_bytes = column->type == MY_STRING || column->type == MY_VARCHAR;
    const char *allowed = is_bytes ? hex : "0123456789-:. ";
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\0' || strchr(allowed, text.p[i]) == NULL)
            return false;
    buf_str(sql, is_bytes ? "X'" : "'");
    buf_span(sql, text);
    buf_char(sql, '\'');
    return true;
}
