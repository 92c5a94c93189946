// The driver of a snapshot: every row of the record's tables, table by table and key by key, as lines. What
// differs from database to database is behind struct snapshot_ops.
//
// A table is locked against DDL, described, and cut into chunks by its key (plan.h); readers, threads of the
// source, read them in a view, and this thread writes their lines in order (ordered.h, lines.h). A view's
// time is bounded, so that the database's clearing up is not held back: the chunks that are not read by then
// are read in the next view. The record (record.h) has each view before the first line that depends on it.
//
// An interrupted snapshot goes on behind the row that was acknowledged last, in a new view (resume.h); a
// table whose key has no order that the client knows is begun again.
#ifndef CDC_SNAPSHOT_RUN_H
#define CDC_SNAPSHOT_RUN_H

#include "event/output.h"
#include "event/pos.h"
#include "event/tail.h"
#include "snapshot/ordered.h"
#include "snapshot/plan.h"
#include "snapshot/record.h"

// A job of a reader: the rows with low < key <= high, in the key's order. Borders are JSON arrays.
struct snapshot_chunk {
    struct buf low, high;
    bool has_low, has_high;
};

// What a table is to the driver.
struct snapshot_table {
    bool has_columns;    // without, there is nothing to say of its rows
    const char *columns; // names of the key's columns, a JSON array
    struct plan_key key;
};

// What a view shows, for the record: see record.h.
struct snapshot_seen {
    const char *seen;
    uint64_t past;
};

struct snapshot_ops {
    struct plan_calls plan;
    // Opens a view of now, and closes the one before. No reader works.
    bool (*open_view)(void *self, struct snapshot_seen *shows, struct err *e);
    // The view's time is over: readers may still be in it.
    bool (*close_view)(void *self, struct err *e);
    // Stores the record.
    bool (*store)(void *self, struct err *e);
    // In the open view: the table is held against DDL until unlock_table(), or another lock. *found: it is
    // still there. *shows: the view shows its rows; DDL may have written it anew since.
    bool (*lock_table)(void *self, size_t table, bool *found, bool *shows, struct err *e);
    bool (*unlock_table)(void *self, struct err *e);
    // The locked table, as it stands. What t borrows is valid until forget_table(), where nobody reads it any
    // more.
    bool (*describe_table)(void *self, size_t table, const char *where, struct snapshot_table *t,
                           struct err *e);
    void (*forget_table)(void *self);
    // Before the first chunk of a table in a view. No reader works.
    bool (*begin_lines)(void *self, size_t table, uint64_t view, struct err *e);
    // Starts the readers; join_readers() comes after ordered_stop(), also where not all of them were started.
    bool (*start_readers)(void *self, struct ordered *ordered, struct err *e);
    void (*join_readers)(void *self);
    // About how many rows the tables from this one on have; 0: not known.
    bool (*estimate)(void *self, size_t table, uint64_t *rows, struct err *e);
    // The table's schema, as a line (--with-schema).
    void (*write_schema)(void *self, const struct pos *at, struct buf *out);
};

// The line that was made last: whether more rows follow decides on its marker.
struct held {
    bool any;
    bool first, first_in_table; // of the snapshot, of its table
    size_t mark;
    struct buf line;
};

struct snapshot_run {
    // Set by the caller, all borrowed.
    const struct snapshot_ops *ops;
    void *self;
    const struct tail_options *o;
    struct output *out;
    struct buf *last; // the last written row's token; where there was none, it stays
    struct record *record;
    const struct pos *from; // where to go on
    bool again;             // a connection was lost in this run

    // What was done.
    uint64_t rows;

    // Private.
    struct snapshot_seen shows;
    uint64_t view_number, parent;
    bool view_open, view_recorded;
    bool expired; // the view's time is over: no chunk is planned in it any more
    int64_t opened_ms;
    // What the view before this run's showed. Of its rows some may have been delivered though they are read
    // again, or, in the table that is begun again, were.
    struct record_range inherited;
    bool inherits, inherits_once;

    size_t table;
    bool describes; // `described` is of this table
    struct snapshot_table described;
    struct plan plan;
    struct ordered *ordered;
    struct snapshot_chunk *chunk; // a ring by the chunk's number
    size_t chunks;
    uint64_t put, taken; // chunks so far
    uint64_t chunk_rows; // written of the first one that is outstanding
    struct buf border;   // JSON: behind it nothing was read; bad or empty: the table's beginning
    bool has_border;

    struct held held;
    bool resumed;     // the first row was written by a run before
    bool table_begun; // a row of the table was written
    bool schema_told; // its schema was, in this run
    uint64_t begun_tables;
    uint64_t expected;  // rows, about
    uint64_t view_rows; // when the view was opened
    int64_t begun_ms, told_ms;
};

// True also where a stop signal ended it; the record tells. Nothing is left to release.
bool snapshot_run(struct snapshot_run *r, struct err *e) MUST_CHECK;

#endif
