#include "sink/kafka_txn.h"

#include "base/clock.h"
#include "sink/kafka_admin.h"
#include "sink/kafka_kept.h"
#include "sink/loop.h"

#include <stdlib.h>

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

static void warn(void *self, const char *text)
{
    kafka_warn(self, text);
}

static bool read_token(struct kafka *k, struct sink_own *own, struct err *e)
{
    const struct kafka_kept kept = {k->config, k->rk, k->transactional_id, kafka_tick, warn, k};
    return kafka_kept_read(&kept, own, NULL, e);
}

bool kafka_txn_open(struct kafka *k, struct sink_own *own, struct err *e)
{
    k->again_ms = AGAIN_MS;
    return kafka_create_compacted(k->rk, k->config->offsets_topic, kafka_tick, k, e) &&
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

// value empty: a tombstone. What a transaction that failed meanwhile refuses is told by its commit.
static bool produce_kept(struct kafka *k, struct span key, struct span value, struct err *e)
{
    rd_kafka_resp_err_t code;
    rd_kafka_vu_t what[] = {
        {RD_KAFKA_VTYPE_TOPIC, {.cstr = k->config->offsets_topic}},
        {RD_KAFKA_VTYPE_PARTITION, {.i32 = 0}},
        {RD_KAFKA_VTYPE_MSGFLAGS, {.i = RD_KAFKA_MSG_F_COPY}},
        {RD_KAFKA_VTYPE_KEY, {.mem = {(void *)key.p, key.n}}},
        {RD_KAFKA_VTYPE_VALUE, {.mem = {value.n != 0 ? (void *)value.p : NULL, value.n}}},
    };
    do {
        code = kafka_produce(k, what, sizeof what / sizeof what[0]);
    } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && kafka_nap(k, e));
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return false;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__STATE ||
           kafka_fail(code, "cannot write the position", rd_kafka_err2str(code), e);
}

static bool produce_token(struct kafka *k, struct span token, struct err *e)
{
    struct buf value, key;
    buf_init(&value, POS_MAX_BYTES * 2);
    buf_init(&key, 4096);
    kafka_kept_write_token(&value, token, span_of(k->identity));
    kafka_kept_write_state_key(&key, span_of(k->transactional_id));
    bool ok = buf_ok(&value, "a position", e) &&
              produce_kept(k, span_of(k->transactional_id), buf_view(&value), e) &&
              (!k->fresh_state || produce_kept(k, buf_view(&key), buf_view(&k->state), e));
    buf_release(&value);
    buf_release(&key);
    return ok;
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
        k->in_transaction = k->fresh_state = false;
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
