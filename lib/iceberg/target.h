// One table that the sink writes: what a batch made of it so far, and its commit.
//
// A commit is one data file of the rows that are there at the batch's end and one equality-delete file of
// every key that the batch touched, in one snapshot with the table's position: the token of its newest event.
// Both files get the snapshot's sequence number, so the deletes touch older files alone. What is at or before
// its position a table drops, so each table may be committed by itself.
//
// Order: open, then any of the operations, commit in between; release.
#ifndef CDC_ICEBERG_TARGET_H
#define CDC_ICEBERG_TARGET_H

#include "event/pos.h"
#include "iceberg/commit.h"
#include "iceberg/parquet.h"
#include "iceberg/row.h"
#include "iceberg/rows.h"
#include "sink/gaps.h"

// How the rows of a topic are read from one schema line on, until the next.
struct ice_source {
    struct ice_source *older; // all there are, the newest first
    struct arena arena;
    struct ice_row_shape shape;
    struct span key, value; // the Connect schemas
    bool is_current;
};

// What all tables share.
struct ice_writer {
    struct ice_catalog *catalog;
    struct ice_parquet *parquet;
    struct loop *loop;
    notice_fn *warn;
    struct gaps gaps;
    struct buf position_name, source_name, complete_name; // the properties, cdc.position.NAME, …
    struct buf identity;                                  // of the source
    struct buf complete; // every table has all up to this token (own.h), or will have by the next commit
    bool append;         // the change log, not the table
    uint64_t commits, retries, incomplete;
};

struct ice_target {
    struct ice_target *next;
    struct ice_writer *writer;
    struct buf space, name;
    struct ice_name names;
    struct ice_table table;
    struct buf position; // what is committed; empty: nothing
    struct pos pos;      // the same
    struct buf last;     // the token of the newest event in the batch; empty: none
    struct ice_rows rows;
    struct buf sources;  // struct ice_source *: of the batch's rows
    struct span mapping; // of a commit: the names that the table has for its fields, JSON
    bool fresh; // nothing but rows of one snapshot's view, each key once, is in the table or the batch
    bool has_view;
    uint64_t view;      // of those
    bool truncated;     // by the batch, before its rows
    uint64_t events;    // in the batch
    struct arena arena; // of a commit
};

// Loads the table, or makes it with the source's columns. STATUS_USAGE where another source has written it.
bool ice_target_open(struct ice_target *t, struct ice_writer *w, struct span space, struct span name,
                     const struct ice_source *source, struct err *e) MUST_CHECK;
void ice_target_release(struct ice_target *t);

// Whether what the position names is in the table.
bool ice_target_has(const struct ice_target *t, const struct pos *pos);

// A change of a row, in the order of positions. row: JSON, empty for a delete; moved_from: the key that the
// row had before, or empty. STATUS_DATA is the line's own fault.
struct ice_event {
    struct ice_source *source;
    struct span token;
    const struct pos *pos;
    struct span key, row, moved_from;
    char op;
    int64_t time_us; // of the commit in the source, or ICE_NO_TIME
    bool may_lack;   // the row may have unavailable values
    bool truncates;  // no row, but all of them
};
// Into a change log: as a row of its own, whatever it is.
bool ice_target_log(struct ice_target *t, const struct ice_event *event, struct err *e) MUST_CHECK;
// All rows are gone. The event has no key and no row.
bool ice_target_truncate(struct ice_target *t, const struct ice_event *event, struct err *e) MUST_CHECK;
bool ice_target_put(struct ice_target *t, const struct ice_event *event, struct err *e) MUST_CHECK;

// Makes what the batch holds the table's, and empties it.
bool ice_target_commit(struct ice_target *t, struct err *e) MUST_CHECK;

#endif
