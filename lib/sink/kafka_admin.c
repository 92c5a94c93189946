#include "sink/kafka_admin.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// How long the brokers may take to make a topic known everywhere.
#define SPREAD_MS 10000

#define STEP_MS 500

static bool set_one(rd_kafka_NewTopic_t *topic, const char *setting, struct err *e)
{
    const char *equals = strchr(setting, '=');
    if (equals == NULL || equals == setting)
        return err_set(e, STATUS_USAGE, "a topic's setting is written name=value, not \"%s\"", setting);
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)(equals - setting), setting);
    rd_kafka_NewTopic_set_config(topic, name, equals + 1);
    return true;
}

static rd_kafka_NewTopic_t *describe(const struct kafka_new_topic *t, struct err *e)
{
    char why[256];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(t->name, t->partitions, t->replication, why, sizeof why);
    if (topic == NULL) {
        err_set(e, STATUS_USAGE, "%s", why);
        return NULL;
    }
    for (size_t i = 0; i < t->settings->n; i++)
        if (!set_one(topic, t->settings->at[i], e)) {
            rd_kafka_NewTopic_destroy(topic);
            return NULL;
        }
    return topic;
}

static bool created(rd_kafka_event_t *event, struct err *e)
{
    if (event == NULL)
        return err_set(e, STATUS_PEER, "no answer");
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(e, STATUS_PEER, "%s", rd_kafka_event_error_string(event));
    size_t n;
    const char *why;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    rd_kafka_resp_err_t code = n == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_NO_ERROR;
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return true;
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
        return err_set(e, STATUS_PEER, "%s", rd_kafka_err2str(code));
    default:
        why = rd_kafka_topic_result_error_string(results[0]);
        return err_set(e, STATUS_USAGE, "%s", why != NULL ? why : rd_kafka_err2str(code));
    }
}

static rd_kafka_AdminOptions_t *patience(rd_kafka_t *rk)
{
    char why[256];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_operation_timeout(options, SPREAD_MS, why, sizeof why);
    return options;
}

// The answer; NULL without one, or where tick has failed, which e tells then.
static rd_kafka_event_t *await(rd_kafka_queue_t *queue, kafka_tick_fn *tick, void *self, bool *ticks,
                               struct err *e)
{
    rd_kafka_event_t *event = NULL;
    int64_t end_ms = clock_mono_ms() + KAFKA_ADMIN_MS;
    for (*ticks = true; event == NULL && *ticks && clock_mono_ms() < end_ms;) {
        event = rd_kafka_queue_poll(queue, STEP_MS);
        *ticks = tick(self, e);
    }
    return event;
}

bool kafka_create_topic(rd_kafka_t *rk, const struct kafka_new_topic *t, kafka_tick_fn *tick, void *self,
                        struct err *e)
{
    bool ticks;
    rd_kafka_NewTopic_t *topic = describe(t, e);
    if (topic == NULL)
        return err_wrap(e, "cannot create topic \"%s\"", t->name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_AdminOptions_t *options = patience(rk);
    rd_kafka_CreateTopics(rk, &topic, 1, options, queue);
    rd_kafka_event_t *event = await(queue, tick, self, &ticks, e);
    bool ok = ticks && created(event, e);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    if (!ticks)
        return false;
    return ok || err_wrap(e, "cannot create topic \"%s\"", t->name);
}

bool kafka_create_compacted(rd_kafka_t *rk, const char *name, kafka_tick_fn *tick, void *self, struct err *e)
{
    static const char *settings[] = {"cleanup.policy=compact", "segment.ms=3600000"};
    const struct opt_list list = {settings, sizeof settings / sizeof settings[0]};
    const struct kafka_new_topic topic = {name, 1, -1, &list};
    return kafka_create_topic(rk, &topic, tick, self, e);
}

static const char *setting_in(rd_kafka_event_t *event, const char *name)
{
    size_t resources, entries;
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
    if (result == NULL)
        return NULL;
    const rd_kafka_ConfigResource_t **resource =
        rd_kafka_DescribeConfigs_result_resources(result, &resources);
    if (resources != 1)
        return NULL;
    const rd_kafka_ConfigEntry_t **entry = rd_kafka_ConfigResource_configs(resource[0], &entries);
    for (size_t i = 0; i < entries; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entry[i]), name) == 0)
            return rd_kafka_ConfigEntry_value(entry[i]);
    return NULL;
}

// "" where the brokers do not tell.
static void ask_setting(rd_kafka_t *rk, const char *topic, const char *name, char *to, size_t size)
{
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_DescribeConfigs(rk, &resource, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_ADMIN_MS);
    const char *value = event != NULL ? setting_in(event, name) : NULL;
    snprintf(to, size, "%s", value != NULL ? value : "");
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy(resource);
}

size_t kafka_topic_limit(rd_kafka_t *rk, const char *name)
{
    char limit[32];
    ask_setting(rk, name, "max.message.bytes", limit, sizeof limit);
    return strtoul(limit, NULL, 10);
}

bool kafka_check_compacted(rd_kafka_t *rk, const char *name, struct err *e)
{
    char policy[64];
    ask_setting(rk, name, "cleanup.policy", policy, sizeof policy);
    if (policy[0] == '\0' || strcmp(policy, "compact") == 0)
        return true;
    err_set(e, STATUS_USAGE, "topic \"%s\" has cleanup.policy=%s: a position in it would be deleted some day",
            name, policy);
    return err_hint(e, "kafka-configs.sh --alter --topic %s --add-config cleanup.policy=compact", name);
}
