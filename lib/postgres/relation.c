#include "postgres/relation.h"

#include "event/json.h"

#include <stdio.h>
#include <stdlib.h>

// Names are at most 63 bytes each; a default may be long, and a table has up to 1600 columns.
#define TEXT_MAX (16u << 20)

static void release(struct relation *r)
{
    free(r->column);
    free(r->key);
    buf_release(&r->text);
    *r = (struct relation){0};
}

void relations_release(struct relations *r)
{
    for (size_t i = 0; i < r->size; i++)
        release(&r->at[i]);
    free(r->at);
    *r = (struct relations){0};
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

// a.b in out, cut where a hostile peer sends names longer than PostgreSQL's 63 bytes.
static struct span join(char out[320], struct span a, struct span b)
{
    int n = snprintf(out, 320, "%.*s.%.*s", SPAN_ARG(a), SPAN_ARG(b));
    return (struct span){out, n < 0 ? 0 : n < 320 ? (size_t)n : 319};
}

bool pg_captures(const struct pg_capture *capture, struct span schema, struct span table)
{
    char name[320];
    return pattern_admits(&capture->schema, schema) &&
           pattern_admits(&capture->table, join(name, schema, table));
}

static bool captures_column(const struct pg_capture *capture, struct span table, struct span column)
{
    char name[320];
    return pattern_admits(&capture->column, join(name, table, column));
}

void topic_write(struct buf *b, struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '.' || c == '-' ||
                     c == '_';
        if (plain)
            buf_char(b, (char)c);
        else if ((c & 0xc0) != 0x80)
            buf_str(b, c >= 0xf0 ? "__" : "_");
    }
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

static void write_names(struct relation *r, const struct pgo_relation *m, const struct pg_capture *capture)
{
    struct buf *b = &r->text;
    buf_span(b, m->schema);
    buf_char(b, '.');
    buf_span(b, m->name);
    r->name = mark(b, 0);
    size_t from = b->n;
    buf_str(b, capture->topic_prefix);
    buf_char(b, '.');
    topic_write(b, m->schema);
    buf_char(b, '.');
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

static void write_absent(struct relation *r, struct relation_column *column,
                         const struct catalog_column *known)
{
    size_t from = r->text.n;
    struct err ignored;
    if (known == NULL || !known->not_null)
        buf_lit(&r->text, "null");
    else if (known->default_text == NULL ||
             !pg_type_write(&column->type, span_of(known->default_text), &r->text, &ignored)) {
        r->text.n = from;
        pg_type_write_zero(&column->type, &r->text);
    }
    column->absent = mark(&r->text, from);
}

static void write_column(struct relation *r, size_t i, const struct pgo_column *m,
                         const struct catalog_column *known)
{
    struct relation_column *column = &r->column[i];
    size_t from = r->text.n;
    buf_char(&r->text, ',');
    json_quote(&r->text, m->name);
    buf_char(&r->text, ':');
    column->member = mark(&r->text, from);
    write_absent(r, column, known);
}

static void put_column(struct relation *r, size_t i, const struct pgo_column *m,
                       const struct catalog *catalog, const struct catalog_table *table,
                       const struct pg_capture *capture)
{
    struct relation_column *column = &r->column[i];
    struct pg_type_info info = catalog_type(catalog, m->type);
    column->type = pg_type_resolve(&info, m->typmod);
    column->in_identity = m->is_key;
    struct span table_name = {r->text.p, r->name.n}; // r->name itself is still an offset
    column->in_value = column->type.form != PG_FORM_NONE && captures_column(capture, table_name, m->name);
    write_column(r, i, m, catalog_column(table, m->name));
}

// One notice for a table: NAME (TYPE), NAME (TYPE) …
static void tell_dropped(const struct relation *r, const struct pgo_relation *m,
                         const struct catalog *catalog, const struct pg_capture *capture, notice_fn *dropped)
{
    struct buf list;
    buf_init(&list, 1024); // a longer list is cut
    struct span table_name = {r->text.p, r->name.n};
    for (size_t i = 0; i < r->n; i++) {
        if (r->column[i].type.form != PG_FORM_NONE ||
            !captures_column(capture, table_name, m->column[i].name))
            continue;
        struct pg_type_info info = catalog_type(catalog, m->column[i].type);
        buf_printf(&list, "%s%.*s (%s)", list.n == 0 ? "" : ", ", SPAN_ARG(m->column[i].name),
                   info.name != NULL ? info.name : "unknown");
    }
    if (list.n != 0)
        dropped("table %.*s: columns of types that are not supported are left out: %.*s",
                SPAN_ARG(table_name), SPAN_ARG(buf_view(&list)));
    buf_release(&list);
}

// The primary key in its own order, if the log has its old values; else the replica identity's index; else,
// without a catalog, the identity's columns in the table's order. Under FULL the log marks every column,
// which is no key.
static void put_key(struct relation *r, const struct pgo_relation *m, const struct catalog_table *table)
{
    bool logged = true;
    for (size_t i = 0; i < r->n; i++) {
        const struct catalog_column *known = catalog_column(table, m->column[i].name);
        if (known == NULL || known->key == 0)
            continue;
        r->n_key++;
        logged = logged && (m->column[i].is_key || m->identity == 'n');
        if ((size_t)known->key <= r->n)
            r->key[known->key - 1] = (uint16_t)i;
    }
    for (size_t place = 0; place < r->n_key; place++)
        logged = logged && r->key[place] != UINT16_MAX;
    if (r->n_key != 0 && logged)
        return;
    r->n_key = 0;
    for (size_t i = 0; i < r->n && m->identity != 'f'; i++)
        if (m->column[i].is_key)
            r->key[r->n_key++] = (uint16_t)i;
}

static bool compile(struct relation *r, const struct pgo_relation *m, const struct catalog *catalog,
                    const struct pg_capture *capture, notice_fn *dropped, struct err *e)
{
    *r = (struct relation){.oid = m->oid, .identity = m->identity, .n = m->n};
    buf_init(&r->text, TEXT_MAX);
    r->captured = pg_captures(capture, m->schema, m->name);
    r->column = calloc(m->n + 1, sizeof *r->column);
    r->key = malloc((m->n + 1) * sizeof *r->key);
    if (r->column == NULL || r->key == NULL)
        return err_no_memory(e);
    memset(r->key, 0xff, (m->n + 1) * sizeof *r->key);
    const struct catalog_table *table = catalog_table(catalog, m->oid);
    write_names(r, m, capture);
    for (size_t i = 0; i < m->n; i++)
        put_column(r, i, &m->column[i], catalog, table, capture);
    if (r->captured && dropped != NULL && !r->text.bad)
        tell_dropped(r, m, catalog, capture, dropped);
    put_key(r, m, table);
    if (!buf_ok(&r->text, "the table's description", e))
        return false;
    settle(&r->name, &r->text);
    settle(&r->topic, &r->text);
    settle(&r->source, &r->text);
    for (size_t i = 0; i < r->n; i++) {
        settle(&r->column[i].member, &r->text);
        settle(&r->column[i].absent, &r->text);
    }
    return true;
}

bool relations_put(struct relations *r, const struct pgo_relation *message, const struct catalog *catalog,
                   const struct pg_capture *capture, notice_fn *dropped, struct err *e)
{
    if (message->oid == 0)
        return err_set(e, STATUS_DATA, "pgoutput describes a table whose oid is 0");
    if (r->n * 2 >= r->size && !grow(r, e))
        return false;
    struct relation *slot = slot_of(r, message->oid), fresh;
    if (!compile(&fresh, message, catalog, capture, dropped, e)) {
        release(&fresh);
        return err_wrap(e, "table %.*s.%.*s", SPAN_ARG(message->schema), SPAN_ARG(message->name));
    }
    if (slot->oid == 0)
        r->n++;
    release(slot);
    *slot = fresh;
    return true;
}
