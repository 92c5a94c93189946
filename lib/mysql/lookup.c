#include "mysql/lookup.h"

#include "mysql/catalog_load.h"
#include "mysql/cell.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SQL_MAX_BYTES (16u << 20)
#define KEY_MAX_BYTES 8192 // more than any index holds
#define UTF8MB4 45         // utf8mb4_general_ci

void my_lookup_release(struct my_lookup *l)
{
    my_scan_release(&l->scan);
    buf_release(&l->shape);
    buf_release(&l->sql);
    *l = (struct my_lookup){0};
}

// ---- the table

// TABLE is db.table, or a table of the URL's database.
static bool split(struct my_client *c, struct span name, struct buf *db, struct span *table, struct err *e)
{
    const char *dot = memchr(name.p, '.', name.n);
    if (dot != NULL) {
        buf_bytes(db, name.p, (size_t)(dot - name.p));
        *table = (struct span){dot + 1, name.n - (size_t)(dot + 1 - name.p)};
        return buf_ok(db, "a name", e);
    }
    struct my_rows *rows;
    if (!my_query(c, "SELECT DATABASE()", &rows, NULL, e))
        return false;
    const char *current = my_cell(rows, 0, 0);
    buf_str(db, current != NULL ? current : "");
    my_rows_free(rows);
    *table = name;
    if (db->n != 0)
        return buf_ok(db, "a name", e);
    err_set(e, STATUS_USAGE, "table \"%.*s\" is in no database", SPAN_ARG(name));
    return err_hint(e, "--lookup DATABASE.TABLE:…, or the database in the URL: mysql://HOST/DATABASE");
}

// The transaction holds a table that it has once opened against DDL.
static bool hold(struct my_client *c, struct span db, struct span table, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 16384);
    buf_lit(&sql, "SELECT 1 FROM ");
    my_quote_name(db, &sql);
    buf_char(&sql, '.');
    my_quote_name(table, &sql);
    buf_lit(&sql, " LIMIT 0");
    bool ok = buf_ok(&sql, "the query", e) && my_query(c, buf_cstr(&sql), NULL, NULL, e);
    buf_release(&sql);
    return ok;
}

static bool describe(struct my_lookup *l, struct my_client *c, const struct dimension_spec *spec,
                     struct my_writing *w, struct err *e)
{
    struct capture all = {.topic_prefix = "", .topic_delimiter = "."};
    struct buf db;
    struct span table;
    buf_init(&db, 4096);
    bool ok = split(c, spec->table, &db, &table, e) && hold(c, buf_view(&db), table, e) &&
              my_scan_load(&l->scan, c, c, buf_view(&db), table, NULL, &all, w, e);
    buf_release(&db);
    return ok || err_wrap(e, "table \"%.*s\"", SPAN_ARG(spec->table));
}

static bool find_column(const struct my_lookup *l, const struct dimension_spec *spec, struct span name,
                        size_t *at, struct err *e)
{
    const struct table_map *map = &l->scan.relation.map;
    for (*at = 0; *at < map->n; (*at)++)
        if (span_eq(map->column[*at].name, name))
            return true;
    return err_set(e, STATUS_USAGE, "table \"%.*s\" has no column \"%.*s\"", SPAN_ARG(spec->table),
                   SPAN_ARG(name));
}

// Labels come as text: were they numbers, a changed definition would not show.
static bool has_labels(const struct my_type *t)
{
    return t->form == MY_FORM_ENUM || t->form == MY_FORM_SET;
}

static bool take_columns(struct my_lookup *l, const struct dimension_spec *spec, struct err *e)
{
    struct my_relation *r = &l->scan.relation;
    size_t n = spec->n_select != 0 ? spec->n_select : r->map.n;
    if (n > DIMENSION_COLUMNS_MAX)
        return err_set(e, STATUS_USAGE, "table \"%.*s\" has more than %d columns: --select some",
                       SPAN_ARG(spec->table), DIMENSION_COLUMNS_MAX);
    for (l->n = 0; l->n < n; l->n++) {
        l->column[l->n] = l->n;
        if (spec->n_select != 0 && !find_column(l, spec, spec->select[l->n], &l->column[l->n], e))
            return false;
    }
    return true;
}

static bool can_be_key(const struct my_type *t)
{
    return t->form != MY_FORM_JSON && t->form != MY_FORM_GEOMETRY && t->form != MY_FORM_POINT &&
           t->form != MY_FORM_VECTOR;
}

