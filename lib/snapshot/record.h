// What the file `source` of an offset folder knows of a snapshot: its tables, and which view read which of
// their rows.
//
//   {"epoch":1,"done":false,"output":[12,3841],
//   "tables":[{"id":16385,"name":"public.orders","epoch":1},…],
//   "ranges":[{"view":1,"parent":0,"table":0,"after":null,"columns":null,"seen":"740:745:741","past":26738688},…]}
//
// The tables stand in the order in which they are read; a table that was added to a folder later stands
// behind those before it, with an epoch of its own. A range begins at a place (a table, and a key of it that
// is the last of the rows before) and goes to where the next one of its chain begins.
//
// An interrupted snapshot goes on at a place within an older view's rows: the new view's parent. The chain of
// a view is its parent's as far as it begins before it, and its own. Ranges that are not in the newest chain
// stay for a while: a sink that keeps its own position may turn out to be further than the acknowledgement
// which the snapshot went on from, and the place to go on is in one of them then.
//
// `seen` says which transactions a range's view shows, so that the log's changes are not applied twice; null:
// none that the log will bring. No transaction that commits at `past` or later is seen. `older`, [seen,
// past], is the same of a view before it, which is to be asked instead where a sink may hold rows that it
// read and that were not acknowledged: the log must bring what happened to them since.
#ifndef CDC_SNAPSHOT_RECORD_H
#define CDC_SNAPSHOT_RECORD_H

#include "event/pos.h"

#include <stdint.h>

struct record_table {
    uint64_t id; // the database's own: PostgreSQL's oid
    char *name;  // schema.table
    uint64_t epoch;
    uint64_t cut[2];   // the place in the log of a TRUNCATE that was kept; 0, 0: none
    uint64_t cut_view; // the last view that read rows of the table then
};

struct record_range {
    uint64_t view, parent; // of a view's second range: itself
    size_t table;          // index
    char *after;           // a JSON array; NULL: from the table's beginning
    char *columns;         // names of the key's columns, a JSON array; NULL with after
    char *seen;
    uint64_t past;
    bool has_older;
    char *older_seen;
    uint64_t older_past;
};

struct record {
    uint64_t epoch;     // of the last snapshot; 0: there was none
    bool done;          // its rows were all written
    uint64_t output[2]; // by a run that ended with them, to this file: device, inode; 0, 0: not for a tail to
                        // follow
    struct record_table *table;
    size_t tables, table_room;
    struct record_range *range;
    size_t ranges, range_room;
};

void record_release(struct record *r);

// Texts are copied.
bool record_add_table(struct record *r, uint64_t id, const char *name, uint64_t epoch,
                      struct err *e) MUST_CHECK;

// The next range, which begins behind all before it.
bool record_add_range(struct record *r, const struct record_range *range, struct err *e) MUST_CHECK;

// The ranges of the view's chain, from the first: their indices, at most r->ranges, in chain. Returns how
// many.
size_t record_chain(const struct record *r, uint64_t view, size_t *chain);

// Drops what no position at or behind one of this view, from 1, can need.
bool record_prune(struct record *r, uint64_t view, struct err *e) MUST_CHECK;

// An index, of the newest of that name; or tables where there is none.
size_t record_find(const struct record *r, uint64_t id);
size_t record_find_name(const struct record *r, struct span name);

// The log was gone on with behind the rows of this view, 0: with none that count any more. What was read
// later of the same rows was not delivered: drops it, and the snapshot is done.
void record_end_with(struct record *r, uint64_t view);

// Whether rows of the snapshot are still to come behind a position.
bool record_is_ahead(const struct record *r, const struct pos *from);

// Notes the descriptor's file as the one that has the rows (-1: none); whether it is that of this descriptor.
void record_set_output(struct record *r, int fd);
bool record_is_output(const struct record *r, int fd);

// Whether what a sink holds decides which view judges a range.
bool record_has_older(const struct record *r);

// The highest view and `past`; 0 where there is no range.
uint64_t record_last_view(const struct record *r);
uint64_t record_past(const struct record *r);

// The JSON object to and from *r. record_parse() begins with an empty one; STATUS_DATA says what is wrong.
bool record_parse(struct record *r, struct span object, struct err *e) MUST_CHECK;
void record_format(const struct record *r, struct buf *b);

#endif
