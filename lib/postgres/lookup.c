#include "postgres/lookup.h"

#include "event/json.h"
#include "postgres/catalog_load.h"

#include <stdlib.h>

// Its name on the connection.
#define STATEMENT "cdc_enrich"

// What is being made.
struct making {
    struct pg_lookup *l;
    struct pg_client *c;
    const struct dimension_options *o;
    const struct dimension_spec *spec;
    struct pg_rows *rows; // the table's columns
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

void pg_lookup_release(struct pg_lookup *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->column[i].member);
    free(l->column);
    catalog_release(&l->catalog);
    buf_release(&l->sql);
    pg_rows_free(l->shape);
    *l = (struct pg_lookup){0};
}

// ---- the table

// The table's oid as text, freed by the caller. The name is looked up as the role's own statements would; the
// statement that does it calls nothing that such a path could give another meaning.
static bool find_oid(struct making *m, char **oid, struct err *e)
{
    struct pg_rows *rows = NULL;
    char *table = text_of(m->spec->table);
    const char *params[] = {table};
    bool ok = table != NULL || err_no_memory(e);
    ok = ok && pg_query(m->c, "RESET search_path", 0, NULL, NULL, NULL, e) &&
         pg_query(m->c, "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", 1, params, &rows, NULL, e) &&
         pg_query(m->c, "SET search_path = pg_catalog", 0, NULL, NULL, NULL, e);
    const char *cell = ok ? pg_cell(rows, 0, 0) : NULL;
    if (ok && cell == NULL)
        ok = err_set(e, STATUS_USAGE, "there is no table \"%s\"", table);
    *oid = ok ? strdup(cell) : NULL;
    pg_rows_free(rows);
    free(table);
    return ok && (*oid != NULL || err_no_memory(e));
}

enum { NAME, TYPE, MODIFIER, TYPE_NAME, TABLE };

static bool find_table(struct making *m, struct err *e)
{
    static const char sql[] =
        "SELECT attname, atttypid, atttypmod, format_type(atttypid, -1), attrelid::regclass::text "
        "FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    char *oid;
    if (!find_oid(m, &oid, e))
        return false;
    const char *params[] = {oid};
    bool ok = pg_query(m->c, sql, 1, params, &m->rows, NULL, e);
    free(oid);
    return ok && (pg_row_count(m->rows) != 0 ||
                  err_set(e, STATUS_USAGE, "table \"%.*s\" has no columns", SPAN_ARG(m->spec->table)));
}

static bool has_column(const struct making *m, struct span name, int *i, struct err *e)
{
    for (*i = 0; *i < pg_row_count(m->rows); (*i)++)
        if (span_is(name, pg_cell(m->rows, *i, NAME)))
            return true;
    return err_set(e, STATUS_USAGE, "table \"%.*s\" has no column \"%.*s\"", SPAN_ARG(m->spec->table),
                   SPAN_ARG(name));
}

