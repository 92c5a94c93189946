// MySQL's binary JSON to text, as Debezium writes it: no spaces, members in the binary form's order.
//
// MySQL source, sql-common/json_binary.h:
//
//   value      type 1, then by type
//   object     count  bytes  key entries (offset, length 2)  value entries  keys  values    0 small, 1 large
//   array      count  bytes  value entries  values                                          2 small, 3 large
//   literal    4: 0 null, 1 true, 2 false
//   numbers    5 int16, 6 uint16, 7 int32, 8 uint32, 9 int64, 10 uint64, 11 double
//   string     12: length in groups of seven bits, the highest bit of a byte: more follow
//   opaque     15: column type 1, length as above, bytes
//
// Counts, sizes and offsets have 2 bytes in small, 4 in large containers; an offset is from the container's
// count. A value entry: type 1 and an offset, or the value itself where it has no more bytes than an offset.
#ifndef CDC_MYSQL_JSONB_H
#define CDC_MYSQL_JSONB_H

#include "base/buf.h"

// Appends the value. Empty bytes are what the server stores for a NULL that became NOT NULL: null.
bool jsonb_write(struct span bytes, struct buf *out, struct err *e) MUST_CHECK;

// Applies a partial update to a document's text, which jsonb_write() made: a list of operation 1 (0 replace,
// 1 insert, 2 remove), path and, unless it removes, value, both behind a packed length. Sets out.
bool jsonb_apply(struct span document, struct span difference, struct buf *out, struct err *e) MUST_CHECK;

// A double as the text has it: as Java, and where that has an exponent all digits of the number.
void jsonb_write_double(double v, struct buf *out);

#endif
