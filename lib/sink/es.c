#include "sink/es.h"

#include "base/clock.h"
#include "event/envelope.h"
#include "event/json.h"
#include "sink/es_answer.h"
#include "sink/es_id.h"
#include "sink/es_index.h"
#include "sink/es_lane.h"
#include "sink/es_move.h"
#include "sink/es_truncate.h"
#include "sink/loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAP_MS 100
#define WARN_EVERY_MS 10000
#define BACKOFF_MS 100
#define BACKOFF_DOUBLES 6
#define BODY_BYTES (4u << 20)
#define BUF_MAX_BYTES (SIZE_MAX / 4)

void es_init(struct es *es, const struct es_config *config, notice_fn *warn)
{
    *es = (struct es){.config = config, .warn = warn, .body_max = BODY_BYTES};
    buf_init(&es->identity, LINE_IDENTITY_MAX);
    buf_init(&es->name, 65536);
    buf_init(&es->id, 65536);
    buf_init(&es->row, BUF_MAX_BYTES);
    buf_init(&es->body, BUF_MAX_BYTES);
    es->random = (uint64_t)clock_wall_ns() ^ (uint64_t)getpid() << 32;
}

// ---- for the sink's parts

void es_warn(struct es *es, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    if (es->warned_ms != 0 && clock_mono_ms() - es->warned_ms < WARN_EVERY_MS)
        return;
    es->warned_ms = clock_mono_ms();
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    es->warn("%s; trying again", text);
}

int64_t es_backoff_ms(struct es *es, unsigned tries)
{
    int64_t most = (int64_t)BACKOFF_MS << (tries < BACKOFF_DOUBLES ? tries : BACKOFF_DOUBLES);
    es->random = es->random * 6364136223846793005u + 1442695040888963407u;
    return most / 2 + (int64_t)(es->random >> 33) % (most / 2 + 1);
}

bool es_move_on(struct es *es, struct err *e)
{
    for (size_t i = 0; i < es->n_lanes; i++)
        if (!es_lane_move(es, &es->lanes[i], e))
            return false;
    return es_http_pump(&es->http, e);
}

static int timeout_of(const struct es *es, int most_ms)
{
    for (size_t i = 0; i < es->n_lanes; i++)
        most_ms = es_lane_timeout(es, &es->lanes[i], most_ms);
    return most_ms;
}

bool es_nap(struct es *es, struct err *e)
{
    return es_http_wait(&es->http, NULL, 0, timeout_of(es, NAP_MS), e) && es_move_on(es, e) &&
           loop_tick(es->loop, e);
}

bool es_fail(const struct es_call *call, const char *what, struct err *e)
{
    if (call->state == ES_CALL_LOST)
        return err_set(e, es_call_is_hopeless(call) ? STATUS_USAGE : STATUS_PEER, "%s: %s: %s", what,
                       es_call_host(call), call->why);
    struct es_item why = es_answer_error(buf_view(&call->answer));
    err_set(e, STATUS_USAGE, "%s: %s answers status %ld%s%.*s%s%.*s", what, es_call_host(call), call->status,
            why.type.n != 0 ? ", " : "", SPAN_ARG(why.type), why.reason.n != 0 ? ": " : "",
            SPAN_ARG(why.reason));
    if (call->status == 401)
        err_hint(e, "--user NAME --password-file FILE, --api-key-file FILE or --bearer-file FILE log in");
    if (call->status == 403)
        err_hint(e, "the account needs index, create_index, read and manage on the indices");
    return false;
}

bool es_pause(struct es *es, unsigned tries, struct err *e)
{
    int64_t due_ms = clock_mono_ms() + es_backoff_ms(es, tries);
    while (clock_mono_ms() < due_ms)
        if (!es_nap(es, e))
            return false;
    return true;
}

static bool answer(struct es *es, struct err *e)
{
    while (es->ask.state == ES_CALL_BUSY)
        if (!es_nap(es, e))
            return false;
    return true;
}

bool es_ask(struct es *es, const char *method, const char *path, struct span body, struct err *e)
{
    struct es_call *c = &es->ask;
    for (unsigned tries = 0;; tries++) {
        if (!es_call_start(c, method, path, body, strncmp(path, ES_BULK_PATH, 6) == 0, e) || !answer(es, e))
            return false;
        if (c->state == ES_CALL_ANSWERED && (c->status == 401 || c->status == 403))
            return es_fail(c, "access is refused", e);
        if (c->state == ES_CALL_ANSWERED && c->status != 429 && c->status != 408 && c->status < 500)
            return true;
        if (es_call_is_hopeless(c))
            return es_fail(c, "no connection", e);
        if (c->state == ES_CALL_LOST)
            es_warn(es, "%s: %s", es_call_host(c), c->why);
        else
            es_warn(es, "%s answers status %ld", es_call_host(c), c->status);
        c->host = (c->host + 1) % es->http.n_hosts;
        loop_counts(es->loop)->retries++;
        if (!es_pause(es, tries, e))
            return false;
    }
}

