// Numbers as text to what Debezium prints: the unscaled value's bytes for decimals, Java's spelling for
// floats.
#ifndef CDC_POSTGRES_DECIMAL_H
#define CDC_POSTGRES_DECIMAL_H

#include "base/buf.h"

// Appends the quoted base64 of text's unscaled value at the given scale: two's complement, big-endian,
// shortest. The text has no more digits behind the point than scale (a negative scale: it is a multiple of
// 10^-scale). False where text is no plain decimal number, or does not fit the scale. Up to 131072 digits
// before the point.
bool decimal_write(struct span text, int scale, struct buf *out) MUST_CHECK;

// Debezium's VariableScaleDecimal, {"scale":n,"value":base64}: the scale without the fraction's trailing
// zeros.
bool decimal_write_variable(struct span text, struct buf *out) MUST_CHECK;

// Appends a float as Java's Double.toString spells the same digits: 1.0, 1.0E10, 1.0E-5, "NaN", "Infinity".
bool float_write(struct span text, struct buf *out) MUST_CHECK;

#endif
