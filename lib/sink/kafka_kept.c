#include "sink/kafka_kept.h"

#include "base/clock.h"
#include "event/json.h"
#include "sink/kafka.h"
#include "sink/kafka_admin.h"

// How long the topic may take to be read to its end: another producer that died in the middle of a
// transaction hides what lies behind it until the broker gives that up.
#define READ_MS 120000
#define STEP_MS 1000

struct reading {
    const struct kafka_kept *k;
    struct sink_own *own;
    struct buf *state;
    struct buf state_key;
    int64_t begin, end; // of the topic
};

void kafka_kept_write_token(struct buf *value, struct span token, struct span identity)
{
    char time[CLOCK_TEXT_BYTES];
    buf_lit(value, "{\"token\":");
    json_quote(value, token);
    buf_lit(value, ",\"source\":");
    json_quote(value, identity);
    clock_format(clock_wall_ns() / 1000000, time);
    buf_printf(value, ",\"time\":\"%s\"}", time);
}

void kafka_kept_write_state_key(struct buf *key, struct span id)
{
    buf_char(key, '[');
    json_quote(key, id);
    buf_lit(key, ",\"state\"]");
}

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

static bool take_message(const struct reading *r, const rd_kafka_message_t *m, struct err *e)
{
    struct span key = {m->key, m->key_len}, value = {m->payload, m->len};
    size_t bad_at;
    bool ok = true;
    if (r->state != NULL && span_eq(key, buf_view(&r->state_key))) {
        buf_reset(r->state);
        buf_span(r->state, value);
        ok = value.n == 0 || (json_check(value, &bad_at) && buf_ok(r->state, "the source's state", e));
    } else if (span_is(key, r->k->id)) {
        if (value.n == 0) // forgotten by hand
            buf_reset(&r->own->token);
        ok = value.n == 0 || take_token(value, r->own);
    }
    return ok || err_set(e, STATUS_DATA, "topic \"%s\", offset %lld: this is no position",
                         r->k->config->offsets_topic, (long long)m->offset);
}

// *done: the end is reached.
static bool read_one(const struct reading *r, const rd_kafka_message_t *m, bool *done, struct err *e)
{
    static const char behind[] = "the topic of the positions has another producer's open transaction";
    switch (m->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return take_message(r, m, e);
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        *done = m->offset >= r->end;
        if (!*done)
            r->k->warn(r->k->self, behind);
        return true;
    default:
        kafka_fail(m->err, "cannot read the topic of the positions", rd_kafka_err2str(m->err), e);
        return e->status == STATUS_PEER; // it may come back
    }
}

static bool read_to_end(const struct reading *r, rd_kafka_topic_t *topic, struct err *e)
{
    int64_t give_up_ms = clock_mono_ms() + READ_MS;
    for (bool done = false; clock_mono_ms() < give_up_ms;) {
        if (!r->k->tick(r->k->self, e))
            return false;
        rd_kafka_message_t *m = rd_kafka_consume(topic, 0, STEP_MS);
        bool ok = m == NULL || read_one(r, m, &done, e);
        if (m != NULL)
            rd_kafka_message_destroy(m);
        if (done || !ok)
            return ok;
    }
    return err_set(e, STATUS_PEER, "topic \"%s\" could not be read to its end", r->k->config->offsets_topic);
}

static rd_kafka_t *open_reader(const struct kafka_config *config, struct err *e)
{
    rd_kafka_conf_t *conf;
    char why[512];
    if (!kafka_conf_reader(config, &conf, e))
        return NULL;
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (reader == NULL) {
        rd_kafka_conf_destroy(conf);
        err_set(e, STATUS_USAGE, "librdkafka: %s", why);
        return NULL;
    }
    return reader;
}

// By librdkafka's simple consumer, from a number: one of a group would first look for its coordinator, and
// "the beginning" would be asked for, each half a second.
static bool read_partition(const struct reading *r, struct err *e)
{
    rd_kafka_t *reader = open_reader(r->k->config, e);
    if (reader == NULL)
        return false;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(reader, r->k->config->offsets_topic, NULL);
    bool ok = false;
    if (topic == NULL || rd_kafka_consume_start(topic, 0, r->begin) != 0) {
        kafka_fail(rd_kafka_last_error(), "cannot read the topic of the positions",
                   rd_kafka_err2str(rd_kafka_last_error()), e);
    } else {
        ok = read_to_end(r, topic, e);
        rd_kafka_consume_stop(topic, 0);
    }
    if (topic != NULL)
        rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(reader);
    return ok;
}

bool kafka_kept_read(const struct kafka_kept *k, struct sink_own *own, struct buf *state, struct err *e)
{
    struct reading r = {.k = k, .own = own, .state = state};
    // The log's very end, open transactions included: what they hide may be ours (kafka_conf.c).
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(k->rk, k->config->offsets_topic, 0, &r.begin,
                                                                &r.end, KAFKA_ADMIN_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, "cannot read the topic of the positions", rd_kafka_err2str(code), e);
    buf_init(&r.state_key, 4096);
    kafka_kept_write_state_key(&r.state_key, span_of(k->id));
    bool ok = buf_ok(&r.state_key, "the transactional.id", e) && read_partition(&r, e);
    buf_release(&r.state_key);
    return ok;
}
