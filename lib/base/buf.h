// An owned, growable run of bytes with a cap.
//
// Appending never fails on the spot: past the cap, or out of memory, the buffer turns `bad`, keeps what it
// had and takes nothing more. So a writer appends a whole record and tests once, with buf_ok().
#ifndef CDC_BASE_BUF_H
#define CDC_BASE_BUF_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

struct buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max_bytes;
    bool bad;
};

// No memory is taken before the first append.
void buf_init(struct buf *b, size_t max_bytes);
void buf_release(struct buf *b);

// Forgets the content and `bad`; keeps the memory.
static inline void buf_reset(struct buf *b)
{
    b->n = 0;
    b->bad = false;
}

// False, with the buffer `bad`, where n more bytes do not fit. The slow half of buf_room().
bool buf_grow(struct buf *b, size_t n);

// Room for n more bytes at p + n, to be written by hand.
static inline bool buf_room(struct buf *b, size_t n)
{
    return !b->bad && (n <= b->cap - b->n || buf_grow(b, n));
}

static inline void buf_bytes(struct buf *b, const void *p, size_t n)
{
    if (n != 0 && buf_room(b, n)) {
        memcpy(b->p + b->n, p, n);
        b->n += n;
    }
}

static inline void buf_span(struct buf *b, struct span s)
{
    buf_bytes(b, s.p, s.n);
}

static inline void buf_str(struct buf *b, const char *s)
{
    buf_bytes(b, s, strlen(s));
}

static inline void buf_char(struct buf *b, char c)
{
    if (buf_room(b, 1))
        b->p[b->n++] = c;
}

// A literal: its length is known to the compiler.
#define buf_lit(b, text) buf_bytes((b), (text), sizeof(text) - 1)

void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);

// Drops the first n bytes.
void buf_shift(struct buf *b, size_t n);

static inline struct span buf_view(const struct buf *b)
{
    return (struct span){b->p, b->n};
}

// The content as a C string, valid until the next change; "" if the buffer is bad.
const char *buf_cstr(struct buf *b);

// False with an error that names the cap where `bad`.
bool buf_ok(const struct buf *b, const char *what, struct err *e) MUST_CHECK;

#endif
