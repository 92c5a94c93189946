// The state of one snapshot, which its parts share: views (snapshot_view.h), lines (snapshot_lines.h), where
// it goes on (snapshot_resume.h), and the driver (snapshot.c).
#ifndef CDC_POSTGRES_SNAPSHOT_RUN_H
#define CDC_POSTGRES_SNAPSHOT_RUN_H

#include "event/output.h"
#include "postgres/plan.h"
#include "postgres/reader.h"
#include "postgres/session.h"

// The line that was made last: whether more rows follow decides on its marker.
struct held {
    bool any;
    bool first, first_in_table; // of the snapshot, of its table
    size_t mark;
    struct buf line;
};

struct snapshot_run {
    struct session *session;
    const struct tail_options *o;
    const struct capture *capture;
    struct output *out;
    struct buf *last; // the last written row's token
    struct record *record;
    struct pg_client *control; // plain statements, each of its own moment

    struct pg_view view;
    uint64_t view_number, parent;
    bool view_open, view_recorded;
    bool from_slot; // it is the slot's own snapshot: the log brings nothing that it shows
    bool expired;   // the view's time is over: no chunk is planned in it any more
    // What the view before this run's showed. Of its rows some may have been delivered though they are read
    // again, or, in the table that is begun again, were.
    struct record_range inherited;
    bool inherits, inherits_once;

    size_t table;
    struct scan scan;
    struct plan plan;
    struct read_plan lines;
    struct ordered *ordered;
    struct reader *reader;
    size_t readers;
    struct read_chunk *chunk; // a ring by the chunk's number
    size_t chunks;
    uint64_t put, taken; // chunks so far
    uint64_t chunk_rows; // written of the first one that is outstanding
    struct buf border;   // JSON: behind it nothing was read; bad or empty: the table's beginning
    bool has_border;

    struct held held;
    bool resumed;     // the first row was written by a run before
    bool table_begun; // a row of the table was written
    bool described;   // its schema was, in this run
    uint64_t rows, begun_tables;
    uint64_t expected;  // rows, about
    uint64_t view_rows; // when the view was opened
    int64_t begun_ms, told_ms;
};

#endif
