#include "sink/kafka.h"

#include "base/clock.h"
#include "event/json.h"
#include "sink/kafka_admin.h"
#include "sink/kafka_txn.h"
#include "sink/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// How long the brokers may take to answer at the start, and how long we wait before we look again.
#define CONNECT_MS 10000
#define NAP_MS 100
#define WARN_EVERY_MS 10000

// How long a record waits for others while no more come, and how long librdkafka is then told to send what it
// has: its own threads look at that, and may look too late, so they are told again.
#define LINGER_MS 5
#define FLUSH_MS 1
#define FLUSH_GAP_MAX_MS 100

// With more undelivered than this, full batches are on their way.
#define FEW_RECORDS 1000

static const struct sink_ops plain_ops, transactional_ops;

bool kafka_init(struct kafka *k, const struct kafka_config *config, notice_fn *warn, struct err *e)
{
    *k = (struct kafka){.config = config, .warn = warn, .wake = {-1, -1}};
    buf_init(&k->state, LINE_STATE_MAX);
    rd_kafka_conf_t *conf;
    if (!kafka_conf_producer(config, &conf, e))
        return false;
    bool ok = kafka_conf_get(conf, "transactional.id", k->transactional_id, sizeof k->transactional_id);
    rd_kafka_conf_destroy(conf);
    return ok || err_set(e, STATUS_USAGE, "transactional.id is longer than %zu bytes",
                         sizeof k->transactional_id - 1);
}

const struct sink_ops *kafka_ops(const struct kafka *k)
{
    return k->transactional_id[0] != '\0' ? &transactional_ops : &plain_ops;
}

// ---- errors

static enum status status_of(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
        return STATUS_FENCED;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
        return STATUS_DATA;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return STATUS_USAGE;
    default:
        return STATUS_PEER;
    }
}

bool kafka_fail(rd_kafka_resp_err_t code, const char *what, const char *text, struct err *e)
{
    err_set(e, status_of(code), "%s: %s", what, text);
    if (e->status == STATUS_FENCED)
        err_hint(e, "another instance with this transactional.id has taken over");
    return false;
}

static void remember(struct kafka *k, const struct err *e)
{
    if (!k->failed)
        k->failure = *e;
    k->failed = true;
}

bool kafka_alive(const struct kafka *k, struct err *e)
{
    if (k->failed)
        *e = k->failure;
    return !k->failed;
}

bool kafka_nap(struct kafka *k, struct err *e)
{
    rd_kafka_poll(k->rk, NAP_MS);
    return kafka_alive(k, e) && loop_tick(k->loop, e);
}

// ---- librdkafka's callbacks; they run within rd_kafka_poll()

// Headers as a line has them; what stands there is JSON.
static void write_headers(const rd_kafka_message_t *m, struct buf *b)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t n;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &n) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        buf_printf(b, "%s\"%s\":", i == 0 ? "{" : ",", name);
        buf_bytes(b, value, n);
    }
    buf_char(b, '}');
}

static bool refuse(struct kafka *k, const rd_kafka_message_t *m, struct record *r, struct err *e)
{
    static const struct span none = SPAN_LIT("null");
    struct buf headers;
    buf_init(&headers, SIZE_MAX / 2);
    write_headers(m, &headers);
    r->topic = span_of(rd_kafka_topic_name(m->rkt));
    r->key = m->key != NULL ? (struct span){m->key, m->key_len} : none;
    r->headers = buf_view(&headers);
    r->value = m->payload != NULL ? (struct span){m->payload, m->len} : none;
    bool ok = loop_refuse(k->loop, r, status_of(m->err), rd_kafka_err2str(m->err), e);
    buf_release(&headers);
    return ok;
}

// Whether the record is at fault, or its topic: another one may go where this cannot.
static bool is_refusal(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return true;
    default:
        return false;
    }
}

// A record that failed but was not refused is no matter for a reject file: all must wait for a restart.
static bool not_delivered(const rd_kafka_message_t *m, const struct record *r, struct err *e)
{
    return err_set(e, status_of(m->err), "%s: line %llu, topic %s, position %.*s", rd_kafka_err2str(m->err),
                   (unsigned long long)r->line, rd_kafka_topic_name(m->rkt), SPAN_ARG(r->token));
}

