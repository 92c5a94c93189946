#include "postgres/scalar.h"

#include "base/base64.h"
#include "event/binary.h"
#include "event/decimal.h"
#include "event/json.h"

#include <stdio.h>

// ---- bit strings

bool bits_write(struct span text, struct buf *out)
{
    size_t n = (text.n + 7) / 8;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '0' && text.p[i] != '1')
            return false;
    // Into the buffer's free room, behind where the base64 goes.
    if (!buf_room(out, (n + 2) / 3 * 4 + n + 2))
        return true; // the buffer is bad, and its owner says so
    unsigned char *bytes = (unsigned char *)out->p + out->n + (n + 2) / 3 * 4 + 2;
    memset(bytes, 0, n);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[text.n - 1 - i] == '1')
            bytes[i / 8] |= (unsigned char)(1 << i % 8);
    while (n != 0 && bytes[n - 1] == 0)
        n--;
    buf_char(out, '"');
    base64_write(out, bytes, n);
    buf_char(out, '"');
    return true;
}

// ---- money

// Digits alone, two of them the fraction: $1,234.56 → 123456.
static bool take_money(struct span text, bool *negative, uint64_t *cents)
{
    *negative = span_take(&text, '-');
    *cents = 0;
    if (!span_take(&text, '$') || text.n < 4 || text.n > 32 || text.p[text.n - 3] != '.')
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == ',' || i == text.n - 3)
            continue;
        if (c < '0' || c > '9' || *cents > UINT64_MAX / 10 - 1)
            return false;
        *cents = *cents * 10 + (uint64_t)(c - '0');
    }
    return true;
}

bool money_write(struct span text, enum shape_decimal mode, int scale, struct buf *out)
{
    static const uint64_t coarser[] = {100, 10};
    bool negative;
    uint64_t v;
    char plain[48];
    if (!take_money(text, &negative, &v))
        return false;
    const char *sign = negative ? "-" : "";
    int n;
    if (scale < 2)
        v = (v + coarser[scale] / 2) / coarser[scale];
    if (scale == 0)
        n = snprintf(plain, sizeof plain, "%s%llu", sign, (unsigned long long)v);
    else
        n = snprintf(plain, sizeof plain, "%s%llu.%0*llu", sign,
                     (unsigned long long)(v / (scale == 1 ? 10 : 100)), scale == 1 ? 1 : 2,
                     (unsigned long long)(v % (scale == 1 ? 10 : 100)));
    struct span number = {plain, (size_t)n};
    if (mode == SHAPE_DOUBLE)
        return decimal_write_double(number, out);
    return mode == SHAPE_DECIMAL_STRING ? decimal_write_string(number, scale, out)
                                        : decimal_write(number, scale, out);
}

// ---- intervals

static int64_t add_clipped(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static int64_t multiply_clipped(int64_t a, int64_t b)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return (a < 0) != (b < 0) ? INT64_MIN : INT64_MAX;
    return product;
}

struct interval {
    int64_t years, months, days, hours, minutes, us; // us: with whole seconds, below a minute
};

// :MM:SS[.ffffff] behind the hours; one sign is for all.
static bool take_clock(struct span *text, int64_t hours, bool negative, struct interval *v)
{
    int64_t minutes, seconds, fraction = 0;
    if (!span_take(text, ':') || !span_take_number(text, 18, &minutes) || !span_take(text, ':') ||
        !span_take_number(text, 18, &seconds))
        return false;
    if (span_take(text, '.')) {
        size_t before = text->n;
        if (!span_take_number(text, 18, &fraction) || before - text->n > 6)
            return false;
        for (size_t digits = before - text->n; digits < 6; digits++)
            fraction *= 10;
    }
    if (minutes > 59 || seconds > 60)
        return false;
    int64_t sign = negative ? -1 : 1;
    v->hours = sign * hours;
    v->minutes = sign * minutes;
    v->us = sign * (seconds * 1000000 + fraction);
    return true;
}

// One part: a number and its unit, or the clock.
static bool take_part(struct span *text, struct interval *v)
{
    const struct {
        const char *name;
        int64_t *to;
    } units[] = {
        {" years", &v->years}, {" year", &v->years}, {" mons", &v->months},
        {" mon", &v->months},  {" days", &v->days},  {" day", &v->days},
    };
    bool negative = span_take(text, '-');
    int64_t n;
    if (!negative)
        (void)span_take(text, '+');
    if (!span_take_number(text, 18, &n))
        return false;
    size_t unit = 0;
    while (unit < 6 && !span_take_word(text, units[unit].name))
        unit++;
    if (unit == 6)
        return take_clock(text, n, negative, v);
    *units[unit].to = negative ? -n : n;
    return true;
}

static void write_duration(const struct interval *v, struct buf *out)
{
    int64_t sum = multiply_clipped(v->years, INT64_C(31557600000000));
    sum = add_clipped(sum, multiply_clipped(v->months, INT64_C(2629800000000)));
    sum = add_clipped(sum, multiply_clipped(v->days, INT64_C(86400000000)));
    sum = add_clipped(sum, multiply_clipped(v->hours, INT64_C(3600000000)));
    buf_i64(out, add_clipped(sum, v->minutes * 60000000 + v->us));
}

static void write_seconds(int64_t us, struct buf *out)
{
    int64_t magnitude = us < 0 ? -us : us, fraction = magnitude % 1000000;
    if (us < 0)
        buf_char(out, '-');
    buf_i64(out, magnitude / 1000000);
    if (fraction != 0)
        buf_char(out, '.');
    for (int64_t place = 100000; fraction != 0; place /= 10) {
        buf_char(out, (char)('0' + fraction / place));
        fraction %= place;
    }
}

static void write_iso_interval(const struct interval *v, struct buf *out)
{
    const struct {
        const char *before;
        int64_t n;
    } parts[] = {{"\"P", v->years}, {"Y", v->months}, {"M", v->days}, {"DT", v->hours}, {"H", v->minutes}};
    for (size_t i = 0; i < 5; i++) {
        buf_str(out, parts[i].before);
        buf_i64(out, parts[i].n);
    }
    buf_char(out, 'M');
    write_seconds(v->us, out);
    buf_lit(out, "S\"");
}

bool interval_write(struct span text, bool iso, struct buf *out)
{
    struct interval v = {0};
    if (span_is(text, "infinity") || span_is(text, "-infinity")) { // PostgreSQL 17
        if (iso)
            json_quote(out, text);
        else
            buf_i64(out, text.p[0] == '-' ? INT64_MIN : INT64_MAX);
        return true;
    }
    do {
        if (!take_part(&text, &v))
            return false;
    } while (span_take(&text, ' '));
    if (iso)
        write_iso_interval(&v, out);
    else
        write_duration(&v, out);
    return text.n == 0;
}

// ---- bytes

void bytes_write(const unsigned char *bytes, size_t n, enum shape_binary mode, size_t limit, struct buf *out)
{
    size_t start = out->n;
    binary_write(out, bytes, mode == SHAPE_BYTES && n > limit ? limit : n, mode);
    if (mode != SHAPE_BYTES && out->n - start - 2 > limit) {
        out->n = start + 1 + limit;
        buf_char(out, '"');
    }
}

bool bytea_write(struct span text, enum shape_binary mode, size_t limit, struct buf *out)
{
    if (!span_take_word(&text, "\\x"))
        return false;
    size_t n = text.n / 2;
    const unsigned char *bytes = binary_unhex(text, binary_room(n), out);
    if (bytes == NULL)
        return out->bad; // whose owner says so
    bytes_write(bytes, n, mode, limit, out);
    return true;
}
