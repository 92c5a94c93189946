#include "sink/kafka_admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rd_kafka_NewTopic_t *describe(const char *name)
{
    char why[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, 1, -1, why, sizeof why);
    if (topic != NULL) {
        rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "compact");
        rd_kafka_NewTopic_set_config(topic, "segment.ms", "3600000");
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
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    rd_kafka_resp_err_t code = n == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_NO_ERROR;
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return true;
    default:
        return err_set(e, STATUS_USAGE, "%s", rd_kafka_err2str(code));
    }
}

bool kafka_create_compacted(rd_kafka_t *rk, const char *name, struct err *e)
{
    rd_kafka_NewTopic_t *topic = describe(name);
    if (topic == NULL)
        return err_set(e, STATUS_USAGE, "\"%s\" is no name of a topic", name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_ADMIN_MS);
    bool ok = created(event, e);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    return ok || err_wrap(e, "cannot create topic \"%s\"", name);
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
