#include "postgres/scan.h"

#include "event/json.h"
#include "postgres/binary.h"
#include "postgres/catalog_load.h"
#include "postgres/judge.h"
#include "postgres/tables.h"

#include <stdio.h>
#include <stdlib.h>

// Of 1600 columns with the longest names.
#define SQL_MAX (1u << 20)

// is_key: whether the log has the column's old value.
#define QUERY(filter, is_sent)                                                                               \
    "SELECT a.attname, a.atttypid, a.atttypmod, CASE c.relreplident WHEN 'f' THEN true ELSE EXISTS ("        \
    "  SELECT FROM pg_index i WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey) AND "                   \
    "  CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END) END, "           \
    "c.relreplident, c.relkind, n.nspname, c.relname, quote_ident(n.nspname) || '.' || "                     \
    "quote_ident(c.relname), " /* As the planner does: the density at the last ANALYZE, times the pages      \
                                  there are now. */                                                          \
    "CASE WHEN c.reltuples > 0 AND c.relpages > 0 THEN (c.reltuples / c.relpages * %llu)::int8 ELSE 0 END, " \
    "quote_ident(a.attname), " filter " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "      \
    "JOIN pg_attribute a ON a.attrelid = c.oid "                                                             \
    "WHERE c.oid = %u AND a.attnum > 0 AND NOT a.attisdropped " is_sent "ORDER BY a.attnum"

enum { NAME, TYPE, TYPMOD, IS_KEY, IDENTITY, KIND, SCHEMA, TABLE, QUOTED, ROWS, QUOTED_NAME, ROW_FILTER };

// What a publication sends of a table (PostgreSQL 15): its column list, and its row filters, one of which is
// enough; a publication that has the table by its schema filters nothing.
#define PUBLISHED                                                                                            \
    "pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid WHERE r.prrelid = c.oid AND "           \
    "p.pubname IN (%s)"
#define IS_SENT "AND NOT EXISTS (SELECT FROM " PUBLISHED " AND NOT a.attnum = ANY (r.prattrs)) "
#define FILTER                                                                                               \
    "(SELECT CASE WHEN count(*) = count(f.text) THEN string_agg('(' || f.text || ')', ' OR ') END FROM ("    \
    "  SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid AND "     \
    "  s.pnnspid = c.relnamespace) THEN pg_get_expr(r.prqual, r.prrelid) END AS text FROM " PUBLISHED ") f)"

#define PUBLICATIONS_FILTER_VERSION 150000

static bool write_query(const struct scan_wish *wish, struct pg_client *client, struct buf *sql,
                        struct err *e)
{
    struct buf names;
    buf_init(&names, 1024);
    bool filters = wish->publication[0] != '\0' && pg_server_version(client) >= PUBLICATIONS_FILTER_VERSION;
    bool ok = !filters || pg_publication_names(client, wish->publication, &names, e);
    unsigned long long pages = wish->pages;
    if (filters)
        buf_printf(sql, QUERY(FILTER, IS_SENT), pages, buf_cstr(&names), (unsigned)wish->oid,
                   buf_cstr(&names));
    else
        buf_printf(sql, QUERY("NULL", ""), pages, (unsigned)wish->oid);
    buf_release(&names);
    return ok && buf_ok(sql, "the query", e);
}

static bool compile(struct scan *s, const struct pg_rows *rows, const struct catalog *catalog,
                    const struct capture *capture, notice_fn *dropped, struct err *e)
{
    size_t n = (size_t)pg_row_count(rows);
    struct pgo_column *columns = calloc(n, sizeof *columns);
    if (columns == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < n; i++) {
        int row = (int)i;
        columns[i] = (struct pgo_column){
            .is_key = pg_cell(rows, row, IS_KEY)[0] == 't',
            .name = span_of(pg_cell(rows, row, NAME)),
            .type = (uint32_t)strtoul(pg_cell(rows, row, TYPE), NULL, 10),
            .typmod = atoi(pg_cell(rows, row, TYPMOD)),
        };
    }
    struct pgo_relation m = {s->oid,
                             span_of(pg_cell(rows, 0, SCHEMA)),
                             span_of(pg_cell(rows, 0, TABLE)),
                             pg_cell(rows, 0, IDENTITY)[0],
                             n,
                             columns};
    bool ok = relations_put(&s->relations, &m, catalog, capture, dropped, e);
    s->relation = ok ? relations_find(&s->relations, s->oid) : NULL;
    const struct relation *r = s->relation;
    for (size_t i = 0; ok && i < r->n_row_key && i < KEY_MAX_COLUMNS; i++)
        s->key.kind[s->key.n++] = judge_key_kind(catalog_type(catalog, columns[r->row_key[i]].type).base);
    free(columns);
    return ok;
}

