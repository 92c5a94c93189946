// Which of the log's changes the rows of a snapshot show already: a change is left out iff its transaction is
// visible in the view that read its key's range.
//
// The log's positions alone would be wrong here: a commit can be streamed before it is visible. From a
// TRUNCATE that is kept on, nothing of its table is left out: it takes away what the rows showed. Pure, but
// for the record that it reads and, for a TRUNCATE, writes.
#ifndef CDC_POSTGRES_JUDGE_H
#define CDC_POSTGRES_JUDGE_H

#include "postgres/catalog.h"
#include "postgres/pgoutput.h"
#include "snapshot/tree.h"

// Transactions of tables that are yet to be read; see judge_defers().
#define JUDGE_DEFERRED 1024

// The transactions that a range's view shows.
struct judge_view {
    bool shows; // false: nothing that the log brings
    uint64_t xmin, xmax;
    uint64_t *xip;
    size_t n_xip;
};

// The key of a table that has a border within it, by the columns of its last Relation message.
struct judge_key {
    size_t n;
    uint16_t column[KEY_MAX_COLUMNS];
    enum key_kind kind[KEY_MAX_COLUMNS];
};

struct judge {
    struct tree tree;
    struct judge_view *view; // one for each of its ranges
    size_t views;
    struct judge_key *key; // one for each of the record's tables
    size_t tables;
    uint64_t deferring; // tables of this epoch are yet to be read; 0: none
    uint32_t deferred[JUDGE_DEFERRED];
    uint64_t n_deferred;
};

// The order that a key of this type (not a domain) has here.
enum key_kind judge_key_kind(uint32_t type);

// Takes in the record as it stands. exact: no sink holds rows that were not acknowledged. STATUS_DATA where
// it makes no sense.
bool judge_load(struct judge *j, struct record *r, bool exact, struct err *e) MUST_CHECK;
void judge_release(struct judge *j);

struct judge_change {
    uint32_t oid, xid;
    uint64_t commit_lsn, lsn;
};

static inline bool judge_is_asked(const struct judge *j, uint64_t commit_lsn)
{
    return commit_lsn < j->tree.past || j->deferring != 0;
}

// The columns of a table, as a Relation message describes them. STATUS_LOST where the key that its rows were
// read by is not there any more.
bool judge_describe(struct judge *j, const struct pgo_relation *m, const struct catalog *catalog,
                    struct err *e) MUST_CHECK;

// *seen: the row of this tuple shows the change. fallback: where a value of the tuple is unchanged; or NULL.
bool judge_row(struct judge *j, const struct judge_change *c, const struct pgo_tuple *tuple,
               const struct pgo_tuple *fallback, bool *seen, struct err *e) MUST_CHECK;

// *seen: every row of the table shows the truncation. If not and it is to be delivered, judge_cut() notes it
// in the record, which is to be stored, if it is true, before the line is written.
void judge_truncate(struct judge *j, const struct judge_change *c, bool *seen);
bool judge_cut(struct judge *j, const struct judge_change *c);

// While the tables of the record's epoch wait to be read, all their changes are left out, for the view that
// will read them is yet to come. It must show them all: whether one of the transactions is still invisible in
// it.
bool judge_misses_deferred(const struct judge *j, const char *seen);

#endif
