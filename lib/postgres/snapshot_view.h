// The views of a snapshot, one after the other, each in the record before the first line that depends on it.
#ifndef CDC_POSTGRES_SNAPSHOT_VIEW_H
#define CDC_POSTGRES_SNAPSHOT_VIEW_H

#include "postgres/snapshot_run.h"

// The state, with the record, into the folder where there is one.
bool snapshot_store(struct snapshot_run *r, struct err *e) MUST_CHECK;

// A view of now, or the one that the slot exported.
bool snapshot_open_view(struct snapshot_run *r, struct err *e) MUST_CHECK;

// Notes that the view reads from here on: of the table r->table, behind the key `after` (JSON; NULL: all of
// it).
bool snapshot_record_view(struct snapshot_run *r, const char *after, struct err *e) MUST_CHECK;

// Whether its time is over.
bool snapshot_view_is_due(const struct snapshot_run *r);
// Lets vacuum go on: what the readers have not read is for the next view.
bool snapshot_expire_view(struct snapshot_run *r, struct err *e) MUST_CHECK;

#endif
