// PostgreSQL's part of the snapshot, for snapshot/run.h to drive: views, tables, readers.
#ifndef CDC_POSTGRES_SNAPSHOT_H
#define CDC_POSTGRES_SNAPSHOT_H

#include "event/output.h"
#include "postgres/session.h"

// session: its state's record says what is to be read, session->from where to go on. Stores the state as it
// goes. *rows is raised by the rows written, last is the last one's token; where there was none, it stays.
// True also where a stop signal ended it; the record tells.
bool pg_snapshot_run(struct session *session, const struct tail_options *o, const struct capture *capture,
                     struct output *out, uint64_t *rows, struct buf *last, struct err *e) MUST_CHECK;

#endif
