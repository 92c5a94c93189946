// What a statement in the log is, as far as reading the log needs to know. Rows are never decoded by what a
// statement says.
#ifndef CDC_MYSQL_STATEMENT_H
#define CDC_MYSQL_STATEMENT_H

#include "base/buf.h"

enum statement_kind {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT, // also ROLLBACK: the end of a transaction
    STATEMENT_WITHIN, // SAVEPOINT, ROLLBACK TO, RELEASE, XA END: nothing
    STATEMENT_XA_START,
    STATEMENT_XA_END, // XA COMMIT, XA ROLLBACK: of what was prepared before
    STATEMENT_TRUNCATE,
    STATEMENT_SCHEMA, // CREATE, ALTER, DROP, RENAME of a table or a database
    STATEMENT_DATA,   // INSERT, UPDATE, …: a change that is not logged by rows
    STATEMENT_OTHER,
};

enum statement_kind statement_kind(struct span sql);

// The XID of an XA START, as it is written there: X'61',X'',1. It borrows from sql.
struct span statement_xid(struct span sql);

// The table that a TRUNCATE names; default_db where it names none. Both are appended, without quotes. False
// where sql is no TRUNCATE.
bool statement_truncated(struct span sql, struct span default_db, struct buf *db,
                         struct buf *table) MUST_CHECK;

#endif
