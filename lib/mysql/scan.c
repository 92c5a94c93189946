#include "mysql/scan.h"

#include "event/json.h"
#include "mysql/catalog_load.h"
#include "mysql/cell.h"
#include "mysql/row_key.h"

#include <stdio.h>
#include <stdlib.h>

// Names, and the definitions of ENUM columns, of one table.
#define TEXT_MAX_BYTES (64u << 20)

void my_scan_release(struct my_scan *s)
{
    my_relation_release(&s->relation);
    my_catalog_release(&s->catalog);
    buf_release(&s->from);
    buf_release(&s->select);
    buf_release(&s->order);
    buf_release(&s->columns);
    free(s->where);
    *s = (struct my_scan){0};
}

// ---- types

static uint8_t wire_of(const char *type)
{
    static const struct {
        const char *name;
        uint8_t wire;
    } known[] = {
        {"tinyint", MY_TINY},
        {"smallint", MY_SHORT},
        {"mediumint", MY_INT24},
        {"int", MY_LONG},
        {"bigint", MY_LONGLONG},
        {"float", MY_FLOAT},
        {"double", MY_DOUBLE},
        {"decimal", MY_NEWDECIMAL},
        {"bit", MY_BIT},
        {"year", MY_YEAR},
        {"date", MY_DATE},
        {"time", MY_TIME2},
        {"datetime", MY_DATETIME2},
        {"timestamp", MY_TIMESTAMP2},
        {"enum", MY_ENUM},
        {"set", MY_SET},
        {"json", MY_JSON},
        {"char", MY_STRING},
        {"binary", MY_STRING},
        {"uuid", MY_STRING},
        {"inet4", MY_STRING},
        {"inet6", MY_STRING},
        {"varchar", MY_VARCHAR},
        {"varbinary", MY_VARCHAR},
        {"tinytext", MY_BLOB},
        {"text", MY_BLOB},
        {"mediumtext", MY_BLOB},
        {"longtext", MY_BLOB},
        {"tinyblob", MY_BLOB},
        {"blob", MY_BLOB},
        {"mediumblob", MY_BLOB},
        {"longblob", MY_BLOB},
        {"geometry", MY_GEOMETRY},
        {"point", MY_GEOMETRY},
        {"linestring", MY_GEOMETRY},
        {"polygon", MY_GEOMETRY},
        {"multipoint", MY_GEOMETRY},
        {"multilinestring", MY_GEOMETRY},
        {"multipolygon", MY_GEOMETRY},
        {"geometrycollection", MY_GEOMETRY},
        {"vector", MY_VECTOR},
        {"geomcollection", MY_GEOMETRY},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, type) == 0)
            return known[i].wire;
    return 0;
}

static unsigned number(const char *cell)
{
    return cell != NULL ? (unsigned)strtoul(cell, NULL, 10) : 0;
}

enum { NAME, TYPE, DEFINITION, NULLABLE, OCTETS, PRECISION, SCALE, FRACTION };

// What the log's metadata says of the type.
static uint16_t meta_of(const struct my_rows *rows, size_t i, uint8_t wire)
{
    switch (wire) {
    case MY_NEWDECIMAL:
        return (uint16_t)(number(my_cell(rows, i, PRECISION)) << 8 | number(my_cell(rows, i, SCALE)));
    case MY_BIT:
        return (uint16_t)number(my_cell(rows, i, PRECISION));
    case MY_TIME2:
    case MY_DATETIME2:
    case MY_TIMESTAMP2:
        return (uint16_t)number(my_cell(rows, i, FRACTION));
    case MY_STRING:
    case MY_VARCHAR:
        return (uint16_t)number(my_cell(rows, i, OCTETS));
    default:
        return 0;
    }
}

// ---- the labels of enum('a','it''s','\\'), each behind its packed length

