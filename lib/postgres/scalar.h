// Bit strings, money, intervals, hstores and points, as the server prints them, to what Debezium prints.
#ifndef CDC_POSTGRES_SCALAR_H
#define CDC_POSTGRES_SCALAR_H

#include "base/buf.h"

// Each appends the value and is false where text is not of its form.

// 10000001: the number's bytes, little-endian and without zeros at the end, in base64.
bool bits_write(struct span text, struct buf *out) MUST_CHECK;

// $1,234.56, as lc_monetary C prints it: a decimal of scale 2.
bool money_write(struct span text, struct buf *out) MUST_CHECK;

// 1 year 2 mons -3 days 04:05:06.789 (intervalstyle postgres): microseconds, a month of 30.4375 days; what
// does not fit 64 bits is clipped to their ends.
bool interval_write(struct span text, struct buf *out) MUST_CHECK;

// "a"=>"1", "b"=>NULL: a string that holds a JSON object.
bool hstore_write(struct span text, struct buf *out) MUST_CHECK;

// (1,2): an object with x, y, their well-known binary, and srid null.
bool point_write(struct span text, struct buf *out) MUST_CHECK;

#endif
