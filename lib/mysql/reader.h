// From the log's events to lines: transactions, the position of each change, what is skipped. Bytes in, lines
// out: it has no connection.
//
// A change's token is my/EPOCH/l/FILE/TX_START/N/OFFSET. N counts, in its transaction, the lines that the
// rows can be, captured or not: one for an insert, a delete and a truncated table, two for an update, which
// is a delete and a create where its key changed and has the second number where not; one for each table that
// a statement defines anew. So tokens depend on the log alone.
#ifndef CDC_MYSQL_READER_H
#define CDC_MYSQL_READER_H

#include "event/pos.h"
#include "mysql/catalog.h"
#include "mysql/ddl.h"
#include "mysql/envelope.h"
#include "mysql/judge.h"
#include "mysql/payload.h"

// A log file's name is at most 512 bytes (FN_REFLEN).
#define BINLOG_NAME_MAX 512

// A statement that changed a table's or a database's definition; one of its changes.
struct my_ddl {
    struct pos at;
    struct span default_db; // the session's
    const struct ddl_change *change;
};

// What the caller may change of a transaction that begins: the token of its lines, and whether there are any.
struct my_transaction {
    struct pos at;   // epoch, file, start
    uint64_t offset; // of all its lines; 0: as it is
    bool wanted;
};

struct my_reader_calls {
    // A transaction begins; gtid is empty where it has none. May be NULL.
    bool (*transaction)(void *context, struct span gtid, struct my_transaction *t, struct err *e);
    // Before a captured table is compiled: brings the catalog's entry up to date, and may add to the map what
    // the log does not say; then *end is where the log ended at that time. May be NULL.
    bool (*describe)(void *context, struct table_map *map, struct pos *end, struct err *e);
    // A statement changed a definition; the envelope's event is it. *written: a line was. May be NULL.
    bool (*ddl)(void *context, const struct my_ddl *ddl, bool *written, struct err *e);
    // Stores the snapshot's record, which a TRUNCATE has changed. May be NULL.
    bool (*store)(void *context, struct err *e);
    // Between the events of a compressed transaction: a chance to write lines out. May be NULL.
    bool (*pause)(void *context, struct err *e);
    void *context;
};

struct my_reader {
    const struct capture *capture;
    struct my_catalog *catalog;
    struct my_reader_calls calls;
    struct my_judge *judge; // what the rows of a snapshot show already; NULL: nothing
    struct buf *out;
    struct my_writing writing;
    struct my_relations relations;
    struct my_envelope envelope;
    struct transaction transaction; // with `transactions`
    struct payload payload;
    struct buf inflated;  // an event's rows, or a statement
    struct value *images; // two rows of TABLE_MAX_COLUMNS
    bool skip_op[256], include_query, xa_at_prepare, transactions, mariadb;
    bool described_transactions, described_changes; // their schemas were written

    // Where in the log.
    struct binlog_format format;
    char file[BINLOG_NAME_MAX + 1];
    uint64_t file_number;
    uint32_t made_s;     // when the file was begun, by its format description; 0: it has not come
    uint64_t pos;        // where the next event starts
    uint64_t done;       // everything that commits before it, in this file, is in the lines
    uint64_t generation; // of the tables' definitions
    struct pos guessed;  // rows before it may have been written by a later definition of their table

    // The transaction.
    bool in_transaction;
    bool has_begin;  // a BEGIN stands in it, so a statement is not its end
    bool standalone; // its one statement is its end
    bool in_xa;
    bool foreign;  // its source is not wanted, so its rows are not
    bool unwanted; // older than since_us, or the caller's word
    uint64_t tx_start, n;
    struct my_transaction as; // what its tokens tell
    struct binlog_gtid gtid;
    struct buf gtid_text, query, id; // id: Debezium's, of the transaction
    struct buf xid;                  // in_xa: as XA COMMIT takes it
    uint32_t thread;
    int64_t commit_us;

    // What is wanted.
    uint64_t epoch;
    struct pos from;                // changes at or before it are not
    int64_t since_us;               // transactions before it are not
    uint64_t until_file, until_pos; // the transaction that starts there, and what follows, is not; 0: all is
    int64_t until_us;               // nor what commits later; 0: all is
    uint64_t count;                 // end behind the transaction of the so-many-th line; 0: never
    bool ended;

    // What came.
    struct pos written; // the last token of a line
    uint64_t events, transactions_read;
    bool fresh_lines;
};

// connector: "mysql" or "mariadb". max_event_bytes: the largest event, and value. The pointers are borrowed.
// To be released after a failure too.
bool my_reader_init(struct my_reader *r, const struct capture *capture, struct my_catalog *catalog,
                    struct buf *out, const char *connector, size_t max_event_bytes, struct err *e) MUST_CHECK;
void my_reader_release(struct my_reader *r);

// Begins at another place in the log: with a new connection, or a file that is read. checksum: whether events
// before the first format description end with one.
bool my_reader_begin(struct my_reader *r, struct span file, uint64_t pos, bool checksum,
                     struct err *e) MUST_CHECK;

// Takes one event. STATUS_DATA names its position.
bool my_reader_event(struct my_reader *r, struct span bytes, struct err *e) MUST_CHECK;

// The number behind the file's last dot; false where there is none.
bool binlog_file_number(struct span file, uint64_t *number) MUST_CHECK;

#endif
