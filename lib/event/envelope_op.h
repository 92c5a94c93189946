// The operation of Debezium's envelope, from a line's bytes.
#ifndef CDC_EVENT_ENVELOPE_OP_H
#define CDC_EVENT_ENVELOPE_OP_H

#include "base/span.h"

// c, u, d, r, t, m; '\0' where the line has none. A canonical line is read from its end, where
// "op" stands; any other from its beginning.
char envelope_op(struct span line);

#endif
