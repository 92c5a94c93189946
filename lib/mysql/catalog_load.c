#include "mysql/catalog_load.h"

#include "mysql/definition_load.h"

#include <stdio.h>
#include <stdlib.h>

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

static bool load_key(struct load *l, struct err *e)
{
    struct my_rows *rows;
    size_t from, end;
    bool primary;
    if (!my_show_index(l->client, span_of(l->db), span_of(l->table), &rows, e))
        return false;
    bool ok = true;
    if (my_find_key(rows, &from, &end, &primary) && !primary)
        for (size_t i = from; ok && i < end; i++)
            ok = my_catalog_add(l->catalog, l->db, l->table, my_named_cell(rows, i, "Column_name"),
                                MY_HINT_NONE, (int)(i - from + 1), e);
    my_rows_free(rows);
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

static bool add_defaults(struct load *l, const struct my_definition *d, struct err *e)
{
    char name[1024];
    for (size_t i = 0; i < d->n; i++) {
        const struct my_column_definition *column = &d->column[i];
        snprintf(name, sizeof name, "%.*s", SPAN_ARG(column->name));
        if (column->has_fallback &&
            !my_catalog_set_fallback(l->catalog, l->db, l->table, name, column->fallback, column->now, e))
            return false;
    }
    return true;
}

bool my_catalog_load_defaults(struct my_catalog *c, struct my_client *client, struct span db,
                              struct span table, struct err *e)
{
    struct my_definition d = {0};
    struct load *l = calloc(1, sizeof *l);
    if (l == NULL)
        return err_no_memory(e);
    l->catalog = c;
    snprintf(l->db, sizeof l->db, "%.*s", SPAN_ARG(db));
    snprintf(l->table, sizeof l->table, "%.*s", SPAN_ARG(table));
    bool ok = my_definition_load(&d, client, db, table, e) && add_defaults(l, &d, e);
    my_definition_release(&d);
    free(l);
    return ok;
}
