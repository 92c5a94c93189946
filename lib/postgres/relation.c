#include "postgres/relation.h"

#include "event/json.h"

#include <stdlib.h>

// Names are at most 63 bytes each; a default may be long, and a table has up to 1600 columns.
#define TEXT_MAX (16u << 20)
#define TOLD_MAX (1u << 20)

static void release(struct relation *r)
{
    free(r->column);
    free(r->key);
    free(r->row_key);
    buf_release(&r->text);
    *r = (struct relation){0};
}

void relations_clear(struct relations *r)
{
    for (size_t i = 0; i < r->size; i++)
        release(&r->at[i]);
    free(r->at);
    r->at = NULL;
    r->n = r->size = 0;
}

void relations_release(struct relations *r)
{
    relations_clear(r);
    buf_release(&r->told);
}

// The oid's slot, or the free one where it belongs. There is always a free one.
static struct relation *slot_of(const struct relations *r, uint32_t oid)
{
    size_t i = oid * UINT32_C(2654435761) & (r->size - 1);
    while (r->at[i].oid != 0 && r->at[i].oid != oid)
        i = (i + 1) & (r->size - 1);
    return &r->at[i];
}

struct relation *relations_find(const struct relations *r, uint32_t oid)
{
    if (r->size == 0 || oid == 0)
        return NULL;
    struct relation *found = slot_of(r, oid);
    return found->oid == oid ? found : NULL;
}

static bool grow(struct relations *r, struct err *e)
{
    struct relations old = *r;
    r->size = old.size == 0 ? 64 : old.size * 2;
    r->at = calloc(r->size, sizeof *r->at);
    if (r->at == NULL) {
        *r = old;
        return err_no_memory(e);
    }
    for (size_t i = 0; i < old.size; i++)
        if (old.at[i].oid != 0)
            *slot_of(r, old.at[i].oid) = old.at[i];
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

static void write_names(struct relation *r, const struct pgo_relation *m, const struct capture *capture)
{
    struct buf *b = &r->text;
    buf_span(b, m->schema);
    buf_char(b, '.');
    buf_span(b, m->name);
    r->name = mark(b, 0);
    size_t from = b->n;
    buf_str(b, capture->topic_prefix);
    topic_write(b, span_of(capture->topic_delimiter));
    topic_write(b, m->schema);
    topic_write(b, span_of(capture->topic_delimiter));
    topic_write(b, m->name);
    r->topic = mark(b, from);
    from = b->n;
    buf_lit(b, ",\"schema\":");
    json_quote(b, m->schema);
    buf_lit(b, ",\"table\":");
    json_quote(b, m->name);
    buf_lit(b, ",\"txId\":");
    r->source = mark(b, from);
}

static bool write_absent(struct relation *r, struct relation_column *column,
                         const struct catalog_column *known, struct err *e)
{
    size_t from = r->text.n;
    bool ok = true;
    if (known == NULL || !known->not_null) {
        ok = pg_type_write_null(&column->type, &r->text, e);
    } else if (known->default_text == NULL ||
               !pg_type_write(&column->type, span_of(known->default_text), &r->text, e)) {
        r->text.n = from;
        ok = pg_type_write_zero(&column->type, &r->text, e);
    }
    column->absent = mark(&r->text, from);
    return ok;
}

// Types whose defaults Debezium puts into the schema.
static bool has_fallback(const struct pg_type *t)
{
    switch (t->form) {
    case PG_FORM_NONE:
    case PG_FORM_BYTEA:
    case PG_FORM_HSTORE:
    case PG_FORM_POINT:
    case PG_FORM_GEOMETRY:
    case PG_FORM_VECTOR:
    case PG_FORM_HALF_VECTOR:
    case PG_FORM_SPARSE_VECTOR:
    case PG_FORM_OPAQUE:
    case PG_FORM_MONEY:
        return false;
    default:
        return !t->is_array;
    }
}

// The default in the column's schema: a constant; of a function's result the type's zero. One that is null,
// or no value of the type, is none.
static void write_fallback(struct relation *r, struct relation_column *column,
                           const struct catalog_column *known)
{
    size_t from = r->text.n;
    const char *text = known == NULL                 ? NULL
                       : known->default_text != NULL ? known->default_text
                       : known->calls                ? pg_type_zero(&column->key_type)
                                                     : NULL;
    struct err ignored;
    column->fallback = mark(&r->text, from);
    if (text == NULL || !has_fallback(&column->key_type))
        return;
    if (!pg_type_write(&column->key_type, span_of(text), &r->text, &ignored) ||
        (r->text.n - from == 4 && memcmp(r->text.p + from, "null", 4) == 0))
        r->text.n = from;
    column->fallback = mark(&r->text, from);
}

static bool write_column(struct relation *r, size_t i, const struct pgo_column *m,
                         const struct catalog_column *known, const char *labels, struct err *e)
{
    struct relation_column *column = &r->column[i];
    size_t from = r->text.n;
    buf_char(&r->text, ',');
    json_quote(&r->text, m->name);
    buf_char(&r->text, ':');
    column->member = mark(&r->text, from);
    column->not_null = known != NULL && known->not_null;
    write_fallback(r, column, known);
    from = r->text.n;
    buf_str(&r->text, labels != NULL ? labels : "");
    column->labels = mark(&r->text, from);
    return write_absent(r, column, known, e);
}

static bool put_column(struct relation *r, size_t i, const struct pgo_column *m,
                       const struct catalog *catalog, const struct catalog_table *table,
                       const struct capture *capture, struct err *e)
{
    struct relation_column *column = &r->column[i];
    struct pg_type_info info = catalog_type(catalog, m->type);
    struct span table_name = {r->text.p, r->name.n}; // r->name itself is still an offset
    const struct column_rule *rule = capture_rule(capture, table_name, m->name);
    column->type = pg_type_resolve(&info, m->typmod, &capture->shape, rule);
    column->key_type = pg_type_resolve(&info, m->typmod, &capture->shape, NULL);
    column->in_identity = m->is_key;
    column->in_value = column->type.form != PG_FORM_NONE && captures_column(capture, table_name, m->name);
    return write_column(r, i, m, catalog_column(table, m->name), info.labels, e);
}

// Whether the notice is new; a table is described again after each DDL, and for each connection. With too
// many to remember they begin anew.
static bool is_news(struct buf *told, struct span notice)
{
    told->max_bytes = TOLD_MAX;
    for (struct span rest = buf_view(told); rest.n != 0;) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = (size_t)(end - rest.p);
        if (span_eq((struct span){rest.p, n}, notice))
            return false;
        rest.p += n + 1, rest.n -= n + 1;
    }
    if (!buf_room(told, notice.n + 1))
        buf_reset(told);
    buf_span(told, notice);
    buf_char(told, '\n');
    return true;
}

