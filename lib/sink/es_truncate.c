#include "sink/es_truncate.h"

#include "event/json.h"
#include "sink/es_answer.h"
#include "sink/es_lane.h"
#include "sink/loop.h"

#include <stdlib.h>

#define PAGE "1000"
#define FILTER "filter_path=_scroll_id,_shards.failed,hits.hits._id"

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
    static const struct span failed_path[] = {SPAN_LIT("_shards"), SPAN_LIT("failed")};
    struct span hits, id, failed;
    struct json_walk w;
    size_t bad_at;
    struct span answer = buf_view(&es->ask.answer);
    buf_reset(&es->body);
    *n = 0;
    if (!json_check(answer, &bad_at) || !json_path(answer, failed_path, 2, &failed) || !span_is(failed, "0"))
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

enum page { PAGE_FAILED, PAGE_BUSY, PAGE_DONE };

static enum page judge_items(const struct es_item *items, size_t n)
{
    enum page page = PAGE_DONE;
    for (size_t i = 0; i < n; i++) {
        int status = items[i].status;
        if (status / 100 == 2 || status == 409 || (status == 404 && !items[i].error))
            continue;
        if (status != 429 && status != 408 && status < 500)
            return PAGE_FAILED;
        page = PAGE_BUSY;
    }
    return page;
}

static bool was_deleted(struct es *es, size_t n, enum page *page, struct err *e)
{
    struct es_item *items = calloc(n, sizeof *items);
    if (items == NULL)
        return err_no_memory(e);
    bool whole = es_answer_items(buf_view(&es->ask.answer), items, n);
    *page = whole ? judge_items(items, n) : PAGE_BUSY;
    free(items);
    return *page != PAGE_FAILED ||
           err_set(e, STATUS_PEER, "%s: documents of a truncated table could not be deleted",
                   es_call_host(&es->ask));
}

static bool empty_page(struct es *es, struct span index, uint64_t version, size_t *n, struct err *e)
{
    if (!read_page(es, index, version, n))
        return err_set(e, STATUS_PEER, "%s: an answer cannot be read, or is not of all shards",
                       es_call_host(&es->ask));
    if (*n == 0)
        return true;
    if (!buf_ok(&es->body, "a request", e))
        return false;
    for (unsigned tries = 0;; tries++) {
        enum page page = PAGE_FAILED;
        if (!ask(es, ES_BULK_PATH, buf_view(&es->body), e) || !was_deleted(es, *n, &page, e))
            return false;
        if (page == PAGE_DONE)
            return true;
        es_warn(es, "%s is too busy to delete the documents of a truncated table", es_call_host(&es->ask));
        loop_counts(es->loop)->retries++;
        if (!es_pause(es, tries, e))
            return false;
    }
}

static bool next_page(struct es *es, struct span scroll, struct err *e)
{
    buf_reset(&es->body);
    buf_lit(&es->body, "{\"scroll\":\"5m\",\"scroll_id\":");
    buf_span(&es->body, scroll);
    buf_char(&es->body, '}');
    return ask(es, "/_search/scroll?" FILTER, buf_view(&es->body), e);
}

static bool empty(struct es *es, struct span index, uint64_t version, struct buf *scroll, struct err *e)
{
    // A shard that is away is no shard without documents.
    static const char page[] =
        "/_search?scroll=5m&size=" PAGE "&_source=false&sort=_doc&allow_partial_search_results=false&" FILTER;
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
