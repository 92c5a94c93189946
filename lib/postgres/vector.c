#include "postgres/vector.h"

#include "event/decimal.h"

static struct span take_until(struct span *text, const char *ends)
{
    struct span taken = {text->p, 0};
    while (taken.n < text->n && strchr(ends, text->p[taken.n]) == NULL)
        taken.n++;
    text->p += taken.n, text->n -= taken.n;
    return taken;
}

bool vector_write(struct span text, bool single, struct buf *out)
{
    if (!span_take(&text, '['))
        return false;
    buf_char(out, '[');
    for (bool first = true; !span_take(&text, ']'); first = false) {
        if (!first && !span_take(&text, ','))
            return false;
        if (!first)
            buf_char(out, ',');
        if (!float_write(take_until(&text, ",]"), single, out))
            return false;
    }
    buf_char(out, ']');
    return text.n == 0;
}

static bool take_element(struct span *text, struct buf *out)
{
    int64_t index;
    if (!span_take_number(text, 18, &index) || !span_take(text, ':'))
        return false;
    buf_char(out, '[');
    buf_i64(out, index);
    buf_char(out, ',');
    if (!float_write(take_until(text, ",}"), false, out))
        return false;
    buf_char(out, ']');
    return true;
}

bool sparse_vector_write(struct span text, struct buf *out)
{
    int64_t n;
    const char *slash = text.n != 0 ? memchr(text.p, '/', text.n) : NULL;
    if (slash == NULL || !span_take(&text, '{'))
        return false;
    struct span dimensions = {slash + 1, text.n - (size_t)(slash + 1 - text.p)};
    if (!span_take_number(&dimensions, 18, &n) || dimensions.n != 0)
        return false;
    buf_lit(out, "{\"dimensions\":");
    buf_i64(out, n);
    buf_lit(out, ",\"vector\":[");
    for (bool first = true; !span_take(&text, '}'); first = false) {
        if (!first && !span_take(&text, ','))
            return false;
        if (!first)
            buf_char(out, ',');
        if (!take_element(&text, out))
            return false;
    }
    buf_lit(out, "]}");
    return text.p == slash;
}
