// Decimals as the log packs them (MySQL source, strings/decimal.cc, "decimal2bin"): the digits before the
// point from the left, after it from the right, nine in four bytes big-endian, what is over in as few bytes
// as hold them. The highest bit is inverted; of a negative number all bits are.
#ifndef CDC_MYSQL_DECIMAL_H
#define CDC_MYSQL_DECIMAL_H

#include "base/buf.h"

#include <stdint.h>

// A sign, 65 digits, a point, and a zero in front of it.
#define DECIMAL_TEXT_BYTES 72

// Bytes of such a decimal; precision at most 65, scale at most precision.
size_t my_decimal_bytes(unsigned precision, unsigned scale);

// The number as text, with all `scale` digits of the fraction and no zeros in front. False where bytes are
// none.
bool my_decimal_text(struct span bytes, unsigned precision, unsigned scale, char text[DECIMAL_TEXT_BYTES],
                     size_t *n) MUST_CHECK;

// The unscaled number; precision at most 18.
bool my_decimal_unscaled(struct span bytes, unsigned precision, unsigned scale, int64_t *value) MUST_CHECK;

#endif