static void forget_unordered_key(struct scan *s)
{
    bool ordered = s->key.n == s->relation->n_row_key;
    for (size_t i = 0; i < s->key.n; i++)
        ordered = ordered && s->key.kind[i] != KEY_NONE;
    if (!ordered)
        s->key.n = 0;
}

static bool is_among(size_t column, const uint16_t *key, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (key[i] == column)
            return true;
    return false;
}

// Integers and what pg_binary_write() knows come in binary, all else as its type prints it; so does a key
// that is no integer, for its text goes into tokens.
static enum scan_field field_of(const struct scan *s, size_t column)
{
    const struct relation *r = s->relation;
    const struct relation_column *c = &r->column[column];
    bool row_key = is_among(column, r->row_key, s->key.n);
    if (!c->in_value && !row_key && !is_among(column, r->key, r->n_key))
        return SCAN_ABSENT;
    if (row_key && c->key_type.form != PG_FORM_INTEGER)
        return SCAN_TEXT;
    return pg_binary_takes(&c->type) && pg_binary_takes(&c->key_type) ? SCAN_BINARY : SCAN_TEXT;
}

static bool write_select(struct scan *s, const struct pg_rows *rows, struct err *e)
{
    s->field = calloc(s->relation->n + 1, sizeof *s->field);
    if (s->field == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < s->relation->n; i++) {
        const char *name = pg_cell(rows, (int)i, QUOTED_NAME);
        s->field[i] = field_of(s, i);
        if (s->field[i] == SCAN_ABSENT)
            continue;
        if (s->select.n != 0)
            buf_char(&s->select, ',');
        if (s->field[i] == SCAN_BINARY)
            buf_str(&s->select, name);
        else // what the type's output function gives, which a cast to text does not for every type
            buf_printf(&s->select, "CASE WHEN %s IS NULL THEN NULL ELSE format('%%s',%s) END", name, name);
    }
    return buf_ok(&s->select, "the list of columns", e);
}

static bool write_key(struct scan *s, const struct pg_rows *rows, struct err *e)
{
    for (size_t i = 0; i < s->key.n; i++) {
        int column = s->relation->row_key[i];
        buf_char(&s->order, i == 0 ? '(' : ',');
        buf_str(&s->order, pg_cell(rows, column, QUOTED_NAME));
        buf_char(&s->columns, i == 0 ? '[' : ',');
        json_quote(&s->columns, span_of(pg_cell(rows, column, NAME)));
    }
    if (s->key.n != 0) {
        buf_char(&s->order, ')');
        buf_char(&s->columns, ']');
    }
    return buf_ok(&s->order, "the key's columns", e) && buf_ok(&s->columns, "the key's columns", e);
}

// Both the publication's and the command line's.
static bool take_conditions(struct scan *s, const char *filter, const char *where, struct err *e)
{
    if (filter == NULL && where == NULL)
        return true;
    size_t n = (filter != NULL ? strlen(filter) : 0) + (where != NULL ? strlen(where) : 0) + 16;
    s->where = malloc(n);
    if (s->where == NULL)
        return err_no_memory(e);
    if (filter != NULL && where != NULL)
        snprintf(s->where, n, "(%s) AND (%s)", filter, where);
    else
        snprintf(s->where, n, "%s", filter != NULL ? filter : where);
    return true;
}

