#include "postgres/catalog.h"

#include <stdlib.h>

static void release_table(struct catalog_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->column[i].name);
        free(t->column[i].default_text);
    }
    free(t->column);
}

void catalog_release(struct catalog *c)
{
    for (size_t i = 0; i < c->tables; i++)
        release_table(&c->table[i]);
    free(c->table);
    catalog_forget_types(c);
    *c = (struct catalog){0};
}

// Arrays grow by doubling; n is how many are in use.
static bool room_for_one(void **array, size_t n, size_t size, struct err *e)
{
    if (n != 0 && (n & (n - 1)) != 0)
        return true;
    void *grown = realloc(*array, (n == 0 ? 1 : n * 2) * size);
    if (grown == NULL)
        return err_no_memory(e);
    *array = grown;
    return true;
}

// The text of a string constant: 'abc'::text → abc. Debezium takes what stands before the next quote: of
// 'it''s' it has "it".
static char *unquote(const char *p)
{
    return strndup(p + 1, strcspn(p + 1, "'"));
}

// Whether nothing but a cast to a type's name follows the closing quote.
static bool is_literal(const char *p)
{
    for (p++; *p != '\0' && !(p[0] == '\'' && p[1] != '\''); p++)
        if (p[0] == '\'')
            p++;
    if (*p++ == '\0' || strncmp(p, "::", 2) != 0)
        return false;
    return strspn(p, ":abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_(),\". []") ==
               strlen(p) &&
           strstr(p + 2, "::") == NULL;
}

// Only what pg_get_expr() prints for a literal: 'text'::type, a number, (-1), true, false. Anything else is
// an expression, whose value no one but the server knows.
static char *constant_of(const char *expression)
{
    if (expression == NULL)
        return NULL;
    if (expression[0] == '\'')
        return is_literal(expression) ? unquote(expression) : NULL;
    if (strcmp(expression, "true") == 0 || strcmp(expression, "false") == 0)
        return strdup(expression[0] == 't' ? "t" : "f");
    size_t open = expression[0] == '(', n = strspn(expression + open, "-0123456789.");
    if (n == 0 || strcmp(expression + open + n, open ? ")" : "") != 0)
        return NULL;
    char *text = strdup(expression + open);
    if (text != NULL)
        text[n] = '\0';
    return text;
}

// NAME(… — an expression may begin so too, and go on behind the call.
static bool is_call(const char *expression)
{
    if (expression == NULL)
        return false;
    size_t n = strspn(expression, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
    return n != 0 && expression[n] == '(';
}

static struct catalog_table *find_table(const struct catalog *c, uint32_t oid)
{
    for (size_t i = c->tables; i-- > 0;)
        if (c->table[i].oid == oid)
            return &c->table[i];
    return NULL;
}

bool catalog_add_column(struct catalog *c, uint32_t table, const char *name, bool not_null,
                        const char *expression, int key, struct err *e)
{
    struct catalog_table *t = find_table(c, table);
    if (t == NULL) {
        if (!room_for_one((void **)&c->table, c->tables, sizeof *c->table, e))
            return false;
        t = &c->table[c->tables++];
        *t = (struct catalog_table){.oid = table};
    }
    if (!room_for_one((void **)&t->column, t->n, sizeof *t->column, e))
        return false;
    struct catalog_column *column = &t->column[t->n];
    *column = (struct catalog_column){
        .name = strdup(name),
        .default_text = constant_of(expression),
        .calls = is_call(expression),
        .not_null = not_null,
        .key = key,
    };
    if (column->name == NULL)
        return err_no_memory(e);
    t->n++;
    return true;
}

bool catalog_add_type(struct catalog *c, uint32_t oid, const struct pg_type_info *info, struct err *e)
{
    if (c->types != 0 && c->type[c->types - 1].oid >= oid)
        return err_set(e, STATUS_DATA, "the types are not in the order of their oids");
    if (!room_for_one((void **)&c->type, c->types, sizeof *c->type, e))
        return false;
    struct catalog_type *type = &c->type[c->types++];
    *type = (struct catalog_type){oid, *info};
    type->info.name = strdup(info->name);
    type->info.labels = info->labels != NULL ? strdup(info->labels) : NULL;
    return (type->info.name != NULL && (info->labels == NULL || type->info.labels != NULL)) ||
           err_no_memory(e);
}

const struct catalog_table *catalog_table(const struct catalog *c, uint32_t oid)
{
    return find_table(c, oid);
}

const struct catalog_column *catalog_column(const struct catalog_table *t, struct span name)
{
    for (size_t i = 0; t != NULL && i < t->n; i++)
        if (span_is(name, t->column[i].name))
            return &t->column[i];
    return NULL;
}

static const struct catalog_type *find_type(const struct catalog *c, uint32_t oid)
{
    size_t low = 0, high = c->types;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->type[middle].oid < oid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->types && c->type[low].oid == oid ? &c->type[low] : NULL;
}

bool catalog_has_type(const struct catalog *c, uint32_t oid)
{
    return find_type(c, oid) != NULL || pg_type_is_builtin(oid);
}

struct pg_type_info catalog_type(const struct catalog *c, uint32_t oid)
{
    const struct catalog_type *known = find_type(c, oid);
    return known != NULL ? known->info : pg_type_builtin(oid);
}

void catalog_forget_types(struct catalog *c)
{
    for (size_t i = 0; i < c->types; i++) {
        free((char *)c->type[i].info.name);
        free((char *)c->type[i].info.labels);
    }
    free(c->type);
    c->type = NULL;
    c->types = 0;
}

void catalog_forget_table(struct catalog *c, uint32_t oid)
{
    struct catalog_table *t = find_table(c, oid);
    if (t == NULL)
        return;
    release_table(t);
    // Keeps its place, so that the arrays' sizes stay powers of two; it is filled anew.
    *t = (struct catalog_table){.oid = oid};
}
