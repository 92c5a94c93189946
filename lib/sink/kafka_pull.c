#include "sink/kafka_pull.h"

#include "base/stop.h"
#include "sink/kafka.h"
#include "sink/kafka_kept.h"

#define CONNECT_MS 10000

static bool tick(void *self, struct err *e)
{
    (void)self;
    return stop_count() == 0 || err_set(e, STATUS_PEER, "stopped");
}

static void warn_of(void *self, const char *text)
{
    notice_fn **warn = self;
    (*warn)("%s; waiting for its end", text);
}

// Who asks where the topic ends: a consumer, which does not make a topic by asking for it.
static rd_kafka_t *open_asker(const struct kafka_config *config, struct err *e)
{
    rd_kafka_conf_t *conf;
    char why[512];
    if (!kafka_conf_reader(config, &conf, e))
        return NULL;
    rd_kafka_conf_set(conf, "isolation.level", "read_uncommitted", why, sizeof why);
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        err_set(e, STATUS_USAGE, "librdkafka: %s", why);
        return NULL;
    }
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, NULL, &metadata, CONNECT_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_metadata_destroy(metadata);
        return rk;
    }
    kafka_fail(code, "cannot reach the brokers", rd_kafka_err2str(code), e);
    rd_kafka_destroy(rk);
    return NULL;
}

bool kafka_pull(const struct kafka_config *config, const char *id, notice_fn *warn, struct sink_own *own,
                struct buf *state, struct err *e)
{
    rd_kafka_t *rk = open_asker(config, e);
    if (rk == NULL)
        return false;
    struct kafka_kept kept = {config, rk, id, tick, warn_of, &warn};
    bool ok = kafka_kept_read(&kept, own, state, e);
    rd_kafka_destroy(rk);
    return ok;
}