// The brokers refuse a whole batch for its size; most records in it, or all, may be good ones.
static bool is_batch_refused(struct kafka *k, const rd_kafka_message_t *m, const struct record *r,
                             struct err *e)
{
    if (m->err != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return false;
    const char *topic = rd_kafka_topic_name(m->rkt);
    size_t limit = kafka_topic_limit(k->rk, topic);
    if (limit != 0 && m->len + m->key_len >= limit)
        return false;
    err_set(e, STATUS_USAGE, "topic %s refuses a batch for its size: line %llu, position %.*s is in it",
            topic, (unsigned long long)r->line, SPAN_ARG(r->token));
    if (limit != 0)
        return !err_hint(e, "-X batch.size=%zu: the topic's max.message.bytes holds for batches", limit);
    return !err_hint(e, "-X batch.size=N, with N at most the topic's max.message.bytes");
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    struct kafka *k = opaque;
    struct record r = {0};
    struct err e;
    bool in_transaction = k->transactional_id[0] != '\0';
    uint64_t seq = (uint64_t)(uintptr_t)m->_private;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (!in_transaction)
            loop_done(k->loop, seq);
        return;
    }
    // Within a transaction its commit is what counts; it fails for all other reasons.
    if (!is_refusal(m->err))
        k->undelivered = true;
    if (k->failed || (in_transaction && !is_refusal(m->err)))
        return;
    loop_recall(k->loop, seq, &r);
    if (r.line == 0)
        return;
    if (is_batch_refused(k, m, &r, &e) ||
        !(is_refusal(m->err) ? refuse(k, m, &r, &e) : not_delivered(m, &r, &e)))
        remember(k, &e);
    else if (in_transaction)
        k->refused = true;
    else
        loop_done(k->loop, seq);
}

void kafka_warn(struct kafka *k, const char *text)
{
    if (k->warned_ms != 0 && clock_mono_ms() - k->warned_ms < WARN_EVERY_MS)
        return;
    k->warned_ms = clock_mono_ms();
    k->warn("%s; trying again", text);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct kafka *k = opaque;
    struct err e;
    char text[512];
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        rd_kafka_resp_err_t cause = rd_kafka_fatal_error(rk, text, sizeof text);
        // A gap is the consequence of a refused record, which tells more; its report comes first.
        if (cause == RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE && !k->failed)
            return;
        kafka_fail(cause, "the producer cannot go on", text, &e);
        remember(k, &e);
    } else {
        kafka_warn(k, reason);
    }
}

// ---- topics

static size_t hash(struct span name)
{
    size_t h = 2166136261u; // FNV-1a
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 16777619u;
    return h;
}

static struct kafka_topic *topic_slot(const struct kafka *k, struct span name)
{
    size_t i = hash(name) & (k->size - 1);
    while (k->topics[i].name != NULL && !span_is(name, k->topics[i].name))
        i = (i + 1) & (k->size - 1);
    return &k->topics[i];
}

static bool grow_topics(struct kafka *k, struct err *e)
{
    struct kafka old = *k;
    k->size = old.size == 0 ? 64 : old.size * 2;
    k->topics = calloc(k->size, sizeof *k->topics);
    if (k->topics == NULL) {
        k->topics = old.topics, k->size = old.size;
        return err_no_memory(e);
    }
    for (size_t i = 0; i < old.size; i++)
        if (old.topics[i].name != NULL)
            *topic_slot(k, span_of(old.topics[i].name)) = old.topics[i];
    free(old.topics);
    k->last = NULL;
    return true;
}

static bool find_topic(struct kafka *k, struct span name, rd_kafka_topic_t **handle, struct err *e)
{
    if (k->last == NULL || !span_is(name, k->last->name)) {
        if (k->n_topics * 2 >= k->size && !grow_topics(k, e))
            return false;
        k->last = topic_slot(k, name);
    }
    if (k->last->name == NULL) {
        char *copy = strndup(name.p, name.n);
        rd_kafka_topic_t *made = copy != NULL ? rd_kafka_topic_new(k->rk, copy, NULL) : NULL;
        if (made == NULL) {
            free(copy);
            k->last = NULL;
            return kafka_fail(rd_kafka_last_error(), "cannot use the topic",
                              rd_kafka_err2str(rd_kafka_last_error()), e);
        }
        *k->last = (struct kafka_topic){copy, made};
        k->n_topics++;
    }
    *handle = k->last->handle;
    return true;
}

// ---- records

rd_kafka_resp_err_t kafka_produce(struct kafka *k, const rd_kafka_vu_t *what, size_t n)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_error_t *error = rd_kafka_produceva(k->rk, what, n);
    if (error != NULL) {
        code = rd_kafka_error_code(error);
        rd_kafka_error_destroy(error);
    }
    return code;
}

static rd_kafka_headers_t *headers_of(struct span headers)
{
    rd_kafka_headers_t *list = rd_kafka_headers_new(4);
    struct json_walk w;
    for (json_walk_begin(&w, headers); json_walk_next(&w);)
        rd_kafka_header_add(list, w.name.p + 1, (ssize_t)w.name.n - 2, w.value.p, (ssize_t)w.value.n);
    return list;
}

