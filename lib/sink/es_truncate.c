#include "sink/es_truncate.h"

#include "event/json.h"
#include "sink/es_answer.h"
#include "sink/es_lane.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE 1000

static const char *path_of(struct es *es, struct span index, const char *suffix)
{
    buf_reset(&es->row);
    buf_printf(&es->row, "/%.*s%s", SPAN_ARG(index), suffix);
    return buf_cstr(&es->row);
}

static bool ask(struct es *es, const char *path, struct span body, struct err *e)
{
    return es_ask(es, "POST", path, body, e) &&
           (es->ask.status == 200 || es_fail(&es->ask, "the index cannot be emptied", e));
}

// The page's deletes, in es->body. *n: its documents; false where it cannot be read.
static bool read_page(struct es *es, struct span index, uint64_t version, size_t *n)
{
    static const struct span path[] = {SPAN_LIT("hits"), SPAN_LIT("hits")};
    struct span hits, id;
    struct json_walk w;
    size_t bad_at;
    struct span answer = buf_view(&es->ask.answer);
    buf_reset(&es->body);
    *n = 0;
    if (!json_check(answer, &bad_at))
        return false;
    if (!json_path(answer, path, 2, &hits))
        return true; // filter_path leaves out what is empty
    for (json_walk_begin(&w, hits); json_walk_next(&w); ++*n) {
        if (!json_member(w.value, span_of("_id"), &id))
            return false;
        buf_lit(&es->body, "{\"delete\":{\"_index\":\"");
        buf_span(&es->body, index);
        buf_lit(&es->body, "\",\"_id\":");
        buf_span(&es->body, id);
        if (version != 0)
            buf_printf(&es->body, ",\"version\":%llu,\"version_type\":\"external_gte\"",
                       (unsigned long long)version);
        buf_lit(&es->body, "}}\n");
    }
    return !w.bad;
}

static bool was_deleted(struct es *es, size_t n, struct err *e)
{
    struct es_item *items = calloc(n, sizeof *items);
    if (items == NULL)
        return err_no_memory(e);
    bool ok = es_answer_items(buf_view(&es->ask.answer), items, n);
    for (size_t i = 0; i < n && ok; i++)
        ok = items[i].status / 100 == 2 || items[i].status == 409 ||
             (items[i].status == 404 && !items[i].error);
    free(items);
    return ok || err_set(e, STATUS_PEER, "%s: documents of a truncated table could not be deleted",
                         es_call_host(&es->ask));
}

static bool empty_page(struct es *es, struct span index, uint64_t version, size_t *n, struct err *e)
{
    if (!read_page(es, index, version, n))
        return err_set(e, STATUS_PEER, "%s: an answer cannot be read", es_call_host(&es->ask));
    return *n == 0 || (buf_ok(&es->body, "a request", e) && ask(es, ES_BULK_PATH, buf_view(&es->body), e) &&
                       was_deleted(es, *n, e));
}

static bool next_page(struct es *es, struct span scroll, struct err *e)
{
    buf_reset(&es->body);
    buf_lit(&es->body, "{\"scroll\":\"5m\",\"scroll_id\":");
    buf_span(&es->body, scroll);
    buf_char(&es->body, '}');
    return ask(es, "/_search/scroll?filter_path=_scroll_id,hits.hits._id", buf_view(&es->body), e);
}

static bool empty(struct es *es, struct span index, uint64_t version, struct buf *scroll, struct err *e)
{
    char page[160];
    snprintf(page, sizeof page,
             "/_search?scroll=5m&size=%d&_source=false&sort=_doc&filter_path=_scroll_id,hits.hits._id", PAGE);
    if (!ask(es, path_of(es, index, "/_refresh"), (struct span){"", 0}, e) ||
        !ask(es, path_of(es, index, page), (struct span){"", 0}, e))
        return false;
    for (size_t n = 1; n != 0;) {
        struct span id;
        if (json_member(buf_view(&es->ask.answer), span_of("_scroll_id"), &id)) {
            buf_reset(scroll);
            buf_span(scroll, id);
        }
        if (!empty_page(es, index, version, &n, e) || (n != 0 && !next_page(es, buf_view(scroll), e)))
            return false;
    }
    return true;
}

bool es_truncate(struct es *es, struct span index, uint64_t version, struct err *e)
{
    struct buf scroll;
    for (size_t i = 0; i < es->n_lanes; i++)
        if (!es_lane_drain(es, &es->lanes[i], e))
            return false;
    buf_init(&scroll, 65536);
    bool ok = empty(es, index, version, &scroll, e);
    if (ok && scroll.n != 0) {
        buf_reset(&es->body);
        buf_printf(&es->body, "{\"scroll_id\":%.*s}", SPAN_ARG(buf_view(&scroll)));
        ok = es_ask(es, "DELETE", "/_search/scroll", buf_view(&es->body), e);
    }
    buf_release(&scroll);
    return ok;
}
