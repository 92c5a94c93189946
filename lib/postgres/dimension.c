#include "postgres/dimension.h"

#include "event/json.h"
#include "postgres/catalog_load.h"

#include <stdio.h>
#include <stdlib.h>

// How long a look-up may take.
#define PATIENCE_MS 60000

// The look-up's name on each connection.
#define STATEMENT "cdc_enrich"

struct column {
    char *member; // "name":
    struct pg_type type;
};

struct pg_dimension {
    const struct dimension_options *o;
    const struct dimension_spec *spec;
    struct pg_client **clients; // by worker; NULL: to be connected
    struct buf sql;
    struct column *columns;
    size_t n;
    struct catalog catalog; // owns the types' texts
};

static char *text_of(struct span s)
{
    char *text = malloc(s.n + 1);
    if (text != NULL) {
        memcpy(text, s.p, s.n);
        text[s.n] = '\0';
    }
    return text;
}

static void disconnect(struct pg_dimension *d, size_t worker)
{
    pg_close(d->clients[worker]);
    d->clients[worker] = NULL;
}

static bool connect(struct pg_dimension *d, size_t worker, struct err *e)
{
    if (d->clients[worker] != NULL)
        return true;
    if (!pg_connect(d->o->url, PG_SQL, "cdc-enrich", &d->clients[worker], e))
        return false;
    pg_patience(d->clients[worker], PATIENCE_MS);
    // The first connection finds out what the statement is.
    if (d->sql.n == 0 || pg_prepare(d->clients[worker], STATEMENT, d->sql.p, e))
        return true;
    disconnect(d, worker);
    return false;
}

// ---- the table

// The table's oid as text, freed by the caller. The name is looked up as the role's own statements would; the
// statement that does it calls nothing that such a path could give another meaning.
static bool find_oid(struct pg_dimension *d, char **oid, struct err *e)
{
    struct pg_rows *rows = NULL;
    struct pg_client *c = d->clients[0];
    char *table = text_of(d->spec->table);
    const char *params[] = {table};
    bool ok = table != NULL || err_no_memory(e);
    ok = ok && pg_query(c, "RESET search_path", 0, NULL, NULL, NULL, e) &&
         pg_query(c, "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", 1, params, &rows, NULL, e) &&
         pg_query(c, "SET search_path = pg_catalog", 0, NULL, NULL, NULL, e);
    const char *cell = ok ? pg_cell(rows, 0, 0) : NULL;
    if (ok && cell == NULL)
        ok = err_set(e, STATUS_USAGE, "there is no table \"%s\"", table);
    *oid = ok ? strdup(cell) : NULL;
    pg_rows_free(rows);
    free(table);
    return ok && (*oid != NULL || err_no_memory(e));
}

static bool find_table(struct pg_dimension *d, struct pg_rows **rows, struct err *e)
{
    static const char sql[] =
        "SELECT attname, atttypid, atttypmod, format_type(atttypid, -1), attrelid::regclass::text "
        "FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    char *oid;
    if (!find_oid(d, &oid, e))
        return false;
    const char *params[] = {oid};
    bool ok = pg_query(d->clients[0], sql, 1, params, rows, NULL, e);
    free(oid);
    if (!ok || pg_row_count(*rows) != 0)
        return ok;
    pg_rows_free(*rows);
    return err_set(e, STATUS_USAGE, "table \"%.*s\" has no columns", SPAN_ARG(d->spec->table));
}

static int find_column(const struct pg_rows *rows, struct span name)
{
    for (int i = 0; i < pg_row_count(rows); i++)
        if (span_is(name, pg_cell(rows, i, 0)))
            return i;
    return -1;
}

static bool has_column(const struct pg_dimension *d, const struct pg_rows *rows, struct span name, int *i,
                       struct err *e)
{
    *i = find_column(rows, name);
    return *i >= 0 || err_set(e, STATUS_USAGE, "table \"%.*s\" has no column \"%.*s\"",
                              SPAN_ARG(d->spec->table), SPAN_ARG(name));
}

