// Exactly once in Kafka: the records and the token of what was read last in one transaction.
//
// The token lies in a compacted topic (kafka_kept.h). At the start init_transactions fences every older
// producer of the id, and only then the token is read back: nobody can change it any more.
#ifndef CDC_SINK_KAFKA_TXN_H
#define CDC_SINK_KAFKA_TXN_H

#include "sink/kafka.h"

// Makes the topic where it is missing, fences, and reads the token.
bool kafka_txn_open(struct kafka *k, struct sink_own *own, struct err *e) MUST_CHECK;

// Before a record is produced.
bool kafka_txn_begin(struct kafka *k, struct err *e) MUST_CHECK;

// SINK_COMMIT_AGAIN after an abort that another try may mend: a broker that was away, a record that was
// refused.
enum sink_commit kafka_txn_commit(struct kafka *k, struct span token, struct err *e) MUST_CHECK;

// Aborts what is open, so that no consumer has to wait for the broker to do it. False where the producer must
// be left as it is: librdkafka (2.0) ends the process by an assertion when a transaction is aborted, or the
// producer destroyed, while a partition is being added to it. The next instance then fences and aborts.
bool kafka_txn_close(struct kafka *k) MUST_CHECK;

#endif
