// The snapshot: every row of the tables that are captured, table by table and key by key, as lines.
//
// A table is locked against DDL, described, and cut into chunks by its key; readers (reader.h) read them in a
// view, and this thread writes their lines in order. A view's time is bounded, so that vacuum is not held
// back: the chunks that are not read by then are read in the next view. The record (snapshot/record.h) has
// each view before the first line that depends on it.
//
// An interrupted snapshot goes on behind the row that was acknowledged last, in a new view; a table whose key
// has no order that the client knows is begun again.
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
