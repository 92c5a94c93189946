// Dates and times as the server prints them (ISO, UTC) to what Debezium prints.
//
//   date         2020-02-29, 0044-03-15 BC, 20000-01-01, infinity
//   time         12:34:56.789, 24:00:00
//   timetz       12:34:56.789+02, …+05:30, …-00:00:15
//   timestamp    DATE TIME[ BC], infinity, -infinity
//   timestamptz  DATE TIME+00[ BC]
#ifndef CDC_POSTGRES_DATETIME_H
#define CDC_POSTGRES_DATETIME_H

#include "base/buf.h"

// How an instant or a time of day is counted, or spelled: DATETIME_ISO is "2020-02-29T12:34:56.789Z", the
// fraction without trailing zeros.
enum datetime_unit { DATETIME_MS, DATETIME_US, DATETIME_NS, DATETIME_ISO };

// Each appends the value and is false where text is not of its form, or does not fit the unit: microseconds
// end in the year 294246, nanoseconds in 2262. An infinite timestamp is the instant that Debezium makes of
// it, in nanoseconds an extreme of int64. precision: digits of the fraction, 0 … 6.
bool date_write(struct span text, bool iso, struct buf *out) MUST_CHECK;
bool time_write(struct span text, enum datetime_unit unit, struct buf *out) MUST_CHECK;
bool timetz_write(struct span text, struct buf *out) MUST_CHECK;
bool timestamp_write(struct span text, enum datetime_unit unit, struct buf *out) MUST_CHECK;
bool timestamptz_write(struct span text, int precision, struct buf *out) MUST_CHECK;

// The same, of the numbers that the server keeps and sends in binary: days, or microseconds, since
// 2000-01-01, their extremes the infinities; a time's microseconds since midnight.
void date_write_days(int32_t days, bool iso, struct buf *out);
bool time_write_us(int64_t us, enum datetime_unit unit, struct buf *out) MUST_CHECK;
bool timestamp_write_us(int64_t us, enum datetime_unit unit, struct buf *out) MUST_CHECK;
void timestamptz_write_us(int64_t us, int precision, struct buf *out);

#endif
