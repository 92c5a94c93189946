#include "mysql/relation.h"

#include "event/json.h"
#include "mysql/catalog.h"
#include "mysql/cell.h"
#include "mysql/type_value.h"

#include <stdlib.h>

#define TEXT_MAX_BYTES (16u << 20)
// Table numbers are given anew by the server with each of its starts and of a table's definitions: the cache
// begins again when it has so many.
#define RELATIONS_MAX 4096

void my_relation_release(struct my_relation *r)
{
    for (size_t i = 0; r->column != NULL && i < r->map.n; i++)
        my_type_release(&r->column[i].type);
    free(r->column);
    free(r->key);
    buf_release(&r->text);
    table_map_release(&r->map);
    *r = (struct my_relation){0};
}

void my_relations_release(struct my_relations *r)
{
    for (size_t i = 0; i < r->size; i++)
        my_relation_release(&r->at[i]);
    free(r->at);
    *r = (struct my_relations){0};
}

void my_relations_trim(struct my_relations *r)
{
    if (r->n >= RELATIONS_MAX)
        my_relations_release(r);
}

// The table's slot, or the free one where it belongs. There is always a free one.
static struct my_relation *slot_of(const struct my_relations *r, uint64_t id)
{
    size_t i = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (r->size - 1);
    while (r->at[i].id != 0 && r->at[i].id != id)
        i = (i + 1) & (r->size - 1);
    return &r->at[i];
}

struct my_relation *my_relations_find(const struct my_relations *r, uint64_t id)
{
    if (r->size == 0 || id == 0)
        return NULL;
    struct my_relation *found = slot_of(r, id);
    return found->id == id ? found : NULL;
}

static bool grow(struct my_relations *r, struct err *e)
{
    struct my_relations old = *r;
    r->size = old.size == 0 ? 64 : old.size * 2;
    r->at = calloc(r->size, sizeof *r->at);
    if (r->at == NULL) {
        *r = old;
        return err_no_memory(e);
    }
    for (size_t i = 0; i < old.size; i++)
        if (old.at[i].id != 0)
            *slot_of(r, old.at[i].id) = old.at[i];
    free(old.at);
    return true;
}

// Spans of the text that is being written would move with it, so while it grows they hold offsets.
static struct span mark(const struct buf *b, size_t from)
{
    return (struct span){(const char *)from, b->n - from};
}

static void settle(struct span *s, const struct buf *b)
{
    s->p = b->p + (size_t)s->p;
}

static void write_names(struct my_relation *r, struct span db, struct span name, const char *snapshot,
                        const struct capture *capture)
{
    struct buf *b = &r->text;
    buf_init(b, TEXT_MAX_BYTES);
    buf_span(b, db);
    buf_char(b, '.');
    buf_span(b, name);
    r->name = mark(b, 0);
    size_t from = b->n;
    buf_str(b, capture->topic_prefix);
    buf_str(b, capture->topic_delimiter);
    topic_write(b, db);
    buf_str(b, capture->topic_delimiter);
    topic_write(b, name);
    r->topic = mark(b, from);
    from = b->n;
    buf_lit(b, ",\"snapshot\":\"");
    buf_str(b, snapshot);
    buf_lit(b, "\",\"db\":");
    json_quote(b, db);
    buf_lit(b, ",\"sequence\":null,\"ts_us\":");
    r->source_db = mark(b, from);
    from = b->n;
    buf_lit(b, ",\"table\":");
    json_quote(b, name);
    buf_lit(b, ",\"server_id\":");
    r->source_table = mark(b, from);
}

// ---- what a schema tells beside the type

// A default of bits comes as its digits.
static bool write_bits(const struct my_type *t, struct span digits, struct my_writing *w, struct buf *out,
                       struct err *e)
{
    char bytes[8];
    uint64_t v = 0;
    size_t n = (t->length + 7u) / 8;
    for (size_t i = 0; i < digits.n; i++)
        v = v << 1 | (digits.p[i] == '1');
    for (size_t i = n; i-- > 0; v >>= 8)
        bytes[i] = (char)(v & 0xff);
    return my_type_write(t, (struct span){bytes, n}, w, out, e);
}

static bool write_fallback(const struct my_type *t, struct span text, struct my_writing *w, struct buf *out,
                           struct err *e)
{
    switch (t->form) {
    case MY_FORM_TEXT:
    case MY_FORM_ENUM:
    case MY_FORM_SET:
        json_quote(out, text);
        return true;
    case MY_FORM_BIT:
    case MY_FORM_BITS:
        return write_bits(t, text, w, out, e);
    default:
        return my_cell_write(t, text, w, out, e);
    }
}

