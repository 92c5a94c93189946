// Dates and times as Debezium spells or counts them, to what Iceberg counts. Pure.
#ifndef CDC_ICEBERG_VALUE_TIME_H
#define CDC_ICEBERG_VALUE_TIME_H

#include "iceberg/types.h"

#define ICE_DAY_US INT64_C(86400000000)

// Each is false where the text, without quotes, is not of its form, or the value is beyond what can be
// counted. A fraction of more than six digits must end in zeros.

// 2020-02-29, +20000-01-01, -0043-03-15; a Z may follow. Days from 1970-01-01.
bool ice_date_read(struct span text, int64_t *days) MUST_CHECK;
// 12:34:56.789, with Z or an offset; microseconds from midnight, in UTC.
bool ice_time_read(struct span text, int64_t *us) MUST_CHECK;
// A date, T and a time; infinity, -infinity. Microseconds from 1970-01-01, in UTC.
bool ice_timestamp_read(struct span text, int64_t *us) MUST_CHECK;

// A count of a unit as microseconds; the extremes of nanoseconds are a timestamp's infinities.
bool ice_count_us(int64_t count, enum ice_unit unit, bool is_timestamp, int64_t *us) MUST_CHECK;

#endif
