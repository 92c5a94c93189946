#include "sink/kafka.h"

#include "base/clock.h"
#include "event/json.h"
#include "sink/kafka_admin.h"
#include "sink/kafka_delivery.h"
#include "sink/kafka_txn.h"
#include "sink/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// How long the brokers may take to answer at the start, and how long we wait before we look again.
#define CONNECT_MS 10000
#define CONNECT_STEP_MS 500
#define NAP_MS 100

// How long a record waits for others while no more come, and how long librdkafka is then told to send what it
// has: its own threads look at that, and may look too late, so they are told again.
#define LINGER_MS 2
#define FLUSH_MS 1
#define FLUSH_GAP_MAX_MS 100

// With more undelivered than this, full batches are on their way.
#define FEW_RECORDS 1000

static const struct sink_ops plain_ops, transactional_ops;

bool kafka_init(struct kafka *k, const struct kafka_config *config, notice_fn *warn, struct err *e)
{
    *k = (struct kafka){.config = config, .warn = warn, .wake = {-1, -1}};
    buf_init(&k->state, LINE_STATE_MAX);
    kafka_value_init(&k->value);
    rd_kafka_conf_t *conf;
    if (!kafka_conf_producer(config, &conf, e))
        return false;
    char timeout[32];
    bool ok = kafka_conf_get(conf, "transactional.id", k->transactional_id, sizeof k->transactional_id);
    kafka_conf_get(conf, "transaction.timeout.ms", timeout, sizeof timeout);
    k->transaction_ms = strtoll(timeout, NULL, 10);
    rd_kafka_conf_destroy(conf);
    return ok || err_set(e, STATUS_USAGE, "transactional.id is longer than %zu bytes",
                         sizeof k->transactional_id - 1);
}

int64_t kafka_commit_interval_ms(const struct kafka *k, int64_t wanted_ms)
{
    return wanted_ms < k->transaction_ms / 2 ? wanted_ms : k->transaction_ms / 2;
}

const struct sink_ops *kafka_ops(const struct kafka *k)
{
    return k->transactional_id[0] != '\0' ? &transactional_ops : &plain_ops;
}

bool kafka_alive(const struct kafka *k, struct err *e)
{
    if (k->failed)
        *e = k->failure;
    return !k->failed;
}

bool kafka_tick(void *self, struct err *e)
{
    struct kafka *k = self;
    return loop_tick(k->loop, e);
}

