#include "sink/es_lane.h"

#include "base/clock.h"
#include "event/json.h"
#include "sink/es_document.h"
#include "sink/loop.h"

#include <stdlib.h>

// An idle lane sends at once when it holds so many lines: waiting for more would save nothing.
#define WORTH_LINES 500

#define BODY_MAX_BYTES (SIZE_MAX / 4)
#define LEAST_BODY_BYTES 65536

// ---- life

bool es_lane_init(struct es *es, struct es_lane *lane, size_t number, struct err *e)
{
    lane->open = &lane->batches[0], lane->sent = &lane->batches[1];
    lane->most = ES_BATCH_LINES;
    lane->asked = calloc(ES_BATCH_LINES, sizeof *lane->asked);
    lane->items = calloc(ES_BATCH_LINES, sizeof *lane->items);
    buf_init(&lane->body, BODY_MAX_BYTES);
    buf_init(&lane->made[0], BODY_MAX_BYTES);
    buf_init(&lane->made[1], BODY_MAX_BYTES);
    if (lane->asked == NULL || lane->items == NULL)
        return err_no_memory(e);
    return es_batch_init(lane->open, BODY_MAX_BYTES, e) && es_batch_init(lane->sent, BODY_MAX_BYTES, e) &&
           es_call_init(&lane->call, &es->http, number, e);
}

void es_lane_release(struct es_lane *lane)
{
    es_call_release(&lane->call);
    es_batch_release(&lane->batches[0]);
    es_batch_release(&lane->batches[1]);
    free(lane->asked);
    free(lane->items);
    buf_release(&lane->body);
    buf_release(&lane->made[0]);
    buf_release(&lane->made[1]);
}

// ---- documents

static struct span fetched(const struct es_lane *lane, uint32_t root)
{
    for (size_t i = 0; i < lane->n_fetched; i++)
        if (lane->fetched[i] == root)
            return lane->found[i].source;
    return (struct span){"", 0};
}

// What the first of a chain is made of: the line before it in the batch, or the stored document.
static struct span base_of(const struct es_lane *lane, uint32_t first)
{
    const struct es_batch *b = lane->sent;
    uint32_t before = b->lines[first].before;
    if (before == ES_NONE)
        return fetched(lane, first);
    if (b->lines[before].action == ES_DELETE)
        return (struct span){"", 0};
    return es_line_row(b, &b->lines[before]);
}

static struct span make(struct es *es, const struct es_batch *b, struct es_line *l, struct span base,
                        struct buf *out)
{
    struct span row = es_line_row(b, l);
    buf_reset(out);
    if (l->action == ES_MARK)
        es_document_mark(base.n != 0 && !es->config->envelope ? base : row, es->config->soft_delete, out);
    else
        l->left_out = es_document_fill(&es->gaps, es->config->envelope, row, base, out) != 0;
    return buf_view(out);
}

static struct span document_of(struct es *es, struct es_lane *lane, uint32_t i)
{
    struct es_batch *b = lane->sent;
    if (!b->lines[i].needs_base)
        return es_line_row(b, &b->lines[i]);
    uint32_t first = i;
    size_t turn = 0;
    while (b->lines[first].before != ES_NONE && b->lines[b->lines[first].before].needs_base)
        first = b->lines[first].before;
    struct span base = base_of(lane, first);
    // From the first of the chain on; a chain is as long as the updates of one id in a batch.
    for (uint32_t at = first;;) {
        base = make(es, b, &b->lines[at], base, &lane->made[turn++ % 2]);
        if (at == i)
            return base;
        uint32_t next = i;
        while (b->lines[next].before != at)
            next = b->lines[next].before;
        at = next;
    }
}

// ---- requests

static bool nap(struct es *es, struct es_lane *lane)
{
    loop_counts(es->loop)->retries++;
    lane->due_ms = clock_mono_ms() + es_backoff_ms(es, lane->tries++);
    lane->state = ES_NAPS;
    return true;
}

// False where as many are fetched as can be.
static bool wants(struct es_lane *lane, uint32_t i)
{
    uint32_t root = es_batch_root(lane->sent, i);
    if (root == ES_NONE)
        return true;
    for (size_t k = 0; k < lane->n_fetched; k++)
        if (lane->fetched[k] == root)
            return true;
    if (lane->n_fetched == ES_FETCH)
        return false;
    lane->found[lane->n_fetched] = (struct es_found){.source = {"", 0}};
    lane->fetched[lane->n_fetched++] = root;
    return true;
}

static void choose(const struct es *es, struct es_lane *lane)
{
    const struct es_batch *b = lane->sent;
    size_t bytes = 0;
    lane->n_asked = lane->n_fetched = 0;
    for (uint32_t i = 0; i < b->n && lane->n_asked < lane->most && bytes < es->body_max; i++) {
        if (b->lines[i].state != ES_TO_SEND)
            continue;
        if (!wants(lane, i))
            return;
        bytes += b->lines[i].row_n;
        if (lane->n_asked != 0 && bytes > es->body_max)
            return;
        lane->asked[lane->n_asked++] = i;
    }
}

