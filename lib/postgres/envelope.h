// Writes change lines: the header and Debezium's envelope, straight from the log's values.
//
// Call order: envelope_init(); then for each transaction envelope_begin() and its changes. What is the same
// for all of a transaction's lines is rendered by envelope_begin(), what is the same for a table's by
// relation.h.
#ifndef CDC_POSTGRES_ENVELOPE_H
#define CDC_POSTGRES_ENVELOPE_H

#include "event/pos.h"
#include "event/transaction.h"
#include "postgres/relation.h"

// The Debezium release whose format this is; `source.version`.
#define ENVELOPE_VERSION "3.5.0.Final"

struct envelope {
    struct buf prefix; // {"cdc":{"pos":"pg/EPOCH/l/COMMIT_LSN/
    struct buf source; // "source":{… up to the sequence's second LSN
    struct buf times;  // "],"ts_us":…,"ts_ns":…
    struct buf origin; // ,"xmin":null,"origin":…},"transaction":
    const char *topic_prefix;
    const char *database;
    uint64_t last_commit; // end LSN of the transaction before; 0: not known
    uint64_t view;        // the token's
    uint32_t xid;         // 0: a non-transactional message
};

// The strings are borrowed.
void envelope_init(struct envelope *v, const char *topic_prefix, const char *database);
void envelope_release(struct envelope *v);

// at: where the transaction's commit record starts, the part that the tokens of its changes share; commit_us
// since 1970.
bool envelope_begin(struct envelope *v, const struct pos *at, int64_t commit_us, uint32_t xid,
                    struct err *e) MUST_CHECK;
// The transaction came through a replication origin; after envelope_begin().
bool envelope_origin(struct envelope *v, struct span name, uint64_t lsn, struct err *e) MUST_CHECK;

// Where a change stands in its transaction, and when it is handled.
struct change_place {
    uint64_t lsn, k;
    int64_t now_ns;
    struct transaction_place transaction;
};

// A transaction's id, as Debezium has it: "XID:LSN", the LSN being the event's own.
struct transaction_id {
    char text[32];
    size_t n;
};
struct transaction_id pg_transaction_id(uint32_t xid, uint64_t lsn);

// Whether the row's update changed its key, and so is two lines: its delete and its create.
bool envelope_changes_key(const struct relation *r, const struct pgo_row *row);

// Whether no captured column differs. Never without the whole old row.
bool envelope_changes_nothing(const struct relation *r, const struct pgo_row *row);

// Each appends one line to out, or leaves out as it was and fails. STATUS_DATA names the table and the
// column.
bool envelope_insert(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                     struct change_place at, struct buf *out, struct err *e) MUST_CHECK;
bool envelope_update(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                     struct change_place at, struct buf *out, struct err *e) MUST_CHECK;
bool envelope_delete(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                     struct change_place at, struct buf *out, struct err *e) MUST_CHECK;
// The halves of an update that changed the key, each with the other's key as a header.
bool envelope_old_key(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                      struct change_place at, struct buf *out, struct err *e) MUST_CHECK;
bool envelope_new_key(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                      struct change_place at, struct buf *out, struct err *e) MUST_CHECK;
bool envelope_truncate(struct envelope *v, const struct relation *r, struct change_place at, struct buf *out,
                       struct err *e) MUST_CHECK;
// Where logical messages go.
void envelope_message_topic(const struct envelope *v, struct buf *out);
bool envelope_message(struct envelope *v, const struct pgo_logical *m, enum shape_binary binary,
                      struct change_place at, struct buf *out, struct err *e) MUST_CHECK;

#endif