static const char *take_label(const char *p, struct buf *label)
{
    buf_reset(label);
    for (p++; *p != '\0' && !(p[0] == '\'' && p[1] != '\''); p++) {
        char c = *p;
        if (c == '\'') {
            p++;
        } else if (c == '\\' && p[1] != '\0') {
            c = *++p;
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == '0' ? '\0' : c == 'Z' ? '\x1a' : c;
        }
        buf_char(label, c);
    }
    return *p == '\'' ? p + 1 : p;
}

static uint32_t put_labels(const char *definition, struct buf *body)
{
    struct buf label;
    uint32_t n = 0;
    buf_init(&label, TEXT_MAX_BYTES);
    for (const char *p = strchr(definition, '\''); p != NULL && *p == '\''; p += *p == ',', n++) {
        p = take_label(p, &label);
        buf_char(body, (char)0xfd);
        for (int shift = 0; shift < 24; shift += 8)
            buf_char(body, (char)(label.n >> shift & 0xff));
        buf_span(body, buf_view(&label));
    }
    buf_release(&label);
    return n;
}

// ---- the map

// A span of the body, an offset until the body is whole.
static struct span put_text(struct buf *body, struct span text)
{
    struct span at = {(const char *)body->n, text.n};
    buf_span(body, text);
    return at;
}

static void settle(struct span *s, const struct buf *body)
{
    s->p = body->p + (size_t)s->p;
}

static bool put_column(struct table_map *map, const struct my_rows *rows, size_t i, struct err *e)
{
    const char *name = my_cell(rows, i, NAME), *type = my_cell(rows, i, TYPE);
    const char *definition = my_cell(rows, i, DEFINITION);
    struct table_column *column = &map->column[i];
    column->type = wire_of(type);
    if (column->type == 0)
        return err_set(e, STATUS_DATA, "column %.200s is of type %.200s, which is not known here", name,
                       type);
    column->meta = meta_of(rows, i, column->type);
    column->nullable = strcmp(my_cell(rows, i, NULLABLE), "YES") == 0;
    column->is_unsigned = strstr(definition, "unsigned") != NULL || strstr(definition, "zerofill") != NULL;
    column->geometry = strcmp(type, "point") == 0;
    column->name = put_text(&map->body, span_of(name));
    if (column->type == MY_ENUM || column->type == MY_SET) {
        column->is_unsigned = false;
        column->labels.p = (const char *)map->body.n;
        column->n_labels = put_labels(definition, &map->body);
        column->labels.n = map->body.n - (size_t)column->labels.p;
    }
    map->n_json += column->type == MY_JSON;
    return true;
}

static bool fill_map(struct table_map *map, const struct my_rows *rows, struct span db, struct span table,
                     struct err *e)
{
    map->n = my_row_count(rows);
    if (map->n == 0 || map->n > TABLE_MAX_COLUMNS)
        return err_set(e, STATUS_PEER, "the table was dropped while it was looked at");
    map->column = calloc(map->n, sizeof *map->column);
    map->key = calloc(map->n, sizeof *map->key);
    if (map->column == NULL || map->key == NULL)
        return err_no_memory(e);
    map->db = put_text(&map->body, db);
    map->name = put_text(&map->body, table);
    map->has_names = true;
    for (size_t i = 0; i < map->n; i++)
        if (!put_column(map, rows, i, e))
            return false;
    if (!buf_ok(&map->body, "the table's description", e))
        return false;
    settle(&map->db, &map->body);
    settle(&map->name, &map->body);
    for (size_t i = 0; i < map->n; i++) {
        settle(&map->column[i].name, &map->body);
        settle(&map->column[i].labels, &map->body);
    }
    return true;
}

// ---- asking the server

struct load {
    struct my_scan *s;
    struct my_client *view, *sql;
    struct span db, table;
    char db_text[1024], table_text[1024];
    struct buf text;
    struct table_map map;
};