static bool add_column(struct pg_dimension *d, const struct pg_rows *rows, int i, struct err *e)
{
    struct column *grown = realloc(d->columns, (d->n + 1) * sizeof *grown);
    if (grown == NULL)
        return err_no_memory(e);
    d->columns = grown;
    struct pg_type_info info = catalog_type(&d->catalog, (uint32_t)strtoul(pg_cell(rows, i, 1), NULL, 10));
    struct pg_type type = pg_type_resolve(&info, atoi(pg_cell(rows, i, 2)), &d->o->shape, NULL);
    const char *name = pg_cell(rows, i, 0);
    if (type.form == PG_FORM_NONE) {
        d->o->warn("column %s of %.*s is left out: Debezium does not print its type %s", name,
                   SPAN_ARG(d->spec->table), pg_cell(rows, i, 3));
        return true;
    }
    struct buf member;
    buf_init(&member, 4096);
    json_quote(&member, span_of(name));
    buf_char(&member, ':');
    char *text = text_of(buf_view(&member));
    buf_release(&member);
    if (text == NULL)
        return err_no_memory(e);
    d->columns[d->n++] = (struct column){text, type};
    return true;
}

static bool take_columns(struct pg_dimension *d, const struct pg_rows *rows, struct err *e)
{
    int at;
    for (size_t i = 0; i < d->spec->n_select; i++)
        if (!has_column(d, rows, d->spec->select[i], &at, e) || !add_column(d, rows, at, e))
            return false;
    for (int i = 0; d->spec->n_select == 0 && i < pg_row_count(rows); i++)
        if (!add_column(d, rows, i, e))
            return false;
    return true;
}

// ---- the query

static bool put_name(struct pg_dimension *d, struct span name, struct err *e)
{
    char *text = text_of(name);
    bool ok = text != NULL ? pg_quote_name(d->clients[0], text, &d->sql, e) : err_no_memory(e);
    free(text);
    return ok;
}

static bool put_selected(struct pg_dimension *d, struct err *e)
{
    for (size_t i = 0; i < d->n; i++) {
        struct buf name;
        buf_init(&name, 4096);
        struct span quoted = {d->columns[i].member, strlen(d->columns[i].member) - 1};
        bool ok = json_unquote(quoted, &name) || err_no_memory(e);
        buf_lit(&d->sql, ", t.");
        ok = ok && put_name(d, buf_view(&name), e);
        buf_release(&name);
        if (!ok)
            return false;
    }
    return true;
}

// SELECT k.n, t."a", … FROM unnest($1::int4[], …) WITH ORDINALITY AS k(k1, …, n)
//   JOIN shop.customers t ON t."id" = k.k1 AND …
static bool make_query(struct pg_dimension *d, const struct pg_rows *rows, struct err *e)
{
    int at;
    size_t n = d->spec->n_key;
    buf_lit(&d->sql, "SELECT k.n");
    if (!put_selected(d, e))
        return false;
    buf_lit(&d->sql, " FROM unnest(");
    for (size_t i = 0; i < n; i++) {
        if (!has_column(d, rows, d->spec->key[i], &at, e))
            return false;
        buf_printf(&d->sql, "%s$%zu::%s[]", i != 0 ? ", " : "", i + 1, pg_cell(rows, at, 3));
    }
    buf_lit(&d->sql, ") WITH ORDINALITY AS k(");
    for (size_t i = 0; i < n; i++)
        buf_printf(&d->sql, "k%zu, ", i + 1);
    buf_printf(&d->sql, "n) JOIN %s t ON ", pg_cell(rows, 0, 4));
    for (size_t i = 0; i < n; i++) {
        buf_str(&d->sql, i != 0 ? " AND t." : "t.");
        if (!put_name(d, d->spec->key[i], e))
            return false;
        buf_printf(&d->sql, " = k.k%zu", i + 1);
    }
    buf_char(&d->sql, '\0');
    return buf_ok(&d->sql, "the query", e);
}

static bool describe(struct pg_dimension *d, struct err *e)
{
    struct pg_rows *rows;
    // The types alone are wanted.
    if (!connect(d, 0, e) || !catalog_reload_table(&d->catalog, d->clients[0], 0, e) ||
        !find_table(d, &rows, e))
        return false;
    bool ok = take_columns(d, rows, e) && make_query(d, rows, e) &&
              pg_prepare(d->clients[0], STATEMENT, d->sql.p, e);
    pg_rows_free(rows);
    return ok;
}

static void close_dimension(void *self)
{
    struct pg_dimension *d = self;
    if (d == NULL)
        return;
    for (size_t i = 0; d->clients != NULL && i < d->o->workers; i++)
        pg_close(d->clients[i]);
    free(d->clients);
    for (size_t i = 0; i < d->n; i++)
        free(d->columns[i].member);
    free(d->columns);
    catalog_release(&d->catalog);
    buf_release(&d->sql);
    free(d);
}

