// What a server tells of its GTIDs.
#ifndef CDC_MYSQL_ASK_GTIDS_H
#define CDC_MYSQL_ASK_GTIDS_H

#include "mysql/gtids.h"
#include "mysql/log_dump.h"

// Whether its log has GTIDs.
bool my_has_gtids(struct my_client *c, bool *has, struct err *e) MUST_CHECK;

// Adds those of all that commits before the position of a log file that the server has. MySQL's is read from
// the file's start: dump is a connection for it, not used yet; MariaDB is asked, and needs none.
bool my_gtids_before(struct my_client *c, struct my_client *dump, const struct my_dump *d,
                     struct my_gtids *before, struct err *e) MUST_CHECK;

// Appends those that the server does not have.
bool my_gtids_not_there(struct my_client *c, const struct my_gtids *g, struct buf *out,
                        struct err *e) MUST_CHECK;

#endif
