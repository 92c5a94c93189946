#include "sink/kafka_delivery.h"

#include "base/clock.h"
#include "sink/kafka_admin.h"
#include "sink/loop.h"

#define WARN_EVERY_MS 10000

enum status kafka_status(rd_kafka_resp_err_t code)
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
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return STATUS_USAGE;
    default:
        return STATUS_PEER;
    }
}

bool kafka_fail(rd_kafka_resp_err_t code, const char *what, const char *text, struct err *e)
{
    err_set(e, kafka_status(code), "%s: %s", what, text);
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
    bool ok = loop_refuse(k->loop, r, kafka_status(m->err), rd_kafka_err2str(m->err), e);
    buf_release(&headers);
    return ok;
}

bool kafka_is_refusal(rd_kafka_resp_err_t code)
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
    return err_set(e, kafka_status(m->err), "%s: line %llu, topic %s, position %.*s",
                   rd_kafka_err2str(m->err), (unsigned long long)r->line, rd_kafka_topic_name(m->rkt),
                   SPAN_ARG(r->token));
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

void kafka_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
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
    if (!kafka_is_refusal(m->err))
        k->undelivered = true;
    if (k->failed || (in_transaction && !kafka_is_refusal(m->err)))
        return;
    loop_recall(k->loop, seq, &r);
    if (r.line == 0)
        return;
    if (is_batch_refused(k, m, &r, &e) ||
        !(kafka_is_refusal(m->err) ? refuse(k, m, &r, &e) : not_delivered(m, &r, &e)))
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

void kafka_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
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
    } else if (!k->reached && kafka_status((rd_kafka_resp_err_t)code) == STATUS_USAGE) {
        kafka_fail((rd_kafka_resp_err_t)code, "cannot log in to the brokers", reason, &e);
        remember(k, &e);
    } else {
        kafka_warn(k, reason);
    }
}

// ---- requests

#define PRODUCE 0 // the API key of Kafka's protocol

static rd_kafka_resp_err_t on_request(rd_kafka_t *rk, int fd, const char *broker, int32_t id, int16_t key,
                                      int16_t version, int32_t number, size_t bytes, void *opaque)
{
    struct kafka *k = opaque;
    (void)rk, (void)fd, (void)broker, (void)id, (void)version, (void)number, (void)bytes;
    if (key == PRODUCE)
        atomic_fetch_add(&k->requests, 1);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_answer(rd_kafka_t *rk, int fd, const char *broker, int32_t id, int16_t key,
                                     int16_t version, int32_t number, size_t bytes, int64_t took,
                                     rd_kafka_resp_err_t code, void *opaque)
{
    struct kafka *k = opaque;
    (void)rk, (void)fd, (void)broker, (void)id, (void)version, (void)number, (void)bytes, (void)took;
    if (key == PRODUCE && code == RD_KAFKA_RESP_ERR_NO_ERROR)
        atomic_fetch_add(&k->answers, 1);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque, char *why,
                                  size_t size)
{
    (void)conf, (void)why, (void)size;
    rd_kafka_interceptor_add_on_request_sent(rk, "count", on_request, opaque);
    return rd_kafka_interceptor_add_on_response_received(rk, "count", on_answer, opaque);
}

void kafka_count_requests(rd_kafka_conf_t *conf, struct kafka *k)
{
    rd_kafka_conf_interceptor_add_on_new(conf, "count", on_new, k);
}

void kafka_tell_requests(const struct kafka *k)
{
    struct sink_counts *counts = loop_counts(k->loop);
    uint64_t answers = atomic_load(&k->answers), requests = atomic_load(&k->requests);
    counts->batches = answers;
    if (rd_kafka_outq_len(k->rk) == 0)
        counts->retries = requests - answers;
}
