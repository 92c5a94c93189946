// One table as a snapshot reads it: its columns, described as the log would, and the query.
#ifndef CDC_MYSQL_SCAN_H
#define CDC_MYSQL_SCAN_H

#include "mysql/catalog.h"
#include "mysql/client.h"
#include "mysql/relation.h"
#include "snapshot/plan.h"

struct my_scan {
    struct my_catalog catalog;
    struct my_relation relation;
    struct buf from;     // `db`.`table`, and which index to go by
    struct buf select;   // the columns
    struct buf order;    // `a`, `b`: the primary key; empty without one
    struct buf columns;  // ["a","b"]: of a key whose order is known
    struct plan_key key; // the primary key
    uint64_t row_bytes;  // of a row, about
    char *where;         // only rows that fulfil it; or NULL
    bool transactional;  // false: rows are as they stand when they are read
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

// The rows with low < key <= high, in the key's order. Borders are JSON arrays, or NULL for no limit.
// key_text: room for their values.
bool my_scan_write_select(const struct my_scan *s, const char *low, const char *high, struct buf *key_text,
                          struct buf *sql, struct err *e) MUST_CHECK;
// The key of the n-th row behind the border; a key's lowest and highest value behind it.
bool my_scan_write_walk(const struct my_scan *s, const char *after, uint64_t n, struct buf *key_text,
                        struct buf *sql, struct err *e) MUST_CHECK;
bool my_scan_write_extent(const struct my_scan *s, const char *after, struct buf *key_text, struct buf *sql,
                          struct err *e) MUST_CHECK;

#endif
