// The topics that records go to, and the schemas of those that lines name.
#ifndef CDC_SINK_KAFKA_TOPICS_H
#define CDC_SINK_KAFKA_TOPICS_H

#include "sink/kafka_value.h"

#include <librdkafka/rdkafka.h>

struct kafka_topic {
    char *name;
    rd_kafka_topic_t *handle;           // NULL: no record went there yet
    struct kafka_schema schema, before; // before: at the transaction's beginning, if it changed since
    bool changed;
};

struct kafka_topics {
    struct kafka_topic *at; // a hash table; size is a power of two
    size_t n, size;
    struct kafka_topic *last;
    bool changed; // a topic's schema, since the transaction's beginning
};

void kafka_topics_release(struct kafka_topics *t);

// Made where it is missing; valid until the next is looked for. NULL for want of memory.
struct kafka_topic *kafka_topics_find(struct kafka_topics *t, struct span name, struct err *e) MUST_CHECK;

// The topic has these schemas from now on.
bool kafka_topics_describe(struct kafka_topics *t, const struct line_schema *line, struct err *e) MUST_CHECK;

// What the transaction's schema lines told holds, or comes again.
void kafka_topics_keep(struct kafka_topics *t);
void kafka_topics_undo(struct kafka_topics *t);

#endif
