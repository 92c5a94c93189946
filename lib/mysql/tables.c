#include "mysql/tables.h"

#include <stdio.h>
#include <stdlib.h>

// db.table, of 64 characters each.
#define NAME_MAX_BYTES 1024

bool my_tables_list(struct my_client *c, struct my_rows **rows, struct err *e)
{
    return my_query(c,
                    "SELECT TABLE_SCHEMA, TABLE_NAME, CREATE_TIME FROM information_schema.TABLES WHERE "
                    "TABLE_TYPE IN ('BASE "
                    "TABLE', 'SYSTEM VERSIONED') AND TABLE_SCHEMA NOT IN ('mysql', 'information_schema', "
                    "'performance_schema', 'sys') ORDER BY CAST(TABLE_SCHEMA AS BINARY), CAST(TABLE_NAME AS "
                    "BINARY)",
                    rows, NULL, e) ||
           err_wrap(e, "cannot list the tables");
}

static bool record_one(struct record *r, uint64_t epoch, const struct capture *capture, const char *db,
                       const char *table, struct err *e)
{
    char name[NAME_MAX_BYTES];
    if (!captures(capture, span_of(db), span_of(table)))
        return true;
    snprintf(name, sizeof name, "%s.%s", db, table);
    if (record_find_name(r, span_of(name)) == r->tables)
        return record_add_table(r, r->tables + 1, name, epoch, e);
    return r->table[record_find_name(r, span_of(name))].epoch != epoch ||
           err_set(e, STATUS_USAGE, "two tables are both called %s, for there are dots in names", name);
}

bool my_tables_record(struct record *r, uint64_t epoch, struct my_client *c, const struct capture *capture,
                      struct err *e)
{
    struct my_rows *rows;
    if (!my_tables_list(c, &rows, e))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < my_row_count(rows); i++)
        ok = record_one(r, epoch, capture, my_cell(rows, i, 0), my_cell(rows, i, 1), e);
    my_rows_free(rows);
    return ok;
}

bool my_tables_find(const struct record *r, struct my_client *c, struct my_table_name **names, struct err *e)
{
    char name[NAME_MAX_BYTES];
    struct my_rows *rows;
    *names = calloc(r->tables + 1, sizeof **names);
    if (*names == NULL)
        return err_no_memory(e);
    if (!my_tables_list(c, &rows, e))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < my_row_count(rows); i++) {
        const char *db = my_cell(rows, i, 0), *table = my_cell(rows, i, 1), *made = my_cell(rows, i, 2);
        snprintf(name, sizeof name, "%s.%s", db, table);
        size_t at = record_find_name(r, span_of(name));
        if (at == r->tables || (*names)[at].db != NULL)
            continue;
        struct my_table_name *to = &(*names)[at];
        *to = (struct my_table_name){strdup(db), strdup(table), strdup(made != NULL ? made : "")};
        ok = (to->db != NULL && to->table != NULL && to->made != NULL) || err_no_memory(e);
    }
    my_rows_free(rows);
    return ok;
}

void my_tables_release(struct my_table_name *names, size_t n)
{
    for (size_t i = 0; names != NULL && i < n; i++) {
        free(names[i].db);
        free(names[i].table);
        free(names[i].made);
    }
    free(names);
}