// ---- life

// A wrong address or login is told at once; later the hosts may be away for as long as they like.
static bool reach(struct es *es, struct err *e)
{
    for (size_t i = 0; i < es->http.n_hosts; i++) {
        es->ask.host = i;
        if (!es_call_start(&es->ask, "GET", "/", (struct span){"", 0}, false, e) || !answer(es, e))
            return false;
        if (es->ask.state == ES_CALL_ANSWERED && es->ask.status == 401)
            return es_fail(&es->ask, "access is refused", e);
        if (es->ask.state == ES_CALL_ANSWERED)
            return true;
        if (es_call_is_hopeless(&es->ask))
            break;
    }
    return es_fail(&es->ask, "no connection", e);
}

static bool open_sink(void *self, struct loop *loop, struct sink_own *own, struct err *e)
{
    struct es *es = self;
    const struct es_config *c = es->config;
    (void)own;
    es->loop = loop;
    if (c->index != NULL && !template_parse(&es->index, span_of(c->index), 0, NULL, e))
        return false;
    if (!gaps_init(&es->gaps, c->placeholder, e) || !es_batch_init(&es->parked, BUF_MAX_BYTES, e) ||
        !es_http_open(&es->http, &c->http, e) || !es_call_init(&es->ask, &es->http, 0, e))
        return false;
    if (c->http.tls.insecure)
        es->warn("--insecure: the server's certificate is not checked; anybody in between can read and "
                 "change all");
    es->lanes = calloc(c->jobs, sizeof *es->lanes);
    if (es->lanes == NULL)
        return err_no_memory(e);
    for (; es->n_lanes < c->jobs; es->n_lanes++)
        if (!es_lane_init(es, &es->lanes[es->n_lanes], es->n_lanes, e)) {
            es_lane_release(&es->lanes[es->n_lanes]);
            return false;
        }
    return reach(es, e);
}

static void close_sink(void *self)
{
    struct es *es = self;
    for (size_t i = 0; i < es->n_lanes; i++)
        es_lane_release(&es->lanes[i]);
    free(es->lanes);
    es_call_release(&es->ask);
    es_http_close(&es->http);
    es_index_release(es);
    gaps_release(&es->gaps);
    es_batch_release(&es->parked);
    arena_release(&es->arena);
    struct buf *bufs[] = {&es->identity, &es->name, &es->id, &es->row, &es->body};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_release(bufs[i]);
}

static void identify(void *self, struct span identity)
{
    struct es *es = self;
    buf_reset(&es->identity);
    buf_span(&es->identity, identity);
}

static bool wait(void *self, struct pollfd *fds, nfds_t n, int timeout_ms, struct err *e)
{
    struct es *es = self;
    return es_unpark_passed(es, false, e) && es_http_wait(&es->http, fds, n, timeout_of(es, timeout_ms), e) &&
           es_move_on(es, e);
}

static bool end(void *self, struct err *e)
{
    return es_unpark_passed(self, true, e);
}

// ---- records

static bool make_index(struct es *es, const struct record *r, struct err *e)
{
    struct buf *b = &es->row; // free until the row is looked at
    struct line line = {.text = r->value, .topic = r->topic};
    buf_reset(&es->name);
    if (es->config->index == NULL)
        return es_index_name(r->topic, &es->name, e);
    buf_reset(b);
    arena_reset(&es->arena);
    return template_expand(&es->index, &line, NULL, &es->arena, b, e) &&
           es_index_name(buf_view(b), &es->name, e);
}

// --id PATH, which for a delete is looked for in what was there before.
static bool find_id(const struct es *es, const struct record *r, char op, struct span *id)
{
    const char *path = es->config->id + (es->config->id[0] == '.');
    struct span before;
    if (strncmp(path, "key.", 4) == 0)
        return json_at(r->key, path + 4, id);
    if (op == 'd' && strncmp(path, "after.", 6) == 0)
        return json_member(r->value, span_of("before"), &before) && json_at(before, path + 6, id);
    return json_at(r->value, path, id);
}

