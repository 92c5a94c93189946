// Borrowed bytes: a pointer and a length, not NUL-terminated, owned by somebody else who outlives the span.
#ifndef CDC_BASE_SPAN_H
#define CDC_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
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

#endif
