// The proleptic Gregorian calendar.
#ifndef CDC_BASE_CALENDAR_H
#define CDC_BASE_CALENDAR_H

#include <stdint.h>

// How many whole units there are in v, counted down from 0 too: -1 is in unit -1.
static inline int64_t calendar_floor(int64_t v, int64_t unit)
{
    return v / unit - (v % unit < 0);
}

// Days from 1970-01-01 to the date; month 1 … 12. Years are astronomical: 1 BC is 0. Counted in eras of 400
// years that begin on 1 March, so that the leap day is a year's last.
static inline int64_t calendar_days(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

struct calendar_date {
    int64_t year;
    int month, day;
};

// The same backwards.
static inline struct calendar_date calendar_date(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    // Within an era all fits 32 bits, which divide faster.
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153; // from March, 0
    struct calendar_date d = {.year = era * 400 + year_of_era,
                              .month = (int)(month < 10 ? month + 3 : month - 9),
                              .day = (int)(day_of_year - (153 * month + 2) / 5 + 1)};
    d.year += d.month <= 2;
    return d;
}

#endif
