#include "postgres/catalog_load.h"

#include <stdio.h>
#include <stdlib.h>

// A default names no column, so pg_get_expr() needs no table, which newer servers would lock. The key: the
// primary key's columns in its order, or those of the replica identity's index where there is none.
#define COLUMNS                                                                                              \
    "SELECT a.attrelid, a.attname, a.attnotnull, pg_get_expr(d.adbin, 0), "                                  \
    "  (SELECT k.place FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place) "                      \
    "   WHERE k.attnum = a.attnum AND k.place <= i.indnkeyatts) "                                            \
    "FROM pg_class c "                                                                                       \
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "                     \
    "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum AND a.attgenerated = '' "            \
    "LEFT JOIN pg_index i ON i.indexrelid = (SELECT x.indexrelid FROM pg_index x WHERE x.indrelid = c.oid "  \
    "  AND (x.indisprimary OR (x.indisreplident AND c.relreplident = 'i')) ORDER BY x.indisprimary DESC "    \
    "LIMIT 1) "                                                                                              \
    "WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' "

// Every type with the type under it: a domain's base and the first modifier on the way down to it, any other
// type itself. Of an array, its elements' type.
static const char types[] =
    "WITH RECURSIVE domain(oid, base, typmod) AS ("
    "  SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd'"
    "  UNION ALL SELECT d.oid, t.typbasetype, CASE WHEN d.typmod >= 0 THEN d.typmod ELSE t.typtypmod END"
    "  FROM domain d JOIN pg_type t ON t.oid = d.base AND t.typtype = 'd'), "
    "plain(oid, base, typmod) AS ("
    "  SELECT d.oid, d.base, d.typmod FROM domain d JOIN pg_type t ON t.oid = d.base AND t.typtype <> 'd'"
    "  UNION ALL SELECT oid, oid, -1 FROM pg_type WHERE typtype <> 'd') "
    "SELECT p.oid, t.oid, CASE WHEN e.typmod >= 0 THEN e.typmod ELSE p.typmod END, t.typtype, t.typname, "
    "  e.oid IS NOT NULL, "
    "  (SELECT string_agg(l.enumlabel, ',' ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = "
    "t.oid) "
    "FROM plain p JOIN pg_type b ON b.oid = p.base "
    "LEFT JOIN plain e ON e.oid = b.typelem AND b.typcategory = 'A' AND b.typlen = -1 "
    "JOIN pg_type t ON t.oid = coalesce(e.base, p.base) ORDER BY p.oid";

static uint32_t oid_of(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

static bool load_columns(struct catalog *c, struct pg_client *client, const char *sql, struct err *e)
{
    struct pg_rows *rows;
    if (!pg_query(client, sql, 0, NULL, &rows, NULL, e))
        return err_wrap(e, "cannot read the tables' columns");
    bool ok = true;
    for (int i = 0; ok && i < pg_row_count(rows); i++) {
        const char *key = pg_cell(rows, i, 4);
        ok = catalog_add_column(c, oid_of(pg_cell(rows, i, 0)), pg_cell(rows, i, 1),
                                pg_cell(rows, i, 2)[0] == 't', pg_cell(rows, i, 3),
                                key != NULL ? atoi(key) : 0, e);
    }
    pg_rows_free(rows);
    return ok;
}

bool catalog_load_types(struct catalog *c, struct pg_client *client, struct err *e)
{
    struct pg_rows *rows;
    if (!pg_query(client, types, 0, NULL, &rows, NULL, e))
        return err_wrap(e, "cannot read the types");
    bool ok = true;
    catalog_forget_types(c);
    for (int i = 0; ok && i < pg_row_count(rows); i++) {
        struct pg_type_info info = {
            .is_array = pg_cell(rows, i, 5)[0] == 't',
            .base = oid_of(pg_cell(rows, i, 1)),
            .typmod = atoi(pg_cell(rows, i, 2)),
            .kind = pg_cell(rows, i, 3)[0],
            .name = pg_cell(rows, i, 4),
            .labels = pg_cell(rows, i, 6),
        };
        ok = catalog_add_type(c, oid_of(pg_cell(rows, i, 0)), &info, e);
    }
    pg_rows_free(rows);
    return ok;
}

// An oid and its comma, a million times.
#define SQL_MAX (16u << 20)

bool catalog_load(struct catalog *c, struct pg_client *client, const struct pg_tables *tables, struct err *e)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    buf_lit(&sql, COLUMNS "AND c.oid = ANY ('{");
    for (size_t i = 0; i < tables->n; i++) {
        buf_str(&sql, i == 0 ? "" : ",");
        buf_u64(&sql, tables->at[i].oid);
    }
    buf_lit(&sql, "}') ORDER BY a.attrelid, a.attnum");
    bool ok = buf_ok(&sql, "the query", e) && catalog_load_types(c, client, e) &&
              load_columns(c, client, buf_cstr(&sql), e);
    buf_release(&sql);
    return ok;
}

bool catalog_reload_table(struct catalog *c, struct pg_client *client, uint32_t oid, struct err *e)
{
    char sql[sizeof COLUMNS + 64];
    snprintf(sql, sizeof sql, COLUMNS "AND c.oid = %u ORDER BY a.attnum", (unsigned)oid);
    catalog_forget_table(c, oid);
    return load_columns(c, client, sql, e);
}
