// Topic names.
#ifndef CDC_EVENT_TOPIC_H
#define CDC_EVENT_TOPIC_H

#include "base/buf.h"

// Appends a name in Kafka's alphabet for topics, [A-Za-z0-9._-]. As in Debezium every other UTF-16 unit
// becomes '_': two for a character of four bytes.
void topic_write(struct buf *b, struct span name);

#endif