// Begins a query of the table in information_schema.
static bool ask(struct load *l, const char *select, const char *order, struct my_rows **rows, struct err *e)
{
    buf_reset(&l->text);
    buf_str(&l->text, select);
    buf_lit(&l->text, " WHERE TABLE_SCHEMA = ");
    bool ok = my_quote_literal(l->sql, l->db_text, &l->text, e);
    buf_lit(&l->text, " AND TABLE_NAME = ");
    ok = ok && my_quote_literal(l->sql, l->table_text, &l->text, e);
    buf_str(&l->text, order);
    return ok && my_query(l->sql, buf_cstr(&l->text), rows, NULL, e);
}

static bool load_columns(struct load *l, struct err *e)
{
    struct my_rows *rows;
    if (!ask(l,
             "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_OCTET_LENGTH, "
             "NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION FROM information_schema.COLUMNS",
             " ORDER BY ORDINAL_POSITION", &rows, e))
        return false;
    bool ok = fill_map(&l->map, rows, l->db, l->table, e);
    my_rows_free(rows);
    return ok;
}

// *whole: no part of the key is a column's beginning alone.
static bool load_key(struct load *l, bool *whole, struct err *e)
{
    struct my_rows *rows;
    if (!ask(l, "SELECT COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS",
             " AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX", &rows, e))
        return false;
    *whole = true;
    for (size_t k = 0; k < my_row_count(rows); k++) {
        *whole = *whole && my_cell(rows, k, 1) == NULL;
        for (size_t i = 0; i < l->map.n; i++)
            if (l->map.n_key < l->map.n && span_is(l->map.column[i].name, my_cell(rows, k, 0)))
                l->map.key[l->map.n_key++] = (uint16_t)i;
    }
    my_rows_free(rows);
    return true;
}

static bool load_table(struct load *l, struct err *e)
{
    struct my_rows *rows;
    if (!ask(l, "SELECT ENGINE, TABLE_ROWS, AVG_ROW_LENGTH FROM information_schema.TABLES", "", &rows, e))
        return false;
    const char *engine = my_cell(rows, 0, 0), *count = my_cell(rows, 0, 1);
    const char *average = my_cell(rows, 0, 2);
    l->s->transactional = engine != NULL && strcmp(engine, "InnoDB") == 0;
    l->s->key.rows = count != NULL ? strtoull(count, NULL, 10) : 0;
    l->s->row_bytes = average != NULL ? strtoull(average, NULL, 10) : 0;
    my_rows_free(rows);
    return true;
}

// The key, if the client knows the order of all its columns.
static void take_key(struct load *l, bool whole)
{
    struct my_scan *s = l->s;
    const struct my_catalog_table *facts = my_catalog_table(&s->catalog, l->db, l->table);
    const struct table_map *map = &l->map;
    for (size_t i = 0; whole && i < map->n_key; i++) {
        const struct table_column *column = &map->column[map->key[i]];
        const struct my_catalog_column *fact = my_catalog_column(facts, column->name);
        enum key_kind kind = my_key_kind(column);
        whole = kind != KEY_NONE && i < KEY_MAX_COLUMNS && (fact == NULL || fact->hint == MY_HINT_NONE);
        if (whole)
            s->key.kind[i] = kind;
        buf_char(&s->columns, i == 0 ? '[' : ',');
        json_quote(&s->columns, column->name);
    }
    buf_char(&s->columns, ']');
    s->key.n = whole ? map->n_key : 0;
}

static void write_from(struct load *l, struct buf *sql)
{
    my_quote_name(l->db, sql);
    buf_char(sql, '.');
    my_quote_name(l->table, sql);
}

static void write_parts(struct load *l)
{
    struct buf *sql = &l->s->select, name;
    buf_init(&name, 4096);
    write_from(l, &l->s->from);
    if (l->map.n_key != 0) // or it may sort
        buf_lit(&l->s->from, " FORCE INDEX (PRIMARY)");
    for (size_t i = 0; i < l->map.n; i++) {
        buf_reset(&name);
        my_quote_name(l->map.column[i].name, &name);
        if (i != 0)
            buf_lit(sql, ", ");
        my_cell_select(&l->map.column[i], buf_view(&name), sql);
    }
    for (size_t i = 0; i < l->map.n_key; i++) {
        buf_str(&l->s->order, i == 0 ? "" : ", ");
        my_quote_name(l->map.column[l->map.key[i]].name, &l->s->order);
    }
    buf_release(&name);
}

