#include "sink/kafka_txn.h"

#include "base/clock.h"
#include "event/json.h"
#include "sink/kafka_admin.h"
#include "sink/loop.h"

#include <stdlib.h>

// How long the token's topic may take to be read to its end: another producer that died in the middle of a
// transaction hides what lies behind it until the broker gives that up.
#define READ_MS 120000

// A step that needs the coordinator is taken up again after so long, to see whether we should stop.
#define STEP_MS 1000

// Between tries of a transaction that was aborted.
#define AGAIN_MS 100
#define AGAIN_MAX_MS 10000

#define CLOSE_MS 5000

// ---- errors

typedef rd_kafka_error_t *step_fn(rd_kafka_t *rk, int timeout_ms);

// Runs a step again while librdkafka says that this may help. *failure is for the caller to destroy; NULL
// where e says why. A failed producer's fatal error is told by the step itself.
static bool step(struct kafka *k, step_fn *call, const char *what, rd_kafka_error_t **failure, struct err *e)
{
    int64_t begun_ms = clock_mono_ms();
    for (;;) {
        rd_kafka_error_t *error = call(k->rk, STEP_MS);
        *failure = error;
        if (error == NULL)
            return true;
        if (!rd_kafka_error_is_retriable(error))
            return kafka_fail(rd_kafka_error_code(error), what, rd_kafka_error_string(error), e);
        if (clock_mono_ms() - begun_ms > 10 * STEP_MS)
            kafka_warn(k, rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        *failure = NULL;
        if (!loop_tick(k->loop, e))
            return false;
    }
}

static bool run_step(struct kafka *k, step_fn *call, const char *what, struct err *e)
{
    rd_kafka_error_t *failure;
    bool ok = step(k, call, what, &failure, e);
    if (failure != NULL)
        rd_kafka_error_destroy(failure);
    return ok;
}

// ---- reading the token back

static bool take_token(struct span value, struct sink_own *own)
{
    static const struct span token = SPAN_LIT("token"), source = SPAN_LIT("source");
    struct span found;
    size_t bad_at;
    buf_reset(&own->token);
    buf_reset(&own->identity);
    return json_check(value, &bad_at) && json_member(value, token, &found) &&
           json_unquote(found, &own->token) && json_member(value, source, &found) &&
           json_unquote(found, &own->identity);
}

static bool take_message(const struct kafka *k, const rd_kafka_message_t *m, struct sink_own *own,
                         struct err *e)
{
    struct span key = {m->key, m->key_len}, value = {m->payload, m->len};
    if (!span_is(key, k->transactional_id))
        return true;
    if (m->payload == NULL) { // forgotten by hand
        buf_reset(&own->token);
        return true;
    }
    return take_token(value, own) || err_set(e, STATUS_DATA, "topic \"%s\", offset %lld: this is no position",
                                             k->config->offsets_topic, (long long)m->offset);
}

// *done: the end is reached, as it was after init_transactions: what is committed by then is all there will
// ever be of ours.
static bool read_one(struct kafka *k, const rd_kafka_message_t *m, int64_t end, struct sink_own *own,
                     bool *done, struct err *e)
{
    static const char behind[] = "the topic of the positions has another producer's open transaction";
    switch (m->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return take_message(k, m, own, e);
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        *done = m->offset >= end;
        if (!*done)
            kafka_warn(k, behind);
        return true;
    default:
        kafka_fail(m->err, "cannot read the topic of the positions", rd_kafka_err2str(m->err), e);
        return e->status == STATUS_PEER; // it may come back
    }
}

static bool read_to(struct kafka *k, rd_kafka_t *reader, int64_t end, struct sink_own *own, struct err *e)
{
    int64_t give_up_ms = clock_mono_ms() + READ_MS;
    for (bool done = false; clock_mono_ms() < give_up_ms && loop_tick(k->loop, e);) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(reader, STEP_MS);
        bool ok = m == NULL || read_one(k, m, end, own, &done, e);
        if (m != NULL)
            rd_kafka_message_destroy(m);
        if (done || !ok)
            return ok;
    }
    return err_set(e, STATUS_PEER, "topic \"%s\" could not be read to its end", k->config->offsets_topic);
}

static rd_kafka_t *open_reader(struct kafka *k, struct err *e)
{
    rd_kafka_conf_t *conf;
    char why[512];
    if (!kafka_conf_reader(k->config, &conf, e))
        return NULL;
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (reader == NULL) {
        rd_kafka_conf_destroy(conf);
        err_set(e, STATUS_USAGE, "librdkafka: %s", why);
        return NULL;
    }
    rd_kafka_poll_set_consumer(reader);
    return reader;
}

static bool read_token(struct kafka *k, struct sink_own *own, struct err *e)
{
    int64_t low, high;
    // The log's very end, open transactions included: what they hide may be ours (kafka_conf.c).
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(k->rk, k->config->offsets_topic, 0, &low, &high, KAFKA_ADMIN_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, "cannot read the topic of the positions", rd_kafka_err2str(code), e);
    rd_kafka_t *reader = open_reader(k, e);
    if (reader == NULL)
        return false;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, k->config->offsets_topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    bool ok = read_to(k, reader, high, own, e);
    rd_kafka_destroy(reader);
    return ok;
}

