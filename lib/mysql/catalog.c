#include "mysql/catalog.h"

#include <stdlib.h>

static void release_table(struct my_catalog_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->column[i].name), free(t->column[i].fallback);
    free(t->column);
    free(t->db);
    free(t->name);
}

void my_catalog_release(struct my_catalog *c)
{
    for (size_t i = 0; i < c->n; i++)
        release_table(&c->table[i]);
    free(c->table);
    *c = (struct my_catalog){0};
}

static struct my_catalog_table *find(const struct my_catalog *c, struct span db, struct span table)
{
    for (size_t i = 0; i < c->n; i++)
        if (span_is(db, c->table[i].db) && span_is(table, c->table[i].name))
            return &c->table[i];
    return NULL;
}

const struct my_catalog_table *my_catalog_table(const struct my_catalog *c, struct span db, struct span table)
{
    return find(c, db, table);
}

const struct my_catalog_column *my_catalog_column(const struct my_catalog_table *t, struct span name)
{
    for (size_t i = 0; t != NULL && i < t->n; i++)
        if (span_is(name, t->column[i].name))
            return &t->column[i];
    return NULL;
}

static struct my_catalog_table *add_table(struct my_catalog *c, const char *db, const char *name)
{
    struct my_catalog_table *grown = realloc(c->table, (c->n + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    c->table = grown;
    struct my_catalog_table *t = &grown[c->n];
    *t = (struct my_catalog_table){.db = strdup(db), .name = strdup(name)};
    if (t->db == NULL || t->name == NULL) {
        release_table(t);
        return NULL;
    }
    c->n++;
    return t;
}

bool my_catalog_add(struct my_catalog *c, const char *db, const char *table, const char *column,
                    enum my_hint hint, int key, struct err *e)
{
    struct my_catalog_table *t = find(c, span_of(db), span_of(table));
    if (t == NULL)
        t = add_table(c, db, table);
    for (size_t i = 0; t != NULL && i < t->n; i++) {
        struct my_catalog_column *known = &t->column[i];
        if (strcmp(known->name, column) != 0)
            continue;
        known->hint = hint != MY_HINT_NONE ? hint : known->hint;
        known->key = key != 0 ? key : known->key;
        return true;
    }
    struct my_catalog_column *grown = t != NULL ? realloc(t->column, (t->n + 1) * sizeof *grown) : NULL;
    if (grown == NULL)
        return err_no_memory(e);
    t->column = grown;
    grown[t->n] = (struct my_catalog_column){.name = strdup(column), .hint = hint, .key = key};
    if (grown[t->n].name == NULL)
        return err_no_memory(e);
    t->n++;
    return true;
}

bool my_catalog_set_fallback(struct my_catalog *c, const char *db, const char *table, const char *column,
                             struct span fallback, bool now, struct err *e)
{
    if (!my_catalog_add(c, db, table, column, MY_HINT_NONE, 0, e))
        return false;
    struct my_catalog_table *t = find(c, span_of(db), span_of(table));
    for (size_t i = 0; i < t->n; i++) {
        struct my_catalog_column *known = &t->column[i];
        if (strcmp(known->name, column) != 0)
            continue;
        free(known->fallback);
        known->fallback = strndup(fallback.p, fallback.n);
        known->now = now;
        return known->fallback != NULL || err_no_memory(e);
    }
    return true;
}

void my_catalog_forget(struct my_catalog *c, struct span db, struct span table)
{
    struct my_catalog_table *t = find(c, db, table);
    if (t == NULL)
        return;
    release_table(t);
    *t = c->table[--c->n];
}

enum my_hint my_hint_of(const char *data_type, const char *column_type)
{
    if (strcmp(data_type, "float") == 0)
        return strchr(column_type, ',') != NULL ? MY_HINT_FLOAT_SCALED : MY_HINT_NONE;
    if (strcmp(data_type, "uuid") == 0)
        return MY_HINT_UUID;
    if (strcmp(data_type, "inet4") == 0)
        return MY_HINT_INET4;
    return strcmp(data_type, "inet6") == 0 ? MY_HINT_INET6 : MY_HINT_NONE;
}
