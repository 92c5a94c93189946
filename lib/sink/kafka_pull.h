// Reading what a pipeline left in the topic of positions, for `cdc-offset pull`.
#ifndef CDC_SINK_KAFKA_PULL_H
#define CDC_SINK_KAFKA_PULL_H

#include "base/log.h"
#include "sink/kafka_conf.h"
#include "sink/own.h"

// own and state: of transactional.id id, empty where the topic has none. Changes nothing in Kafka: who starts
// next fences the last one.
bool kafka_pull(const struct kafka_config *config, const char *id, notice_fn *warn, struct sink_own *own,
                struct buf *state, struct err *e) MUST_CHECK;

#endif
