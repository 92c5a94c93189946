#include "base/clock.h"

#include "base/calendar.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000000;
}

void clock_format(int64_t unix_ms, char text[CLOCK_TEXT_BYTES])
{
    int64_t ms = (unix_ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((unix_ms - ms) / 1000);
    struct tm t = {0};
    gmtime_r(&seconds, &t);
    // The masks change nothing; they tell the compiler that the text fits.
    snprintf(text, CLOCK_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(t.tm_year + 1900) % 10000, (unsigned)(t.tm_mon + 1) % 100, (unsigned)t.tm_mday % 100,
             (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100,
             (unsigned)ms % 1000);
}

// Days since 1970-01-01 in the proleptic Gregorian calendar; a year begins in March, so that the leap day is
// its last.
static int64_t days(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return year * 365 + (year + 400) / 4 - (year + 400) / 100 + (year + 400) / 400 - 97 + of_year - 719468;
}

bool clock_parse(struct span text, int64_t *unix_ms)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";
    int64_t v[7] = {0};
    int part = 0;
    if (text.n != sizeof form - 1)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (form[i] != '0') {
            if (text.p[i] != form[i])
                return false;
            part++;
        } else if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        } else {
            v[part] = v[part] * 10 + (text.p[i] - '0');
        }
    }
    if (v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 60)
        return false;
    *unix_ms = (((days(v[0], v[1], v[2]) * 24 + v[3]) * 60 + v[4]) * 60 + v[5]) * 1000 + v[6];
    return true;
}

void clock_nap_us(int64_t us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

bool clock_parse_us(const char *text, int64_t *us)
{
    int year, month, day, hour, minute, second, used = 0;
    char between;
    if (sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &year, &month, &day, &between, &hour, &minute, &second,
               &used) != 7)
        return false;
    const char *rest = text + used;
    int64_t fraction = 0, unit = 100000;
    if (*rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            fraction += (*rest - '0') * unit;
    if (strcmp(rest, "Z") != 0 && rest[0] != '\0')
        return false;
    if ((between != 'T' && between != ' ') || year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    *us = ((calendar_days(year, month, day) * 24 + hour) * 60 + minute) * 60 * 1000000 +
          (int64_t)second * 1000000 + fraction;
    return true;
}
