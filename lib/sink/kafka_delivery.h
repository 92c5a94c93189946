// What librdkafka says of records and brokers, and what that means.
#ifndef CDC_SINK_KAFKA_DELIVERY_H
#define CDC_SINK_KAFKA_DELIVERY_H

#include "sink/kafka.h"

enum status kafka_status(rd_kafka_resp_err_t code);

// Whether the record is at fault, or its topic: another one may go where this cannot.
bool kafka_is_refusal(rd_kafka_resp_err_t code);

// librdkafka's callbacks; they run within rd_kafka_poll(). opaque: the struct kafka.
void kafka_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque);
void kafka_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque);

// Counts the requests that carry records; before the producer is made of conf.
void kafka_count_requests(rd_kafka_conf_t *conf, struct kafka *k);

// Tells the loop how many were answered, and how many were made again: those that were not answered, which is
// known while none is under way.
void kafka_tell_requests(const struct kafka *k);

#endif