static rd_kafka_resp_err_t produce_with_headers(struct kafka *k, const struct record *r,
                                                rd_kafka_topic_t *topic, struct span key, struct span value)
{
    rd_kafka_headers_t *headers = headers_of(r->headers);
    rd_kafka_vu_t what[] = {
        {RD_KAFKA_VTYPE_RKT, {.rkt = topic}},
        {RD_KAFKA_VTYPE_PARTITION, {.i32 = k->config->partition}},
        {RD_KAFKA_VTYPE_MSGFLAGS, {.i = RD_KAFKA_MSG_F_COPY}},
        {RD_KAFKA_VTYPE_VALUE, {.mem = {(void *)value.p, value.n}}},
        {RD_KAFKA_VTYPE_KEY, {.mem = {(void *)key.p, key.n}}},
        {RD_KAFKA_VTYPE_HEADERS, {.headers = headers}},
        {RD_KAFKA_VTYPE_OPAQUE, {.ptr = (void *)(uintptr_t)r->seq}},
    };
    rd_kafka_resp_err_t code = kafka_produce(k, what, sizeof what / sizeof what[0]);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers);
    return code;
}

static rd_kafka_resp_err_t produce_once(struct kafka *k, const struct record *r, rd_kafka_topic_t *topic,
                                        struct span key, struct span value)
{
    if (r->headers.n != 0)
        return produce_with_headers(k, r, topic, key, value);
    int rc = rd_kafka_produce(topic, k->config->partition, RD_KAFKA_MSG_F_COPY, (void *)value.p, value.n,
                              key.p, key.n, (void *)(uintptr_t)r->seq);
    return rc == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
}

// Waits while the queue is full. value NULL: a tombstone.
static bool produce(struct kafka *k, const struct record *r, struct span value, rd_kafka_resp_err_t *code,
                    struct err *e)
{
    static const struct span no_key = {NULL, 0};
    struct span key = span_is(r->key, "null") ? no_key : r->key;
    rd_kafka_topic_t *topic;
    if (!find_topic(k, r->topic, &topic, e))
        return false;
    while ((*code = produce_once(k, r, topic, key, value)) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        if (!kafka_nap(k, e))
            return false;
    }
    return true;
}

static bool is_delete(const struct record *r)
{
    static const struct span op = SPAN_LIT("op");
    struct span value;
    return json_member(r->value, op, &value) && span_is(value, "\"d\"");
}

static bool submit(void *self, const struct record *r, uint32_t *parts, struct err *e)
{
    static const struct span tombstone = {NULL, 0};
    struct kafka *k = self;
    rd_kafka_resp_err_t code;
    if (!kafka_alive(k, e) || !produce(k, r, r->value, &code, e))
        return false;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *parts = 1;
        if (!k->config->tombstones || !is_delete(r))
            return true;
        if (!produce(k, r, tombstone, &code, e))
            return false;
        *parts += code == RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    if (code == RD_KAFKA_RESP_ERR__FATAL && !kafka_alive(k, e))
        return false;
    // The transaction has failed meanwhile: its commit will tell.
    if (code == RD_KAFKA_RESP_ERR__STATE && k->in_transaction)
        return true;
    if (!is_refusal(code))
        return kafka_fail(code, "cannot hand over a record", rd_kafka_err2str(code), e);
    return loop_refuse(k->loop, r, status_of(code), rd_kafka_err2str(code), e);
}

static bool submit_in_transaction(void *self, const struct record *r, uint32_t *parts, struct err *e)
{
    return kafka_txn_begin(self, e) && submit(self, r, parts, e);
}

// ---- life

static bool make_pipe(struct kafka *k, struct err *e)
{
    if (pipe(k->wake) != 0)
        return err_errno(e, STATUS_IO, "cannot make a pipe");
    for (int i = 0; i < 2; i++) {
        fcntl(k->wake[i], F_SETFD, FD_CLOEXEC);
        fcntl(k->wake[i], F_SETFL, O_NONBLOCK);
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(k->rk);
    rd_kafka_queue_io_event_enable(queue, k->wake[1], "", 1);
    rd_kafka_queue_destroy(queue);
    return true;
}

// A wrong address is told at once; later a broker may be away for as long as it likes.
static bool reach_brokers(struct kafka *k, struct err *e)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(k->rk, 0, NULL, &metadata, CONNECT_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, "cannot reach the brokers", rd_kafka_err2str(code), e);
    rd_kafka_metadata_destroy(metadata);
    return true;
}

static bool open_producer(struct kafka *k, struct loop *loop, struct err *e)
{
    rd_kafka_conf_t *conf;
    char why[512];
    k->loop = loop;
    if (!kafka_conf_producer(k->config, &conf, e))
        return false;
    rd_kafka_conf_set_opaque(conf, k);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, NULL); // on_error() says what matters
    k->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (k->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return err_set(e, STATUS_USAGE, "librdkafka: %s", why);
    }
    return make_pipe(k, e) && reach_brokers(k, e);
}

