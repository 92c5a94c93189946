#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max_bytes = max_bytes};
}

void buf_release(struct buf *b)
{
    free(b->p);
    buf_init(b, b->max_bytes);
}

bool buf_grow(struct buf *b, size_t n)
{
    if (b->bad || n > b->max_bytes - b->n) {
        b->bad = true;
        return false;
    }
    size_t least = b->max_bytes < 256 ? b->max_bytes : 256;
    size_t cap = b->cap < least ? least : b->cap;
    while (cap - b->n < n)
        cap = cap > b->max_bytes / 2 ? b->max_bytes : cap * 2;
    char *p = realloc(b->p, cap);
    if (p == NULL) {
        b->bad = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    // One more byte for the NUL, which is then overwritten by what follows.
    if (n >= 0 && buf_room(b, (size_t)n + 1)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

#define DIGITS_MAX 20

static size_t count_digits(uint64_t v)
{
    static const uint64_t powers[DIGITS_MAX] = {
        0, // one digit has no power below it
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
        10000000000000000000u,
    };
    // 1233 / 4096 is nearly log10(2).
    size_t least = (size_t)(64 - __builtin_clzll(v | 1)) * 1233 >> 12;
    return least + (v >= powers[least]);
}

// Returns how many there are.
static size_t put_digits(char *to, uint64_t v)
{
    static const char pairs[201] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
        "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
        "8081828384858687888990919293949596979899";
    size_t n = count_digits(v);
    char *p = to + n;
    while (v >= 100) {
        p -= 2;
        memcpy(p, pairs + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        p -= 2;
        memcpy(p, pairs + v * 2, 2);
    } else {
        *--p = (char)('0' + v);
    }
    return n;
}

void buf_u64(struct buf *b, uint64_t v)
{
    char text[DIGITS_MAX];
    if (!b->bad && b->cap - b->n >= DIGITS_MAX)
        b->n += put_digits(b->p + b->n, v);
    else
        buf_bytes(b, text, put_digits(text, v));
}

void buf_i64(struct buf *b, int64_t v)
{
    if (v < 0)
        buf_char(b, '-');
    buf_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_shift(struct buf *b, size_t n)
{
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

const char *buf_cstr(struct buf *b)
{
    if (!buf_room(b, 1))
        return "";
    b->p[b->n] = '\0';
    return b->p;
}

bool buf_ok(const struct buf *b, const char *what, struct err *e)
{
    return !b->bad || err_set(e, STATUS_DATA, "%s is larger than its limit of %zu bytes", what, b->max_bytes);
}
