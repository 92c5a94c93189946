// Bit strings, money, intervals and bytes, as the server prints them, to what Debezium prints.
#ifndef CDC_POSTGRES_SCALAR_H
#define CDC_POSTGRES_SCALAR_H

#include "base/buf.h"
#include "event/shape.h"

// Each appends the value and is false where text is not of its form.

// 10000001: the number's bytes, little-endian and without zeros at the end, in base64.
bool bits_write(struct span text, struct buf *out) MUST_CHECK;

// $1,234.56, as lc_monetary C prints it: a decimal of the given scale, rounded half up.
bool money_write(struct span text, enum shape_decimal mode, int scale, struct buf *out) MUST_CHECK;

// 1 year 2 mons -3 days 04:05:06.789 (intervalstyle postgres): microseconds, a month of 30.4375 days, what
// does not fit 64 bits clipped to their ends; or "P1Y2M-3DT4H5M6.789S".
bool interval_write(struct span text, bool iso, struct buf *out) MUST_CHECK;

// \x and two digits a byte. limit: at most so many bytes, or so many characters where the mode is not bytes.
bool bytea_write(struct span text, enum shape_binary mode, size_t limit, struct buf *out) MUST_CHECK;

// The same, of the bytes themselves.
void bytes_write(const unsigned char *bytes, size_t n, enum shape_binary mode, size_t limit, struct buf *out);

#endif
