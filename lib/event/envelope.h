// What stages ask of Debezium's envelope, from a line's bytes.
#ifndef CDC_EVENT_ENVELOPE_H
#define CDC_EVENT_ENVELOPE_H

#include "base/arena.h"
#include "base/span.h"

// The operation: c, u, d, r, t, m; '\0' where the line has none. A canonical line is read from its end, where
// "op" stands; any other from its beginning.
char envelope_op(struct span line);

// The source's schema (MySQL and MariaDB: db) and table, unescaped. False where the line has no such; the
// memory is the arena's or the line's.
bool envelope_table(struct span line, struct arena *arena, struct span *schema, struct span *table)
    __attribute__((warn_unused_result));

#endif
