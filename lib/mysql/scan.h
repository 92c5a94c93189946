// One table as a snapshot reads it: its columns, described as the log would, and the query.
#ifndef CDC_MYSQL_SCAN_H
#define CDC_MYSQL_SCAN_H

#include "mysql/catalog.h"
#include "mysql/client.h"
#include "mysql/relation.h"

struct my_scan {
    struct my_catalog catalog;
    struct my_relation relation;
    struct buf select; // the rows, in the primary key's order
};

// Describes the table as it stands now: the view holds it against DDL. view: the connection that will read
// it, which tells the character sets; sql: another. where: SQL's condition, or NULL. To be released after a
// failure too.
bool my_scan_load(struct my_scan *s, struct my_client *view, struct my_client *sql, struct span db,
                  struct span table, const char *where, const struct capture *capture, struct my_writing *w,
                  struct err *e) MUST_CHECK;
void my_scan_release(struct my_scan *s);

// The columns and the primary key as the catalog has them, without collations, in the form of the log's. To
// be released after a failure too.
bool my_scan_map(struct table_map *map, struct my_client *sql, struct span db, struct span table,
                 struct err *e) MUST_CHECK;

#endif
