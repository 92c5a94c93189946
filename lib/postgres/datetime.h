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

// Each appends the value and is false where text is not of its form. precision: digits of the fraction, 0 …
// 6; up to 3 a time or timestamp counts milliseconds, else microseconds.
bool date_write(struct span text, struct buf *out) MUST_CHECK;
bool time_write(struct span text, int precision, struct buf *out) MUST_CHECK;
bool timetz_write(struct span text, struct buf *out) MUST_CHECK;
bool timestamp_write(struct span text, int precision, struct buf *out) MUST_CHECK;
bool timestamptz_write(struct span text, int precision, struct buf *out) MUST_CHECK;

#endif
