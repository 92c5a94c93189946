#include "iceberg/own.h"

struct search {
    struct ice_writer *writer;
    struct sink_own *own;
    struct ice_table table;
    struct buf token, source;
};

static bool is_higher(const struct search *s)
{
    struct pos found, best;
    struct err ignored;
    if (s->own->token.n == 0)
        return true;
    return span_eq(buf_view(&s->source), buf_view(&s->own->identity)) &&
           pos_parse(buf_view(&s->token), &found, &ignored) &&
           pos_parse(buf_view(&s->own->token), &best, &ignored) && pos_compare(&found, &best) > 0;
}

static bool see(void *context, const struct ice_name *name, struct err *e)
{
    struct search *s = context;
    struct ice_writer *w = s->writer;
    if (w->catalog->ops->load(w->catalog, name, &s->table, e) != ICE_FOUND)
        return e->status != STATUS_PEER && e->status != STATUS_IO;
    if (!ice_table_property(&s->table, buf_cstr(&w->complete_name), &s->token) ||
        !ice_table_property(&s->table, buf_cstr(&w->source_name), &s->source) || !is_higher(s))
        return true;
    buf_reset(&s->own->token), buf_reset(&s->own->identity);
    buf_span(&s->own->token, buf_view(&s->token));
    buf_span(&s->own->identity, buf_view(&s->source));
    return buf_ok(&s->own->token, "a position", e) && buf_ok(&s->own->identity, "a source's identity", e);
}

bool ice_own_find(struct ice_writer *w, struct span space, struct sink_own *own, struct err *e)
{
    struct search s = {.writer = w, .own = own};
    ice_table_init(&s.table);
    buf_init(&s.token, POS_MAX_BYTES), buf_init(&s.source, 4096);
    own->lower_bound = true;
    bool ok = w->catalog->ops->list(w->catalog, space, see, &s, e);
    ice_table_release(&s.table);
    buf_release(&s.token), buf_release(&s.source);
    return ok;
}
