// Debezium's transaction metadata: a transaction's events are counted, each says where it stands, and a line
// before and after them says that it began and ended.
//
// BEGIN bears the token of the transaction's first event, END one of its own behind all of them. Events are
// counted whether they are written or were by an earlier run, so a replay counts alike.
//
// Call order: transaction_init(), the topic is put into it; then for each transaction transaction_begin(),
// transaction_count() for each event, transaction_write_end() if there were any.
#ifndef CDC_EVENT_TRANSACTION_H
#define CDC_EVENT_TRANSACTION_H

#include "event/java_map.h"
#include "event/pos.h"

struct transaction_table {
    uint64_t id; // the source's number of the table
    size_t name_at, name_n;
    uint64_t events;
};

struct transaction {
    struct buf topic; // in Kafka's alphabet
    uint64_t events;
    struct transaction_table *table;
    struct java_key *key; // one for each, of its name
    size_t n, last;       // last: where the last event's table was found
    struct buf names;
};

// Where an event stands: among the transaction's, among its table's. Both from 1; 0: nothing is counted.
struct transaction_place {
    uint64_t total, in_table;
};

void transaction_init(struct transaction *t);
void transaction_release(struct transaction *t);

void transaction_begin(struct transaction *t);

// Counts one event. name: schema.table or db.table, copied at the table's first event.
bool transaction_count(struct transaction *t, uint64_t table, struct span name,
                       struct transaction_place *place, struct err *e) MUST_CHECK;

// Appends the line. id: the transaction's, as Debezium has it.
void transaction_write_begin(const struct transaction *t, const struct pos *at, struct span id, int64_t ts_ms,
                             struct buf *out);
void transaction_write_end(struct transaction *t, const struct pos *at, struct span id, int64_t ts_ms,
                           struct buf *out);

// Appends the block that an event bears: {"id":…,"total_order":n,"data_collection_order":n}.
void transaction_write_place(struct span id, struct transaction_place place, struct buf *out);

#endif