static bool add_column(struct making *m, int i, struct err *e)
{
    struct pg_lookup *l = m->l;
    struct pg_lookup_column *grown = realloc(l->column, (l->n + 1) * sizeof *grown);
    if (grown == NULL)
        return err_no_memory(e);
    l->column = grown;
    struct pg_type_info info =
        catalog_type(&l->catalog, (uint32_t)strtoul(pg_cell(m->rows, i, TYPE), NULL, 10));
    struct pg_type type = pg_type_resolve(&info, atoi(pg_cell(m->rows, i, MODIFIER)), &m->o->shape, NULL);
    const char *name = pg_cell(m->rows, i, NAME);
    if (type.form == PG_FORM_NONE) {
        m->o->warn("column %s of %.*s is left out: Debezium does not print its type %s", name,
                   SPAN_ARG(m->spec->table), pg_cell(m->rows, i, TYPE_NAME));
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
    l->column[l->n++] = (struct pg_lookup_column){text, type};
    return true;
}

static bool take_columns(struct making *m, struct err *e)
{
    int at;
    for (size_t i = 0; i < m->spec->n_select; i++)
        if (!has_column(m, m->spec->select[i], &at, e) || !add_column(m, at, e))
            return false;
    for (int i = 0; m->spec->n_select == 0 && i < pg_row_count(m->rows); i++)
        if (!add_column(m, i, e))
            return false;
    return true;
}

// ---- the statement

static bool put_name(struct making *m, struct span name, struct err *e)
{
    char *text = text_of(name);
    bool ok = text != NULL ? pg_quote_name(m->c, text, &m->l->sql, e) : err_no_memory(e);
    free(text);
    return ok;
}

static bool put_selected(struct making *m, struct err *e)
{
    for (size_t i = 0; i < m->l->n; i++) {
        struct buf name;
        buf_init(&name, 4096);
        struct span quoted = {m->l->column[i].member, strlen(m->l->column[i].member) - 1};
        bool ok = json_unquote(quoted, &name) || err_no_memory(e);
        buf_lit(&m->l->sql, ", t.");
        ok = ok && put_name(m, buf_view(&name), e);
        buf_release(&name);
        if (!ok)
            return false;
    }
    return true;
}

// The key's columns, of which the type alone is of interest: the keys are cast to it.
static bool put_key_types(struct making *m, struct err *e)
{
    for (size_t i = 0; i < m->spec->n_key; i++) {
        buf_lit(&m->l->sql, ", CASE WHEN false THEN t.");
        if (!put_name(m, m->spec->key[i], e))
            return false;
        buf_lit(&m->l->sql, " END");
    }
    return true;
}

// SELECT k.n, t."a", … FROM unnest($1::text[]::int4[], …) WITH ORDINALITY AS k(k1, …, n)
//   JOIN shop.customers t ON t."id" = k.k1 AND …
// The server takes in what a parameter is before it finds that the table is another one: text, always.
static bool make_sql(struct making *m, struct err *e)
{
    int at;
    size_t n = m->spec->n_key;
    struct buf *sql = &m->l->sql;
    buf_init(sql, 1 << 20);
    buf_lit(sql, "SELECT k.n");
    if (!put_selected(m, e) || !put_key_types(m, e))
        return false;
    buf_lit(sql, " FROM unnest(");
    for (size_t i = 0; i < n; i++) {
        if (!has_column(m, m->spec->key[i], &at, e))
            return false;
        buf_printf(sql, "%s$%zu::text[]::%s[]", i != 0 ? ", " : "", i + 1, pg_cell(m->rows, at, TYPE_NAME));
    }
    buf_lit(sql, ") WITH ORDINALITY AS k(");
    for (size_t i = 0; i < n; i++)
        buf_printf(sql, "k%zu, ", i + 1);
    buf_printf(sql, "n) JOIN %s t ON ", pg_cell(m->rows, 0, TABLE));
    for (size_t i = 0; i < n; i++) {
        buf_str(sql, i != 0 ? " AND t." : "t.");
        if (!put_name(m, m->spec->key[i], e))
            return false;
        buf_printf(sql, " = k.k%zu", i + 1);
    }
    return buf_ok(sql, "the query", e);
}

// The statement is of the table that was described only if that is the same still.
static bool is_unchanged(struct making *m, struct err *e)
{
    struct making again = {.l = m->l, .c = m->c, .spec = m->spec};
    if (!find_table(&again, e))
        return false;
    bool same = pg_row_count(again.rows) == pg_row_count(m->rows);
    for (int i = 0; same && i < pg_row_count(m->rows); i++)
        for (int j = NAME; j <= TABLE; j++)
            same = same && strcmp(pg_cell(again.rows, i, j), pg_cell(m->rows, i, j)) == 0;
    pg_rows_free(again.rows);
    return same || err_set(e, STATUS_PEER, "table \"%.*s\" was changed while it was looked at",
                           SPAN_ARG(m->spec->table));
}

static bool make(struct making *m, struct err *e)
{
    struct pg_lookup *l = m->l;
    return pg_query(m->c, "DEALLOCATE ALL", 0, NULL, NULL, NULL, e) &&
           catalog_load_types(&l->catalog, m->c, e) && find_table(m, e) && take_columns(m, e) &&
           make_sql(m, e) && pg_prepare(m->c, STATEMENT, buf_cstr(&l->sql), e) &&
           pg_describe(m->c, STATEMENT, &l->shape, e) && is_unchanged(m, e);
}

bool pg_lookup_make(struct pg_lookup *l, struct pg_client *c, const struct dimension_options *o,
                    const struct dimension_spec *spec, struct err *e)
{
    struct making m = {.l = l, .c = c, .o = o, .spec = spec};
    *l = (struct pg_lookup){0};
    bool ok = make(&m, e);
    pg_rows_free(m.rows);
    return ok;
}

bool pg_lookup_holds(const struct pg_lookup *l, const struct pg_rows *rows)
{
    return pg_same_types(l->shape, rows);
}

// ---- running

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
}

bool pg_lookup_run(struct pg_client *c, const struct dimension_spec *spec, const struct span *keys, size_t n,
                   struct pg_rows **rows, char sqlstate[6], struct err *e)
{
    struct buf arrays[DIMENSION_KEYS_MAX];
    const char *params[DIMENSION_KEYS_MAX];
    sqlstate[0] = '\0';
    bool ok = true;
    for (size_t i = 0; i < spec->n_key; i++) {
        buf_init(&arrays[i], 256u << 20);
        put_array(&arrays[i], keys + i, n, spec->n_key);
        params[i] = buf_cstr(&arrays[i]);
        ok = buf_ok(&arrays[i], "the keys of one batch", e) && ok;
    }
    ok = ok && pg_run(c, STATEMENT, (int)spec->n_key, params, rows, sqlstate, e);
    for (size_t i = 0; i < spec->n_key; i++)
        buf_release(&arrays[i]);
    return ok;
}
