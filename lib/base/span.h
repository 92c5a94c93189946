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

#endif
