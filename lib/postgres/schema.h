// The Connect schemas of a table's events, and of logical messages: what Debezium writes with schemas.enable.
#ifndef CDC_POSTGRES_SCHEMA_H
#define CDC_POSTGRES_SCHEMA_H

#include "event/connect.h"
#include "postgres/relation.h"

// Each appends one `schema` control line. at: the token of the event that follows.
void schema_write(const struct relation *r, const struct pos *at, struct buf *out);
void schema_write_message(const struct pos *at, struct span topic, enum shape_binary binary, struct buf *out);

#endif
