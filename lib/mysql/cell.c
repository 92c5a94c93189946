#include "mysql/cell.h"

#include "base/calendar.h"
#include "event/decimal.h"
#include "event/json.h"
#include "mysql/jsonb.h"
#include "mysql/temporal.h"
#include "mysql/type_value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_US INT64_C(86400000000)

void my_cell_select(const struct table_column *column, struct span name, struct buf *sql)
{
    bool is_float = column->type == MY_FLOAT || column->type == MY_DOUBLE;
    bool is_label = column->type == MY_ENUM || column->type == MY_SET;
    if (is_label)
        buf_lit(sql, "CAST(");
    buf_span(sql, name);
    if (is_float)
        buf_lit(sql, " * 1e0"); // with 0e0 added a negative zero would be none
    if (is_label)
        buf_lit(sql, " AS UNSIGNED)");
}

// ---- numbers

// As the log has it, which then is written as the log's.
static bool write_bits(const struct my_type *t, uint64_t bits, size_t n, struct my_writing *w,
                       struct buf *out, struct err *e)
{
    char bytes[8];
    for (size_t i = 0; i < n; i++, bits >>= 8)
        bytes[i] = (char)(bits & 0xff);
    return my_type_write(t, (struct span){bytes, n}, w, out, e);
}

static bool write_double(const struct my_type *t, double v, struct my_writing *w, struct buf *out,
                         struct err *e)
{
    uint64_t bits;
    uint32_t short_bits;
    float f = (float)v;
    memcpy(&bits, &v, sizeof bits);
    memcpy(&short_bits, &f, sizeof short_bits);
    return t->wire == MY_FLOAT ? write_bits(t, short_bits, 4, w, out, e) : write_bits(t, bits, 8, w, out, e);
}

// ZEROFILL's zeros in front are none of the number's.
static struct span without_zeros(struct span text)
{
    while (text.n > 1 && text.p[0] == '0' && text.p[1] != '.')
        text.p++, text.n--;
    return text;
}

static bool write_decimal(const struct my_type *t, struct span text, const struct my_writing *w,
                          struct buf *out)
{
    text = without_zeros(text);
    switch (w->shape.decimal) {
    case SHAPE_PRECISE:
        return decimal_write(text, t->scale, out);
    case SHAPE_DOUBLE:
        return decimal_write_double(text, out);
    default:
        return decimal_write_string(text, t->scale, out);
    }
}

// ---- dates and times

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_two(struct span *s, int *v)
{
    if (s->n < 2 || !is_digit(s->p[0]) || !is_digit(s->p[1]))
        return false;
    *v = (s->p[0] - '0') * 10 + (s->p[1] - '0');
    s->p += 2, s->n -= 2;
    return true;
}

static bool take_date(struct span *s, struct my_date *d)
{
    int century;
    if (!take_two(s, &century) || !take_two(s, &d->year) || !span_take(s, '-') || !take_two(s, &d->month) ||
        !span_take(s, '-') || !take_two(s, &d->day))
        return false;
    d->year += century * 100;
    return true;
}

// Two digits or three.
static bool take_hour(struct span *s, int *v)
{
    if (!take_two(s, v))
        return false;
    if (s->n != 0 && is_digit(s->p[0])) {
        *v = *v * 10 + (s->p[0] - '0');
        s->p++, s->n--;
    }
    return true;
}

static bool take_time(struct span *s, int64_t *us)
{
    int hour, minute, second;
    int64_t fraction = 0;
    bool negative = span_take(s, '-');
    if (!take_hour(s, &hour) || !span_take(s, ':') || !take_two(s, &minute) || !span_take(s, ':') ||
        !take_two(s, &second))
        return false;
    if (span_take(s, '.')) {
        size_t n = s->n;
        if (!span_take_number(s, 6, &fraction))
            return false;
        for (n -= s->n; n < 6; n++)
            fraction *= 10;
    }
    *us = ((int64_t)(hour * 60 + minute) * 60 + second) * 1000000 + fraction;
    if (negative)
        *us = -*us;
    return s->n == 0;
}

static bool write_date(const struct my_type *t, struct span text, const struct my_writing *w, struct buf *out)
{
    struct my_date d;
    if (!take_date(&text, &d) || text.n != 0)
        return false;
    if (!my_date_is_real(&d))
        return my_type_write_no_date(t, w, out), true;
    if (w->adjust_years)
        my_date_adjust(&d);
    my_date_write(&d, w->shape.time, out);
    return true;
}

static bool write_time(struct span text, const struct my_writing *w, struct buf *out)
{
    int64_t us;
    if (!take_time(&text, &us))
        return false;
    my_time_write(us, w->shape.time, out);
    return true;
}

static bool write_moment(const struct my_type *t, struct span text, const struct my_writing *w,
                         struct buf *out)
{
    struct my_moment m;
    if (!take_date(&text, &m.date) || !span_take(&text, ' ') || !take_time(&text, &m.us))
        return false;
    if (!my_date_is_real(&m.date))
        return my_type_write_no_date(t, w, out), true;
    if (t->form == MY_FORM_TIMESTAMP) {
        int64_t days = calendar_days(m.date.year, m.date.month, m.date.day);
        my_timestamp_write(days * DAY_US + m.us, t->digits, out);
        return true;
    }
    if (w->adjust_years)
        my_date_adjust(&m.date);
    return my_datetime_write(&m, t->digits, w->shape.time, out);
}

// ---- JSON: MySQL's own text has spaces, escapes and numbers of another kind than Debezium's.

