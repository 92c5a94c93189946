#include "postgres/tables.h"

#include <stdio.h>
#include <stdlib.h>

// A partitioned table has an identity if all its leaves do: theirs is what counts.
static const char query[] =
    "WITH t AS (SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition, "
    "  c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND "
    "    i.indimmediate AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident "
    "END) AS "
    "has_identity "
    "  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "  WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' "
    "    AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_') "
    "SELECT t.oid, t.nspname, t.relname, t.relkind = 'p', quote_ident(t.nspname) || '.' || "
    "quote_ident(t.relname), "
    "  CASE WHEN t.relispartition THEN (SELECT a.relid::oid FROM pg_partition_ancestors(t.oid) a "
    "    WHERE NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = a.relid)) END, "
    "  CASE WHEN t.relkind = 'p' THEN NOT EXISTS (SELECT FROM pg_partition_tree(t.oid) leaf JOIN t l "
    "    ON l.oid = leaf.relid WHERE leaf.isleaf AND NOT l.has_identity) ELSE t.has_identity END, "
    "  EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid "
    "    WHERE r.prrelid = t.oid AND p.pubname IN (%s)) "
    "FROM t ORDER BY t.nspname, t.relname";

static bool add(struct pg_tables *t, const struct pg_rows *rows, int row, struct err *e)
{
    const char *root = pg_cell(rows, row, 5);
    struct pg_table *grown = realloc(t->at, (t->n + 1) * sizeof *grown);
    if (grown == NULL)
        return err_no_memory(e);
    t->at = grown;
    struct pg_table *table = &t->at[t->n];
    *table = (struct pg_table){
        .name = strdup(pg_cell(rows, row, 4)),
        .oid = (uint32_t)strtoul(pg_cell(rows, row, 0), NULL, 10),
        .root = root != NULL ? (uint32_t)strtoul(root, NULL, 10) : 0,
        .is_root = pg_cell(rows, row, 3)[0] == 't',
        .has_identity = pg_cell(rows, row, 6)[0] == 't',
        .published = pg_cell(rows, row, 7)[0] == 't',
    };
    if (table->name == NULL)
        return err_no_memory(e);
    t->n++;
    return true;
}

bool pg_publication_names(struct pg_client *client, const char *publication, struct buf *sql, struct err *e)
{
    char companion[80];
    snprintf(companion, sizeof companion, "%s_insert", publication);
    bool ok = pg_quote_literal(client, publication, sql, e);
    buf_char(sql, ',');
    return ok && pg_quote_literal(client, companion, sql, e);
}

static bool run(struct pg_client *client, const char *publication, struct pg_rows **rows, struct err *e)
{
    struct buf name, sql;
    buf_init(&name, 1024);
    buf_init(&sql, sizeof query + 1024);
    bool ok = pg_publication_names(client, publication, &name, e);
    if (ok) {
        buf_printf(&sql, query, buf_cstr(&name));
        ok = buf_ok(&sql, "the query", e) && pg_query(client, buf_cstr(&sql), 0, NULL, rows, NULL, e);
    }
    buf_release(&name);
    buf_release(&sql);
    return ok || err_wrap(e, "cannot list the tables");
}

bool pg_tables_load(struct pg_tables *t, struct pg_client *client, const struct capture *capture,
                    const char *publication, struct err *e)
{
    struct pg_rows *rows;
    *t = (struct pg_tables){0};
    if (!run(client, publication, &rows, e))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < pg_row_count(rows); i++)
        if (captures(capture, span_of(pg_cell(rows, i, 1)), span_of(pg_cell(rows, i, 2))))
            ok = add(t, rows, i, e);
    pg_rows_free(rows);
    return ok;
}

void pg_tables_release(struct pg_tables *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->at[i].name);
    free(t->at);
    *t = (struct pg_tables){0};
}

// ---- the snapshot's

// Unlogged tables never stream, but their rows are Debezium's snapshot's too.
static const char published[] =
    "SELECT c.oid, n.nspname COLLATE \"C\", c.relname COLLATE \"C\" FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname <> 'information_schema' AND n.nspname !~ "
    "'^pg_' "
    "AND ((c.relkind = 'r' AND c.relpersistence = 'u') OR (n.nspname, c.relname) IN ("
    "  SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname IN (%s))) ORDER BY 2, 3";

static const char present[] =
    "SELECT c.oid, n.nspname COLLATE \"C\", c.relname COLLATE \"C\" FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN (%s) AND c.relpersistence <> 't' "
    "AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY 2, 3";

static bool list(struct pg_client *client, const char *publication, bool via_root, struct pg_rows **rows,
                 struct err *e)
{
    struct buf names, sql;
    buf_init(&names, 1024);
    buf_init(&sql, sizeof present + sizeof published + 1024);
    bool ok = true;
    if (publication == NULL)
        buf_str(&names, via_root ? "'r', 'p') AND NOT c.relispartition AND c.relkind IN ('r', 'p'" : "'r'");
    else
        ok = pg_publication_names(client, publication, &names, e);
    const char *in = buf_cstr(&names);
    if (publication == NULL)
        buf_printf(&sql, present, in);
    else
        buf_printf(&sql, published, in);
    ok = ok && buf_ok(&sql, "the query", e) && pg_query(client, buf_cstr(&sql), 0, NULL, rows, NULL, e);
    buf_release(&names);
    buf_release(&sql);
    return ok || err_wrap(e, "cannot list the tables");
}

static bool record_one(struct record *r, uint64_t epoch, const struct capture *capture, struct pg_rows *rows,
                       int row, struct err *e)
{
    char name[320];
    const char *schema = pg_cell(rows, row, 1), *table = pg_cell(rows, row, 2);
    uint64_t oid = strtoull(pg_cell(rows, row, 0), NULL, 10);
    if (!captures(capture, span_of(schema), span_of(table)) || record_find(r, oid) != r->tables)
        return true;
    snprintf(name, sizeof name, "%s.%s", schema, table);
    return record_add_table(r, oid, name, epoch, e);
}

bool pg_tables_record(struct record *r, uint64_t epoch, struct pg_client *client,
                      const struct capture *capture, const char *publication, bool via_root, struct err *e)
{
    struct pg_rows *rows;
    if (!list(client, publication, via_root, &rows, e))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < pg_row_count(rows); i++)
        ok = record_one(r, epoch, capture, rows, i, e);
    pg_rows_free(rows);
    return ok;
}
