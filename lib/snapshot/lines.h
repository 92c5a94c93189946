// The lines of a snapshot as they are written: the marker of a table's first and last row, and how far it is.
#ifndef CDC_SNAPSHOT_LINES_H
#define CDC_SNAPSHOT_LINES_H

#include "snapshot/run.h"

// All of the piece's lines but the last, which waits for what follows.
bool snapshot_write_piece(struct snapshot_run *r, const struct ordered_piece *p, struct err *e) MUST_CHECK;

// The line that waits: a row of the same table follows, or the run was cut off.
bool snapshot_write_held_within(struct snapshot_run *r, struct err *e) MUST_CHECK;
// Its table is over; last: all are.
bool snapshot_write_held_at_table_end(struct snapshot_run *r, bool last, struct err *e) MUST_CHECK;

// Progress, if it is time.
void snapshot_tell(struct snapshot_run *r);
// What was done.
void snapshot_tell_end(struct snapshot_run *r);

#endif
