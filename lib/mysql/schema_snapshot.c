#include "mysql/schema_snapshot.h"

#include "mysql/definition_load.h"
#include "mysql/schema_change.h"
#include "mysql/sql.h"

#define SQL_MAX_BYTES (64u << 20)

static bool put(struct my_schema_snapshot *s, struct my_schema_change *c, struct err *e)
{
    c->at = s->at;
    c->snapshot = "true";
    c->tables = c->table;
    c->described = s->o->schemas ? &s->described : NULL;
    return my_schema_change_write(c, s->envelope, &s->out->lines, e) &&
           (!output_is_full(s->out) || output_flush(s->out, e));
}

static struct span db_of(const struct my_schema_snapshot *s, size_t i)
{
    return span_of(my_cell(s->tables, i, 0));
}

static struct span table_of(const struct my_schema_snapshot *s, size_t i)
{
    return span_of(my_cell(s->tables, i, 1));
}

static bool is_wanted(const struct my_schema_snapshot *s, size_t i)
{
    return my_schema_is_wanted(s->o, s->capture, DDL_CREATE, db_of(s, i), table_of(s, i));
}

static bool put_database(struct my_schema_snapshot *s, struct span db, const struct buf *sql, struct err *e)
{
    struct my_schema_change c = {.db = db, .kind = DDL_DATABASE, .sql = buf_view(sql)};
    return buf_ok(sql, "a statement", e) && put(s, &c, e);
}

static bool put_settings(struct my_schema_snapshot *s, struct buf *sql, struct err *e)
{
    struct my_rows *rows;
    if (!my_query(s->sql, "SELECT @@global.character_set_server, @@global.collation_server", &rows, NULL, e))
        return false;
    buf_printf(sql, "SET character_set_server=%s, collation_server=%s", my_cell(rows, 0, 0),
               my_cell(rows, 0, 1));
    my_rows_free(rows);
    return put_database(s, (struct span){"", 0}, sql, e);
}

static bool put_drops(struct my_schema_snapshot *s, struct buf *sql, struct err *e)
{
    for (size_t i = 0; i < my_row_count(s->tables); i++) {
        if (!is_wanted(s, i))
            continue;
        buf_reset(sql);
        buf_lit(sql, "DROP TABLE IF EXISTS ");
        my_quote_name(db_of(s, i), sql);
        buf_char(sql, '.');
        my_quote_name(table_of(s, i), sql);
        struct my_schema_change c = {
            .db = db_of(s, i), .table = table_of(s, i), .kind = DDL_DROP, .sql = buf_view(sql)};
        if (!buf_ok(sql, "a statement", e) || !put(s, &c, e))
            return false;
    }
    return true;
}

// How the database was made, as Debezium says it.
static bool write_create(const struct my_schema_snapshot *s, struct span db, struct buf *sql, struct err *e)
{
    struct buf query;
    struct my_rows *rows = NULL;
    buf_init(&query, 8192);
    buf_lit(&query, "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM "
                    "information_schema.SCHEMATA WHERE SCHEMA_NAME = ");
    bool ok = my_quote_literal(s->sql, db.p, &query, e) && my_query(s->sql, buf_cstr(&query), &rows, NULL, e);
    buf_reset(sql);
    buf_lit(sql, "CREATE DATABASE ");
    my_quote_name(db, sql);
    if (my_row_count(rows) != 0)
        buf_printf(sql, " CHARSET %s COLLATE %s", my_cell(rows, 0, 0), my_cell(rows, 0, 1));
    my_rows_free(rows);
    buf_release(&query);
    return ok;
}

static bool put_new_database(struct my_schema_snapshot *s, struct span db, struct buf *sql, struct err *e)
{
    buf_reset(sql);
    buf_lit(sql, "DROP DATABASE IF EXISTS ");
    my_quote_name(db, sql);
    if (!put_database(s, db, sql, e) || !write_create(s, db, sql, e) || !put_database(s, db, sql, e))
        return false;
    buf_reset(sql);
    buf_lit(sql, "USE ");
    my_quote_name(db, sql);
    return put_database(s, db, sql, e);
}

// MySQL shows how a table is partitioned behind the rest, in a comment that Debezium leaves out.
static struct span without_partitions(struct span sql)
{
    for (size_t i = 0; i < sql.n; i++)
        if (span_starts((struct span){sql.p + i, sql.n - i}, "\n/*!"))
            sql.n = i;
    return sql;
}

// A table that was dropped since it was listed is left out.
static bool put_table(struct my_schema_snapshot *s, size_t i, struct buf *sql, struct err *e)
{
    enum { UNKNOWN_DATABASE = 1049, NO_SUCH_TABLE = 1146 };
    struct my_rows *rows = NULL;
    unsigned code = 0;
    struct my_definition d = {0};
    buf_reset(sql);
    buf_lit(sql, "SHOW CREATE TABLE ");
    my_quote_name(db_of(s, i), sql);
    buf_char(sql, '.');
    my_quote_name(table_of(s, i), sql);
    if (!my_query(s->sql, buf_cstr(sql), &rows, &code, e))
        return code == NO_SUCH_TABLE || code == UNKNOWN_DATABASE;
    bool ok = my_definition_load(&d, s->sql, db_of(s, i), table_of(s, i), e);
    struct my_schema_change c = {.db = db_of(s, i),
                                 .table = table_of(s, i),
                                 .kind = DDL_CREATE,
                                 .sql = without_partitions(span_of(my_cell(rows, 0, 1))),
                                 .definition = &d};
    ok = ok && (d.n == 0 || put(s, &c, e));
    my_definition_release(&d);
    my_rows_free(rows);
    return ok;
}

static bool put_creates(struct my_schema_snapshot *s, struct buf *sql, struct err *e)
{
    struct span last = {NULL, 0};
    for (size_t i = 0; i < my_row_count(s->tables); i++) {
        struct span db = db_of(s, i);
        if (!is_wanted(s, i))
            continue;
        if ((last.p == NULL || !span_eq(last, db)) && !put_new_database(s, db, sql, e))
            return false;
        last = db;
        // What is shown is held against DDL until the transaction ends, or goes back to before it.
        if (!my_query(s->sql, "SAVEPOINT shown", NULL, NULL, e) || !put_table(s, i, sql, e) ||
            !my_query(s->sql, "ROLLBACK TO SAVEPOINT shown", NULL, NULL, e))
            return false;
    }
    return true;
}

bool my_schema_snapshot_write(struct my_schema_snapshot *s, struct err *e)
{
    struct buf sql;
    if (!s->o->schema_changes)
        return true;
    buf_init(&sql, SQL_MAX_BYTES);
    bool ok = put_settings(s, &sql, e) && put_drops(s, &sql, e) && put_creates(s, &sql, e);
    buf_release(&sql);
    return ok || err_wrap(e, "cannot tell how the tables are defined");
}
