// Reads wire data, big-endian (cursor_le: little-endian). An underflow sticks in `bad` and yields zeros, so a
// decoder reads a whole message and tests once; lengths from the peer are compared with what is left, never
// added to a pointer first.
#ifndef CDC_BASE_CURSOR_H
#define CDC_BASE_CURSOR_H

#include "base/span.h"

#include <stdint.h>

struct cursor {
    const unsigned char *p;
    const unsigned char *end;
    bool bad;
};

static inline struct cursor cursor_of(struct span s)
{
    // An empty buffer's span has no address, to which nothing may be added.
    const unsigned char *p = (const unsigned char *)(s.p != NULL ? s.p : "");
    return (struct cursor){p, p + s.n, false};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->p);
}

static inline struct span cursor_bytes(struct cursor *c, size_t n)
{
    if (c->bad || n > cursor_left(c)) {
        c->bad = true;
        return (struct span){"", 0};
    }
    struct span s = {(const char *)c->p, n};
    c->p += n;
    return s;
}

static inline uint64_t cursor_uint(struct cursor *c, size_t bytes)
{
    struct span s = cursor_bytes(c, bytes);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | (unsigned char)s.p[i];
    return v;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    return (uint8_t)cursor_uint(c, 1);
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    return (uint16_t)cursor_uint(c, 2);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    return (uint32_t)cursor_uint(c, 4);
}

static inline uint64_t cursor_u64(struct cursor *c)
{
    return cursor_uint(c, 8);
}

static inline uint64_t cursor_le(struct cursor *c, size_t bytes)
{
    return span_le(cursor_bytes(c, bytes));
}

// Up to a NUL, which is passed and not part of the span; bad without one.
static inline struct span cursor_cstr(struct cursor *c)
{
    const unsigned char *nul = c->bad ? NULL : memchr(c->p, 0, cursor_left(c));
    if (nul == NULL) {
        c->bad = true;
        return (struct span){"", 0};
    }
    struct span s = {(const char *)c->p, (size_t)(nul - c->p)};
    c->p = nul + 1;
    return s;
}

#endif
