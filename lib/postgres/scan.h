// One table as a snapshot reads it: its columns, the query, and the key that its chunks are cut by.
#ifndef CDC_POSTGRES_SCAN_H
#define CDC_POSTGRES_SCAN_H

#include "postgres/client.h"
#include "postgres/relation.h"
#include "snapshot/plan.h"

enum scan_field { SCAN_ABSENT, SCAN_BINARY, SCAN_TEXT };

struct scan {
    uint32_t oid;
    char *name;                 // schema.table
    char *from;                 // quoted, behind ONLY unless it is a partitioned table read through its root
    struct relations relations; // holds the one
    const struct relation *relation; // NULL: the table has no columns
    enum scan_field *field;          // of each column: how its values come, in the table's order
    struct buf select;               // the columns
    struct buf order;                // ("a","b"): the key as SQL; empty without one
    struct buf columns;              // ["a","b"]: the key's names, for the record
    char *where;                     // only rows that fulfil it; or NULL
    struct plan_key key;
};

struct scan_wish {
    uint32_t oid;
    const char *publication; // whose column list and row filter hold for the rows too, or ""
    const char *where;       // a condition; or NULL
    uint64_t pages;          // of the table, now
};

// Describes the table as it stands now: it must be locked. catalog: of the table's defaults and types, filled
// anew. The pointers are borrowed.
bool scan_load(struct scan *s, struct pg_client *client, struct catalog *catalog,
               const struct capture *capture, const struct scan_wish *wish, notice_fn *dropped,
               struct err *e) MUST_CHECK;
void scan_release(struct scan *s);

// COPY of the rows with low < key <= high, in the key's order; each is a quoted SQL row, or NULL for no
// limit.
void scan_write_copy(const struct scan *s, const char *low, const char *high, struct buf *sql);

// A chunk's border, a JSON array, as a quoted SQL row. key_text: room for its values.
bool scan_write_border(const struct scan *s, struct pg_client *c, const char *border, struct buf *key_text,
                       struct buf *sql, struct err *e) MUST_CHECK;

#endif