// A default that cannot be read, as one that the catalog has of another time, is none.
static void put_fallback(struct my_relation *r, struct my_relation_column *column,
                         const struct my_catalog_column *fact, struct my_writing *w)
{
    struct my_type type = column->type;
    size_t from = r->text.n;
    struct err ignored;
    type.rule = NULL;
    if (fact == NULL || fact->fallback == NULL ||
        (fact->now && type.form == MY_FORM_TIMESTAMP && type.nullable)) // as in Debezium
        return;
    if (!write_fallback(&type, span_of(fact->fallback), w, &r->text, &ignored) ||
        span_is((struct span){r->text.p + from, r->text.n - from}, "null"))
        r->text.n = from;
    column->fallback = mark(&r->text, from);
}

// As Debezium joins them: a comma within a label has a backslash in front.
static void put_allowed(struct my_relation *r, struct my_relation_column *column)
{
    size_t from = r->text.n;
    struct buf quoted, label;
    buf_init(&quoted, TEXT_MAX_BYTES);
    buf_init(&label, TEXT_MAX_BYTES);
    for (size_t i = 0; i < column->type.n_labels; i++) {
        buf_reset(&quoted);
        buf_reset(&label);
        buf_char(&quoted, '"');
        buf_span(&quoted, column->type.label[i]);
        buf_char(&quoted, '"');
        r->text.bad = r->text.bad || !json_unquote(buf_view(&quoted), &label) || label.bad;
        if (i != 0)
            buf_char(&r->text, ',');
        for (size_t k = 0; k < label.n; k++) {
            if (label.p[k] == ',')
                buf_char(&r->text, '\\');
            buf_char(&r->text, label.p[k]);
        }
    }
    column->allowed = mark(&r->text, from);
    buf_release(&quoted);
    buf_release(&label);
}

static bool put_column(struct my_relation *r, size_t i, const struct my_catalog_table *facts,
                       const struct capture *capture, struct my_writing *w, struct err *e)
{
    const struct table_column *logged = &r->map.column[i];
    struct my_relation_column *column = &r->column[i];
    struct span table = {r->text.p, r->name.n}; // r->name itself is still an offset
    const struct my_catalog_column *fact = my_catalog_column(facts, logged->name);
    const struct column_rule *rule = capture_rule(capture, table, logged->name);
    size_t from = r->text.n;
    buf_char(&r->text, ',');
    json_quote(&r->text, logged->name);
    buf_char(&r->text, ':');
    column->member = mark(&r->text, from);
    column->in_value = captures_column(capture, table, logged->name);
    if (!my_type_resolve(&column->type, logged, fact != NULL ? fact->hint : MY_HINT_NONE, rule, w, e))
        return err_wrap(e, "column %.*s", SPAN_ARG(logged->name));
    column->fallback = column->allowed = mark(&r->text, r->text.n);
    if (w->schemas) {
        put_fallback(r, column, fact, w);
        put_allowed(r, column);
    }
    return true;
}

// Puts column i at its place in the key, from 1.
static void put_key(struct my_relation *r, size_t place, size_t i)
{
    if (place == 0 || place > r->map.n)
        return;
    r->key[place - 1] = (uint16_t)i;
    if (place > r->n_key)
        r->n_key = place;
}

// A key with a hole is none: the catalog is of another time than the log.
static bool has_hole(const struct my_relation *r)
{
    for (size_t i = 0; i < r->n_key; i++)
        if (r->key[i] == UINT16_MAX)
            return true;
    return false;
}

// Of the row's own key: where the column stands in it, from 1, or 0. The log tells the primary key; where
// there is none, the catalog a unique index.
static size_t row_key_place(const struct my_relation *r, const struct my_catalog_table *facts, size_t column)
{
    for (size_t i = 0; i < r->map.n_key; i++)
        if (r->map.key[i] == column)
            return i + 1;
    if (r->map.n_key != 0)
        return 0;
    const struct my_catalog_column *fact = my_catalog_column(facts, r->map.column[column].name);
    return fact != NULL && fact->key > 0 ? (size_t)fact->key : 0;
}

static bool is_in_key(const struct my_relation *r, size_t column)
{
    for (size_t i = 0; i < r->n_key; i++)
        if (r->key[i] == column)
            return true;
    return false;
}

static bool is_unique(const struct my_relation *r, const struct my_catalog_table *facts)
{
    bool any = false;
    for (size_t i = 0; i < r->map.n; i++) {
        if (row_key_place(r, facts, i) == 0)
            continue;
        if (!is_in_key(r, i))
            return false;
        any = true;
    }
    return any;
}