// Each column's collation, which is its character set's, is told with a result alone, by number.
static bool load_collations(struct load *l, struct err *e)
{
    struct buf sql;
    struct span cell[1];
    buf_init(&sql, TEXT_MAX_BYTES);
    for (size_t i = 0; i < l->map.n; i++) {
        buf_str(&sql, i == 0 ? "SELECT " : ", ");
        my_quote_name(l->map.column[i].name, &sql);
    }
    buf_lit(&sql, " FROM ");
    write_from(l, &sql);
    buf_lit(&sql, " LIMIT 0");
    bool ok = my_select(l->view, buf_cstr(&sql), NULL, e);
    for (size_t i = 0; ok && i < l->map.n; i++) {
        struct table_column *column = &l->map.column[i];
        bool has_labels = column->type == MY_ENUM || column->type == MY_SET;
        // The labels came as UTF-8: utf8mb4_general_ci.
        column->collation = has_labels ? 45 : my_selected_collation(l->view, (unsigned)i);
    }
    ok = ok && my_fetch(l->view, cell, 0, e) == MY_END;
    buf_release(&sql);
    return ok;
}

static bool load(struct load *l, const char *where, const struct capture *capture, struct my_writing *w,
                 struct err *e)
{
    struct my_scan *s = l->s;
    bool whole;
    if (!load_columns(l, e) || !load_key(l, &whole, e) || !load_table(l, e) || !load_collations(l, e) ||
        !my_catalog_load(&s->catalog, l->sql, l->db, l->table, e) ||
        (w->schemas && !my_catalog_load_defaults(&s->catalog, l->sql, l->db, l->table, e)))
        return false;
    s->where = where != NULL ? strdup(where) : NULL;
    if (where != NULL && s->where == NULL)
        return err_no_memory(e);
    write_parts(l);
    take_key(l, whole);
    return buf_ok(&s->select, "the query", e) && buf_ok(&s->columns, "the key's columns", e) &&
           my_relation_of_map(&s->relation, &l->map, &s->catalog, capture, w, e);
}

bool my_scan_load(struct my_scan *s, struct my_client *view, struct my_client *sql, struct span db,
                  struct span table, const char *where, const struct capture *capture, struct my_writing *w,
                  struct err *e)
{
    struct load l = {.s = s, .view = view, .sql = sql, .db = db, .table = table};
    *s = (struct my_scan){0};
    struct buf *parts[] = {&s->from, &s->select, &s->order, &s->columns};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        buf_init(parts[i], TEXT_MAX_BYTES);
    buf_init(&l.text, TEXT_MAX_BYTES);
    buf_init(&l.map.body, TEXT_MAX_BYTES);
    snprintf(l.db_text, sizeof l.db_text, "%.*s", SPAN_ARG(db));
    snprintf(l.table_text, sizeof l.table_text, "%.*s", SPAN_ARG(table));
    bool ok = load(&l, where, capture, w, e);
    buf_release(&l.text);
    table_map_release(&l.map);
    return ok;
}

bool my_scan_map(struct table_map *map, struct my_client *sql, struct span db, struct span table,
                 struct err *e)
{
    struct load l = {.sql = sql, .db = db, .table = table};
    buf_init(&l.text, TEXT_MAX_BYTES);
    buf_init(&l.map.body, TEXT_MAX_BYTES);
    snprintf(l.db_text, sizeof l.db_text, "%.*s", SPAN_ARG(db));
    snprintf(l.table_text, sizeof l.table_text, "%.*s", SPAN_ARG(table));
    bool whole, ok = load_columns(&l, e) && load_key(&l, &whole, e);
    buf_release(&l.text);
    *map = l.map;
    return ok;
}

