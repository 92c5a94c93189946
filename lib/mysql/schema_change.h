// Debezium's schema-change records: a line each, of the topic that is called as the prefix.
#ifndef CDC_MYSQL_SCHEMA_CHANGE_H
#define CDC_MYSQL_SCHEMA_CHANGE_H

#include "mysql/ddl.h"
#include "mysql/definition.h"
#include "mysql/envelope.h"

#include "event/capture.h"

struct my_schema_change {
    const struct pos *at;
    const char *snapshot; // the source's marker: "true" or "false"
    struct span db;
    struct span tables; // the source's table: the names of all that the statement changes; empty: null
    struct span table;  // the one that changed; empty: tableChanges is []
    enum ddl_kind kind;
    struct span sql;
    bool *described; // NULL; or whether the topic's schema was written, which else is now
    const struct my_definition *definition; // NULL, or of no columns: the table is null
};

// Appends the line. v: its event is described (my_envelope_event()).
bool my_schema_change_write(const struct my_schema_change *c, const struct my_envelope *v, struct buf *out,
                            struct err *e) MUST_CHECK;

// Whether the server's own: mysql, sys, information_schema, performance_schema.
bool my_is_system_database(struct span db);

#endif
