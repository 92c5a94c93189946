// Writes change lines: the header and Debezium's envelope, straight from the log's values.
//
// Call order: my_envelope_init(); then for each transaction my_envelope_begin(), for each rows event (or
// statement) my_envelope_event(), and its changes. What is the same for all of a transaction's lines is
// rendered by the first, for an event's by the second, for a table's by relation.h; and what these make
// together, for as long as it is the same, once.
#ifndef CDC_MYSQL_ENVELOPE_H
#define CDC_MYSQL_ENVELOPE_H

#include "mysql/relation.h"
#include "mysql/rows.h"

#include "event/pos.h"
#include "event/transaction.h"

// The Debezium release whose format this is; `source.version`.
#define MY_ENVELOPE_VERSION "3.5.0.Final"

// The topics' prefix of a run that was given none: of no database, for the log is the server's.
#define MY_DEFAULT_PREFIX "mysql"

// What `source` tells of a transaction and of an event.
struct my_source {
    struct span gtid, file; // gtid: empty for none
    uint64_t pos;           // where the event starts
    uint32_t server_id;
    int64_t commit_us; // since 1970
    bool has_thread;
    uint32_t thread;
    struct span query; // empty: none
};

// What all lines of an event have in common that are of one table, one operation and one time.
struct my_parts {
    const struct my_relation *relation; // NULL: nothing is rendered yet
    char op;
    int64_t now_ns;
    struct buf topic;   // ","topic":"…","key":
    struct buf source;  // ,"source":{… "row":
    size_t mark;        // where the value of "snapshot" stands in it
    struct buf tail;    // ,"thread":… to the line's end, but for the value of "transaction"
    size_t transaction; // where that stands in it
};

struct my_envelope {
    struct buf prefix;       // {"cdc":{"pos":"my/EPOCH/l/FILE/TX_START/ or, of a snapshot, the whole token
    bool has_token;          // the prefix is whole
    uint64_t view;           // the token's, where it is not
    size_t view_n;           // how much of it is of all lines of a view
    size_t mark;             // where the value of "snapshot" stands in the line that was written last
    struct buf source;       // "source":{… up to ts_ms
    struct buf times;        // ts_us and ts_ns
    struct buf event;        // server_id … "row":
    struct buf end;          // ,"thread":…,"query":…}
    struct my_parts parts;   // rendered of these
    struct span transaction; // Debezium's id of it; borrowed
    const char *topic_prefix, *connector;
};

// The strings are borrowed. connector: mysql or mariadb.
void my_envelope_init(struct my_envelope *v, const char *topic_prefix, const char *connector);
void my_envelope_release(struct my_envelope *v);

// transaction: Debezium's id of it, borrowed.
// at: where it starts, the part that the tokens of its changes share.
void my_envelope_begin(struct my_envelope *v, const struct pos *at, struct span transaction);
// Instead, for lines of a snapshot: what their tokens begin with; and for each line the rest of its token, of
// words as a token has them.
void my_envelope_snapshot(struct my_envelope *v, uint64_t epoch, uint64_t view);
void my_envelope_row(struct my_envelope *v, uint64_t seq, const char *table, struct span key);
bool my_envelope_event(struct my_envelope *v, const struct my_source *s, struct err *e) MUST_CHECK;

// Appends the event's source block, of what is no row. table: empty for none.
void my_envelope_write_source(const struct my_envelope *v, const char *snapshot, struct span db,
                              struct span table, struct buf *out);

// Where a change stands: its number in the transaction, its row image's byte, its row's number in the event.
struct my_place {
    uint64_t n, offset;
    uint32_t row;
    int64_t now_ns;
    struct transaction_place transaction;
};

// A row's images; `before` or `after` is NULL where the change has none.
struct my_row {
    const struct value *before, *after;
};

// Whether the row's update changed its key, and so is two lines: its delete and its create.
bool my_changes_key(const struct my_relation *r, const struct my_row *row);
// Whether an update left every captured column as it was.
bool my_is_unchanged(const struct my_relation *r, const struct my_row *row);

enum my_change {
    MY_INSERT,
    MY_UPDATE,
    MY_DELETE,
    MY_OLD_KEY, // the halves of an update that changed the key, each with the other's key as a header
    MY_NEW_KEY,
    MY_TRUNCATE,
    MY_READ, // a snapshot's row
};

// 'c', 'u', 'd', 't' or 'r'.
char my_change_op(enum my_change change);

// Appends one line to out, or leaves out as it was and fails. STATUS_DATA names the table and the column.
bool my_envelope_write(struct my_envelope *v, const struct my_relation *r, enum my_change change,
                       const struct my_row *row, struct my_place at, struct my_writing *w, struct buf *out,
                       struct err *e) MUST_CHECK;

#endif
