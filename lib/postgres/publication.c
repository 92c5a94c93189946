#include "postgres/publication.h"

#include <stdio.h>

// Five thousand tables with the longest names.
#define SQL_MAX (16u << 20)
#define VIA_ROOT "publish_via_partition_root = true"

bool publication_mode_parse(const char *text, enum publication_mode *mode, struct err *e)
{
    static const char *const names[] = {"filtered", "all_tables", "disabled", "no_tables"};
    int choice;
    if (!opt_choice("publication-autocreate-mode", text, names, 4, &choice, e))
        return false;
    *mode = (enum publication_mode)choice;
    return true;
}

static bool with_name(struct pg_client *c, const char *before, const char *name, const char *after,
                      struct buf *sql, struct err *e)
{
    buf_str(sql, before);
    if (!pg_quote_name(c, name, sql, e))
        return false;
    buf_str(sql, after);
    return true;
}

static bool execute(struct pg_client *c, struct buf *sql, struct err *e)
{
    if (!buf_ok(sql, "the statement", e))
        return false;
    if (pg_query(c, buf_cstr(sql), 0, NULL, NULL, NULL, e))
        return true;
    err_wrap(e, "cannot run \"%.200s\"", buf_cstr(sql));
    return err_hint(
        e, "the role needs CREATE on the database and owns the tables; or make the publication as their "
           "owner and use --publication-autocreate-mode disabled");
}

bool publication_look(struct pg_client *c, const char *name, struct publication_facts *f, struct err *e)
{
    struct buf sql;
    struct pg_rows *rows = NULL;
    buf_init(&sql, 4096);
    // Servers before 13 have no pubviaroot.
    buf_lit(&sql, "SELECT puballtables, to_jsonb(p) ->> 'pubviaroot', "
                  "concat(CASE WHEN NOT pubinsert THEN ' INSERT' END, "
                  "CASE WHEN NOT pubupdate THEN ' UPDATE' END, CASE WHEN NOT pubdelete THEN ' DELETE' END) "
                  "FROM pg_publication p WHERE pubname = ");
    bool ok = pg_quote_literal(c, name, &sql, e) && pg_query(c, buf_cstr(&sql), 0, NULL, &rows, NULL, e);
    if (ok) {
        f->exists = pg_row_count(rows) != 0;
        f->all_tables = f->exists && pg_cell(rows, 0, 0)[0] == 't';
        f->via_root = f->exists && pg_cell(rows, 0, 1) != NULL && pg_cell(rows, 0, 1)[0] == 't';
        snprintf(f->unsent, sizeof f->unsent, "%s", f->exists ? pg_cell(rows, 0, 2) : "");
    }
    pg_rows_free(rows);
    buf_release(&sql);
    return ok;
}

static bool has_root(const struct pg_tables *t, const struct pg_table *table)
{
    for (size_t i = 0; table->root != 0 && i < t->n; i++)
        if (t->at[i].oid == table->root && t->at[i].has_identity)
            return true;
    return false;
}

// Whether the table itself is to be named in the publication that sends (or, for insert_only, does not send)
// updates. A partition comes with its root; a root that has a leaf without identity gives way to its leaves.
static bool belongs(const struct pg_tables *t, const struct pg_table *table, bool insert_only)
{
    if (table->is_root && !table->has_identity)
        return false;
    return table->has_identity != insert_only && !has_root(t, table);
}

void publication_check(const struct publication *p, const struct publication_facts *f,
                       const struct pg_tables *t, struct buf *faults, notice_fn *note)
{
    if (!f->exists && p->mode == PUBLICATION_DISABLED)
        buf_printf(
            faults,
            "publication \"%s\" is missing and --publication-autocreate-mode is disabled: CREATE PUBLICATION "
            "\"%s\" FOR TABLE …\n",
            p->name, p->name);
    bool makes_all = p->mode == PUBLICATION_ALL_TABLES && !f->exists;
    if (!makes_all && (p->mode != PUBLICATION_FILTERED || p->insert_only || f->all_tables))
        return;
    for (size_t i = 0; i < t->n; i++) {
        const struct pg_table *table = &t->at[i];
        if (table->has_identity || table->is_root || table->published)
            continue;
        if (p->insists || makes_all)
            buf_printf(faults,
                       "table %s has no replica identity, so publishing it would make its UPDATE and DELETE "
                       "fail: ALTER TABLE %s REPLICA IDENTITY FULL; or %s\n",
                       table->name, table->name,
                       makes_all ? "--publication-autocreate-mode filtered" : "--allow-insert-only");
        else
            note("table %s is left out: it has no replica identity, so publishing it would make its UPDATE "
                 "and DELETE "
                 "fail. ALTER TABLE %s REPLICA IDENTITY FULL, or --allow-insert-only",
                 table->name, table->name);
    }
}

