// Dates and times as the log packs them, and as Debezium prints them.
//
// MySQL source, sql-common/my_time.cc. The types of before 5.6, without fractions, are little-endian numbers;
// those since are big-endian, their fraction behind the seconds in 0 to 3 bytes.
#ifndef CDC_MYSQL_TEMPORAL_H
#define CDC_MYSQL_TEMPORAL_H

#include "base/buf.h"
#include "event/shape.h"

#include <stdint.h>

// A date that may be none: MySQL has 0000-00-00 and 2020-01-00.
struct my_date {
    int year, month, day;
};

struct my_moment {
    struct my_date date;
    int64_t us; // since midnight; of a TIME alone, signed
};

// Each reads a value of as many bytes as its type has; digits: of the fraction, 0 … 6. False for what no
// server writes.
bool my_date_read(struct span bytes, struct my_date *d) MUST_CHECK;
bool my_time_read(struct span bytes, int64_t *us) MUST_CHECK; // before 5.6
bool my_datetime_read(struct span bytes, struct my_moment *m) MUST_CHECK;
bool my_time2_read(struct span bytes, int digits, int64_t *us) MUST_CHECK;
bool my_datetime2_read(struct span bytes, int digits, struct my_moment *m) MUST_CHECK;
// Microseconds since 1970, 0 for the zero timestamp.
bool my_timestamp_read(struct span bytes, int64_t *us) MUST_CHECK; // before 5.6
bool my_timestamp2_read(struct span bytes, int digits, int64_t *us) MUST_CHECK;

// DATETIME and TIME as JSON has them inside (opaque values): eight bytes, little-endian.
void my_packed_datetime(int64_t packed, struct my_moment *m);
void my_packed_time(int64_t packed, int64_t *us);

// Whether the date is one, all its parts there.
static inline bool my_date_is_real(const struct my_date *d)
{
    return d->month != 0 && d->day != 0;
}

// Debezium's enable.time.adjuster: years 0 … 69 are 2000 … 2069, 70 … 99 are 1970 … 1999.
static inline void my_date_adjust(struct my_date *d)
{
    if (d->year >= 0 && d->year < 100)
        d->year += d->year < 70 ? 2000 : 1900;
}

// Each appends the value as mode has it, and is false where the mode has no such value (nanoseconds before
// 1677 or after 2262). A time of day that the mode cannot say is null.
void my_date_write(const struct my_date *d, enum shape_time mode, struct buf *out);
void my_time_write(int64_t us, enum shape_time mode, struct buf *out);
bool my_datetime_write(const struct my_moment *m, int digits, enum shape_time mode,
                       struct buf *out) MUST_CHECK;
// "2020-02-29T12:34:56.1Z", with all digits.
void my_timestamp_write(int64_t us, int digits, struct buf *out);

// The server's own text, for JSON: 2020-02-29, 12:34:56.5, -838:59:59; digits 0: without a fraction.
void my_date_text(const struct my_date *d, struct buf *out);
void my_time_text(int64_t us, int digits, struct buf *out);

#endif
