#include "postgres/datetime.h"

#include "base/calendar.h"

#include <stdint.h>

#define DAY_US INT64_C(86400000000)
#define DAYS_TO_2000 10957 // from 1970

static bool take_date(struct span *text, struct calendar_date *d)
{
    int64_t month, day;
    if (!span_take_number(text, 7, &d->year) || !span_take(text, '-') || !span_take_number(text, 2, &month) ||
        !span_take(text, '-') || !span_take_number(text, 2, &day))
        return false;
    d->month = (int)month, d->day = (int)day;
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

// " BC" stands at the very end of a date or timestamp.
static void take_era(struct span *text, struct calendar_date *d)
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
    if (!span_take_number(text, 2, &h) || !span_take(text, ':') || !span_take_number(text, 2, &m) ||
        !span_take(text, ':') || !span_take_number(text, 2, &s))
        return false;
    if (span_take(text, '.')) {
        size_t before = text->n;
        if (!span_take_number(text, 6, &fraction))
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

// Two digits, behind which p goes on.
static char *put_pair(char *p, unsigned v)
{
    p[0] = (char)('0' + v / 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

static char *put_padded(char *p, unsigned v, int width)
{
    for (int i = width; i-- > 0; v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + width;
}

static char *put_clock(char *p, int64_t us, int fraction_digits)
{
    static const unsigned dropped[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    unsigned seconds = (unsigned)(us / 1000000), fraction = (unsigned)(us % 1000000);
    p = put_pair(p, seconds / 3600);
    *p++ = ':';
    p = put_pair(p, seconds / 60 % 60);
    *p++ = ':';
    p = put_pair(p, seconds % 60);
    if (fraction_digits == 0)
        return p;
    *p++ = '.';
    return put_padded(p, fraction / dropped[fraction_digits], fraction_digits);
}

static int digits_of_fraction(int64_t us)
{
    int64_t fraction = us % 1000000;
    int digits = fraction == 0 ? 0 : 6;
    for (; digits > 0 && fraction % 10 == 0; digits--)
        fraction /= 10;
    return digits;
}

static char *put_day(char *p, struct calendar_date d)
{
    unsigned year = (unsigned)(d.year < 0 ? -d.year : d.year);
    if (d.year > 9999)
        *p++ = '+';
    else if (d.year < 0)
        *p++ = '-';
    if (year > 9999)
        p = put_padded(p, year, year > 999999 ? 7 : year > 99999 ? 6 : 5);
    else
        p = put_pair(put_pair(p, year / 100), year % 100);
    *p++ = '-';
    p = put_pair(p, (unsigned)d.month);
    *p++ = '-';
    return put_pair(p, (unsigned)d.day);
}

static void write_zoned(struct buf *out, struct calendar_date d, int64_t us, int precision)
{
    char text[40], *p = text; // "+1234567-01-01T00:00:00.000000Z"
    *p++ = '"';
    p = put_day(p, d);
    *p++ = 'T';
    p = put_clock(p, us, precision);
    *p++ = 'Z';
    *p++ = '"';
    buf_bytes(out, text, (size_t)(p - text));
}

static void write_zoned_day(struct buf *out, struct calendar_date d)
{
    char text[16], *end = put_day(text, d);
    buf_char(out, '"');
    buf_bytes(out, text, (size_t)(end - text));
    buf_lit(out, "Z\"");
}

static void write_infinity(bool positive, struct buf *out)
{
    buf_str(out, positive ? "\"infinity\"" : "\"-infinity\"");
}

static void write_infinite_date(bool positive, bool iso, struct buf *out)
{
    if (iso)
        write_infinity(positive, out);
    else
        buf_i64(out, positive ? INT32_MAX : INT32_MIN);
}

bool date_write(struct span text, bool iso, struct buf *out)
{
    struct calendar_date d;
    int sign = infinite(text);
    if (sign != 0) {
        write_infinite_date(sign > 0, iso, out);
        return true;
    }
    if (!take_date(&text, &d))
        return false;
    take_era(&text, &d);
    if (iso)
        write_zoned_day(out, d);
    else
        buf_i64(out, calendar_days(d.year, d.month, d.day));
    return text.n == 0;
}

void date_write_days(int32_t days, bool iso, struct buf *out)
{
    if (days == INT32_MAX || days == INT32_MIN)
        write_infinite_date(days > 0, iso, out);
    else if (iso)
        write_zoned_day(out, calendar_date((int64_t)days + DAYS_TO_2000));
    else
        buf_i64(out, (int64_t)days + DAYS_TO_2000);
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
    char text[16], *end = put_clock(text, us, digits_of_fraction(us));
    buf_char(out, '"');
    buf_bytes(out, text, (size_t)(end - text));
    buf_lit(out, "Z\"");
}

bool time_write_us(int64_t us, enum datetime_unit unit, struct buf *out)
{
    if (us < 0 || us > DAY_US)
        return false;
    if (unit != DATETIME_ISO)
        return write_count(us, unit, out);
    write_iso_clock(out, us % DAY_US); // 24:00 is midnight
    return true;
}

bool time_write(struct span text, enum datetime_unit unit, struct buf *out)
{
    int64_t us;
    return take_time(&text, &us) && text.n == 0 && time_write_us(us, unit, out);
}

static bool take_timestamp(struct span text, struct calendar_date *d, int64_t *us)
{
    if (!take_date(&text, d) || !span_take(&text, ' '))
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

// days: since 1970.
static bool write_instant(int64_t days, int64_t us, enum datetime_unit unit, struct buf *out)
{
    // Years from 294247 on do not fit microseconds since 1970.
    if (days > INT64_MAX / DAY_US - 1 || days < INT64_MIN / DAY_US + 1)
        return false;
    return write_count(days * DAY_US + us, unit, out);
}

bool timestamp_write(struct span text, enum datetime_unit unit, struct buf *out)
{
    struct calendar_date d;
    int64_t us;
    int sign = infinite(text);
    if (sign != 0)
        return write_infinite_timestamp(sign > 0, unit, out);
    if (!take_timestamp(text, &d, &us))
        return false;
    if (unit != DATETIME_ISO)
        return write_instant(calendar_days(d.year, d.month, d.day), us, unit, out);
    write_zoned(out, d, us, digits_of_fraction(us));
    return true;
}

// Microseconds since 2000 to days since 1970 and the microseconds of that day.
static int64_t split_us(int64_t *us)
{
    int64_t days = *us / DAY_US;
    *us %= DAY_US;
    if (*us < 0) {
        *us += DAY_US;
        days--;
    }
    return days + DAYS_TO_2000;
}

bool timestamp_write_us(int64_t us, enum datetime_unit unit, struct buf *out)
{
    if (us == INT64_MAX || us == INT64_MIN)
        return write_infinite_timestamp(us > 0, unit, out);
    int64_t days = split_us(&us);
    if (unit != DATETIME_ISO)
        return write_instant(days, us, unit, out);
    write_zoned(out, calendar_date(days), us, digits_of_fraction(us));
    return true;
}

// +HH[:MM[:SS]] in microseconds.
static bool take_zone(struct span *text, int64_t *us)
{
    int64_t h, m = 0, s = 0;
    bool west = span_take(text, '-');
    if ((!west && !span_take(text, '+')) || !span_take_number(text, 2, &h))
        return false;
    if (span_take(text, ':') && !span_take_number(text, 2, &m))
        return false;
    if (span_take(text, ':') && !span_take_number(text, 2, &s))
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
    struct calendar_date d;
    int64_t us;
    int sign = infinite(text);
    if (sign != 0) {
        write_infinity(sign > 0, out);
        return true;
    }
    if (!take_date(&text, &d) || !span_take(&text, ' '))
        return false;
    take_era(&text, &d);
    // The session is in UTC.
    if (!take_time(&text, &us) || !span_is(text, "+00"))
        return false;
    write_zoned(out, d, us, precision);
    return true;
}

void timestamptz_write_us(int64_t us, int precision, struct buf *out)
{
    if (us == INT64_MAX || us == INT64_MIN) {
        write_infinity(us > 0, out);
        return;
    }
    int64_t days = split_us(&us);
    write_zoned(out, calendar_date(days), us, precision);
}
