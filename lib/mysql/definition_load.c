#include "mysql/definition_load.h"

#include "mysql/sql.h"

#include <stdlib.h>
#include <strings.h>

#define TEXT_MAX_BYTES (64u << 20)

// ---- the key

bool my_show_index(struct my_client *c, struct span db, struct span table, struct my_rows **rows,
                   struct err *e)
{
    enum { UNKNOWN_DATABASE = 1049, NO_SUCH_TABLE = 1146 };
    struct buf sql;
    unsigned code = 0;
    *rows = NULL;
    buf_init(&sql, 8192);
    buf_lit(&sql, "SHOW INDEX FROM ");
    my_quote_name(db, &sql);
    buf_char(&sql, '.');
    my_quote_name(table, &sql);
    bool ok = buf_ok(&sql, "the table's name", e) && my_query(c, buf_cstr(&sql), rows, &code, e);
    buf_release(&sql);
    return ok || code == NO_SUCH_TABLE || code == UNKNOWN_DATABASE; // it was dropped since
}

// Whether the rows from `from` on, up to *end, are a unique index over NOT NULL columns.
static bool is_key(const struct my_rows *rows, size_t from, size_t *end)
{
    const char *name = my_named_cell(rows, from, "Key_name");
    bool ok = strcmp(my_named_cell(rows, from, "Non_unique"), "0") == 0;
    for (*end = from; *end < my_row_count(rows); (*end)++) {
        const char *null = my_named_cell(rows, *end, "Null"),
                   *column = my_named_cell(rows, *end, "Column_name");
        if (strcmp(my_named_cell(rows, *end, "Key_name"), name) != 0)
            break;
        // The column of an index over an expression has no name.
        ok = ok && column != NULL && (null == NULL || strcasecmp(null, "YES") != 0);
    }
    return ok;
}

bool my_find_key(const struct my_rows *rows, size_t *from, size_t *end, bool *primary)
{
    for (*from = 0; *from < my_row_count(rows); *from = *end)
        if (is_key(rows, *from, end)) {
            *primary = strcmp(my_named_cell(rows, *from, "Key_name"), "PRIMARY") == 0;
            return true;
        }
    return false;
}

static void put_key(struct my_definition *d, const struct my_rows *rows)
{
    size_t from, end;
    if (!my_find_key(rows, &from, &end, &d->primary))
        return;
    for (size_t i = from; i < end; i++)
        for (size_t at = 0; at < d->n; at++)
            if (d->n_key < d->n && span_is(d->column[at].name, my_named_cell(rows, i, "Column_name")))
                d->key[d->n_key++] = at;
}

// ---- the columns

enum { NAME, TYPE, CHARSET, NULLABLE, FALLBACK, EXTRA, COLLATION };

// Spans are offsets until the text is whole.
static struct span put(struct my_definition *d, const char *text)
{
    struct span at = {(const char *)d->text.n, text != NULL ? strlen(text) : 0};
    if (text != NULL)
        buf_str(&d->text, text);
    return at;
}

static void settle(struct span *s, const struct buf *text)
{
    s->p = s->n != 0 ? text->p + (size_t)s->p : "";
}

static void put_column(struct my_definition *d, bool mariadb, const struct my_rows *rows, size_t i)
{
    struct my_column_definition *c = &d->column[i];
    const char *extra = my_cell(rows, i, EXTRA);
    c->name = put(d, my_cell(rows, i, NAME));
    c->type = put(d, my_cell(rows, i, TYPE));
    c->charset = put(d, my_cell(rows, i, CHARSET));
    c->nullable = strcmp(my_cell(rows, i, NULLABLE), "YES") == 0;
    c->auto_increment = strstr(extra, "auto_increment") != NULL;
    size_t from = d->text.n;
    c->has_fallback = my_default_literal(mariadb, my_cell(rows, i, TYPE), my_cell(rows, i, FALLBACK), extra,
                                         &c->now, &d->text);
    c->fallback = (struct span){(const char *)from, d->text.n - from};
}

