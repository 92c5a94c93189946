// What the compacted topic of positions keeps of one pipeline, in its partition 0:
//
//   key ID             {"token":…,"source":…,"time":…}    the newest position, and its source's identity
//   key ["ID","state"] {…}                                what the source's folder has in its file `source`
//
// where ID is the sink's transactional.id. The state changes seldom, so it is a record of its own.
#ifndef CDC_SINK_KAFKA_KEPT_H
#define CDC_SINK_KAFKA_KEPT_H

#include "sink/kafka_conf.h"
#include "sink/own.h"

struct kafka_kept {
    const struct kafka_config *config;
    rd_kafka_t *rk; // asked where the topic ends; its isolation.level is read_uncommitted
    const char *id;
    // While it is read: false ends that. warn: why it takes long.
    bool (*tick)(void *self, struct err *e);
    void (*warn)(void *self, const char *text);
    void *self;
};

// Reads the topic, committed records only, to the end that it has now. state may be NULL; it and own are
// empty where there is none.
bool kafka_kept_read(const struct kafka_kept *k, struct sink_own *own, struct buf *state,
                     struct err *e) MUST_CHECK;

void kafka_kept_write_token(struct buf *value, struct span token, struct span identity);
void kafka_kept_write_state_key(struct buf *key, struct span id);

#endif