// ---- queries

static bool read_border(const struct my_scan *s, const char *border, struct buf *text, struct key *k,
                        struct err *e)
{
    return (key_read(span_of(border), text, k) && k->n == s->key.n) ||
           err_set(e, STATUS_DATA, "%s is no key of the table", border);
}

// Column i and those behind it against the border: (`a` > 1 OR (`a` = 1 AND (`b` > 2))). The servers find no
// range of an index in a comparison of rows.
static bool write_comparison(const struct my_scan *s, const struct key *k, const char *strict,
                             const char *last, struct buf *sql)
{
    bool ok = true;
    for (size_t i = 0; ok && i < k->n; i++) {
        const struct table_column *column = &s->relation.map.column[s->relation.map.key[i]];
        buf_char(sql, '(');
        my_quote_name(column->name, sql);
        buf_str(sql, i + 1 == k->n ? last : strict);
        ok = my_key_literal(column, k->at[i], sql);
        if (i + 1 < k->n) {
            buf_lit(sql, " OR (");
            my_quote_name(column->name, sql);
            buf_lit(sql, " = ");
            ok = ok && my_key_literal(column, k->at[i], sql);
            buf_lit(sql, " AND ");
        }
    }
    for (size_t i = 0; i < 2 * k->n - 1; i++)
        buf_char(sql, ')');
    return ok;
}

static bool write_border(const struct my_scan *s, const char *border, const char *strict, const char *last,
                         struct buf *key_text, const char **joint, struct buf *sql, struct err *e)
{
    struct key k;
    if (border == NULL)
        return true;
    buf_str(sql, *joint);
    *joint = " AND ";
    return read_border(s, border, key_text, &k, e) &&
           (write_comparison(s, &k, strict, last, sql) ||
            err_set(e, STATUS_DATA, "%s is no key of the table", border));
}

bool my_scan_write_select(const struct my_scan *s, const char *low, const char *high, struct buf *key_text,
                          struct buf *sql, struct err *e)
{
    const char *joint = " WHERE ";
    buf_lit(sql, "SELECT ");
    buf_span(sql, buf_view(&s->select));
    buf_lit(sql, " FROM ");
    buf_span(sql, buf_view(&s->from));
    if (!write_border(s, low, " > ", " > ", key_text, &joint, sql, e) ||
        !write_border(s, high, " < ", " <= ", key_text, &joint, sql, e))
        return false;
    if (s->where != NULL)
        buf_printf(sql, "%s(%s)", joint, s->where);
    if (s->order.n != 0) {
        buf_lit(sql, " ORDER BY ");
        buf_span(sql, buf_view(&s->order));
    }
    return buf_ok(sql, "the query", e);
}

bool my_scan_write_walk(const struct my_scan *s, const char *after, uint64_t n, struct buf *key_text,
                        struct buf *sql, struct err *e)
{
    const char *joint = " WHERE ";
    struct span order = buf_view(&s->order);
    buf_printf(sql, "SELECT %.*s FROM %.*s", SPAN_ARG(order), SPAN_ARG(buf_view(&s->from)));
    if (!write_border(s, after, " > ", " > ", key_text, &joint, sql, e))
        return false;
    buf_printf(sql, " ORDER BY %.*s LIMIT %llu, 1", SPAN_ARG(order), (unsigned long long)(n - 1));
    return buf_ok(sql, "the query", e);
}

bool my_scan_write_extent(const struct my_scan *s, const char *after, struct buf *key_text, struct buf *sql,
                          struct err *e)
{
    const char *joint = " WHERE ";
    struct span order = buf_view(&s->order);
    buf_printf(sql, "SELECT min(%.*s), max(%.*s) FROM %.*s", SPAN_ARG(order), SPAN_ARG(order),
               SPAN_ARG(buf_view(&s->from)));
    return write_border(s, after, " > ", " > ", key_text, &joint, sql, e) && buf_ok(sql, "the query", e);
}
