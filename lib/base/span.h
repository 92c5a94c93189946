// Borrowed bytes: a pointer and a length, not NUL-terminated, owned by somebody else who outlives the span.
#ifndef CDC_BASE_SPAN_H
#define CDC_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *p;
    size_t n;
};

// For printf's "%.*s". A span that goes into a message is short or is cut by the message's buffer.
#define SPAN_ARG(s) (int)((s).n > 4096 ? 4096 : (s).n), ((s).p ? (s).p : "")

// A string literal as a span; for initialisers too.
#define SPAN_LIT(text)                                                                                       \
    {                                                                                                        \
        (text), sizeof(text) - 1                                                                             \
    }

static inline struct span span_of(const char *s)
{
    return (struct span){s, strlen(s)};
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

// <0, 0, >0 by the bytes, as unsigned ones; of UTF-8 that is the order of its characters.
static inline int span_compare(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static inline bool span_is(struct span a, const char *s)
{
    return span_eq(a, span_of(s));
}

static inline bool span_starts(struct span a, const char *s)
{
    size_t n = strlen(s);
    return a.n >= n && memcmp(a.p, s, n) == 0;
}

// Takes the character, or the word, from the front, if it stands there.
static inline bool span_take(struct span *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    s->p++, s->n--;
    return true;
}

// Takes a number of 1 to max_digits digits, at most 18.
static inline bool span_take_number(struct span *s, size_t max_digits, int64_t *v)
{
    size_t n = 0;
    *v = 0;
    for (; n < s->n && n < max_digits && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        *v = *v * 10 + (s->p[n] - '0');
    s->p += n, s->n -= n;
    return n != 0;
}

static inline bool span_take_word(struct span *s, const char *word)
{
    if (!span_starts(*s, word))
        return false;
    s->p += strlen(word), s->n -= strlen(word);
    return true;
}

// A little-endian number of at most 8 bytes. The compiler makes one load of the lengths that are common.
static inline uint64_t span_le(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    uint64_t v = 0;
    if (s.n == 4)
        return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    if (s.n == 8)
        return p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
               (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
    for (size_t i = s.n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

#endif
