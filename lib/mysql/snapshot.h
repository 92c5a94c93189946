// MySQL's and MariaDB's part of the snapshot, for snapshot/run.h to drive: views, tables, readers.
//
// A view shows exactly what commits before its place in the log, which the record holds as one number
// (my_past()).
#ifndef CDC_MYSQL_SNAPSHOT_H
#define CDC_MYSQL_SNAPSHOT_H

#include "event/capture.h"
#include "event/output.h"
#include "mysql/session.h"

// session: its state's record says what is to be read, session->from where to go on. The first view of an
// epoch that has no place in the log yet gives it its own, from where the log is to be read behind the rows.
// Stores the state as it goes. *rows is raised by the rows written, last is the last one's token; where there
// was none, it stays. True also where a stop signal ended it; the record tells.
bool my_snapshot_run(struct my_session *session, const struct tail_options *o, const struct capture *capture,
                     struct output *out, uint64_t *rows, struct buf *last, struct err *e) MUST_CHECK;

#endif
