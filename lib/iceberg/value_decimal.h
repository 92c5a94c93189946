// Debezium's decimals, base64 of the unscaled value, as numbers and as text. Pure.
#ifndef CDC_ICEBERG_VALUE_DECIMAL_H
#define CDC_ICEBERG_VALUE_DECIMAL_H

#include "iceberg/types.h"

// bytes: two's complement, big-endian. False where the number has more than 38 digits.
bool ice_decimal_of(const unsigned char *bytes, size_t n, ice_decimal *v) MUST_CHECK;

// v * 10^-from at the scale `to`. False where digits would be lost, or there are more than precision.
bool ice_decimal_fit(ice_decimal v, int64_t from, int to, int precision, ice_decimal *fitted) MUST_CHECK;

// Appends plain digits, with as many behind the point as scale says: -0.05; a scale below 0 appends zeros.
// The bytes are changed.
bool ice_decimal_text(unsigned char *bytes, size_t n, int64_t scale, struct buf *out) MUST_CHECK;

#endif
