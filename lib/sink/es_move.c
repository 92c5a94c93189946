#include "sink/es_move.h"

#include "event/json.h"
#include "sink/es_answer.h"
#include "sink/es_document.h"
#include "sink/es_id.h"
#include "sink/es_lane.h"
#include "sink/loop.h"

static const struct span new_key = SPAN_LIT("__debezium.newkey"), old_key = SPAN_LIT("__debezium.oldkey");

bool es_is_moving(struct span headers)
{
    struct span value;
    return headers.n != 0 && json_member(headers, new_key, &value);
}

bool es_park(struct es *es, const struct es_new *line, struct err *e)
{
    return es_batch_add(&es->parked, line, e);
}

static struct es_lane *lane_of(struct es *es, uint32_t hash)
{
    return &es->lanes[hash % es->n_lanes];
}

bool es_unpark(struct es *es, struct err *e)
{
    struct es_batch *b = &es->parked;
    if (b->n == 0)
        return true;
    const struct es_line *l = &b->lines[0];
    struct es_new line = {
        .seq = l->seq,
        .number = l->number,
        .version = l->version,
        .action = l->action,
        .needs_base = l->needs_base,
        .index = es_line_index(b, l),
        .id = es_line_id(b, l),
        .topic = es_line_topic(b, l),
        .key = es_line_key(b, l),
        .headers = es_line_headers(b, l),
        .value = es_line_value(b, l),
        .row = es_line_row(b, l),
        .hash = l->hash,
    };
    if (!es_lane_add(es, lane_of(es, l->hash), &line, e))
        return false;
    es_batch_reset(b);
    return true;
}

bool es_unpark_passed(struct es *es, bool ended, struct err *e)
{
    if (es->parked.n == 0)
        return true;
    uint64_t seq = es->parked.lines[0].seq;
    if (loop_is_complete(es->loop, seq))
        return es_unpark(es, e);
    if (ended) {
        loop_done(es->loop, seq);
        es_batch_reset(&es->parked);
    }
    return true;
}

static void put_request(struct buf *b, struct span index, struct span ids[2])
{
    buf_reset(b);
    for (int i = 0; i < 2; i++) {
        buf_str(b, i == 0 ? "{\"docs\":[{\"_index\":\"" : ",{\"_index\":\"");
        buf_span(b, index);
        buf_lit(b, "\",\"_id\":");
        json_quote(b, ids[i]);
        buf_char(b, '}');
    }
    buf_lit(b, "]}");
}

// A document may be away for a while, in an answer of status 200, as when its node starts again.
static bool fetch(struct es *es, struct span index, struct span ids[2], struct es_found found[2],
                  struct err *e)
{
    const struct es_call *call = &es->ask;
    put_request(&es->body, index, ids);
    if (!buf_ok(&es->body, "a request", e))
        return false;
    for (unsigned tries = 0;; tries++) {
        if (!es_ask(es, "POST", ES_MGET_PATH, buf_view(&es->body), e))
            return false;
        if (call->status != 200)
            return es_fail(call, "stored documents cannot be read", e);
        if (es_answer_docs(buf_view(&call->answer), found, 2))
            return true;
        es_warn(es, "%s: stored documents cannot be read", es_call_host(call));
        if (!es_pause(es, tries, e))
            return false;
    }
}

// A document that is there with this version, or a later one, is this create's, which comes again; any other
// under the new id is of a row that was deleted since.
static struct span base_of(const struct es_new *line, const struct es_found found[2])
{
    if (found[0].found && line->version != 0 && found[0].version >= line->version)
        return found[0].source;
    return found[1].found ? found[1].source : (struct span){"", 0};
}

static bool fill(struct es *es, struct es_new *line, struct span old_id, struct err *e)
{
    struct es_found found[2];
    struct span ids[2] = {line->id, old_id};
    uint32_t old_hash = es_hash(line->index, old_id);
    // Only what is stored can be fetched.
    if (!es_lane_drain(es, lane_of(es, old_hash), e) || !es_lane_drain(es, lane_of(es, line->hash), e) ||
        !fetch(es, line->index, ids, found, e))
        return false;
    struct span base = base_of(line, found);
    buf_reset(&es->body);
    size_t left = es_document_fill(&es->gaps, es->config->envelope, line->row, base, &es->body);
    line->row = buf_view(&es->body);
    line->needs_base = false;
    line->left_out = left != 0;
    return buf_ok(&es->body, "a document", e);
}

bool es_take_moved(struct es *es, struct es_new *line, bool *taken, struct err *e)
{
    struct span key;
    struct buf old_id;
    *taken = line->headers.n != 0 && json_member(line->headers, old_key, &key);
    if (!*taken)
        return true;
    buf_init(&old_id, ES_ID_MAX * 8);
    struct es_lane *lane = lane_of(es, line->hash);
    bool ok = es_id(key, &old_id, e) && fill(es, line, buf_view(&old_id), e) &&
              es_lane_add(es, lane, line, e) && (es->parked.n == 0 || es_lane_drain(es, lane, e)) &&
              es_unpark(es, e);
    buf_release(&old_id);
    return ok;
}
