// Text of the servers' character sets as UTF-8.
//
// Columns name their character set by the number of a collation, which is the same on every server of a kind
// (information_schema.COLLATIONS).
#ifndef CDC_MYSQL_CHARSET_H
#define CDC_MYSQL_CHARSET_H

#include "base/buf.h"

#define CHARSET_BINARY_COLLATION 63

// iconv's converters, opened when first needed, and the room for what they make.
struct charsets;

bool charsets_make(struct charsets **c, struct err *e) MUST_CHECK;
void charsets_free(struct charsets *c); // NULL is fine

// The server's name of the collation's character set; NULL where the number is not known.
const char *charset_name(uint32_t collation);

// A collation of the character set that the server calls so; 0 where none is known.
uint32_t charset_collation(const char *name);

// The most bytes that one character takes; 1 where the number is not known.
unsigned charset_char_bytes(uint32_t collation);

// Whether the set's bytes are UTF-8 as they are.
bool charset_is_utf8(uint32_t collation);

// *utf8 is text itself, or lies in c until the next call. STATUS_DATA where the set is not known, cannot be
// converted here, or text is not of it.
bool charset_convert(struct charsets *c, uint32_t collation, struct span text, struct span *utf8,
                     struct err *e) MUST_CHECK;

#endif
