// What every log source takes and gives: the options of cdc-tail, and the table of a source's operations.
#ifndef CDC_EVENT_TAIL_H
#define CDC_EVENT_TAIL_H

#include "base/log.h"
#include "base/opt.h"
#include "event/shape.h"

// For --chunk-rows that was not given.
#define CHUNK_ROWS_AUTO UINT64_MAX

struct tail_options {
    const char *url;
    const char *offset;       // the offset folder, or NULL
    const char *start;        // latest, earliest, initial, initial-only, a token, a log position, a time
    const char *until;        // now, a token, a log position, a time; or NULL
    int64_t idle_ms;          // end after so long without an event; 0: never
    uint64_t count;           // end at the transaction's end once so many events were written; 0: never
    bool control;             // write control lines
    bool schemas;             // write `schema` lines
    const char *topic_prefix; // NULL: the database's name
    const char *topic_delimiter, *topic_transaction, *heartbeat_prefix;
    bool transactions;           // BEGIN and END lines, and each event's place
    uint64_t heartbeat_ms;       // 0: none
    const char *heartbeat_query; // NULL: none
    struct shape_options shape;
    struct opt_list table, exclude_table, schema, exclude_schema, column, exclude_column;
    const char *skipped_operations; // of c,u,d,t, or none
    bool skip_unchanged;            // updates of which nothing differs
    bool check;                     // do the preflight only
    int64_t retry_ms;               // how long a lost connection is tried again
    int64_t stall_ms;               // how long the server may say nothing
    const char *stats;              // Prometheus text; or NULL
    uint64_t max_line_bytes;
    notice_fn *note, *warn;

    // The snapshot.
    uint64_t jobs, chunk_rows; // CHUNK_ROWS_AUTO: as the source likes
    int64_t view_ms;           // how long one view may hold back vacuum
    int64_t lock_ms;           // how long a snapshot waits for a table that somebody holds
    struct opt_list where;     // table: condition
    bool snapshot_only;        // end when the rows are written
    bool no_log;               // initial-only, or a plain dump: no slot, no publication
    notice_fn *progress;       // told every progress_ms how far it is; or NULL
    int64_t progress_ms;

    // PostgreSQL
    struct opt_list message_prefix, exclude_message_prefix;
    const char *slot_name, *publication_name, *publication_mode;
    bool slot_drop_on_stop, slot_failover, allow_insert_only, via_root;

    // MySQL, MariaDB. Their databases are `schema` above.
    const char *password_file, *defaults_file, *ssl_mode;
    uint64_t server_id;          // as which the log is read; 0: at random
    const char *bigint_unsigned; // long or precise; NULL: long
    bool adjust_years;           // those of two digits
    bool schema_changes;         // Debezium's schema-change records
    bool only_captured_tables;   // those of captured tables alone
    bool only_captured_databases;
    bool include_query;   // the statement that made a change, where the log has it
    const char *xa;       // at-prepare, or NULL
    const char *metadata; // log or catalog; NULL: log
    const char *lock;     // how a view is opened: global, tables, none; NULL: global
    struct opt_list gtid_source, exclude_gtid_source; // whose changes are wanted, by UUID or DOMAIN-SERVER
};

struct source_ops {
    const char *const *schemes; // of the URL, NULL at the end
    bool (*tail)(const struct tail_options *o, struct err *e);
    // The rows alone: without a slot, and nothing of ours is left on the server. NULL: not of this source.
    bool (*dump)(const struct tail_options *o, struct err *e);
};

// Whose URL it is, of a list that ends with NULL; or NULL.
const struct source_ops *sources_find(const struct source_ops *const *sources, const char *url);

// STATUS_USAGE where a number or a form is out of its range.
bool tail_options_check(const struct tail_options *o, struct err *e) MUST_CHECK;

// What a preflight found, a line each: all of it is told, and any of it is STATUS_USAGE.
bool tail_report_faults(const struct tail_options *o, struct span faults, struct err *e) MUST_CHECK;

#endif