static bool fetch(struct es_lane *lane, struct err *e)
{
    const struct es_batch *b = lane->sent;
    buf_reset(&lane->body);
    for (size_t i = 0; i < lane->n_fetched; i++) {
        const struct es_line *l = &b->lines[lane->fetched[i]];
        buf_str(&lane->body, i == 0 ? "{\"docs\":[" : ",");
        buf_lit(&lane->body, "{\"_index\":\"");
        buf_span(&lane->body, es_line_index(b, l));
        buf_lit(&lane->body, "\",\"_id\":");
        json_quote(&lane->body, es_line_id(b, l));
        buf_char(&lane->body, '}');
    }
    buf_lit(&lane->body, "]}");
    lane->state = ES_FETCHES;
    return buf_ok(&lane->body, "a request", e) &&
           es_call_start(&lane->call, "POST", ES_MGET_PATH, buf_view(&lane->body), false, e);
}

static bool send_lines(struct es *es, struct es_lane *lane, struct err *e)
{
    struct es_batch *b = lane->sent;
    buf_reset(&lane->body);
    size_t n = 0;
    for (; n < lane->n_asked && (n == 0 || lane->body.n < es->body_max); n++) {
        struct span document = document_of(es, lane, lane->asked[n]);
        es_batch_put(b, &b->lines[lane->asked[n]], document, &lane->body);
    }
    lane->n_asked = n;
    lane->state = ES_SENDS;
    return buf_ok(&lane->body, "a request", e) &&
           es_call_start(&lane->call, "POST", ES_BULK_PATH, buf_view(&lane->body), true, e);
}

static bool go_on(struct es *es, struct es_lane *lane, struct err *e)
{
    if (lane->sent->to_send == 0) {
        es_batch_reset(lane->sent);
        lane->most = ES_BATCH_LINES;
        lane->state = ES_IDLE;
        return true;
    }
    choose(es, lane);
    return lane->n_fetched != 0 ? fetch(lane, e) : send_lines(es, lane, e);
}

static bool flush(struct es *es, struct es_lane *lane, struct err *e)
{
    struct es_batch *batch = lane->open;
    lane->open = lane->sent;
    lane->sent = batch;
    return go_on(es, lane, e);
}

// ---- answers

// The line's own answer is here: the one place where something is done to the loop.
static void settle(struct es *es, struct es_lane *lane, uint32_t i)
{
    struct es_batch *b = lane->sent;
    loop_counts(es->loop)->incomplete += b->lines[i].left_out;
    b->to_send--;
    for (uint32_t at = i; at != ES_NONE; at = b->lines[at].before) {
        b->lines[at].state = ES_SETTLED;
        loop_done(es->loop, b->lines[at].seq);
    }
}

static bool refuse(struct es *es, struct es_lane *lane, uint32_t i, int status, const struct es_item *why,
                   struct err *e)
{
    struct es_batch *b = lane->sent;
    struct es_line *l = &b->lines[i];
    struct record r = {0};
    char reason[1024];
    loop_recall(es->loop, l->seq, &r);
    r.topic = es_line_topic(b, l);
    r.key = es_line_key(b, l);
    r.headers = es_line_headers(b, l);
    r.value = es_line_value(b, l);
    snprintf(reason, sizeof reason, "refused with status %d%s%.*s%s%.*s", status,
             why->type.n != 0 ? ", " : "", (int)(why->type.n > 200 ? 200 : why->type.n), why->type.p,
             why->reason.n != 0 ? ": " : "", (int)(why->reason.n > 600 ? 600 : why->reason.n), why->reason.p);
    if (!loop_refuse(es->loop, &r, STATUS_DATA, reason, e))
        return false;
    loop_done(es->loop, l->seq);
    es_batch_refuse(b, i);
    return true;
}

// *again: the item must be tried again.
static bool take_item(struct es *es, struct es_lane *lane, uint32_t i, const struct es_item *item,
                      bool *again, struct err *e)
{
    const struct es_line *l = &lane->sent->lines[i];
    if (item->status == 409)
        loop_counts(es->loop)->stale++;
    if (item->status / 100 == 2 || item->status == 409 ||
        (item->status == 404 && l->action == ES_DELETE && !item->error)) {
        settle(es, lane, i);
        return true;
    }
    if (item->status == 401 || item->status == 403 || item->status == 404) {
        struct span index = es_line_index(lane->sent, l);
        return err_set(e, STATUS_USAGE, "index %.*s: status %d, %.*s: %.*s", SPAN_ARG(index), item->status,
                       SPAN_ARG(item->type), SPAN_ARG(item->reason));
    }
    if (item->status / 100 == 4 && item->status != 429 && item->status != 408)
        return refuse(es, lane, i, item->status, item, e);
    if (!*again)
        es_warn(es, "%s answers status %d for an item (%.*s)", es_call_host(&lane->call), item->status,
                SPAN_ARG(item->type));
    *again = true;
    return true;
}

static bool lost(struct es *es, struct es_lane *lane, const char *why)
{
    es_warn(es, "%s: %s", es_call_host(&lane->call), why);
    lane->call.host = (lane->call.host + 1) % es->http.n_hosts;
    return nap(es, lane);
}

