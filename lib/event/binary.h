// Bytes as a JSON string, by Debezium's binary.handling.mode.
#ifndef CDC_EVENT_BINARY_H
#define CDC_EVENT_BINARY_H

#include "base/buf.h"
#include "event/shape.h"

// Appends the quoted string: base64 with padding (bytes, base64), with - and _ (base64-url-safe), or hex in
// lower case.
void binary_write(struct buf *out, const unsigned char *bytes, size_t n, enum shape_binary mode);

// What binary_write() takes of the buffer, at most.
static inline size_t binary_room(size_t n)
{
    return 2 * n + 6;
}

// Decodes two digits a byte into the buffer's free room, `before` bytes behind its end, so that no second
// buffer is needed: the caller writes what it makes of the bytes in front of them. NULL where they are no
// digits, or the buffer is bad.
unsigned char *binary_unhex(struct span digits, size_t before, struct buf *out) MUST_CHECK;

#endif
