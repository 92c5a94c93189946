// Numbers as text to what Debezium prints: the unscaled value's bytes for decimals, Java's spelling for
// floats.
#ifndef CDC_EVENT_DECIMAL_H
#define CDC_EVENT_DECIMAL_H

#include "base/buf.h"

#include <stdint.h>

// Appends the quoted base64 of text's unscaled value at the given scale: two's complement, big-endian,
// shortest. The text has no more digits behind the point than scale (a negative scale: it is a multiple of
// 10^-scale). False where text is no plain decimal number, or does not fit the scale. Up to 131072 digits
// before the point.
bool decimal_write(struct span text, int scale, struct buf *out) MUST_CHECK;

// The same of an unscaled value.
__extension__ typedef __int128 decimal_int;
void decimal_write_unscaled(decimal_int value, struct buf *out);

// Debezium's VariableScaleDecimal, {"scale":n,"value":base64}: the scale without the fraction's trailing
// zeros.
bool decimal_write_variable(struct span text, struct buf *out) MUST_CHECK;

// The number as a quoted string, with as many digits behind the point as scale says; the text has no more. A
// scale below 0 leaves the text as it is.
bool decimal_write_string(struct span text, int scale, struct buf *out) MUST_CHECK;

// The double nearest to the number, as float_write() spells it.
bool decimal_write_double(struct span text, struct buf *out) MUST_CHECK;

// Appends a float as Java's toString spells it: 1.0, 1.0E10, 1.0E-5, "NaN", "Infinity". The server's digits
// are the shortest that stand for the value, as Java's are but for one rule: Java takes two digits where the
// shortest has one, and then the two nearest to the value (float4 1e-45 is 1.4E-45). single: a float4.
bool float_write(struct span text, bool single, struct buf *out) MUST_CHECK;

// The same of the value itself.
void float_write_value(double v, bool single, struct buf *out);

#endif
