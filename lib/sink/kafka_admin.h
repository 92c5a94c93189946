// What the sink asks of the brokers beside producing.
#ifndef CDC_SINK_KAFKA_ADMIN_H
#define CDC_SINK_KAFKA_ADMIN_H

#include "base/err.h"
#include "base/opt.h"

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#define KAFKA_ADMIN_MS 30000

// What is to be done while an answer is waited for; false ends that.
typedef bool kafka_tick_fn(void *self, struct err *e);

struct kafka_new_topic {
    const char *name;
    int partitions, replication;     // -1: the broker's
    const struct opt_list *settings; // name=value
};

// Makes a topic where it is missing, as told; one that is there stays as it is. Without the right to, it is
// taken to be there. STATUS_PEER where another try may help.
bool kafka_create_topic(rd_kafka_t *rk, const struct kafka_new_topic *topic, kafka_tick_fn *tick, void *self,
                        struct err *e) MUST_CHECK;

// The same of a compacted topic of one partition.
bool kafka_create_compacted(rd_kafka_t *rk, const char *name, kafka_tick_fn *tick, void *self,
                            struct err *e) MUST_CHECK;

// That nothing but compaction takes records out of the topic: STATUS_USAGE otherwise, with the way out. Where
// the brokers do not tell, it is taken to be so.
bool kafka_check_compacted(rd_kafka_t *rk, const char *name, struct err *e) MUST_CHECK;

// The topic's max.message.bytes; 0 where the brokers do not tell.
size_t kafka_topic_limit(rd_kafka_t *rk, const char *name);

#endif
