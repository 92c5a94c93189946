#include "mysql/holder.h"

#include <stdio.h>

enum { ID, USER, HOST, SECONDS, STATE, STATEMENT };

static bool write_table(struct my_client *c, const struct my_table_name *t, const char *schema,
                        const char *table, struct buf *sql, struct err *e)
{
    if (t == NULL)
        return true;
    buf_printf(sql, " AND %s = ", schema);
    bool ok = my_quote_literal(c, t->db, sql, e);
    buf_printf(sql, " AND %s = ", table);
    return ok && my_quote_literal(c, t->table, sql, e);
}

// MySQL: every metadata lock, held or waited for.
static bool ask_performance_schema(struct my_client *c, const struct my_table_name *t, enum my_held held,
                                   struct buf *sql, struct err *e)
{
    buf_lit(
        sql,
        "SELECT t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_HOST, t.PROCESSLIST_TIME, "
        "t.PROCESSLIST_STATE, LEFT(t.PROCESSLIST_INFO, 80) FROM performance_schema.metadata_locks m JOIN "
        "performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID WHERE m.OBJECT_TYPE = 'TABLE' AND "
        "t.PROCESSLIST_ID <> CONNECTION_ID() AND m.OBJECT_SCHEMA <> 'performance_schema' AND m.LOCK_TYPE ");
    buf_str(sql, held == MY_HELD_AGAINST_READERS ? "IN ('EXCLUSIVE', 'SHARED_NO_READ_WRITE')"
                                                 : "NOT IN ('SHARED_HIGH_PRIO')");
    bool ok = write_table(c, t, "m.OBJECT_SCHEMA", "m.OBJECT_NAME", sql, e);
    // Who is idle in a transaction does not hold up a lock of all tables: what runs does.
    buf_str(sql, t == NULL ? " AND t.PROCESSLIST_COMMAND <> 'Sleep'" : "");
    buf_lit(sql, " ORDER BY m.LOCK_STATUS = 'GRANTED' DESC, t.PROCESSLIST_TIME DESC LIMIT 1");
    return ok;
}

// MariaDB, where its plugin is installed.
static bool ask_plugin(struct my_client *c, const struct my_table_name *t, struct buf *sql, struct err *e)
{
    buf_lit(sql, "SELECT p.ID, p.USER, p.HOST, p.TIME, p.STATE, LEFT(p.INFO, 80) FROM "
                 "information_schema.METADATA_LOCK_INFO m JOIN information_schema.PROCESSLIST p ON p.ID = "
                 "m.THREAD_ID WHERE p.ID <> CONNECTION_ID()");
    bool ok = write_table(c, t, "m.TABLE_SCHEMA", "m.TABLE_NAME", sql, e);
    buf_lit(sql,
            " ORDER BY m.LOCK_MODE LIKE '%EXCLUSIVE%' OR m.LOCK_MODE LIKE '%NO_READ_WRITE%' DESC, p.TIME "
            "DESC LIMIT 1");
    return ok;
}

static void ask_processlist(struct buf *sql)
{
    buf_lit(sql,
            "SELECT ID, USER, HOST, TIME, STATE, LEFT(INFO, 80) FROM information_schema.PROCESSLIST WHERE ID "
            "<> CONNECTION_ID() AND INFO IS NOT NULL AND COMMAND NOT IN ('Daemon', 'Binlog Dump', 'Binlog "
            "Dump GTID') ORDER BY TIME DESC, ID LIMIT 1");
}

static const char *or_none(const char *text)
{
    return text != NULL ? text : "-";
}

// Whether the query has an answer, which is told.
static bool tell(struct my_client *c, struct buf *sql, struct err *e)
{
    struct my_rows *rows = NULL;
    struct err ignored;
    bool found = buf_ok(sql, "the query", &ignored) && my_query(c, buf_cstr(sql), &rows, NULL, &ignored) &&
                 my_row_count(rows) != 0;
    if (found) {
        err_set(e, e->status,
                "connection %s of the server (%s@%s) holds it or waits in front; since %s s, %s: %s",
                my_cell(rows, 0, ID), or_none(my_cell(rows, 0, USER)), or_none(my_cell(rows, 0, HOST)),
                or_none(my_cell(rows, 0, SECONDS)), or_none(my_cell(rows, 0, STATE)),
                or_none(my_cell(rows, 0, STATEMENT)));
        err_hint(e, "end it (KILL %s), or wait for longer with --lock-timeout", my_cell(rows, 0, ID));
    }
    my_rows_free(rows);
    return found;
}

void my_name_holder(struct my_client *c, const struct my_table_name *t, enum my_held held, struct err *e)
{
    struct buf sql;
    struct err ignored;
    e->status = STATUS_PEER;
    buf_init(&sql, 16384);
    bool ok = my_is_mariadb(c) ? ask_plugin(c, t, &sql, &ignored)
                               : ask_performance_schema(c, t, held, &sql, &ignored);
    if (!ok || !tell(c, &sql, e)) {
        buf_reset(&sql);
        ask_processlist(&sql);
        if (!tell(c, &sql, e))
            err_hint(
                e, my_is_mariadb(c)
                       ? "the server does not tell who holds it; INSTALL SONAME 'metadata_lock_info' lets it"
                       : "SHOW PROCESSLIST may tell who holds it; --lock-timeout says how long to wait");
    }
    buf_release(&sql);
}
