#include "mysql/statement.h"

#include "mysql/sql.h"

// CREATE USER, ALTER EVENT and the like change no table.
static enum statement_kind of_object(struct span rest)
{
    static const char *const objects[] = {"TABLE",  "TABLES",   "DATABASE", "SCHEMA", "INDEX",
                                          "UNIQUE", "FULLTEXT", "SPATIAL",  NULL};
    static const char *const before[] = {"OR", "REPLACE", "TEMPORARY", "ONLINE", "OFFLINE", "IGNORE", NULL};
    struct span word = sql_take_word(&rest);
    while (sql_is_one_of(word, before)) {
        if (sql_is(word, "TEMPORARY"))
            return STATEMENT_OTHER;
        word = sql_take_word(&rest);
    }
    return sql_is_one_of(word, objects) ? STATEMENT_SCHEMA : STATEMENT_OTHER;
}

static enum statement_kind of_xa(struct span rest)
{
    struct span word = sql_take_word(&rest);
    if (sql_is(word, "START") || sql_is(word, "BEGIN"))
        return STATEMENT_XA_START;
    return sql_is(word, "COMMIT") || sql_is(word, "ROLLBACK") ? STATEMENT_XA_END : STATEMENT_WITHIN;
}

static enum statement_kind of_rollback(struct span rest)
{
    return sql_is(sql_take_word(&rest), "TO") ? STATEMENT_WITHIN : STATEMENT_COMMIT;
}

enum statement_kind statement_kind(struct span sql)
{
    static const char *const schema[] = {"CREATE", "ALTER", "DROP", "RENAME", NULL};
    static const char *const data[] = {"INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "WITH", NULL};
    sql_skip_settings(&sql);
    struct span word = sql_take_word(&sql);
    if (sql_is(word, "BEGIN"))
        return STATEMENT_BEGIN;
    if (sql_is(word, "COMMIT"))
        return STATEMENT_COMMIT;
    if (sql_is(word, "ROLLBACK"))
        return of_rollback(sql);
    if (sql_is(word, "SAVEPOINT") || sql_is(word, "RELEASE"))
        return STATEMENT_WITHIN;
    if (sql_is(word, "XA"))
        return of_xa(sql);
    if (sql_is(word, "TRUNCATE"))
        return STATEMENT_TRUNCATE;
    if (sql_is_one_of(word, schema))
        return of_object(sql);
    return sql_is_one_of(word, data) ? STATEMENT_DATA : STATEMENT_OTHER;
}

struct span statement_xid(struct span sql)
{
    sql_skip_settings(&sql);
    (void)sql_take_word(&sql); // XA
    (void)sql_take_word(&sql); // START
    sql_skip_space(&sql);
    return sql;
}

bool statement_truncated(struct span sql, struct span default_db, struct buf *db, struct buf *table)
{
    sql_skip_settings(&sql);
    if (!sql_take(&sql, "TRUNCATE"))
        return false;
    (void)sql_take(&sql, "TABLE");
    return sql_take_table(&sql, default_db, db, table);
}
