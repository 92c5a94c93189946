// What a run needs of the server, all faults at once.
#ifndef CDC_MYSQL_PREFLIGHT_H
#define CDC_MYSQL_PREFLIGHT_H

#include "event/tail.h"
#include "mysql/client.h"

// Appends a line for each fault: what was found, what is needed, the SQL that mends it. by_catalog: the log
// need not name columns. o->note is told what is no fault but worth knowing. With o->check what a snapshot
// needs is looked at too, where o->start asks for one; else it may be made already.
bool my_preflight(struct my_client *c, const struct tail_options *o, bool by_catalog, struct buf *faults,
                  struct err *e) MUST_CHECK;

#endif