// A collation is called by its character set first.
static void put_charset(struct my_definition *d, const char *collation)
{
    d->charset = put(d, collation);
    d->charset.n = strcspn(collation, "_");
}

static bool put_columns(struct my_definition *d, bool mariadb, const struct my_rows *rows, struct err *e)
{
    d->n = my_row_count(rows);
    d->column = calloc(d->n + 1, sizeof *d->column);
    d->key = calloc(d->n + 1, sizeof *d->key);
    if (d->column == NULL || d->key == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < d->n; i++)
        put_column(d, mariadb, rows, i);
    if (d->n != 0)
        put_charset(d, my_cell(rows, 0, COLLATION));
    if (!buf_ok(&d->text, "a table's definition", e))
        return false;
    settle(&d->charset, &d->text);
    for (size_t i = 0; i < d->n; i++) {
        settle(&d->column[i].name, &d->text);
        settle(&d->column[i].type, &d->text);
        settle(&d->column[i].charset, &d->text);
        settle(&d->column[i].fallback, &d->text);
    }
    return true;
}

static bool quote_name(struct my_client *c, struct span name, struct buf *sql, struct err *e)
{
    struct buf copy;
    buf_init(&copy, 4096);
    buf_span(&copy, name);
    bool ok = my_quote_literal(c, buf_cstr(&copy), sql, e);
    buf_release(&copy);
    return ok;
}

static bool load_columns(struct my_definition *d, struct my_client *c, struct span db, struct span table,
                         struct err *e)
{
    struct buf sql;
    struct my_rows *rows = NULL;
    buf_init(&sql, 65536);
    buf_lit(&sql, "SELECT c.COLUMN_NAME, c.COLUMN_TYPE, c.CHARACTER_SET_NAME, c.IS_NULLABLE, "
                  "c.COLUMN_DEFAULT, c.EXTRA, t.TABLE_COLLATION FROM information_schema.COLUMNS c JOIN "
                  "information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = "
                  "c.TABLE_NAME AND t.TABLE_TYPE NOT LIKE '%VIEW' WHERE c.TABLE_SCHEMA = ");
    bool ok = quote_name(c, db, &sql, e);
    buf_lit(&sql, " AND c.TABLE_NAME = ");
    ok = ok && quote_name(c, table, &sql, e);
    buf_lit(&sql, " ORDER BY c.ORDINAL_POSITION");
    ok = ok && buf_ok(&sql, "the table's name", e) && my_query(c, buf_cstr(&sql), &rows, NULL, e) &&
         put_columns(d, my_is_mariadb(c), rows, e);
    my_rows_free(rows);
    buf_release(&sql);
    return ok;
}

// The log has a statement before the catalog shows what it did: until then it holds the table, so the table
// is asked for by a statement that waits for it. A holder that stays for long is not waited for.
static bool await(struct my_client *c, struct span db, struct span table, struct err *e)
{
    struct buf sql;
    unsigned code = 0;
    buf_init(&sql, 8192);
    buf_lit(&sql, "SHOW CREATE TABLE ");
    my_quote_name(db, &sql);
    buf_char(&sql, '.');
    my_quote_name(table, &sql);
    bool ok = buf_ok(&sql, "the table's name", e) &&
              my_query(c, "SET SESSION lock_wait_timeout = 5", NULL, NULL, e) &&
              (my_query(c, buf_cstr(&sql), NULL, &code, e) || (code != 0 && e->status != STATUS_PEER));
    buf_release(&sql);
    return ok;
}

bool my_definition_load(struct my_definition *d, struct my_client *c, struct span db, struct span table,
                        struct err *e)
{
    struct my_rows *rows = NULL;
    *d = (struct my_definition){0};
    buf_init(&d->text, TEXT_MAX_BYTES);
    bool ok =
        await(c, db, table, e) && load_columns(d, c, db, table, e) && my_show_index(c, db, table, &rows, e);
    if (ok)
        put_key(d, rows);
    my_rows_free(rows);
    return ok || err_wrap(e, "cannot read how table %.*s.%.*s is defined", SPAN_ARG(db), SPAN_ARG(table));
}
