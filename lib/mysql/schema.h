// The Connect schemas of a table's events, and of schema changes: what Debezium writes with schemas.enable.
#ifndef CDC_MYSQL_SCHEMA_H
#define CDC_MYSQL_SCHEMA_H

#include "event/connect.h"
#include "mysql/relation.h"

// Each appends one `schema` control line. at: the token of the event that follows.
void my_schema_write(const struct my_relation *r, bool mariadb, const struct pos *at, struct buf *out);
void my_schema_write_changes(struct span topic, bool mariadb, const struct pos *at, struct buf *out);

#endif