static bool take_keys(struct my_lookup *l, const struct dimension_spec *spec, struct err *e)
{
    for (size_t i = 0; i < spec->n_key; i++) {
        if (!find_column(l, spec, spec->key[i], &l->key[i], e))
            return false;
        if (!can_be_key(&l->scan.relation.column[l->key[i]].type))
            return err_set(e, STATUS_USAGE, "table \"%.*s\": column \"%.*s\" is of a type that is no key",
                           SPAN_ARG(spec->table), SPAN_ARG(spec->key[i]));
    }
    return true;
}

// ---- the statement

static void put_column(const struct my_lookup *l, size_t i, struct buf *sql)
{
    buf_lit(sql, "t.");
    my_quote_name(l->scan.relation.map.column[i].name, sql);
}

static void put_selected(const struct my_lookup *l, size_t i, struct buf *sql)
{
    if (has_labels(&l->scan.relation.column[i].type)) {
        buf_lit(sql, "CONVERT(");
        put_column(l, i, sql);
        buf_lit(sql, " USING utf8mb4)");
        return;
    }
    struct buf name;
    buf_init(&name, 4096);
    put_column(l, i, &name);
    my_cell_select(&l->scan.relation.map.column[i], buf_view(&name), sql);
    buf_release(&name);
}

// t.`a` = ? AND t.`b` = ?
static void put_equal(const struct my_lookup *l, const struct dimension_spec *spec, struct buf *sql)
{
    for (size_t i = 0; i < spec->n_key; i++) {
        buf_str(sql, i != 0 ? " AND " : "");
        put_column(l, l->key[i], sql);
        buf_lit(sql, " = ?");
    }
}

// t.`a` IN (?, …), which both servers look up in an index; of several columns they do so without IN.
static void put_condition(const struct my_lookup *l, const struct dimension_spec *spec, struct buf *sql)
{
    if (spec->n_key == 1) {
        put_column(l, l->key[0], sql);
        buf_lit(sql, " IN (?");
        for (size_t i = 1; i < MY_LOOKUP_KEYS; i++)
            buf_lit(sql, ",?");
        buf_char(sql, ')');
        return;
    }
    for (size_t i = 0; i < MY_LOOKUP_KEYS; i++) {
        buf_str(sql, i != 0 ? " OR (" : "(");
        put_equal(l, spec, sql);
        buf_char(sql, ')');
    }
}

static void put_select(const struct my_lookup *l, const struct dimension_spec *spec, struct buf *sql)
{
    buf_lit(sql, "SELECT CASE");
    for (size_t i = 0; i < MY_LOOKUP_KEYS; i++) {
        buf_lit(sql, " WHEN ");
        put_equal(l, spec, sql);
        buf_printf(sql, " THEN %zu", i);
    }
    buf_lit(sql, " END");
    for (size_t i = 0; i < l->n; i++) {
        buf_lit(sql, ", ");
        put_selected(l, l->column[i], sql);
    }
    // Their types are of interest: keys were checked by them.
    for (size_t i = 0; i < spec->n_key; i++) {
        buf_lit(sql, ", ");
        put_column(l, l->key[i], sql);
    }
    buf_lit(sql, " FROM ");
    my_quote_name(l->scan.relation.map.db, sql);
    buf_char(sql, '.');
    my_quote_name(l->scan.relation.map.name, sql);
    buf_lit(sql, " t WHERE ");
    put_condition(l, spec, sql);
}

static bool prepare(struct my_lookup *l, struct my_client *c, const struct dimension_spec *spec,
                    struct err *e)
{
    struct buf select;
    buf_init(&select, SQL_MAX_BYTES);
    put_select(l, spec, &select);
    buf_reset(&l->sql);
    buf_lit(&l->sql, "PREPARE cdc_enrich FROM ");
    bool ok = buf_ok(&select, "the query", e) && my_quote_literal(c, buf_cstr(&select), &l->sql, e) &&
              buf_ok(&l->sql, "the query", e) && my_query(c, buf_cstr(&l->sql), NULL, NULL, e);
    buf_release(&select);
    return ok;
}

// ---- keys

static bool is_integer(struct span key)
{
    size_t sign = key.n != 0 && (key.p[0] == '-' || key.p[0] == '+');
    if (key.n == sign || key.n > 20)
        return false;
    for (size_t i = sign; i < key.n; i++)
        if (!isdigit((unsigned char)key.p[i]))
            return false;
    return true;
}

