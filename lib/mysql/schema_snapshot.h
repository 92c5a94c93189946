// The schema-change records in front of a snapshot's rows: what would make the server's databases and tables
// anew, captured or not, as the command line wants.
#ifndef CDC_MYSQL_SCHEMA_SNAPSHOT_H
#define CDC_MYSQL_SCHEMA_SNAPSHOT_H

#include "mysql/schema_line.h"

#include "event/output.h"

struct my_schema_snapshot {
    const struct tail_options *o;
    const struct capture *capture;
    struct my_client *sql;              // asked for the definitions
    const struct my_rows *tables;       // database, table, …; sorted
    const struct my_envelope *envelope; // its event is the snapshot's
    const struct pos *at;
    struct output *out;
    bool described; // false at first
};

bool my_schema_snapshot_write(struct my_schema_snapshot *s, struct err *e) MUST_CHECK;

#endif
