// Where a snapshot begins or goes on, and which older view judges the rows that are read again.
#ifndef CDC_SNAPSHOT_RESUME_H
#define CDC_SNAPSHOT_RESUME_H

#include "snapshot/run.h"

// Sets r->table and *after: the key behind which to begin, JSON and owned by the caller; NULL: with the
// table.
bool snapshot_go_on(struct snapshot_run *r, char **after, struct err *e) MUST_CHECK;

#endif