static unsigned bits_of(const struct my_type *t)
{
    switch (t->wire) {
    case MY_TINY:
        return 8;
    case MY_SHORT:
    case MY_YEAR:
        return 16;
    case MY_INT24:
        return 24;
    case MY_BIT:
        return t->length < 64 ? t->length : 64;
    case MY_LONGLONG:
        return 64;
    default:
        return 32;
    }
}

// Whether an integer of the type can be so; out has it as a literal then.
static bool put_integer(const struct my_type *t, struct span key, struct buf *out)
{
    char text[24];
    bool is_signed = t->form == MY_FORM_INTEGER;
    if (span_is(key, "true") || span_is(key, "false")) {
        buf_char(out, key.p[0] == 't' ? '1' : '0');
        return true;
    }
    if (!is_integer(key))
        return false;
    bool negative = key.p[0] == '-';
    size_t sign = negative || key.p[0] == '+';
    snprintf(text, sizeof text, "%.*s", (int)(key.n - sign), key.p + sign);
    errno = 0;
    unsigned long long v = strtoull(text, NULL, 10);
    unsigned bits = bits_of(t);
    unsigned long long most = is_signed    ? (1ULL << (bits - 1)) - 1 + negative
                              : negative   ? 0
                              : bits == 64 ? ~0ULL
                                           : (1ULL << bits) - 1;
    if (errno != 0 || v > most)
        return false;
    buf_str(out, negative ? "-" : "");
    buf_u64(out, v);
    return true;
}

// JSON's grammar, and a plus sign. What has more digits than any column is none.
static bool put_number(struct span key, struct buf *out)
{
    struct span s = key;
    int64_t ignored;
    if (!span_take(&s, '-'))
        span_take(&s, '+');
    size_t before = s.n;
    while (span_take_number(&s, 18, &ignored))
        continue;
    bool ok = s.n != before && key.n <= 80;
    if (span_take(&s, '.')) {
        before = s.n;
        while (span_take_number(&s, 18, &ignored))
            continue;
        ok = ok && s.n != before;
    }
    if (span_take(&s, 'e') || span_take(&s, 'E')) {
        if (!span_take(&s, '-'))
            span_take(&s, '+');
        ok = ok && span_take_number(&s, 3, &ignored);
    }
    buf_span(out, key);
    return ok && s.n == 0;
}

static bool put_text(struct my_client *c, struct span key, struct buf *out, struct err *e)
{
    char *text = malloc(key.n + 1);
    if (text == NULL)
        return err_no_memory(e);
    memcpy(text, key.p, key.n);
    text[key.n] = '\0';
    bool ok = my_quote_literal(c, text, out, e);
    free(text);
    return ok;
}

static bool refused(struct span key, struct err *e)
{
    return err_set(e, STATUS_DATA, "\"%.*s\" is no value of the key's column",
                   (int)(key.n < 100 ? key.n : 100), key.p);
}

// Times as the server itself prints them: what else it would take for one differs from server to server.
static bool is_value(const struct my_type *t, struct span key, struct my_writing *w, struct err *e)
{
    struct buf ignored;
    buf_init(&ignored, 65536);
    bool ok = my_cell_write(t, key, w, &ignored, e);
    buf_release(&ignored);
    return ok;
}

static bool put_key(const struct my_type *t, struct my_client *c, struct span key, struct my_writing *w,
                    struct buf *out, struct err *e)
{
    if (key.n > KEY_MAX_BYTES)
        return refused(key, e);
    switch (t->form) {
    case MY_FORM_INTEGER:
    case MY_FORM_UNSIGNED:
    case MY_FORM_BIGINT_UNSIGNED:
    case MY_FORM_BIT:
    case MY_FORM_BITS:
    case MY_FORM_YEAR:
        return put_integer(t, key, out) || refused(key, e);
    case MY_FORM_DECIMAL:
    case MY_FORM_FLOAT:
    case MY_FORM_FLOAT_AS_DOUBLE:
    case MY_FORM_DOUBLE:
        return put_number(key, out) || refused(key, e);
    case MY_FORM_DATE:
    case MY_FORM_TIME:
    case MY_FORM_DATETIME:
    case MY_FORM_TIMESTAMP:
    case MY_FORM_INET4:
    case MY_FORM_INET6:
        return is_value(t, key, w, e) ? put_text(c, key, out, e) : refused(key, e);
    case MY_FORM_BYTES:
        buf_lit(out, "_binary");
        return put_text(c, key, out, e);
    default:
        return put_text(c, key, out, e);
    }
}

// ---- running

