// Debezium's heartbeats: a line now and then that says the source lives, and a statement that runs then.
#ifndef CDC_POSTGRES_HEARTBEAT_H
#define CDC_POSTGRES_HEARTBEAT_H

#include "postgres/stream.h"

// When --heartbeat-interval-ms has passed. A statement that fails is told and tried again the next time.
void heartbeat_if_due(struct stream *s, int64_t now_ms);

// How long the stream may wait for it, at most limit_ms.
int64_t heartbeat_wait_ms(const struct stream *s, int64_t now_ms, int64_t limit_ms);

#endif