// Appends the tables that belong and are not published yet; how many.
static size_t list_tables(const struct pg_tables *t, bool insert_only, struct buf *sql)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        if (belongs(t, &t->at[i], insert_only) && !t->at[i].published) {
            buf_str(sql, n++ == 0 ? "" : ", ");
            buf_str(sql, t->at[i].name);
        }
    return n;
}

static bool add_tables(struct pg_client *c, const struct publication *p, const struct pg_tables *t,
                       struct err *e)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    bool ok = with_name(c, "ALTER PUBLICATION ", p->name, " ADD TABLE ", &sql, e);
    if (ok && list_tables(t, false, &sql) != 0)
        ok = execute(c, &sql, e);
    buf_release(&sql);
    return ok;
}

static bool set_via_root(struct pg_client *c, const struct publication *p, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 4096);
    bool ok =
        with_name(c, "ALTER PUBLICATION ", p->name, " SET (" VIA_ROOT ")", &sql, e) && execute(c, &sql, e);
    buf_release(&sql);
    return ok;
}

static bool create(struct pg_client *c, const struct publication *p, const struct pg_tables *t, struct err *e)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    bool ok = with_name(c, "CREATE PUBLICATION ", p->name, "", &sql, e);
    size_t bare = sql.n;
    if (ok && p->mode == PUBLICATION_ALL_TABLES) {
        buf_lit(&sql, " FOR ALL TABLES");
    } else if (ok && p->mode == PUBLICATION_FILTERED) {
        buf_lit(&sql, " FOR TABLE ");
        if (list_tables(t, false, &sql) == 0)
            sql.n = bare; // nothing to send yet; a publication without tables is allowed
    }
    if (p->via_root)
        buf_lit(&sql, " WITH (" VIA_ROOT ")");
    ok = ok && execute(c, &sql, e);
    buf_release(&sql);
    return ok;
}

static bool create_insert_only(struct pg_client *c, const struct publication *p, const struct pg_tables *t,
                               struct buf *names, struct err *e)
{
    struct publication_facts facts;
    char name[80];
    snprintf(name, sizeof name, "%s_insert", p->name);
    if (!publication_look(c, name, &facts, e))
        return false;
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    bool ok = with_name(c, facts.exists ? "ALTER PUBLICATION " : "CREATE PUBLICATION ", name,
                        facts.exists ? " ADD TABLE " : " FOR TABLE ", &sql, e);
    size_t n = list_tables(t, true, &sql);
    if (!facts.exists)
        buf_str(&sql, p->via_root ? " WITH (publish = 'insert, truncate', " VIA_ROOT ")"
                                  : " WITH (publish = 'insert, truncate')");
    if (ok && n != 0)
        ok = execute(c, &sql, e);
    buf_release(&sql);
    if (ok && (n != 0 || facts.exists)) {
        buf_char(names, ',');
        ok = pg_quote_name(c, name, names, e);
    }
    return ok;
}

bool publication_ensure(struct pg_client *c, const struct publication *p, const struct publication_facts *f,
                        const struct pg_tables *t, struct buf *names, struct err *e)
{
    if (!pg_quote_name(c, p->name, names, e))
        return false;
    if (!f->exists && p->mode != PUBLICATION_DISABLED && !create(c, p, t, e))
        return false;
    if (f->exists && !f->all_tables && p->mode == PUBLICATION_FILTERED && !add_tables(c, p, t, e))
        return false;
    if (f->exists && p->via_root && !f->via_root && p->mode != PUBLICATION_DISABLED && !set_via_root(c, p, e))
        return false;
    return !p->insert_only || f->all_tables || create_insert_only(c, p, t, names, e);
}

bool publication_drop(struct pg_client *c, const char *name, struct err *e)
{
    struct buf sql;
    char second[80];
    snprintf(second, sizeof second, "%s_insert", name);
    buf_init(&sql, 4096);
    bool ok = with_name(c, "DROP PUBLICATION IF EXISTS ", name, ", ", &sql, e) &&
              with_name(c, "", second, "", &sql, e) && execute(c, &sql, e);
    buf_release(&sql);
    return ok;
}