static bool take_items(struct es *es, struct es_lane *lane, struct err *e)
{
    bool again = false;
    size_t before = lane->sent->to_send;
    if (!es_answer_items(buf_view(&lane->call.answer), lane->items, lane->n_asked))
        return lost(es, lane, "the answer cannot be read");
    for (size_t i = 0; i < lane->n_asked; i++)
        if (!take_item(es, lane, lane->asked[i], &lane->items[i], &again, e))
            return false;
    loop_counts(es->loop)->batches++;
    if (lane->most < ES_BATCH_LINES)
        lane->most *= 2;
    // While some of them pass, as with a queue that is too short for all, longer pauses would only leave it
    // idle.
    if (lane->sent->to_send < before)
        lane->tries = 0;
    return again ? nap(es, lane) : go_on(es, lane, e);
}

// The request was refused whole, for its size or for one line in it: in halves it is found which.
static bool split(struct es *es, struct es_lane *lane, struct err *e)
{
    if (lane->n_asked == 1) {
        struct es_item why = es_answer_error(buf_view(&lane->call.answer));
        return refuse(es, lane, lane->asked[0], (int)lane->call.status, &why, e) && go_on(es, lane, e);
    }
    loop_counts(es->loop)->retries++;
    lane->most = lane->n_asked / 2;
    if (lane->call.status == 413 && lane->body.n / 2 < es->body_max)
        es->body_max = lane->body.n / 2 < LEAST_BODY_BYTES ? LEAST_BODY_BYTES : lane->body.n / 2;
    return go_on(es, lane, e);
}

static bool is_busy_status(long status)
{
    return status == 429 || status == 408 || status >= 500;
}

static bool take_answer(struct es *es, struct es_lane *lane, struct err *e)
{
    const struct es_call *call = &lane->call;
    if (call->state == ES_CALL_LOST && !es_call_is_hopeless(call))
        return lost(es, lane, call->why);
    if (call->state == ES_CALL_LOST)
        return es_fail(call, "the lines cannot be delivered", e);
    if (is_busy_status(call->status)) {
        es_warn(es, "%s answers status %ld", es_call_host(call), call->status);
        lane->call.host = (call->host + 1) % es->http.n_hosts;
        return nap(es, lane);
    }
    if (lane->state == ES_SENDS && (call->status == 413 || call->status == 400))
        return split(es, lane, e);
    if (call->status != 200)
        return es_fail(call, "the lines cannot be delivered", e);
    if (lane->state == ES_SENDS)
        return take_items(es, lane, e);
    if (!es_answer_docs(buf_view(&call->answer), lane->found, lane->n_fetched))
        return lost(es, lane, "stored documents cannot be read");
    return send_lines(es, lane, e);
}

// ---- for the sink

static bool is_due(const struct es *es, const struct es_lane *lane)
{
    return lane->open->n >= WORTH_LINES || lane->open->text.n >= es->config->batch_bytes / 2 ||
           clock_mono_ms() - lane->first_ms >= es->config->linger_ms;
}

bool es_lane_move(struct es *es, struct es_lane *lane, struct err *e)
{
    switch (lane->state) {
    case ES_FETCHES:
    case ES_SENDS:
        return lane->call.state == ES_CALL_BUSY || take_answer(es, lane, e);
    case ES_NAPS:
        return clock_mono_ms() < lane->due_ms || go_on(es, lane, e);
    case ES_IDLE:
        break;
    }
    return lane->open->n == 0 || !is_due(es, lane) || flush(es, lane, e);
}

bool es_lane_add(struct es *es, struct es_lane *lane, const struct es_new *line, struct err *e)
{
    while (lane->open->n == ES_BATCH_LINES || lane->open->text.n >= es->config->batch_bytes)
        if (!es_nap(es, e))
            return false;
    if (lane->open->n == 0)
        lane->first_ms = clock_mono_ms();
    if (!es_batch_add(lane->open, line, e))
        return false;
    return lane->state != ES_IDLE || lane->open->n < WORTH_LINES ||
           (flush(es, lane, e) && es_http_pump(&es->http, e));
}

bool es_lane_drain(struct es *es, struct es_lane *lane, struct err *e)
{
    while (lane->open->n != 0 || lane->state != ES_IDLE) {
        if (lane->state == ES_IDLE && !flush(es, lane, e))
            return false;
        if (!es_nap(es, e))
            return false;
    }
    return true;
}

int es_lane_timeout(const struct es *es, const struct es_lane *lane, int most_ms)
{
    int64_t due_ms = lane->state == ES_NAPS ? lane->due_ms : lane->first_ms + es->config->linger_ms;
    if (lane->state == ES_FETCHES || lane->state == ES_SENDS ||
        (lane->state == ES_IDLE && lane->open->n == 0))
        return most_ms;
    int64_t left_ms = due_ms - clock_mono_ms();
    return left_ms < 0 ? 0 : left_ms < most_ms ? (int)left_ms : most_ms;
}
