#include "sink/es_document.h"

#include "event/json.h"

static const struct span after = SPAN_LIT("after");

size_t es_document_fill(const struct gaps *g, bool envelope, struct span row, struct span base,
                        struct buf *out)
{
    struct json_walk w;
    struct span base_row = {"", 0};
    size_t left_out = 0;
    char before = '{';
    if (!envelope)
        return gaps_fill(g, row, base, out);
    if (base.n != 0 && !json_member(base, after, &base_row))
        base_row.n = 0;
    for (json_walk_begin(&w, row); json_walk_next(&w); before = ',') {
        buf_char(out, before);
        buf_span(out, w.name);
        buf_char(out, ':');
        if (span_is(w.name, "\"after\"") && w.value.n != 0 && w.value.p[0] == '{')
            left_out = gaps_fill(g, w.value, base_row, out);
        else
            buf_span(out, w.value);
    }
    buf_char(out, '}');
    return left_out;
}

void es_document_mark(struct span document, const char *field, struct buf *out)
{
    struct json_walk w;
    buf_char(out, '{');
    for (json_walk_begin(&w, document); json_walk_next(&w);) {
        if (w.name.n == strlen(field) + 2 && memcmp(w.name.p + 1, field, w.name.n - 2) == 0)
            continue;
        buf_span(out, w.name);
        buf_char(out, ':');
        buf_span(out, w.value);
        buf_char(out, ',');
    }
    json_quote(out, span_of(field));
    buf_lit(out, ":true}");
}