static bool open_plain(void *self, struct loop *loop, struct sink_own *own, struct err *e)
{
    (void)own;
    return open_producer(self, loop, e);
}

static bool open_transactional(void *self, struct loop *loop, struct sink_own *own, struct err *e)
{
    return open_producer(self, loop, e) && kafka_txn_open(self, own, e);
}

static void identify(void *self, struct span identity)
{
    struct kafka *k = self;
    snprintf(k->identity, sizeof k->identity, "%.*s", SPAN_ARG(identity));
}

static void keep_state(void *self, struct span state)
{
    struct kafka *k = self;
    buf_reset(&k->state);
    buf_span(&k->state, state);
    k->fresh_state = true;
}

// librdkafka's linger.ms is long (kafka_conf.c), so that it sends full batches while there is much to send.
// When there is not, what it has is sent after a short while: a record is not to wait for one that may never
// come.
static int until_flush_ms(struct kafka *k, int timeout_ms)
{
    int64_t now_ms = clock_mono_ms();
    if (k->lingers) {
        k->flush_gap_ms = LINGER_MS;
        if (k->flush_ms == 0)
            k->flush_ms = now_ms + LINGER_MS;
        k->lingers = false;
    }
    if (k->flush_ms == 0)
        return timeout_ms;
    int64_t left_ms = k->flush_ms - now_ms;
    if (left_ms < 0)
        left_ms = 0;
    if (left_ms < LINGER_MS && rd_kafka_outq_len(k->rk) > FEW_RECORDS)
        left_ms = LINGER_MS;
    return left_ms < timeout_ms ? (int)left_ms : timeout_ms;
}

static void flush_if_due(struct kafka *k)
{
    if (k->flush_ms == 0 || clock_mono_ms() < k->flush_ms)
        return;
    bool all = rd_kafka_flush(k->rk, FLUSH_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
    k->flush_ms = all || k->flush_gap_ms > FLUSH_GAP_MAX_MS ? 0 : clock_mono_ms() + k->flush_gap_ms;
    k->flush_gap_ms *= 2;
}

static bool wait(void *self, struct pollfd *fds, nfds_t n, int timeout_ms, struct err *e)
{
    struct kafka *k = self;
    struct pollfd all[8];
    char bytes[256];
    memcpy(all, fds, n * sizeof *fds);
    all[n] = (struct pollfd){.fd = k->wake[0], .events = POLLIN};
    rd_kafka_poll(k->rk, 0);
    int ready = poll(all, n + 1, until_flush_ms(k, timeout_ms));
    if (ready < 0 && errno != EINTR)
        return err_errno(e, STATUS_IO, "cannot wait");
    if (ready == 0)
        flush_if_due(k);
    memcpy(fds, all, n * sizeof *fds);
    while (read(k->wake[0], bytes, sizeof bytes) > 0)
        ;
    rd_kafka_poll(k->rk, 0);
    return kafka_alive(k, e);
}

static bool submit_alone(void *self, const struct record *r, uint32_t *parts, struct err *e)
{
    struct kafka *k = self;
    k->lingers = true;
    return submit(k, r, parts, e);
}

static enum sink_commit commit(void *self, struct span token, struct err *e)
{
    return kafka_txn_commit(self, token, e);
}

static void release_topics(struct kafka *k)
{
    for (size_t i = 0; i < k->size; i++)
        if (k->topics[i].name != NULL) {
            free(k->topics[i].name);
            rd_kafka_topic_destroy(k->topics[i].handle);
        }
    free(k->topics);
}

static void close_all(void *self)
{
    struct kafka *k = self;
    if (k->rk != NULL && !kafka_txn_close(k)) {
        release_topics(k);
        return; // librdkafka's threads end with the process
    }
    if (k->rk != NULL) {
        // After a failure: what is not delivered is not acknowledged either, and comes again.
        rd_kafka_purge(k->rk,
                       RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
        release_topics(k);
        rd_kafka_destroy(k->rk);
    }
    for (int i = 0; i < 2; i++)
        if (k->wake[i] >= 0)
            close(k->wake[i]);
    buf_release(&k->state);
}

static const struct sink_ops plain_ops = {
    .open = open_plain,
    .submit = submit_alone,
    .wait = wait,
    .close = close_all,
};

static const struct sink_ops transactional_ops = {
    .open = open_transactional,
    .identify = identify,
    .keep_state = keep_state,
    .submit = submit_in_transaction,
    .wait = wait,
    .commit = commit,
    .close = close_all,
};