// One notice for a table: NAME (TYPE), NAME (TYPE) …
static void tell(const struct relation *r, const struct pgo_relation *m, const struct catalog *catalog,
                 const struct capture *capture, struct buf *told, notice_fn *notice, const char *what,
                 bool (*concerns)(const struct relation_column *column, const struct column_rule *rule))
{
    struct buf list;
    buf_init(&list, 1024); // a longer list is cut
    struct span table_name = {r->text.p, r->name.n};
    for (size_t i = 0; i < r->n; i++) {
        struct span name = m->column[i].name;
        if (!captures_column(capture, table_name, name) ||
            !concerns(&r->column[i], capture_rule(capture, table_name, name)))
            continue;
        struct pg_type_info info = catalog_type(catalog, m->column[i].type);
        buf_printf(&list, "%s%.*s (%s)", list.n == 0 ? "" : ", ", SPAN_ARG(name),
                   info.name != NULL ? info.name : "unknown");
    }
    struct buf text;
    buf_init(&text, 2048);
    buf_printf(&text, "table %.*s: %s: %.*s", SPAN_ARG(table_name), what, SPAN_ARG(buf_view(&list)));
    if (list.n != 0 && is_news(told, buf_view(&text)))
        notice("%.*s", SPAN_ARG(buf_view(&text)));
    buf_release(&text);
    buf_release(&list);
}

static bool is_dropped(const struct relation_column *column, const struct column_rule *rule)
{
    (void)rule;
    return column->type.form == PG_FORM_NONE;
}

static bool is_out_of_reach(const struct relation_column *column, const struct column_rule *rule)
{
    return rule != NULL && column->type.rule == NULL && column->in_value;
}

// The columns that the command line names, in its order.
static void put_named_key(struct relation *r, const struct pgo_relation *m, const struct capture *capture)
{
    struct span table_name = {r->text.p, r->name.n};
    for (size_t place = 1; place <= capture->rules.n_key; place++)
        for (size_t i = 0; i < r->n && r->n_key < r->n; i++)
            if (capture_key(capture, table_name, m->column[i].name) == place)
                r->key[r->n_key++] = (uint16_t)i;
}