bool kafka_txn_open(struct kafka *k, struct sink_own *own, struct err *e)
{
    k->again_ms = AGAIN_MS;
    return kafka_create_compacted(k->rk, k->config->offsets_topic, e) &&
           kafka_check_compacted(k->rk, k->config->offsets_topic, e) &&
           run_step(k, rd_kafka_init_transactions, "cannot begin transactions", e) && read_token(k, own, e);
}

// ---- transactions

bool kafka_txn_begin(struct kafka *k, struct err *e)
{
    if (k->in_transaction)
        return true;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(k->rk);
    if (error != NULL) {
        kafka_fail(rd_kafka_error_code(error), "cannot begin a transaction", rd_kafka_error_string(error), e);
        rd_kafka_error_destroy(error);
        return false;
    }
    k->in_transaction = true;
    k->undelivered = false;
    return true;
}

static void write_token(const struct kafka *k, struct span token, struct buf *value)
{
    char time[CLOCK_TEXT_BYTES];
    buf_lit(value, "{\"token\":");
    json_quote(value, token);
    buf_lit(value, ",\"source\":");
    json_quote(value, span_of(k->identity));
    clock_format(clock_wall_ns() / 1000000, time);
    buf_printf(value, ",\"time\":\"%s\"}", time);
}

// What a transaction that failed meanwhile refuses is told by its commit.
static bool produce_token(struct kafka *k, struct span token, struct err *e)
{
    struct buf value;
    rd_kafka_resp_err_t code;
    buf_init(&value, POS_MAX_BYTES * 2);
    write_token(k, token, &value);
    rd_kafka_vu_t what[] = {
        {RD_KAFKA_VTYPE_TOPIC, {.cstr = k->config->offsets_topic}},
        {RD_KAFKA_VTYPE_PARTITION, {.i32 = 0}},
        {RD_KAFKA_VTYPE_MSGFLAGS, {.i = RD_KAFKA_MSG_F_COPY}},
        {RD_KAFKA_VTYPE_KEY, {.mem = {k->transactional_id, strlen(k->transactional_id)}}},
        {RD_KAFKA_VTYPE_VALUE, {.mem = {value.p, value.n}}},
    };
    do {
        code = kafka_produce(k, what, sizeof what / sizeof what[0]);
    } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && kafka_nap(k, e));
    buf_release(&value);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return false;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__STATE ||
           kafka_fail(code, "cannot write the position", rd_kafka_err2str(code), e);
}

// Waits a while, longer from time to time.
static bool pause(struct kafka *k, struct err *e)
{
    int64_t end_ms = clock_mono_ms() + k->again_ms;
    k->again_ms = k->again_ms * 2 > AGAIN_MAX_MS ? AGAIN_MAX_MS : k->again_ms * 2;
    while (clock_mono_ms() < end_ms)
        if (!kafka_nap(k, e))
            return false;
    return true;
}

// Whether the position is there: a commit that was not answered may have been made.
static bool is_committed(struct kafka *k, struct span token, bool *is, struct err *e)
{
    struct sink_own own;
    buf_init(&own.token, POS_MAX_BYTES);
    buf_init(&own.identity, LINE_IDENTITY_MAX);
    bool ok = read_token(k, &own, e);
    *is = ok && span_eq(buf_view(&own.token), token);
    buf_release(&own.token);
    buf_release(&own.identity);
    return ok;
}

static enum sink_commit give_up(struct kafka *k, struct span token, const char *why, struct err *e)
{
    bool is;
    if (!run_step(k, rd_kafka_abort_transaction, "cannot abort the transaction", e))
        return SINK_COMMIT_FAIL;
    k->in_transaction = false;
    loop_counts(k->loop)->retries++;
    if (!kafka_alive(k, e)) // a record was refused for good
        return SINK_COMMIT_FAIL;
    if (k->refused) {
        k->refused = false;
        return SINK_COMMIT_AGAIN;
    }
    kafka_warn(k, why);
    if (!pause(k, e) || !is_committed(k, token, &is, e))
        return SINK_COMMIT_FAIL;
    return is ? SINK_COMMIT_DONE : SINK_COMMIT_AGAIN;
}

enum sink_commit kafka_txn_commit(struct kafka *k, struct span token, struct err *e)
{
    static const char what[] = "cannot commit the transaction";
    rd_kafka_error_t *failure;
    if (!kafka_txn_begin(k, e) || !produce_token(k, token, e))
        return SINK_COMMIT_FAIL;
    if (step(k, rd_kafka_commit_transaction, what, &failure, e)) {
        k->in_transaction = false;
        k->again_ms = AGAIN_MS;
        loop_counts(k->loop)->batches++;
        return SINK_COMMIT_DONE;
    }
    enum sink_commit done = SINK_COMMIT_FAIL;
    if (failure != NULL && rd_kafka_error_txn_requires_abort(failure))
        done = give_up(k, token, rd_kafka_error_string(failure), e);
    else if (failure != NULL && k->failed)
        *e = k->failure;
    if (failure != NULL)
        rd_kafka_error_destroy(failure);
    return done;
}

bool kafka_txn_close(struct kafka *k)
{
    if (!k->in_transaction)
        return true;
    // A partition is added to the transaction by a request that is answered before its first record is sent.
    if (k->failed || rd_kafka_flush(k->rk, CLOSE_MS) != RD_KAFKA_RESP_ERR_NO_ERROR || k->undelivered)
        return false;
    rd_kafka_error_t *error = rd_kafka_abort_transaction(k->rk, CLOSE_MS);
    bool ok = error == NULL;
    if (error != NULL)
        rd_kafka_error_destroy(error);
    return ok;
}
