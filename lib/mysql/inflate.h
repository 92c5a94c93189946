// MariaDB's two ways to store deflated bytes.
#ifndef CDC_MYSQL_INFLATE_H
#define CDC_MYSQL_INFLATE_H

#include "base/buf.h"

// The rows of a compressed rows event, the statement of a compressed query event (MariaDB Knowledge Base,
// "Compressed Binary Log Events"): 0x80 | algorithm << 4 | bytes of the length 1, the length big-endian, a
// zlib stream. Sets out, up to its cap.
bool inflate_event(struct span bytes, struct buf *out, struct err *e) MUST_CHECK;

// A value of a COMPRESSED column (MariaDB source, sql/field_comp.cc): 0 and the bytes themselves; or 0x80 | 8
// for a stream without zlib's frame | bytes of the length, then as above. An empty value is "".
bool inflate_value(struct span bytes, struct buf *out, struct err *e) MUST_CHECK;

#endif