// The primary key in its own order, if the log has its old values; else the replica identity's index; else,
// without a catalog, the identity's columns in the table's order. Under FULL the log marks every column,
// which is no key.
static void put_row_key(struct relation *r, const struct pgo_relation *m, const struct catalog_table *table)
{
    bool logged = true;
    for (size_t i = 0; i < r->n; i++) {
        const struct catalog_column *known = catalog_column(table, m->column[i].name);
        if (known == NULL || known->key == 0)
            continue;
        r->n_row_key++;
        logged = logged && (m->column[i].is_key || m->identity == 'n');
        if ((size_t)known->key <= r->n)
            r->row_key[known->key - 1] = (uint16_t)i;
    }
    for (size_t place = 0; place < r->n_row_key; place++)
        logged = logged && r->row_key[place] != UINT16_MAX;
    if (r->n_row_key != 0 && logged)
        return;
    r->n_row_key = 0;
    for (size_t i = 0; i < r->n && m->identity != 'f'; i++)
        if (m->column[i].is_key)
            r->row_key[r->n_row_key++] = (uint16_t)i;
}

static bool is_unique(const struct relation *r)
{
    size_t found = 0;
    for (size_t i = 0; i < r->n_row_key; i++)
        for (size_t j = 0; j < r->n_key; j++)
            found += r->key[j] == r->row_key[i];
    return r->n_row_key != 0 && found == r->n_row_key;
}

static void put_key(struct relation *r, const struct pgo_relation *m, const struct catalog_table *table,
                    const struct capture *capture)
{
    put_row_key(r, m, table);
    put_named_key(r, m, capture);
    if (r->n_key != 0) {
        r->not_unique = !is_unique(r);
        return;
    }
    memcpy(r->key, r->row_key, r->n_row_key * sizeof *r->key);
    r->n_key = r->n_row_key;
}

static bool compile(struct relation *r, const struct pgo_relation *m, const struct catalog *catalog,
                    const struct capture *capture, struct buf *told, notice_fn *dropped, struct err *e)
{
    *r = (struct relation){.oid = m->oid, .identity = m->identity, .n = m->n};
    buf_init(&r->text, TEXT_MAX);
    r->captured = captures(capture, m->schema, m->name);
    r->column = calloc(m->n + 1, sizeof *r->column);
    r->key = malloc((m->n + 1) * sizeof *r->key);
    r->row_key = malloc((m->n + 1) * sizeof *r->row_key);
    if (r->column == NULL || r->key == NULL || r->row_key == NULL)
        return err_no_memory(e);
    memset(r->row_key, 0xff, (m->n + 1) * sizeof *r->row_key);
    const struct catalog_table *table = catalog_table(catalog, m->oid);
    write_names(r, m, capture);
    for (size_t i = 0; i < m->n; i++)
        if (!put_column(r, i, &m->column[i], catalog, table, capture, e))
            return false;
    if (r->captured && dropped != NULL && !r->text.bad) {
        tell(r, m, catalog, capture, told, dropped, "columns of types that are not supported are left out",
             is_dropped);
        tell(r, m, catalog, capture, told, dropped, "no text, so neither masked nor hashed", is_out_of_reach);
    }
    put_key(r, m, table, capture);
    if (!buf_ok(&r->text, "the table's description", e))
        return false;
    settle(&r->name, &r->text);
    settle(&r->topic, &r->text);
    settle(&r->source, &r->text);
    for (size_t i = 0; i < r->n; i++) {
        settle(&r->column[i].member, &r->text);
        settle(&r->column[i].absent, &r->text);
        settle(&r->column[i].fallback, &r->text);
        settle(&r->column[i].labels, &r->text);
    }
    return true;
}

bool relations_put(struct relations *r, const struct pgo_relation *message, const struct catalog *catalog,
                   const struct capture *capture, notice_fn *dropped, struct err *e)
{
    if (message->oid == 0)
        return err_set(e, STATUS_DATA, "pgoutput describes a table whose oid is 0");
    if (r->n * 2 >= r->size && !grow(r, e))
        return false;
    struct relation *slot = slot_of(r, message->oid), fresh;
    if (!compile(&fresh, message, catalog, capture, &r->told, dropped, e)) {
        release(&fresh);
        return err_wrap(e, "table %.*s.%.*s", SPAN_ARG(message->schema), SPAN_ARG(message->name));
    }
    if (slot->oid == 0)
        r->n++;
    release(slot);
    *slot = fresh;
    return true;
}
