// librdkafka's configuration, from kcat's options.
#ifndef CDC_SINK_KAFKA_CONF_H
#define CDC_SINK_KAFKA_CONF_H

#include "base/buf.h"
#include "base/opt.h"

#include <librdkafka/rdkafka.h>

// What key and value are made of (kafka_value.h).
struct kafka_shape {
    bool schemas, unwrap;
    bool tombstones; // after a delete
};

struct kafka_config {
    const char *brokers;
    struct opt_list properties; // key=value
    const char *file;           // of such lines; or NULL
    const char *compression;
    const char *offsets_topic;
    int32_t partition; // RD_KAFKA_PARTITION_UA: by the key
    struct kafka_shape shape;
    bool create_topics;
    int topic_partitions, topic_replication; // -1: the broker's
    struct opt_list topic_settings;          // name=value
    bool gapless;                            // a record that cannot be delivered stops all behind it
};

// Our defaults, then the environment's variables, the file, the properties. No message shows the value of a
// property that may be a secret.
bool kafka_conf_producer(const struct kafka_config *c, rd_kafka_conf_t **conf, struct err *e) MUST_CHECK;
// Copies the properties that may be secrets to owned, which lives as long as they are used, and overwrites
// them where they stand in argv, so that the process list shows them no more.
bool kafka_conf_hide(struct opt_list *properties, struct buf *owned, struct err *e) MUST_CHECK;

// For reading a topic's committed records.
bool kafka_conf_reader(const struct kafka_config *c, rd_kafka_conf_t **conf, struct err *e) MUST_CHECK;

// The value of a property of conf in to, "" where it is not set. False where it is longer.
bool kafka_conf_get(const rd_kafka_conf_t *conf, const char *name, char *to, size_t size);

#endif
