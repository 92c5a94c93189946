// What stages ask of Debezium's envelope, from a line's bytes.
#ifndef CDC_EVENT_ENVELOPE_H
#define CDC_EVENT_ENVELOPE_H

#include "base/arena.h"
#include "event/envelope_op.h"

// The source's schema (MySQL and MariaDB: db) and table, unescaped. False where the line has no such; the
// memory is the arena's or the line's.
bool envelope_table(struct span line, struct arena *arena, struct span *schema, struct span *table)
    __attribute__((warn_unused_result));

#endif