static bool take_names(struct scan *s, const struct pg_rows *rows, struct err *e)
{
    size_t n = strlen(pg_cell(rows, 0, QUOTED)) + sizeof "ONLY ";
    s->from = malloc(n);
    s->name = strndup(s->relation->name.p, s->relation->name.n);
    if (s->from == NULL || s->name == NULL)
        return err_no_memory(e);
    snprintf(s->from, n, "%s%s", pg_cell(rows, 0, KIND)[0] == 'p' ? "" : "ONLY ", pg_cell(rows, 0, QUOTED));
    s->key.rows = strtoull(pg_cell(rows, 0, ROWS), NULL, 10);
    return true;
}

bool scan_load(struct scan *s, struct pg_client *client, struct catalog *catalog,
               const struct capture *capture, const struct scan_wish *wish, notice_fn *dropped, struct err *e)
{
    struct buf sql;
    struct pg_rows *rows = NULL;
    *s = (struct scan){.oid = wish->oid};
    buf_init(&sql, 16384);
    buf_init(&s->select, SQL_MAX);
    buf_init(&s->order, SQL_MAX);
    buf_init(&s->columns, SQL_MAX);
    bool ok = catalog_reload_table(catalog, client, wish->oid, e) && write_query(wish, client, &sql, e) &&
              pg_query(client, buf_cstr(&sql), 0, NULL, &rows, NULL, e);
    buf_release(&sql);
    for (int i = 0; ok && i < pg_row_count(rows); i++)
        if (!catalog_has_type(catalog, (uint32_t)strtoul(pg_cell(rows, i, TYPE), NULL, 10))) {
            ok = catalog_load_types(catalog, client, e);
            break;
        }
    bool columns = ok && pg_row_count(rows) != 0;
    ok = ok && (!columns || compile(s, rows, catalog, capture, dropped, e));
    if (ok && columns) {
        forget_unordered_key(s);
        ok = take_names(s, rows, e) && take_conditions(s, pg_cell(rows, 0, ROW_FILTER), wish->where, e) &&
             write_select(s, rows, e) && write_key(s, rows, e);
    }
    pg_rows_free(rows);
    return ok || err_wrap(e, "cannot describe the table");
}

void scan_release(struct scan *s)
{
    relations_release(&s->relations);
    free(s->name);
    free(s->from);
    free(s->where);
    free(s->field);
    buf_release(&s->select);
    buf_release(&s->order);
    buf_release(&s->columns);
    *s = (struct scan){0};
}

void scan_write_copy(const struct scan *s, const char *low, const char *high, struct buf *sql)
{
    const char *joint = " WHERE ";
    buf_lit(sql, "COPY (SELECT ");
    buf_span(sql, buf_view(&s->select));
    buf_lit(sql, " FROM ");
    buf_str(sql, s->from);
    if (low != NULL) {
        buf_str(sql, joint);
        buf_span(sql, buf_view(&s->order));
        buf_lit(sql, " > ");
        buf_str(sql, low);
        joint = " AND ";
    }
    if (high != NULL) {
        buf_str(sql, joint);
        buf_span(sql, buf_view(&s->order));
        buf_lit(sql, " <= ");
        buf_str(sql, high);
        joint = " AND ";
    }
    if (s->where != NULL) {
        buf_str(sql, joint);
        buf_printf(sql, "(%s)", s->where);
    }
    if (s->key.n != 0) {
        buf_lit(sql, " ORDER BY ");
        // Without the parentheses: a row's order is no index's.
        buf_bytes(sql, s->order.p + 1, s->order.n - 2);
    }
    buf_lit(sql, ") TO STDOUT (FORMAT binary)");
}

bool scan_write_border(const struct scan *s, struct pg_client *c, const char *border, struct buf *key_text,
                       struct buf *sql, struct err *e)
{
    struct buf value;
    struct key k;
    bool ok = (key_read(span_of(border), key_text, &k) && k.n == s->key.n) ||
              err_set(e, STATUS_DATA, "%s is no key of the table", border);
    buf_init(&value, 1u << 20);
    for (size_t i = 0; ok && i < k.n; i++) {
        buf_reset(&value);
        buf_span(&value, k.at[i]);
        buf_char(sql, i == 0 ? '(' : ',');
        ok = pg_quote_literal(c, buf_cstr(&value), sql, e);
    }
    buf_char(sql, ')');
    buf_release(&value);
    return ok;
}
