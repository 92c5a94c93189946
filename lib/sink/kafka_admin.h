// What the sink asks of the brokers beside producing.
#ifndef CDC_SINK_KAFKA_ADMIN_H
#define CDC_SINK_KAFKA_ADMIN_H

#include "base/err.h"

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#define KAFKA_ADMIN_MS 30000

// Makes a compacted topic of one partition where it is missing. Without the right to, it is taken to be
// there.
bool kafka_create_compacted(rd_kafka_t *rk, const char *name, struct err *e) MUST_CHECK;

// That nothing but compaction takes records out of the topic: STATUS_USAGE otherwise, with the way out. Where
// the brokers do not tell, it is taken to be so.
bool kafka_check_compacted(rd_kafka_t *rk, const char *name, struct err *e) MUST_CHECK;

// The topic's max.message.bytes; 0 where the brokers do not tell.
size_t kafka_topic_limit(rd_kafka_t *rk, const char *name);

#endif
