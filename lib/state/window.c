#include "state/window.h"

#include <stdlib.h>

bool window_init(struct window *w, size_t size, struct err *e)
{
    *w = (struct window){.size = size};
    buf_init(&w->last_text, POS_MAX_BYTES);
    buf_init(&w->behind_text, POS_MAX_BYTES);
    w->at = calloc(size, sizeof *w->at);
    for (size_t i = 0; w->at != NULL && i < size; i++)
        buf_init(&w->at[i].token, POS_MAX_BYTES);
    return w->at != NULL || err_no_memory(e);
}

void window_release(struct window *w)
{
    for (size_t i = 0; w->at != NULL && i < w->size; i++)
        buf_release(&w->at[i].token);
    free(w->at);
    buf_release(&w->last_text);
    buf_release(&w->behind_text);
    *w = (struct window){0};
}

static struct window_place *place(const struct window *w, uint64_t seq)
{
    return &w->at[seq & (w->size - 1)];
}

// Keeps a copy of the token, and in *to a pos that borrows from the copy what a snapshot's borrows.
static bool keep(struct buf *text, struct pos *to, const struct pos *pos, struct span token, struct err *e)
{
    buf_reset(text);
    buf_span(text, token);
    *to = *pos;
    return buf_ok(text, "a position", e) && (pos->phase == POS_LOG || pos_parse(buf_view(text), to, e));
}

bool window_read(struct window *w, struct span token, struct pos *pos, bool *higher, struct err *e)
{
    if (!pos_parse(token, pos, e))
        return false;
    if (w->has_last && pos->source != w->last.source)
        return err_set(e, STATUS_DATA, "position %.*s is of another kind of source than the one before",
                       SPAN_ARG(token));
    int order = w->has_last ? pos_compare(pos, &w->last) : 1;
    if (order < 0) {
        err_set(e, STATUS_DATA, "position %.*s comes after %.*s", SPAN_ARG(token),
                SPAN_ARG(buf_view(&w->last_text)));
        return err_hint(e, "the lines of one source must stay in order: nothing may sort or merge them");
    }
    *higher = order > 0;
    w->has_last = true;
    return order == 0 || keep(&w->last_text, &w->last, pos, token, e);
}

bool window_add(struct window *w, uint64_t line, uint32_t pending, uint64_t *seq, struct err *e)
{
    struct window_place *p = place(w, w->next);
    buf_reset(&p->token);
    if (w->has_last && !keep(&p->token, &p->pos, &w->last, buf_view(&w->last_text), e))
        return false;
    p->line = line;
    p->pending = pending;
    w->pending += pending;
    *seq = w->next++;
    return true;
}

void window_parts(struct window *w, uint64_t seq, uint32_t parts)
{
    place(w, seq)->pending += parts;
    w->pending += parts;
}

void window_done(struct window *w, uint64_t seq)
{
    place(w, seq)->pending--;
    w->pending--;
}

struct span window_token(const struct window *w, uint64_t seq, uint64_t *line)
{
    *line = place(w, seq)->line;
    return buf_view(&place(w, seq)->token);
}

// Whether the token stands for all that it should: no more lines can bear it, and none that does is
// unfinished.
static bool is_whole(const struct window *w, const struct buf *token, const struct pos *pos)
{
    bool complete = token->n != 0 && (pos_is_progress(pos) || pos_compare(pos, &w->last) < 0);
    return complete && (window_is_empty(w) || pos_compare(pos, &place(w, w->first)->pos) < 0);
}

bool window_take(struct window *w, struct buf *token)
{
    uint64_t start = w->first, i;
    while (w->first != w->next && place(w, w->first)->pending == 0)
        w->first++;
    const struct buf *found = NULL;
    for (i = w->first; i != start && found == NULL; i--)
        if (is_whole(w, &place(w, i - 1)->token, &place(w, i - 1)->pos))
            found = &place(w, i - 1)->token;
    if (found == NULL && is_whole(w, &w->behind_text, &w->behind))
        found = &w->behind_text;
    buf_reset(token);
    if (found != NULL)
        buf_span(token, buf_view(found));
    // A token whose lines are taken out, and that is not whole yet, is remembered here.
    if (w->first != start || found != NULL)
        buf_reset(&w->behind_text);
    if (w->first != start && found != &place(w, w->first - 1)->token) {
        buf_span(&w->behind_text, buf_view(&place(w, w->first - 1)->token));
        w->behind = place(w, w->first - 1)->pos;
    }
    return found != NULL;
}