// The columns that the command line names, in its order.
static void find_named_key(struct my_relation *r, const struct capture *capture)
{
    struct span table = {r->text.p, r->name.n};
    for (size_t rule = 1; rule <= capture->rules.n_key; rule++)
        for (size_t i = 0; i < r->map.n; i++)
            if (capture_key(capture, table, r->map.column[i].name) == rule)
                put_key(r, r->n_key + 1, i);
}

// What the command line says; else the primary key, which the log tells; else the unique index that the
// catalog tells.
static void find_key(struct my_relation *r, const struct my_catalog_table *facts,
                     const struct capture *capture)
{
    find_named_key(r, capture);
    if (r->n_key != 0) {
        r->not_unique = !is_unique(r, facts);
        return;
    }
    for (size_t i = 0; i < r->map.n; i++)
        put_key(r, row_key_place(r, facts, i), i);
    if (has_hole(r))
        r->n_key = 0;
}

static void settle_all(struct my_relation *r)
{
    settle(&r->name, &r->text);
    settle(&r->topic, &r->text);
    settle(&r->source_db, &r->text);
    settle(&r->source_table, &r->text);
    for (size_t i = 0; i < r->map.n; i++) {
        settle(&r->column[i].member, &r->text);
        settle(&r->column[i].fallback, &r->text);
        settle(&r->column[i].allowed, &r->text);
    }
}

void my_relation_of_name(struct my_relation *r, struct span db, struct span name,
                         const struct capture *capture)
{
    *r = (struct my_relation){0};
    write_names(r, db, name, "false", capture);
    settle_all(r);
}

static bool check_names(const struct my_relation *r, struct err *e)
{
    if (r->map.has_names)
        return true;
    err_set(e, STATUS_USAGE,
            "the log does not name the columns: it was written with binlog_row_metadata=MINIMAL");
    return err_hint(e, "SET PERSIST binlog_row_metadata = 'FULL' (MariaDB: SET GLOBAL, and in the server's "
                       "configuration), and start behind what was written before; or --metadata catalog");
}

static bool compile(struct my_relation *r, const char *snapshot, const struct my_catalog *catalog,
                    const struct capture *capture, struct my_writing *w, struct err *e)
{
    r->captured = captures(capture, r->map.db, r->map.name);
    write_names(r, r->map.db, r->map.name, snapshot, capture);
    r->column = calloc(r->map.n, sizeof *r->column);
    r->key = malloc(r->map.n * sizeof *r->key);
    if (r->column == NULL || r->key == NULL)
        return err_no_memory(e);
    memset(r->key, 0xff, r->map.n * sizeof *r->key);
    const struct my_catalog_table *facts =
        catalog != NULL ? my_catalog_table(catalog, r->map.db, r->map.name) : NULL;
    // Of a table that is not captured the rows are only counted.
    if (r->captured && !check_names(r, e))
        return false;
    for (size_t i = 0; r->captured && i < r->map.n; i++)
        if (!put_column(r, i, facts, capture, w, e))
            return false;
    if (r->captured)
        find_key(r, facts, capture);
    if (!buf_ok(&r->text, "the table's description", e))
        return false;
    settle_all(r);
    return true;
}

bool my_relation_of_map(struct my_relation *r, struct table_map *owned_map, const struct my_catalog *catalog,
                        const struct capture *capture, struct my_writing *w, struct err *e)
{
    *r = (struct my_relation){.map = *owned_map};
    *owned_map = (struct table_map){0};
    return compile(r, "true", catalog, capture, w, e);
}

bool my_relation_is(const struct my_relation *r, const struct binlog_event *ev)
{
    return span_eq(buf_view(&r->map.body), ev->body);
}

bool my_relations_put(struct my_relations *r, struct table_map *owned_map, const struct my_catalog *catalog,
                      const struct capture *capture, struct my_writing *w, struct my_relation **relation,
                      struct err *e)
{
    struct my_relation fresh = {.map = *owned_map, .id = owned_map->id};
    *owned_map = (struct table_map){0};
    bool ok = fresh.id != 0 || err_set(e, STATUS_DATA, "a table map has the number 0");
    if (!ok || !compile(&fresh, "false", catalog, capture, w, e) || (r->n * 2 >= r->size && !grow(r, e))) {
        ok = ok && err_wrap(e, "table %.*s.%.*s", SPAN_ARG(fresh.map.db), SPAN_ARG(fresh.map.name));
        my_relation_release(&fresh);
        return false;
    }
    struct my_relation *slot = slot_of(r, fresh.id);
    if (slot->id == 0)
        r->n++;
    my_relation_release(slot);
    *slot = fresh;
    *relation = slot;
    return true;
}
