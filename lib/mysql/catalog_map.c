#include "mysql/catalog_map.h"

#include "mysql/charset.h"
#include "mysql/definition_load.h"
#include "mysql/scan.h"

#include <stdio.h>
#include <stdlib.h>

#define UTF8MB4_COLLATION 45

static bool has_labels(const struct table_column *c)
{
    return c->type == MY_ENUM || c->type == MY_SET;
}

// Labels come as UTF-8, whatever their column's set is.
static void put_collations(struct table_map *known, const struct my_definition *d)
{
    char name[64];
    for (size_t i = 0; i < known->n && i < d->n; i++) {
        struct table_column *c = &known->column[i];
        snprintf(name, sizeof name, "%.*s", SPAN_ARG(d->column[i].charset));
        c->collation = has_labels(c)     ? UTF8MB4_COLLATION
                       : name[0] == '\0' ? CHARSET_BINARY_COLLATION
                                         : charset_collation(name);
    }
}

bool my_catalog_map_load(struct table_map *known, struct my_client *sql, struct span db, struct span table,
                         struct err *e)
{
    struct my_definition d = {0};
    bool ok = my_scan_map(known, sql, db, table, e) && my_definition_load(&d, sql, db, table, e);
    if (ok)
        put_collations(known, &d);
    my_definition_release(&d);
    return ok;
}

// Types that hold the same values count as one.
static uint8_t plain_type(const struct table_column *c)
{
    switch (c->type) {
    case MY_TIMESTAMP:
        return MY_TIMESTAMP2;
    case MY_DATETIME:
        return MY_DATETIME2;
    case MY_TIME:
        return MY_TIME2;
    case MY_NEWDATE:
        return MY_DATE;
    case MY_VAR_STRING:
    case MY_VARCHAR_COMPRESSED:
        return MY_VARCHAR;
    case MY_TINY_BLOB:
    case MY_MEDIUM_BLOB:
    case MY_LONG_BLOB:
    case MY_BLOB_COMPRESSED:
        return MY_BLOB;
    default:
        return c->type;
    }
}

static bool has_size(const struct table_column *c)
{
    switch (c->type) {
    case MY_NEWDECIMAL:
    case MY_BIT:
    case MY_VARCHAR:
    case MY_STRING:
    case MY_TIME2:
    case MY_DATETIME2:
    case MY_TIMESTAMP2:
        return true;
    default:
        return false;
    }
}

static bool agree(const struct table_column *logged, const struct table_column *known)
{
    return plain_type(logged) == plain_type(known) && logged->nullable == known->nullable &&
           (!has_size(logged) || logged->type != known->type || logged->meta == known->meta);
}

static bool differ(const struct table_map *logged, const struct table_map *known, struct err *e)
{
    if (logged->n != known->n)
        err_set(e, STATUS_DATA, "the log has %zu columns, the catalog %zu", logged->n, known->n);
    for (size_t i = 0; logged->n == known->n && i < logged->n; i++)
        if (!agree(&logged->column[i], &known->column[i])) {
            err_set(e, STATUS_DATA, "column %zu is another in the log than in the catalog, where it is %.*s",
                    i + 1, SPAN_ARG(known->column[i].name));
            break;
        }
    return err_hint(e, "the table was changed since: SET GLOBAL binlog_row_metadata = 'FULL', and start "
                       "behind that, or behind the change");
}

static bool agree_all(const struct table_map *logged, const struct table_map *known)
{
    if (logged->n != known->n)
        return false;
    for (size_t i = 0; i < logged->n; i++)
        if (!agree(&logged->column[i], &known->column[i]))
            return false;
    return true;
}

// Spans of known's body become those of the copy.
static struct span moved(struct span s, const struct table_map *known, const struct table_map *logged)
{
    return s.n == 0 ? s : (struct span){logged->added.p + (s.p - known->body.p), s.n};
}

bool my_catalog_map_complete(struct table_map *logged, const struct table_map *known, struct err *e)
{
    if (!agree_all(logged, known))
        return differ(logged, known, e);
    uint16_t *key = calloc(known->n + 1, sizeof *key);
    if (key == NULL)
        return err_no_memory(e);
    buf_init(&logged->added, known->body.n + 1);
    buf_span(&logged->added, buf_view(&known->body));
    free(logged->key);
    logged->key = key;
    logged->n_key = known->n_key;
    memcpy(key, known->key, known->n_key * sizeof *key);
    for (size_t i = 0; i < logged->n; i++) {
        struct table_column *to = &logged->column[i];
        const struct table_column *from = &known->column[i];
        to->name = moved(from->name, known, logged);
        to->labels = moved(from->labels, known, logged);
        to->n_labels = from->n_labels;
        to->is_unsigned = from->is_unsigned;
        to->geometry = from->geometry;
        if (to->collation == 0 || has_labels(from))
            to->collation = from->collation;
    }
    logged->has_names = true;
    return buf_ok(&logged->added, "a table's description", e);
}