bool kafka_nap(struct kafka *k, struct err *e)
{
    rd_kafka_poll(k->rk, NAP_MS);
    return kafka_alive(k, e) && loop_tick(k->loop, e);
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

static bool create_topic(struct kafka *k, const char *name, struct err *e)
{
    const struct kafka_config *c = k->config;
    const struct kafka_new_topic topic = {name, c->topic_partitions, c->topic_replication,
                                          &c->topic_settings};
    while (!kafka_create_topic(k->rk, &topic, kafka_tick, k, e)) {
        struct err why = *e;
        if (why.status != STATUS_PEER || !kafka_nap(k, e))
            return false;
        kafka_warn(k, why.text);
    }
    return true;
}

static bool open_topic(struct kafka *k, struct kafka_topic *topic, struct err *e)
{
    if (k->config->create_topics && !create_topic(k, topic->name, e))
        return false;
    topic->handle = rd_kafka_topic_new(k->rk, topic->name, NULL);
    return topic->handle != NULL || kafka_fail(rd_kafka_last_error(), "cannot use the topic",
                                               rd_kafka_err2str(rd_kafka_last_error()), e);
}

// What the record is, and where it goes.
static bool shape(struct kafka *k, const struct record *r, rd_kafka_topic_t **handle, struct err *e)
{
    struct kafka_topic *topic = kafka_topics_find(&k->topics, r->topic, e);
    if (topic == NULL || (topic->handle == NULL && !open_topic(k, topic, e)))
        return false;
    *handle = topic->handle;
    if (k->config->shape.schemas && !span_eq(r->topic, r->named))
        topic = kafka_topics_find(&k->topics, r->named, e);
    return topic != NULL && (kafka_value_make(&k->value, r, &k->config->shape,
                                              k->config->shape.schemas ? &topic->schema : NULL, e) ||
                             err_wrap(e, "topic %.*s", SPAN_ARG(r->named)));
}

// Waits while the queue is full. value NULL: a tombstone.
static bool produce(struct kafka *k, const struct record *r, rd_kafka_topic_t *topic, struct span value,
                    rd_kafka_resp_err_t *code, struct err *e)
{
    while ((*code = produce_once(k, r, topic, k->value.key, value)) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        if (!kafka_nap(k, e))
            return false;
    }
    return true;
}

static bool refused(struct kafka *k, const struct record *r, rd_kafka_resp_err_t code, struct err *e)
{
    if (code == RD_KAFKA_RESP_ERR__FATAL && !kafka_alive(k, e))
        return false;
    // The transaction has failed meanwhile: its commit will tell.
    if (code == RD_KAFKA_RESP_ERR__STATE && k->in_transaction)
        return true;
    if (!kafka_is_refusal(code))
        return kafka_fail(code, "cannot hand over a record", rd_kafka_err2str(code), e);
    return loop_refuse(k->loop, r, kafka_status(code), rd_kafka_err2str(code), e);
}

static bool submit(void *self, const struct record *r, uint32_t *parts, struct err *e)
{
    static const struct span tombstone = {NULL, 0};
    struct kafka *k = self;
    rd_kafka_topic_t *topic;
    rd_kafka_resp_err_t code;
    *parts = 0;
    if (!kafka_alive(k, e) || !shape(k, r, &topic, e))
        return false;
    if (k->value.dropped)
        return true;
    if (!produce(k, r, topic, k->value.value, &code, e))
        return false;
    *parts += code == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && k->value.tombstone) {
        if (!produce(k, r, topic, tombstone, &code, e))
            return false;
        *parts += code == RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || refused(k, r, code, e);
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

// A wrong address or login is told at once; later a broker may be away for as long as it likes.
static bool reach_brokers(struct kafka *k, struct err *e)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    int64_t end_ms = clock_mono_ms() + CONNECT_MS;
    while (clock_mono_ms() < end_ms && code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = rd_kafka_metadata(k->rk, 0, NULL, &metadata, CONNECT_STEP_MS);
        rd_kafka_poll(k->rk, 0);
        if (!kafka_alive(k, e) || !loop_tick(k->loop, e))
            return false;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, "cannot reach the brokers", rd_kafka_err2str(code), e);
    k->reached = true;
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
    rd_kafka_conf_set_dr_msg_cb(conf, kafka_on_delivery);
    rd_kafka_conf_set_error_cb(conf, kafka_on_error);
    kafka_count_requests(conf, k);
    rd_kafka_conf_set_log_cb(conf, NULL); // kafka_on_error() says what matters
    k->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    // librdkafka (2.0) crashes where a conf with interceptors is destroyed that it refused: it is left.
    if (k->rk == NULL)
        return err_set(e, STATUS_USAGE, "librdkafka: %s", why);
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

static bool describe(void *self, const struct line_schema *schema, struct err *e)
{
    struct kafka *k = self;
    return !k->config->shape.schemas || kafka_topics_describe(&k->topics, schema, e);
}

static bool describe_at_once(void *self, const struct line_schema *schema, struct err *e)
{
    struct kafka *k = self;
    bool ok = describe(self, schema, e);
    kafka_topics_keep(&k->topics);
    return ok;
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

static bool wait_alone(void *self, struct pollfd *fds, nfds_t n, int timeout_ms, struct err *e)
{
    bool ok = wait(self, fds, n, timeout_ms, e);
    kafka_tell_requests(self);
    return ok;
}

static bool submit_alone(void *self, const struct record *r, uint32_t *parts, struct err *e)
{
    struct kafka *k = self;
    k->lingers = true;
    return submit(k, r, parts, e);
}

static enum sink_commit commit(void *self, struct span token, struct err *e)
{
    struct kafka *k = self;
    enum sink_commit done = kafka_txn_commit(k, token, e);
    if (done == SINK_COMMIT_DONE)
        kafka_topics_keep(&k->topics);
    else
        kafka_topics_undo(&k->topics);
    return done;
}

static void close_all(void *self)
{
    struct kafka *k = self;
    buf_release(&k->state);
    kafka_value_release(&k->value);
    if (k->rk != NULL && !kafka_txn_close(k)) {
        kafka_topics_release(&k->topics);
        return; // librdkafka's threads end with the process
    }
    if (k->rk != NULL) {
        // After a failure: what is not delivered is not acknowledged either, and comes again.
        rd_kafka_purge(k->rk,
                       RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
        kafka_topics_release(&k->topics);
        rd_kafka_destroy(k->rk);
    }
    for (int i = 0; i < 2; i++)
        if (k->wake[i] >= 0)
            close(k->wake[i]);
}

static const struct sink_ops plain_ops = {
    .open = open_plain,
    .schema = describe_at_once,
    .submit = submit_alone,
    .wait = wait_alone,
    .close = close_all,
};

static const struct sink_ops transactional_ops = {
    .open = open_transactional,
    .identify = identify,
    .keep_state = keep_state,
    .schema = describe,
    .submit = submit_in_transaction,
    .wait = wait,
    .commit = commit,
    .close = close_all,
};