static bool open_dimension(const struct dimension_options *o, const struct dimension_spec *spec, void **self,
                           struct err *e)
{
    struct pg_dimension *d = calloc(1, sizeof *d);
    *self = d;
    if (d == NULL)
        return err_no_memory(e);
    d->o = o;
    d->spec = spec;
    buf_init(&d->sql, 1 << 20);
    d->clients = calloc(o->workers, sizeof(struct pg_client *));
    return d->clients != NULL ? describe(d, e) : err_no_memory(e);
}

// ---- looking up

// An array literal of one column's keys.
static void put_array(struct buf *b, const struct span *keys, size_t n, size_t step)
{
    buf_char(b, '{');
    for (size_t i = 0; i < n; i++) {
        struct span key = keys[i * step];
        buf_str(b, i != 0 ? ",\"" : "\"");
        for (size_t j = 0; j < key.n; j++) {
            if (key.p[j] == '"' || key.p[j] == '\\')
                buf_char(b, '\\');
            buf_char(b, key.p[j]);
        }
        buf_char(b, '"');
    }
    buf_char(b, '}');
    buf_char(b, '\0');
}

static bool put_row(const struct pg_dimension *d, const struct pg_rows *rows, int row, struct buf *out,
                    struct err *e)
{
    buf_char(out, '{');
    for (size_t i = 0; i < d->n; i++) {
        const char *cell = pg_cell(rows, row, (int)i + 1);
        buf_str(out, i != 0 ? "," : "");
        buf_str(out, d->columns[i].member);
        if (cell == NULL)
            buf_lit(out, "null");
        else if (!pg_type_write(&d->columns[i].type, span_of(cell), out, e))
            return err_wrap(e, "table \"%.*s\": %s", SPAN_ARG(d->spec->table), d->columns[i].member);
    }
    buf_char(out, '}');
    return true;
}

// Of several rows with one key the first counts.
static bool take_rows(const struct pg_dimension *d, const struct pg_rows *rows, size_t n, struct buf *out,
                      struct dimension_row *found, struct err *e)
{
    for (int i = 0; i < pg_row_count(rows); i++) {
        size_t k = strtoul(pg_cell(rows, i, 0), NULL, 10) - 1;
        if (k >= n || found[k].found)
            continue;
        found[k] = (struct dimension_row){.found = true, .at = out->n};
        if (!put_row(d, rows, i, out, e))
            return false;
        found[k].n = out->n - found[k].at;
    }
    return buf_ok(out, "the rows looked up", e);
}

// What a key that is no value of its column's type brings: class 22, data exception.
static bool is_about_keys(const char *sqlstate)
{
    return strncmp(sqlstate, "22", 2) == 0;
}

static bool fetch(void *self, size_t worker, const struct span *keys, size_t n, struct buf *out,
                  struct dimension_row *rows, struct err *e)
{
    struct pg_dimension *d = self;
    struct buf arrays[DIMENSION_KEYS_MAX];
    const char *params[DIMENSION_KEYS_MAX];
    struct pg_rows *result;
    char sqlstate[6] = "";
    size_t n_key = d->spec->n_key;
    memset(rows, 0, n * sizeof *rows);
    if (!connect(d, worker, e))
        return false;
    bool ok = true;
    for (size_t i = 0; i < n_key; i++) {
        buf_init(&arrays[i], 256u << 20);
        put_array(&arrays[i], keys + i, n, n_key);
        ok = buf_ok(&arrays[i], "the keys of one batch", e) && ok;
        params[i] = arrays[i].p;
    }
    ok = ok && pg_run(d->clients[worker], STATEMENT, (int)n_key, params, &result, sqlstate, e);
    for (size_t i = 0; i < n_key; i++)
        buf_release(&arrays[i]);
    if (ok) {
        ok = take_rows(d, result, n, out, rows, e);
        pg_rows_free(result);
    } else if (e->status == STATUS_PEER) {
        disconnect(d, worker);
    } else if (is_about_keys(sqlstate)) {
        e->status = STATUS_DATA;
    }
    return ok;
}

static const char *const schemes[] = {"postgres://", "postgresql://", NULL};

const struct dimension_ops pg_dimension_ops = {
    .schemes = schemes, .open = open_dimension, .fetch = fetch, .close = close_dimension};
