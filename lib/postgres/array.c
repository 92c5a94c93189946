#include "postgres/array.h"

#define VALUE_MAX (1u << 30)
#define MAX_DEPTH 6 // MAXDIM

void array_walk_begin(struct array_walk *w, struct span text, char delimiter)
{
    *w = (struct array_walk){.rest = text, .delimiter = delimiter};
    buf_init(&w->unescaped, VALUE_MAX);
    const char *equals = text.n != 0 && text.p[0] == '[' ? memchr(text.p, '=', text.n) : NULL;
    if (equals != NULL)
        w->rest = (struct span){equals + 1, text.n - (size_t)(equals + 1 - text.p)};
}

void array_walk_release(struct array_walk *w)
{
    buf_release(&w->unescaped);
}

static void drop(struct span *s, size_t n)
{
    s->p += n, s->n -= n;
}

// Behind the opening quote. Copied only where something is escaped.
static enum array_token quoted(struct array_walk *w)
{
    size_t n = 0;
    bool escaped = false;
    while (n < w->rest.n && w->rest.p[n] != '"') {
        escaped = escaped || w->rest.p[n] == '\\';
        n += w->rest.p[n] == '\\' ? 2 : 1;
    }
    if (n >= w->rest.n)
        return ARRAY_BAD;
    w->value = (struct span){w->rest.p, n};
    drop(&w->rest, n + 1);
    if (!escaped)
        return ARRAY_VALUE;
    buf_reset(&w->unescaped);
    for (size_t i = 0; i < n; i++) {
        i += w->value.p[i] == '\\';
        buf_char(&w->unescaped, w->value.p[i]);
    }
    w->value = buf_view(&w->unescaped);
    return w->unescaped.bad ? ARRAY_BAD : ARRAY_VALUE;
}

static enum array_token bare(struct array_walk *w)
{
    size_t n = 0;
    while (n < w->rest.n && w->rest.p[n] != w->delimiter && strchr("{}\"\\", w->rest.p[n]) == NULL)
        n++;
    w->value = (struct span){w->rest.p, n};
    drop(&w->rest, n);
    if (n == 0)
        return ARRAY_BAD;
    return span_is(w->value, "NULL") ? ARRAY_NULL : ARRAY_VALUE;
}

static enum array_token open_one(struct array_walk *w)
{
    drop(&w->rest, 1);
    w->depth++;
    w->begun = true;
    return w->depth > MAX_DEPTH ? ARRAY_BAD : ARRAY_OPEN;
}

enum array_token array_walk_next(struct array_walk *w)
{
    if (w->begun && w->depth == 0)
        return w->rest.n == 0 ? ARRAY_END : ARRAY_BAD;
    if (w->rest.n == 0)
        return ARRAY_BAD;
    if (*w->rest.p == '}' && w->depth != 0) {
        drop(&w->rest, 1);
        w->depth--;
        w->after_value = true;
        return ARRAY_CLOSE;
    }
    if (w->after_value) {
        if (*w->rest.p != w->delimiter)
            return ARRAY_BAD;
        drop(&w->rest, 1);
        w->after_value = false;
        if (w->rest.n == 0)
            return ARRAY_BAD;
    }
    if (*w->rest.p == '{')
        return open_one(w);
    if (w->depth == 0)
        return ARRAY_BAD;
    w->after_value = true;
    if (*w->rest.p != '"')
        return bare(w);
    drop(&w->rest, 1);
    return quoted(w);
}
