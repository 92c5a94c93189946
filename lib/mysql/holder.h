// Who holds a lock that is in our way, or waits for one in front of us.
#ifndef CDC_MYSQL_HOLDER_H
#define CDC_MYSQL_HOLDER_H

#include "mysql/view.h"

enum my_held { MY_HELD_AGAINST_READERS, MY_HELD_AGAINST_WRITERS };

// Adds to the error of a wait that was too long what the server tells of its cause: performance_schema's
// metadata locks, MariaDB's plugin metadata_lock_info, else what has run for longest. t: the table; NULL:
// all.
void my_name_holder(struct my_client *c, const struct my_table_name *t, enum my_held held, struct err *e);

#endif
