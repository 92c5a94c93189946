// Base64 (RFC 4648, section 4), with padding.
#ifndef CDC_BASE_BASE64_H
#define CDC_BASE_BASE64_H

#include "base/buf.h"

void base64_write(struct buf *b, const unsigned char *bytes, size_t n);

// How many bytes a text of n characters can hold at most.
#define BASE64_BYTES(n) ((n) / 4 * 3)

// Writes what the text stands for to bytes, which has room for BASE64_BYTES(text.n), and how many they are to
// *n. False where it is not what base64_write() writes.
bool base64_read(struct span text, unsigned char *bytes, size_t *n) MUST_CHECK;

#endif
