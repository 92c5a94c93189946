#include "stage/rewrite.h"

#include "event/json.h"

bool rewrite_init(struct rewrite *w, const struct rewrite_options *o, struct err *e)
{
    *w = (struct rewrite){.o = o};
    bool columns = columns_init(&w->columns, &o->drop, &o->mask, e);
    struct err late;
    return unwrap_init(&w->unwrap, &o->unwrap, columns ? e : &late) && columns;
}

void rewrite_release(struct rewrite *w)
{
    columns_release(&w->columns);
    unwrap_release(&w->unwrap);
}

bool rewrite_has(const struct rewrite *w)
{
    return w->o->unwrap.on || columns_has(&w->columns);
}

// The rows stand among other members, which are copied with all between them.
static enum rewritten rewrite_rows(struct rewrite *w, const struct line *l, struct buf *out)
{
    struct json_walk m;
    size_t at = out->n;
    const char *copied = l->text.p;
    bool changed = false, broken = false;
    for (json_walk_begin(&m, l->text); !broken && json_walk_next(&m);) {
        if ((!span_is(m.name, "\"before\"") && !span_is(m.name, "\"after\"")) || m.value.p[0] != '{')
            continue;
        buf_bytes(out, copied, (size_t)(m.value.p - copied));
        buf_char(out, '{');
        broken = !columns_put(&w->columns, m.value, out, &changed);
        buf_char(out, '}');
        copied = m.value.p + m.value.n;
    }
    if (m.bad || broken)
        return rewrite_refuse(out, at, "the line or a row of it is no JSON object");
    if (!changed) {
        out->n = at;
        return REWRITE_SAME;
    }
    buf_bytes(out, copied, (size_t)(l->text.p + l->text.n - copied));
    buf_char(out, '\n');
    return REWRITE_DONE;
}

enum rewritten rewrite_line(struct rewrite *w, const struct line *l, struct buf *out)
{
    bool rules = columns_begin(&w->columns, l->text);
    if (w->o->unwrap.on)
        return unwrap_line(&w->unwrap, l, &w->columns, out);
    return rules ? rewrite_rows(w, l, out) : REWRITE_SAME;
}
