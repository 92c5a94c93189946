// What a record is in Kafka: key and value as the line has them; within their schemas, as Kafka Connect's
// JSON converter writes them with schemas.enable=true; the row alone, as Debezium's ExtractNewRecordState
// makes it of the envelope. Pure.
#ifndef CDC_SINK_KAFKA_VALUE_H
#define CDC_SINK_KAFKA_VALUE_H

#include "sink/kafka_conf.h"
#include "sink/sink.h"

// Of a topic: what stands in front of a payload, {"schema":…,"payload":
struct kafka_schema {
    struct buf key, value; // empty: there is none
    struct buf row;        // of the row alone; empty where the value is no envelope
};

void kafka_schema_init(struct kafka_schema *s);
void kafka_schema_release(struct kafka_schema *s);

// In place of what it was.
bool kafka_schema_read(struct kafka_schema *s, const struct line_schema *line, struct err *e) MUST_CHECK;

struct kafka_value {
    struct span key, value;        // p NULL: none
    bool tombstone;                // a record of that key without a value follows
    bool dropped;                  // nothing is to be delivered
    struct buf key_text, row_text; // what they may point into, till the next is made
};

void kafka_value_init(struct kafka_value *v);
void kafka_value_release(struct kafka_value *v);

// s: the topic's; NULL where no schemas are wanted.
bool kafka_value_make(struct kafka_value *v, const struct record *r, const struct kafka_shape *shape,
                      const struct kafka_schema *s, struct err *e) MUST_CHECK;

#endif
