#include "mysql/catalog_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

void my_quote_name(struct span name, struct buf *out)
{
    buf_char(out, '`');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '`')
            buf_char(out, '`');
        buf_char(out, name.p[i]);
    }
    buf_char(out, '`');
}

struct load {
    struct my_catalog *catalog;
    struct my_client *client;
    char db[1024], table[1024];
};

// The columns that the log does not describe in full.
static bool load_columns(struct load *l, struct err *e)
{
    struct buf sql;
    struct my_rows *rows = NULL;
    buf_init(&sql, 16384);
    buf_lit(&sql,
            "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE FROM information_schema.COLUMNS WHERE DATA_TYPE IN "
            "('float', 'uuid', 'inet4', 'inet6') AND TABLE_SCHEMA = ");
    bool ok = my_quote_literal(l->client, l->db, &sql, e);
    buf_lit(&sql, " AND TABLE_NAME = ");
    ok = ok && my_quote_literal(l->client, l->table, &sql, e) &&
         my_query(l->client, buf_cstr(&sql), &rows, NULL, e);
    for (size_t i = 0; ok && i < my_row_count(rows); i++)
        ok = my_catalog_add(l->catalog, l->db, l->table, my_cell(rows, i, 0),
                            my_hint_of(my_cell(rows, i, 1), my_cell(rows, i, 2)), 0, e);
    my_rows_free(rows);
    buf_release(&sql);
    return ok;
}

// Whether the rows of SHOW INDEX from `from` on, up to *end, are a unique index over NOT NULL columns.
static bool is_key(const struct my_rows *rows, size_t from, size_t *end)
{
    const char *name = my_named_cell(rows, from, "Key_name");
    bool ok = strcmp(name, "PRIMARY") != 0 && strcmp(my_named_cell(rows, from, "Non_unique"), "0") == 0;
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

static bool add_key(struct load *l, const struct my_rows *rows, struct err *e)
{
    for (size_t from = 0, end; from < my_row_count(rows); from = end) {
        if (!is_key(rows, from, &end))
            continue;
        for (size_t i = from; i < end; i++)
            if (!my_catalog_add(l->catalog, l->db, l->table, my_named_cell(rows, i, "Column_name"),
                                MY_HINT_NONE, (int)(i - from + 1), e))
                return false;
        return true;
    }
    return true;
}

// The first such index, in the order in which the server lists them.
static bool load_key(struct load *l, struct err *e)
{
    enum { UNKNOWN_DATABASE = 1049, NO_SUCH_TABLE = 1146 };
    struct buf sql;
    struct my_rows *rows = NULL;
    unsigned code;
    buf_init(&sql, 8192);
    buf_lit(&sql, "SHOW INDEX FROM ");
    my_quote_name(span_of(l->db), &sql);
    buf_char(&sql, '.');
    my_quote_name(span_of(l->table), &sql);
    bool ok = my_query(l->client, buf_cstr(&sql), &rows, &code, e);
    if (ok)
        ok = add_key(l, rows, e);
    else
        ok = code == NO_SUCH_TABLE || code == UNKNOWN_DATABASE; // it was dropped since
    my_rows_free(rows);
    buf_release(&sql);
    return ok;
}

bool my_catalog_load(struct my_catalog *c, struct my_client *client, struct span db, struct span table,
                     struct err *e)
{
    struct load *l = malloc(sizeof *l);
    if (l == NULL)
        return err_no_memory(e);
    l->catalog = c, l->client = client;
    snprintf(l->db, sizeof l->db, "%.*s", SPAN_ARG(db));
    snprintf(l->table, sizeof l->table, "%.*s", SPAN_ARG(table));
    my_catalog_forget(c, db, table);
    bool ok = load_columns(l, e) && load_key(l, e);
    free(l);
    return ok || err_wrap(e, "cannot read how table %.*s.%.*s is defined", SPAN_ARG(db), SPAN_ARG(table));
}
