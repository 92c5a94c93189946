// What a run needs of the server, all faults at once.
#ifndef CDC_MYSQL_PREFLIGHT_H
#define CDC_MYSQL_PREFLIGHT_H

#include "base/log.h"
#include "mysql/client.h"

// Appends a line for each fault: what was found, what is needed, the SQL that mends it. server_id: the one
// asked for, 0 for none. by_catalog: the log need not name columns. note is told what is no fault but worth
// knowing.
bool my_preflight(struct my_client *c, uint64_t server_id, bool by_catalog, struct buf *faults,
                  notice_fn *note, struct err *e) MUST_CHECK;

#endif
