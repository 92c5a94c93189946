#include "iceberg/value_time.h"

#include "base/calendar.h"
#include "iceberg/value.h"

// Two digits, at most max.
static bool take_two(struct span *s, int64_t max, int64_t *v)
{
    size_t before = s->n;
    return span_take_number(s, 2, v) && before - s->n == 2 && *v <= max;
}

static int month_days(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct span *s, int64_t *days)
{
    int64_t year, month, day;
    bool negative = span_take(s, '-');
    if (!negative)
        span_take(s, '+');
    size_t before = s->n;
    if (!span_take_number(s, 9, &year) || before - s->n < 4)
        return false;
    year = negative ? -year : year;
    if (!span_take(s, '-') || !take_two(s, 12, &month) || month == 0 || !span_take(s, '-') ||
        !take_two(s, month_days(year, month), &day) || day == 0)
        return false;
    *days = calendar_days(year, (int)month, (int)day);
    return true;
}

bool ice_date_read(struct span text, int64_t *days)
{
    if (!take_date(&text, days))
        return false;
    span_take(&text, 'Z');
    return text.n == 0;
}

static bool take_fraction(struct span *s, int64_t *us)
{
    int64_t digits = 0;
    *us = 0;
    if (!span_take(s, '.'))
        return true;
    for (; s->n != 0 && s->p[0] >= '0' && s->p[0] <= '9'; s->p++, s->n--, digits++) {
        if (digits >= 6 && s->p[0] != '0')
            return false;
        if (digits < 6)
            *us = *us * 10 + (s->p[0] - '0');
    }
    for (int64_t i = digits; i < 6; i++)
        *us *= 10;
    return digits != 0;
}

static bool take_clock(struct span *s, int64_t *us)
{
    int64_t hour, minute, second, fraction;
    if (!take_two(s, 23, &hour) || !span_take(s, ':') || !take_two(s, 59, &minute) || !span_take(s, ':') ||
        !take_two(s, 59, &second) || !take_fraction(s, &fraction))
        return false;
    *us = ((hour * 60 + minute) * 60 + second) * 1000000 + fraction;
    return true;
}

// Z, +02:00, or nothing, to the end.
static bool take_offset(struct span *s, int64_t *us)
{
    int64_t hours, minutes;
    *us = 0;
    if (s->n == 0)
        return true;
    if (span_take(s, 'Z'))
        return s->n == 0;
    bool negative = span_take(s, '-');
    if (!negative && !span_take(s, '+'))
        return false;
    if (!take_two(s, 18, &hours) || !span_take(s, ':') || !take_two(s, 59, &minutes) || s->n != 0)
        return false;
    *us = (hours * 60 + minutes) * 60000000 * (negative ? -1 : 1);
    return true;
}

bool ice_time_read(struct span text, int64_t *us)
{
    int64_t offset;
    if (!take_clock(&text, us) || !take_offset(&text, &offset))
        return false;
    *us = (*us - offset + ICE_DAY_US) % ICE_DAY_US;
    return true;
}

bool ice_timestamp_read(struct span text, int64_t *us)
{
    int64_t days, clock, offset;
    if (span_is(text, "infinity") || span_is(text, "-infinity")) {
        *us = text.p[0] == 'i' ? ICE_TIMESTAMP_INFINITY : ICE_TIMESTAMP_MINUS_INFINITY;
        return true;
    }
    if (!take_date(&text, &days) || !span_take(&text, 'T') || !take_clock(&text, &clock) ||
        !take_offset(&text, &offset))
        return false;
    // The earliest day begins before what 64 bits count, so the sum alone must fit.
    ice_decimal sum = (ice_decimal)days * ICE_DAY_US + clock - offset;
    *us = (int64_t)sum;
    return sum == *us;
}

bool ice_count_us(int64_t count, enum ice_unit unit, bool is_timestamp, int64_t *us)
{
    *us = count;
    if (unit == ICE_US)
        return true;
    if (unit == ICE_MS)
        return !__builtin_mul_overflow(count, 1000, us);
    if (is_timestamp && (count == INT64_MAX || count == INT64_MIN)) {
        *us = count > 0 ? ICE_TIMESTAMP_INFINITY : ICE_TIMESTAMP_MINUS_INFINITY;
        return true;
    }
    *us = count / 1000;
    return count % 1000 == 0;
}