static bool make_id(struct es *es, const struct record *r, char op, struct err *e)
{
    struct span id = r->key;
    buf_reset(&es->id);
    if (es->config->id != NULL && !find_id(es, r, op, &id))
        return err_set(e, STATUS_DATA, "the line has no %s, which its _id is made of", es->config->id);
    return es_id(id, &es->id, e);
}

// What is sent for the line; false with the reason where that is nothing.
static bool make_row(const struct es *es, const struct record *r, char op, struct es_new *line, struct err *e)
{
    line->action = op != 'd' ? ES_INDEX : es->config->soft_delete != NULL ? ES_MARK : ES_DELETE;
    line->row = r->value.n != 0 ? r->value : span_of("{}");
    if (op == '\0' || line->action == ES_DELETE)
        return true; // no envelope: the line is the document
    if (strchr("crud", op) == NULL)
        return err_set(e, STATUS_DATA, "op %c is nothing that an index can hold", op);
    struct span after = r->value;
    if (op != 'd' && (!json_member(r->value, span_of("after"), &after) || after.n == 0 || after.p[0] != '{'))
        return err_set(e, STATUS_DATA, "op %c has no row in \"after\"", op);
    if (line->action == ES_MARK)
        after = r->key.n != 0 && r->key.p[0] == '{' ? r->key : span_of("{}");
    if (!es->config->envelope)
        line->row = after;
    line->needs_base =
        line->action == ES_MARK || ((op == 'u' || r->headers.n != 0) && gaps_has(&es->gaps, after));
    return true;
}

static bool deliver(struct es *es, struct es_new *line, struct err *e)
{
    bool taken = false;
    if (line->action == ES_DELETE && es->config->id == NULL && es_is_moving(line->headers))
        return es_unpark(es, e) && es_park(es, line, e);
    if (line->action == ES_INDEX && line->needs_base && es->config->id == NULL &&
        !es_take_moved(es, line, &taken, e))
        return false;
    return taken || (es_unpark(es, e) && es_lane_add(es, &es->lanes[line->hash % es->n_lanes], line, e));
}

static bool refuse(struct es *es, const struct record *r, const struct err *why, struct err *e)
{
    char reason[sizeof why->text], hint[sizeof why->hint];
    snprintf(reason, sizeof reason, "%s", why->text);
    snprintf(hint, sizeof hint, "%s", why->hint);
    if (loop_refuse(es->loop, r, STATUS_DATA, reason, e))
        return true;
    return hint[0] == '\0' ? false : err_hint(e, "%s", hint);
}

static bool truncate_index(struct es *es, const struct record *r, struct err *e)
{
    uint64_t version;
    if (!es->config->truncate) {
        struct err why;
        err_set(&why, STATUS_DATA, "a TRUNCATE deletes no documents");
        err_hint(&why, "--truncate delete-by-query does it");
        return refuse(es, r, &why, e);
    }
    return es_unpark(es, e) && es_index_for(es, buf_view(&es->name), r, &version, e) &&
           es_truncate(es, buf_view(&es->name), version, e);
}

// Rows would overwrite each other. No line of the table can be delivered, so it is no matter of a reject
// file.
static bool check_unique(const struct es *es, const struct record *r, struct err *e)
{
    if (!r->not_unique || es->config->id != NULL)
        return true;
    err_set(e, STATUS_USAGE, "topic %.*s has keys that several rows may share (--message-key-columns)",
            SPAN_ARG(r->topic));
    return err_hint(
        e, "--id PATH names what is unique in a row, as after.id; or let the source write its own key");
}

static bool submit(void *self, const struct record *r, uint32_t *parts, struct err *e)
{
    struct es *es = self;
    struct err why;
    char op = r->value.n != 0 ? envelope_op(r->value) : 'd'; // a tombstone deletes too
    *parts = 0;
    if (!make_index(es, r, &why))
        return refuse(es, r, &why, e);
    if (op == 't')
        return truncate_index(es, r, e);
    if (!check_unique(es, r, e))
        return false;
    struct es_new line = {.seq = r->seq,
                          .number = r->line,
                          .topic = r->topic,
                          .key = r->key,
                          .headers = r->headers,
                          .value = r->value};
    if (!make_id(es, r, op, &why) || !make_row(es, r, op, &line, &why))
        return refuse(es, r, &why, e);
    line.index = buf_view(&es->name);
    line.id = buf_view(&es->id);
    line.hash = es_hash(line.index, line.id);
    *parts = 1;
    return es_index_for(es, line.index, r, &line.version, e) && deliver(es, &line, e);
}

const struct sink_ops es_ops = {
    .open = open_sink,
    .identify = identify,
    .submit = submit,
    .wait = wait,
    .close = close_sink,
    .end = end,
};
