// Which tables and databases a statement defines anew, by its text: what a schema-change record names. Rows
// are never decoded by it.
#ifndef CDC_MYSQL_DDL_H
#define CDC_MYSQL_DDL_H

#include "base/buf.h"

enum ddl_kind {
    DDL_CREATE,
    DDL_ALTER, // also RENAME
    DDL_KEY,   // a unique index: it may be the key of a table that has none
    DDL_DROP,
    DDL_DATABASE,
    DDL_OTHER, // an index, say: nothing that is told of a table
};

// One record's part of a statement.
struct ddl_change {
    enum ddl_kind kind;
    struct span db, table;         // its name behind the statement; table is empty with the last two
    struct span old_db, old_table; // before it was renamed; empty: it was not
    struct span sql;               // the statement, for this table alone
    struct span tables; // the names of all tables of this database that it changes, joined by commas
};

struct ddl {
    struct ddl_change *change; // owned
    size_t n;
    struct buf text; // owns what the spans point to
};

// What sql says, a STATEMENT_SCHEMA, of a session whose database is default_db. A statement that is not
// understood is one DDL_OTHER. To be released after a failure too.
bool ddl_read(struct ddl *d, struct span sql, struct span default_db, struct err *e) MUST_CHECK;
void ddl_release(struct ddl *d);

#endif