// Whether a double is printed so; else it is a DECIMAL.
static bool is_double(struct span text, double *v)
{
    char copy[64];
    size_t point = 0;
    if (text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    *v = strtod(copy, NULL);
    if (strpbrk(copy, "eE") != NULL)
        return true;
    if (strchr(copy, '.') == NULL)
        return false;
    // As many digits as a double needs, and no zero at the end but the one behind the point.
    for (const char *p = copy; *p != '\0'; p++)
        point = *p == '.' ? (size_t)(p - copy) : point;
    if (text.n - point > 2 && text.p[text.n - 1] == '0')
        return false;
    return text.n - 1 - (copy[0] == '-') <= 18 || text.p[text.n - 1] == '0';
}

static bool is_number(char c)
{
    return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static bool take_string(struct span *text, struct my_writing *w, struct buf *out)
{
    size_t n = 1;
    while (n < text->n && text->p[n] != '"')
        n += text->p[n] == '\\' ? 2 : 1;
    if (n >= text->n)
        return false;
    buf_reset(&w->inflated);
    if (!json_unquote((struct span){text->p, n + 1}, &w->inflated))
        return false;
    json_quote(out, buf_view(&w->inflated));
    text->p += n + 1, text->n -= n + 1;
    return true;
}

static void take_number(struct span *text, struct buf *out)
{
    double v;
    struct span number = {text->p, 0};
    while (number.n < text->n && is_number(text->p[number.n]))
        number.n++;
    if (is_double(number, &v))
        jsonb_write_double(v, out);
    else
        buf_span(out, number);
    text->p += number.n, text->n -= number.n;
}

static bool write_json(struct span text, struct my_writing *w, struct buf *out, struct err *e)
{
    struct buf *to = &w->text;
    buf_reset(to);
    while (text.n != 0) {
        char c = text.p[0];
        if (c == '"') {
            if (!take_string(&text, w, to))
                return err_set(e, STATUS_DATA, "the value is no JSON");
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            take_number(&text, to);
        } else {
            if (c != ' ')
                buf_char(to, c);
            text.p++, text.n--;
        }
    }
    if (!buf_ok(to, "a JSON value", e))
        return false;
    json_quote(out, buf_view(to));
    return true;
}

// ---- the rest

static bool write_inet(const struct my_type *t, const char *text, struct my_writing *w, struct buf *out,
                       struct err *e)
{
    bool four = t->form == MY_FORM_INET4;
    char bytes[16];
    return inet_pton(four ? AF_INET : AF_INET6, text, bytes) == 1 &&
           my_type_write(t, (struct span){bytes, four ? 4 : 16}, w, out, e);
}

#define PLAIN_MAX_BYTES 128

static bool write_converted(const struct my_type *t, struct span text, struct my_writing *w, struct buf *out,
                            struct err *e)
{
    char copy[PLAIN_MAX_BYTES];
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    switch (t->form) {
    case MY_FORM_INTEGER:
        return write_bits(t, (uint64_t)strtoll(copy, NULL, 10), 8, w, out, e);
    case MY_FORM_UNSIGNED:
    case MY_FORM_BIGINT_UNSIGNED:
    case MY_FORM_ENUM:
    case MY_FORM_SET:
        return write_bits(t, strtoull(copy, NULL, 10), 8, w, out, e);
    case MY_FORM_FLOAT:
    case MY_FORM_FLOAT_AS_DOUBLE:
    case MY_FORM_DOUBLE:
        return write_double(t, strtod(copy, NULL), w, out, e);
    case MY_FORM_YEAR:
        buf_u64(out, strtoull(copy, NULL, 10));
        return true;
    default:
        return write_inet(t, copy, w, out, e);
    }
}

static bool write_plain(const struct my_type *t, struct span text, struct my_writing *w, struct buf *out,
                        struct err *e)
{
    if (text.n >= PLAIN_MAX_BYTES)
        return false;
    switch (t->form) {
    case MY_FORM_DECIMAL:
        return write_decimal(t, text, w, out);
    case MY_FORM_DATE:
        return write_date(t, text, w, out);
    case MY_FORM_TIME:
        return write_time(text, w, out);
    case MY_FORM_DATETIME:
    case MY_FORM_TIMESTAMP:
        return write_moment(t, text, w, out);
    case MY_FORM_UUID:
        json_quote(out, text);
        return true;
    default:
        return write_converted(t, text, w, out, e);
    }
}

bool my_cell_write(const struct my_type *t, struct span text, struct my_writing *w, struct buf *out,
                   struct err *e)
{
    // The server's digits are ours.
    if ((t->form == MY_FORM_INTEGER || t->form == MY_FORM_UNSIGNED) && t->rule == NULL) {
        buf_span(out, without_zeros(text));
        return true;
    }
    switch (t->form) {
    case MY_FORM_TEXT:
    case MY_FORM_BYTES:
    case MY_FORM_BIT:
    case MY_FORM_BITS:
    case MY_FORM_GEOMETRY:
    case MY_FORM_POINT:
    case MY_FORM_VECTOR:
        return my_type_write(t, text, w, out, e); // the server sends their bytes
    case MY_FORM_JSON:
        return write_json(text, w, out, e);
    default:
        return write_plain(t, text, w, out, e) ||
               err_set(e, STATUS_DATA, "\"%.*s\" is no value of the column's type (%u)",
                       (int)(text.n > 100 ? 100 : text.n), text.p, (unsigned)t->wire);
    }
}
