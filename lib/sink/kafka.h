// The Kafka sink. Without transactional.id a record is finished when the brokers have it (acks=all,
// idempotent); with it records and token are one transaction (kafka_txn.h).
#ifndef CDC_SINK_KAFKA_H
#define CDC_SINK_KAFKA_H

#include "sink/kafka_conf.h"
#include "sink/kafka_topics.h"

#include <stdatomic.h>

struct kafka {
    const struct kafka_config *config;
    notice_fn *warn;
    struct loop *loop;
    rd_kafka_t *rk;
    int wake[2]; // librdkafka writes a byte when it has something to be served
    struct kafka_topics topics;
    struct kafka_value value;               // of the record that is handed over
    atomic_uint_fast64_t requests, answers; // that carry records; counted by librdkafka's threads
    bool reached;                           // a broker has answered
    bool failed;                            // a record was refused, or the producer is dead: failure says why
    struct err failure;
    int64_t warned_ms;
    bool lingers;     // a record may wait for others in librdkafka
    int64_t flush_ms; // when it is told to send all it has; 0: at no time
    int flush_gap_ms;

    // With transactional.id.
    char transactional_id[256];
    int64_t transaction_ms; // how long the brokers let one be open
    char identity[LINE_IDENTITY_MAX + 1];
    struct buf state; // of the source's folder; empty: none is to be kept
    bool fresh_state; // it is not committed yet
    bool in_transaction;
    bool refused;     // a record of the transaction was, and the loop knows
    bool undelivered; // one was given up for another reason
    int64_t again_ms; // how long to wait before an aborted transaction is tried again
};

// config and warn outlive the sink. Whether it keeps its own token is known before it is opened.
bool kafka_init(struct kafka *k, const struct kafka_config *config, notice_fn *warn,
                struct err *e) MUST_CHECK;

// How long a transaction may stay open that is wanted for so long: half of what the brokers allow one.
int64_t kafka_commit_interval_ms(const struct kafka *k, int64_t wanted_ms);

// The operations for a struct kafka.
const struct sink_ops *kafka_ops(const struct kafka *k);

// ---- for kafka_txn.c

// e says what librdkafka's error means: fenced, lost, refused.
bool kafka_fail(rd_kafka_resp_err_t code, const char *what, const char *text, struct err *e);

// False with what has ended the producer.
bool kafka_alive(const struct kafka *k, struct err *e) MUST_CHECK;

// Hands one record to librdkafka.
rd_kafka_resp_err_t kafka_produce(struct kafka *k, const rd_kafka_vu_t *what, size_t n);

// Serves the loop; self is the struct kafka.
bool kafka_tick(void *self, struct err *e) MUST_CHECK;

// Serves librdkafka and the loop for a moment, while an operation waits.
bool kafka_nap(struct kafka *k, struct err *e) MUST_CHECK;

// That the brokers keep us waiting, not more often than every ten seconds.
void kafka_warn(struct kafka *k, const char *text);

#endif