// SET @k0 = …, @k1 = …; a key's columns one behind the other.
static bool set_keys(struct my_lookup *l, struct my_client *c, const struct dimension_spec *spec,
                     const struct span *keys, size_t n, struct my_writing *w, struct err *e)
{
    buf_reset(&l->sql);
    for (size_t i = 0; i < n * spec->n_key; i++) {
        const struct my_type *t = &l->scan.relation.column[l->key[i % spec->n_key]].type;
        buf_printf(&l->sql, "%s@k%zu = ", i == 0 ? "SET " : ", ", i);
        if (!put_key(t, c, keys[i], w, &l->sql, e))
            return false;
    }
    return buf_ok(&l->sql, "the keys", e) && my_query(c, buf_cstr(&l->sql), NULL, NULL, e);
}

// Each key is named twice: to count and to find. The last one stands for those that are missing.
static bool execute(struct my_lookup *l, struct my_client *c, const struct dimension_spec *spec, size_t n,
                    struct err *e)
{
    buf_reset(&l->sql);
    buf_lit(&l->sql, "EXECUTE cdc_enrich USING ");
    for (size_t i = 0; i < 2 * MY_LOOKUP_KEYS; i++) {
        size_t k = i % MY_LOOKUP_KEYS < n ? i % MY_LOOKUP_KEYS : n - 1;
        for (size_t j = 0; j < spec->n_key; j++)
            buf_printf(&l->sql, "%s@k%zu", i + j == 0 ? "" : ",", k * spec->n_key + j);
    }
    return buf_ok(&l->sql, "the keys", e) && my_select(c, buf_cstr(&l->sql), NULL, e);
}

bool my_lookup_run(struct my_lookup *l, struct my_client *c, const struct dimension_spec *spec,
                   const struct span *keys, size_t n, struct my_writing *w, struct err *e)
{
    return set_keys(l, c, spec, keys, n, w, e) && execute(l, c, spec, n, e);
}

// What its results look like: it is run for keys that are null.
static bool take_shape(struct my_lookup *l, struct my_client *c, const struct dimension_spec *spec,
                       struct buf *shape, struct err *e)
{
    struct span none[1];
    buf_reset(&l->sql);
    for (size_t i = 0; i < spec->n_key; i++)
        buf_printf(&l->sql, "%s@k%zu = NULL", i == 0 ? "SET " : ", ", i);
    if (!my_query(c, buf_cstr(&l->sql), NULL, NULL, e) || !execute(l, c, spec, 1, e))
        return false;
    my_selected_shape(c, shape);
    enum my_read got;
    while ((got = my_fetch(c, none, 0, e)) == MY_GOT)
        continue;
    return got == MY_END && buf_ok(shape, "the query's columns", e);
}

bool my_lookup_holds(const struct my_lookup *l, const struct my_client *c)
{
    struct buf shape;
    buf_init(&shape, SQL_MAX_BYTES);
    my_selected_shape(c, &shape);
    bool same = !shape.bad && span_eq(buf_view(&shape), buf_view(&l->shape));
    buf_release(&shape);
    return same;
}

bool my_lookup_check(struct my_lookup *l, struct my_client *c, const struct dimension_spec *spec, bool *holds,
                     struct err *e)
{
    struct buf shape;
    buf_init(&shape, SQL_MAX_BYTES);
    bool ok = take_shape(l, c, spec, &shape, e);
    *holds = ok && span_eq(buf_view(&shape), buf_view(&l->shape));
    buf_release(&shape);
    return ok;
}

// In a transaction, so that what is described is what the statement is prepared for.
bool my_lookup_make(struct my_lookup *l, struct my_client *c, const struct dimension_spec *spec,
                    struct my_writing *w, struct err *e)
{
    *l = (struct my_lookup){0};
    buf_init(&l->shape, SQL_MAX_BYTES);
    buf_init(&l->sql, SQL_MAX_BYTES);
    if (!my_query(c, "START TRANSACTION READ ONLY", NULL, NULL, e) || !describe(l, c, spec, w, e) ||
        !take_columns(l, spec, e) || !take_keys(l, spec, e) || !prepare(l, c, spec, e) ||
        !take_shape(l, c, spec, &l->shape, e) || !my_query(c, "COMMIT", NULL, NULL, e))
        return false;
    for (size_t i = 0; i < l->n; i++) {
        struct my_type *t = &l->scan.relation.column[l->column[i]].type;
        if (has_labels(t))
            t->form = MY_FORM_TEXT, t->collation = UTF8MB4;
    }
    return true;
}
