#include "mysql/temporal.h"

#include "base/calendar.h"

#define DAY_US INT64_C(86400000000)
// The longest is "YYYY-MM-DDTHH:MM:SS.ffffffZ", with its quotes.
#define TEXT_BYTES 32

// ---- reading

static uint64_t big(const char *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static size_t fraction_bytes(int digits)
{
    return (size_t)(digits + 1) / 2;
}

// The fraction's bytes count tens of milliseconds, hundreds of microseconds, or microseconds.
static int64_t fraction_us(const char *p, int digits)
{
    static const int units[] = {0, 10000, 100, 1};
    size_t n = fraction_bytes(digits);
    return n == 0 ? 0 : (int64_t)big(p, n) * units[n];
}

static int64_t clock_us(int64_t hour, int64_t minute, int64_t second)
{
    return ((hour * 60 + minute) * 60 + second) * 1000000;
}

// 3 bytes: day 5 bits, month 4, year.
bool my_date_read(struct span bytes, struct my_date *d)
{
    if (bytes.n != 3)
        return false;
    uint64_t v = span_le(bytes);
    *d = (struct my_date){(int)(v >> 9), (int)(v >> 5 & 15), (int)(v & 31)};
    return d->month <= 12;
}

// HHMMSS as a signed number.
bool my_time_read(struct span bytes, int64_t *us)
{
    if (bytes.n != 3)
        return false;
    int64_t v = (int64_t)span_le(bytes);
    if (v >= 1 << 23)
        v -= 1 << 24;
    int64_t magnitude = v < 0 ? -v : v;
    *us = clock_us(magnitude / 10000, magnitude / 100 % 100, magnitude % 100);
    if (v < 0)
        *us = -*us;
    return true;
}

// YYYYMMDDHHMMSS.
bool my_datetime_read(struct span bytes, struct my_moment *m)
{
    if (bytes.n != 8)
        return false;
    uint64_t v = span_le(bytes), date = v / 1000000, time = v % 1000000;
    if (date > 99991231)
        return false;
    m->date = (struct my_date){(int)(date / 10000), (int)(date / 100 % 100), (int)(date % 100)};
    m->us = clock_us((int64_t)(time / 10000), (int64_t)(time / 100 % 100), (int64_t)(time % 100));
    return m->date.month <= 12 && m->date.day <= 31 && m->us < DAY_US;
}

bool my_timestamp_read(struct span bytes, int64_t *us)
{
    if (bytes.n != 4)
        return false;
    *us = (int64_t)span_le(bytes) * 1000000;
    return true;
}

bool my_timestamp2_read(struct span bytes, int digits, int64_t *us)
{
    if (bytes.n != 4 + fraction_bytes(digits))
        return false;
    *us = (int64_t)big(bytes.p, 4) * 1000000 + fraction_us(bytes.p + 4, digits);
    return true;
}

// The packed forms: hours, minutes and seconds in 10, 6 and 6 bits, then 24 bits of microseconds.
static int64_t packed_clock(int64_t hms, int64_t us)
{
    return clock_us(hms >> 12 & 1023, hms >> 6 & 63, hms & 63) + us;
}

void my_packed_time(int64_t packed, int64_t *us)
{
    int64_t magnitude = packed < 0 ? (int64_t)(0 - (uint64_t)packed) : packed;
    *us = packed_clock(magnitude >> 24 & 0x3fffff, magnitude & 0xffffff);
    if (packed < 0)
        *us = -*us;
}

// Year times 13 plus month in 17 bits, day in 5, hour in 5, minute and second in 6 each.
static void unpack_date(int64_t v, struct my_moment *m)
{
    int64_t months = v >> 22;
    m->date = (struct my_date){(int)(months / 13), (int)(months % 13), (int)(v >> 17 & 31)};
    m->us = clock_us(v >> 12 & 31, v >> 6 & 63, v & 63);
}

void my_packed_datetime(int64_t packed, struct my_moment *m)
{
    int64_t magnitude = packed < 0 ? (int64_t)(0 - (uint64_t)packed) : packed;
    unpack_date(magnitude >> 24 & 0x7fffffffff, m);
    m->us += magnitude & 0xffffff;
}

// The whole number, seconds and fraction, has an offset of half its range, so that it sorts.
bool my_time2_read(struct span bytes, int digits, int64_t *us)
{
    static const int64_t units[] = {0, 10000, 100, 1};
    size_t fraction = fraction_bytes(digits);
    if (bytes.n != 3 + fraction)
        return false;
    int64_t v = (int64_t)big(bytes.p, bytes.n) - (INT64_C(0x800000) << 8 * fraction);
    int64_t magnitude = v < 0 ? -v : v;
    int64_t part = fraction == 0 ? 0 : (magnitude & ((INT64_C(1) << 8 * fraction) - 1)) * units[fraction];
    *us = packed_clock(magnitude >> 8 * fraction, part);
    if (v < 0)
        *us = -*us;
    return true;
}

bool my_datetime2_read(struct span bytes, int digits, struct my_moment *m)
{
    if (bytes.n != 5 + fraction_bytes(digits))
        return false;
    int64_t v = (int64_t)big(bytes.p, 5) - INT64_C(0x8000000000);
    if (v < 0)
        return false;
    unpack_date(v, m);
    m->us += fraction_us(bytes.p + 5, digits);
    return m->us < DAY_US;
}

// ---- writing

static int64_t days_of(const struct my_date *d)
{
    return calendar_days(d->year, d->month, d->day);
}

static char *put_two(char *p, unsigned v)
{
    p[0] = (char)('0' + v / 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

static char *put_date(char *p, const struct my_date *d)
{
    unsigned year = (unsigned)d->year % 10000;
    p = put_two(p, year / 100);
    p = put_two(p, year % 100);
    *p++ = '-';
    p = put_two(p, (unsigned)d->month);
    *p++ = '-';
    return put_two(p, (unsigned)d->day);
}

static char *put_fraction(char *p, unsigned us, int digits)
{
    char six[6];
    put_two(put_two(put_two(six, us / 10000), us / 100 % 100), us % 100);
    memcpy(p, six, (size_t)digits);
    return p + digits;
}

// us: not negative.
static char *put_time(char *p, int64_t us, int digits)
{
    unsigned seconds = (unsigned)(us / 1000000), hours = seconds / 3600;
    if (hours > 99)
        *p++ = (char)('0' + hours / 100 % 10);
    p = put_two(p, hours % 100);
    *p++ = ':';
    p = put_two(p, seconds / 60 % 60);
    *p++ = ':';
    p = put_two(p, seconds % 60);
    if (digits == 0)
        return p;
    *p++ = '.';
    return put_fraction(p, (unsigned)(us % 1000000), digits);
}

void my_date_text(const struct my_date *d, struct buf *out)
{
    char text[TEXT_BYTES];
    buf_bytes(out, text, (size_t)(put_date(text, d) - text));
}

void my_time_text(int64_t us, int digits, struct buf *out)
{
    char text[TEXT_BYTES];
    if (us < 0)
        buf_char(out, '-');
    buf_bytes(out, text, (size_t)(put_time(text, us < 0 ? -us : us, digits) - text));
}

// Without zeros at the end.
static int digits_needed(int64_t us)
{
    int64_t fraction = us % 1000000;
    int digits = fraction == 0 ? 0 : 6;
    for (; digits > 0 && fraction % 10 == 0; digits--)
        fraction /= 10;
    return digits;
}

void my_date_write(const struct my_date *d, enum shape_time mode, struct buf *out)
{
    if (mode != SHAPE_ISOSTRING) {
        buf_i64(out, days_of(d));
        return;
    }
    buf_char(out, '"');
    my_date_text(d, out);
    buf_lit(out, "Z\"");
}

void my_time_write(int64_t us, enum shape_time mode, struct buf *out)
{
    if ((mode == SHAPE_CONNECT || mode == SHAPE_ISOSTRING) && (us < 0 || us >= DAY_US)) {
        buf_lit(out, "null");
    } else if (mode == SHAPE_CONNECT) {
        buf_i64(out, us / 1000);
    } else if (mode == SHAPE_NANOSECONDS) {
        buf_i64(out, us * 1000);
    } else if (mode == SHAPE_ISOSTRING) {
        buf_char(out, '"');
        my_time_text(us, digits_needed(us), out);
        buf_lit(out, "Z\"");
    } else {
        buf_i64(out, us);
    }
}

static int64_t floor_ms(int64_t us)
{
    return us >= 0 ? us / 1000 : -((999 - us) / 1000);
}

bool my_datetime_write(const struct my_moment *m, int digits, enum shape_time mode, struct buf *out)
{
    if (mode == SHAPE_ISOSTRING) {
        buf_char(out, '"');
        my_date_text(&m->date, out);
        buf_char(out, 'T');
        my_time_text(m->us, digits_needed(m->us), out);
        buf_lit(out, "Z\"");
        return true;
    }
    int64_t us = days_of(&m->date) * DAY_US + m->us;
    if (mode == SHAPE_NANOSECONDS) {
        buf_i64(out, us * 1000);
        return us <= INT64_MAX / 1000 && us >= INT64_MIN / 1000;
    }
    bool in_ms = mode == SHAPE_CONNECT || (mode != SHAPE_MICROSECONDS && digits <= 3);
    buf_i64(out, in_ms ? floor_ms(us) : us);
    return true;
}

void my_timestamp_write(int64_t us, int digits, struct buf *out)
{
    char text[TEXT_BYTES], *p = text;
    int64_t days = us / DAY_US - (us % DAY_US < 0);
    struct calendar_date real = calendar_date(days);
    struct my_date d = {(int)real.year, real.month, real.day};
    *p++ = '"';
    p = put_date(p, &d);
    *p++ = 'T';
    p = put_time(p, us - days * DAY_US, digits);
    *p++ = 'Z';
    *p++ = '"';
    buf_bytes(out, text, (size_t)(p - text));
}
