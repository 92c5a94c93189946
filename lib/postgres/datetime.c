#include "postgres/datetime.h"

#include "base/calendar.h"

#include <stdint.h>

#define DAY_US INT64_C(86400000000)

struct date {
    int64_t year; // astronomical: 1 BC is 0
    int month, day;
};

// 1 to max digits.
static bool take_number(struct span *text, size_t max, int64_t *v)
{
    size_t n = 0;
    *v = 0;
    for (; n < text->n && n < max && text->p[n] >= '0' && text->p[n] <= '9'; n++)
        *v = *v * 10 + (text->p[n] - '0');
    text->p += n, text->n -= n;
    return n != 0;
}

static bool take_char(struct span *text, char c)
{
    if (text->n == 0 || text->p[0] != c)
        return false;
    text->p++, text->n--;
    return true;
}

static bool take_date(struct span *text, struct date *d)
{
    int64_t month, day;
    if (!take_number(text, 7, &d->year) || !take_char(text, '-') || !take_number(text, 2, &month) ||
        !take_char(text, '-') || !take_number(text, 2, &day))
        return false;
    d->month = (int)month, d->day = (int)day;
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

// " BC" stands at the very end of a date or timestamp.
static void take_era(struct span *text, struct date *d)
{
    if (text->n >= 3 && memcmp(text->p + text->n - 3, " BC", 3) == 0) {
        d->year = 1 - d->year;
        text->n -= 3;
    }
}

// Microseconds since midnight.
static bool take_time(struct span *text, int64_t *us)
{
    int64_t h, m, s, fraction = 0;
    if (!take_number(text, 2, &h) || !take_char(text, ':') || !take_number(text, 2, &m) ||
        !take_char(text, ':') || !take_number(text, 2, &s))
        return false;
    if (take_char(text, '.')) {
        size_t before = text->n;
        if (!take_number(text, 6, &fraction))
            return false;
        for (size_t digits = before - text->n; digits < 6; digits++)
            fraction *= 10;
    }
    *us = ((h * 60 + m) * 60 + s) * 1000000 + fraction;
    return h <= 24 && m < 60 && s <= 60;
}

// 1 for infinity, -1 for -infinity, else 0.
static int infinite(struct span text)
{
    return span_is(text, "infinity") ? 1 : span_is(text, "-infinity") ? -1 : 0;
}

static void write_padded(struct buf *out, int64_t v, int width)
{
    char digits[20];
    for (int i = width; i-- > 0; v /= 10)
        digits[i] = (char)('0' + v % 10);
    buf_bytes(out, digits, (size_t)width);
}

static void write_clock(struct buf *out, int64_t us, int fraction_digits)
{
    write_padded(out, us / 3600000000, 2);
    buf_char(out, ':');
    write_padded(out, us / 60000000 % 60, 2);
    buf_char(out, ':');
    write_padded(out, us / 1000000 % 60, 2);
    if (fraction_digits == 0)
        return;
    int64_t fraction = us % 1000000;
    for (int i = fraction_digits; i < 6; i++)
        fraction /= 10;
    buf_char(out, '.');
    write_padded(out, fraction, fraction_digits);
}

static int digits_of_fraction(int64_t us)
{
    int64_t fraction = us % 1000000;
    int digits = fraction == 0 ? 0 : 6;
    for (; digits > 0 && fraction % 10 == 0; digits--)
        fraction /= 10;
    return digits;
}

static void write_year(struct buf *out, int64_t year)
{
    if (year > 9999)
        buf_char(out, '+');
    else if (year < 0)
        buf_char(out, '-');
    int64_t magnitude = year < 0 ? -year : year;
    write_padded(out, magnitude, magnitude > 999999 ? 7 : magnitude > 99999 ? 6 : magnitude > 9999 ? 5 : 4);
}

static void write_day(struct buf *out, struct date d)
{
    write_year(out, d.year);
    buf_char(out, '-');
    write_padded(out, d.month, 2);
    buf_char(out, '-');
    write_padded(out, d.day, 2);
}

static void write_zoned(struct buf *out, struct date d, int64_t us, int precision)
{
    buf_char(out, '"');
    write_day(out, d);
    buf_char(out, 'T');
    write_clock(out, us, precision);
    buf_lit(out, "Z\"");
}

static void write_infinite(struct span text, struct buf *out)
{
    buf_char(out, '"');
    buf_span(out, text);
    buf_char(out, '"');
}

bool date_write(struct span text, bool iso, struct buf *out)
{
    struct date d;
    int sign = infinite(text);
    if (sign != 0 && iso)
        write_infinite(text, out);
    else if (sign != 0)
        buf_i64(out, sign > 0 ? INT32_MAX : INT32_MIN);
    if (sign != 0)
        return true;
    if (!take_date(&text, &d))
        return false;
    take_era(&text, &d);
    if (iso) {
        buf_char(out, '"');
        write_day(out, d);
        buf_lit(out, "Z\"");
    } else {
        buf_i64(out, calendar_days(d.year, d.month, d.day));
    }
    return text.n == 0;
}

// Whole milliseconds are rounded down, for negative instants too.
static bool write_count(int64_t us, enum datetime_unit unit, struct buf *out)
{
    int64_t count = us;
    if (unit == DATETIME_MS)
        count = us >= 0 ? us / 1000 : -((999 - us) / 1000);
    else if (unit == DATETIME_NS && __builtin_mul_overflow(us, 1000, &count))
        return false;
    buf_i64(out, count);
    return true;
}

static void write_iso_clock(struct buf *out, int64_t us)
{
    buf_char(out, '"');
    write_clock(out, us, digits_of_fraction(us));
    buf_lit(out, "Z\"");
}

bool time_write(struct span text, enum datetime_unit unit, struct buf *out)
{
    int64_t us;
    if (!take_time(&text, &us) || text.n != 0)
        return false;
    if (unit != DATETIME_ISO)
        return write_count(us, unit, out);
    write_iso_clock(out, us % DAY_US); // 24:00 is midnight
    return true;
}

static bool take_timestamp(struct span text, struct date *d, int64_t *us)
{
    if (!take_date(&text, d) || !take_char(&text, ' '))
        return false;
    take_era(&text, d);
    return take_time(&text, us) && text.n == 0;
}

static bool write_infinite_timestamp(bool positive, enum datetime_unit unit, struct buf *out)
{
    if (unit == DATETIME_ISO)
        buf_str(out, positive ? "\"+294247-01-10T04:00:25.2Z\"" : "\"-290308-12-21T19:59:27.6Z\"");
    else if (unit == DATETIME_NS)
        buf_i64(out, positive ? INT64_MAX : INT64_MIN);
    else
        return write_count(positive ? INT64_C(9223372036825200000) : -INT64_C(9223372036832400000), unit,
                           out);
    return true;
}

bool timestamp_write(struct span text, enum datetime_unit unit, struct buf *out)
{
    struct date d;
    int64_t us;
    int sign = infinite(text);
    if (sign != 0)
        return write_infinite_timestamp(sign > 0, unit, out);
    if (!take_timestamp(text, &d, &us))
        return false;
    if (unit == DATETIME_ISO) {
        write_zoned(out, d, us, digits_of_fraction(us));
        return true;
    }
    int64_t days = calendar_days(d.year, d.month, d.day);
    // Years from 294247 on do not fit microseconds since 1970.
    if (days > INT64_MAX / DAY_US - 1 || days < INT64_MIN / DAY_US + 1)
        return false;
    return write_count(days * DAY_US + us, unit, out);
}

// +HH[:MM[:SS]] in microseconds.
static bool take_zone(struct span *text, int64_t *us)
{
    int64_t h, m = 0, s = 0;
    bool west = take_char(text, '-');
    if ((!west && !take_char(text, '+')) || !take_number(text, 2, &h))
        return false;
    if (take_char(text, ':') && !take_number(text, 2, &m))
        return false;
    if (take_char(text, ':') && !take_number(text, 2, &s))
        return false;
    *us = ((h * 60 + m) * 60 + s) * 1000000 * (west ? -1 : 1);
    return h < 24;
}

bool timetz_write(struct span text, struct buf *out)
{
    int64_t us, zone;
    if (!take_time(&text, &us) || !take_zone(&text, &zone) || text.n != 0)
        return false;
    write_iso_clock(out, (us - zone + 2 * DAY_US) % DAY_US);
    return true;
}

bool timestamptz_write(struct span text, int precision, struct buf *out)
{
    struct date d;
    int64_t us;
    if (infinite(text) != 0) {
        write_infinite(text, out);
        return true;
    }
    if (!take_date(&text, &d) || !take_char(&text, ' '))
        return false;
    take_era(&text, &d);
    // The session is in UTC.
    if (!take_time(&text, &us) || !span_is(text, "+00"))
        return false;
    write_zoned(out, d, us, precision);
    return true;
}
