#include "mysql/ddl.h"

#include "mysql/sql.h"

#include <ctype.h>
#include <stdlib.h>

// A statement is at most max_allowed_packet long, 1 GiB, and its tables' names are told once more.
#define TEXT_MAX_BYTES (2u << 30)

struct reading {
    struct ddl *d;
    struct span sql, default_db; // sql: from its first word to its last byte
    struct span rest;
    struct buf db, table; // of a name that was taken
    struct err *e;
    bool ok;
};

void ddl_release(struct ddl *d)
{
    free(d->change);
    buf_release(&d->text);
    *d = (struct ddl){0};
}

// ---- changes. Their spans are offsets into the text until it is whole.

static struct span put(struct ddl *d, struct span text)
{
    struct span at = {(const char *)d->text.n, text.n};
    buf_span(&d->text, text);
    return at;
}

static void settle(struct span *s, const struct buf *text)
{
    s->p = s->n != 0 ? text->p + (size_t)s->p : "";
}

// Neighbours of one database have one list.
static void join_tables(struct ddl *d)
{
    for (size_t i = 0, end; i < d->n && d->text.n != 0; i = end) {
        size_t from = d->text.n;
        struct span db = {d->text.p + (size_t)d->change[i].db.p, d->change[i].db.n}, other = db;
        for (end = i; end < d->n && !d->text.bad; end++) {
            other = (struct span){d->text.p + (size_t)d->change[end].db.p, d->change[end].db.n};
            db.p = d->text.p + (size_t)d->change[i].db.p; // the text has moved
            if (!span_eq(db, other))
                break;
            if (end != i)
                buf_char(&d->text, ',');
            if (buf_room(&d->text, d->change[end].table.n)) // it is copied within the text
                buf_bytes(&d->text, d->text.p + (size_t)d->change[end].table.p, d->change[end].table.n);
        }
        for (size_t at = i; at < end; at++)
            d->change[at].tables = (struct span){(const char *)from, d->text.n - from};
        end = d->text.bad ? d->n : end;
    }
}

static bool settle_all(struct ddl *d, struct err *e)
{
    join_tables(d);
    if (!buf_ok(&d->text, "a statement's names", e))
        return false;
    for (size_t i = 0; i < d->n; i++) {
        struct ddl_change *c = &d->change[i];
        settle(&c->db, &d->text);
        settle(&c->table, &d->text);
        settle(&c->old_db, &d->text);
        settle(&c->old_table, &d->text);
        settle(&c->sql, &d->text);
        settle(&c->tables, &d->text);
    }
    return true;
}

// Adds a change of the table whose name was taken last.
static struct ddl_change *add(struct reading *r, enum ddl_kind kind)
{
    struct ddl *d = r->d;
    if ((d->n & (d->n + 1)) == 0) { // room for the next power of two, less one
        struct ddl_change *grown = realloc(d->change, (2 * d->n + 1) * sizeof *grown);
        if (grown == NULL) {
            r->ok = err_no_memory(r->e);
            return NULL;
        }
        d->change = grown;
    }
    struct ddl_change *c = &d->change[d->n++];
    *c = (struct ddl_change){.kind = kind};
    c->db = put(d, buf_view(&r->db));
    c->table = put(d, buf_view(&r->table));
    return c;
}

static void add_whole(struct reading *r, enum ddl_kind kind)
{
    struct ddl_change *c = add(r, kind);
    if (c != NULL)
        c->sql = put(r->d, r->sql);
}

static bool take_table(struct reading *r)
{
    buf_reset(&r->db);
    buf_reset(&r->table);
    return sql_take_table(&r->rest, r->default_db, &r->db, &r->table);
}

static void skip_if_exists(struct reading *r)
{
    if (!sql_take_words(&r->rest, (const char *const[]){"IF", "EXISTS", NULL}))
        (void)sql_take_words(&r->rest, (const char *const[]){"IF", "NOT", "EXISTS", NULL});
}

// MariaDB's, behind a table's name.
static void skip_wait(struct reading *r)
{
    if (sql_take(&r->rest, "WAIT"))
        sql_skip(&r->rest);
    else
        (void)sql_take(&r->rest, "NOWAIT");
}

// ---- statements

static bool read_create(struct reading *r)
{
    skip_if_exists(r);
    if (!take_table(r))
        return false;
    add_whole(r, DDL_CREATE);
    return true;
}

// RENAME [TO|AS|=] name, among what ALTER TABLE lists.
static bool find_new_name(struct reading *r)
{
    static const char *const parts[] = {"COLUMN", "INDEX", "KEY", "CONSTRAINT", NULL};
    while (sql_skip_space(&r->rest), r->rest.n != 0) {
        if (span_take(&r->rest, '(')) {
            sql_skip_parenthesis(&r->rest);
        } else if (!sql_take(&r->rest, "RENAME")) {
            sql_skip(&r->rest);
        } else {
            struct span ahead = r->rest;
            if (sql_is_one_of(sql_take_word(&ahead), parts))
                continue;
            if (!sql_take(&r->rest, "TO") && !sql_take(&r->rest, "AS")) {
                sql_skip_space(&r->rest);
                (void)span_take(&r->rest, '=');
            }
            return take_table(r);
        }
    }
    return false;
}

static bool read_alter(struct reading *r)
{
    skip_if_exists(r);
    if (!take_table(r))
        return false;
    struct span db = put(r->d, buf_view(&r->db)), table = put(r->d, buf_view(&r->table));
    skip_wait(r);
    bool renamed = find_new_name(r);
    if (!renamed) { // the names that were taken last are the table's
        buf_reset(&r->db);
        buf_reset(&r->table);
        buf_bytes(&r->db, r->d->text.p + (size_t)db.p, db.n);
        buf_bytes(&r->table, r->d->text.p + (size_t)table.p, table.n);
    }
    struct ddl_change *c = add(r, DDL_ALTER);
    if (c != NULL)
        c->sql = put(r->d, r->sql);
    if (c != NULL && renamed)
        c->old_db = db, c->old_table = table;
    return true;
}

// Each table is told as if it alone were dropped, as Debezium does.
static void add_dropped(struct reading *r, struct span prefix, const char *how)
{
    struct ddl_change *c = add(r, DDL_DROP);
    if (c == NULL)
        return;
    size_t from = r->d->text.n;
    struct buf *text = &r->d->text;
    buf_span(text, prefix);
    my_quote_name(buf_view(&r->db), text);
    buf_char(text, '.');
    my_quote_name(buf_view(&r->table), text);
    buf_str(text, how);
    c->sql = (struct span){(const char *)from, text->n - from};
}

static bool read_drop(struct reading *r)
{
    skip_if_exists(r);
    sql_skip_space(&r->rest);
    struct span prefix = {r->sql.p, (size_t)(r->rest.p - r->sql.p)}, names = r->rest, ahead;
    const char *how = "";
    do {
        if (!take_table(r))
            return false;
        sql_skip_space(&r->rest);
    } while (span_take(&r->rest, ','));
    ahead = r->rest;
    if (sql_take(&ahead, "RESTRICT"))
        how = " RESTRICT";
    else if (sql_take(&ahead, "CASCADE"))
        how = " CASCADE";
    r->rest = names;
    do {
        if (take_table(r))
            add_dropped(r, prefix, how);
        sql_skip_space(&r->rest);
    } while (r->ok && span_take(&r->rest, ','));
    return true;
}

// Each pair is told as if it alone were renamed.
static bool read_pair(struct reading *r, struct span prefix)
{
    const char *from = r->rest.p;
    if (!take_table(r))
        return false;
    struct span db = put(r->d, buf_view(&r->db)), table = put(r->d, buf_view(&r->table));
    skip_wait(r);
    if (!sql_take(&r->rest, "TO") || !take_table(r))
        return false;
    struct ddl_change *c = add(r, DDL_ALTER);
    if (c == NULL)
        return true;
    c->old_db = db, c->old_table = table;
    size_t start = r->d->text.n;
    buf_span(&r->d->text, prefix);
    buf_bytes(&r->d->text, from, (size_t)(r->rest.p - from));
    c->sql = (struct span){(const char *)start, r->d->text.n - start};
    return true;
}

static bool read_rename(struct reading *r)
{
    skip_if_exists(r);
    sql_skip_space(&r->rest);
    struct span prefix = {r->sql.p, (size_t)(r->rest.p - r->sql.p)};
    do {
        sql_skip_space(&r->rest);
        if (!read_pair(r, prefix))
            return false;
        sql_skip_space(&r->rest);
    } while (r->ok && span_take(&r->rest, ','));
    return true;
}

static bool read_unique_index(struct reading *r)
{
    while (r->rest.n != 0 && !sql_take(&r->rest, "ON"))
        sql_skip(&r->rest);
    if (!take_table(r))
        return false;
    add_whole(r, DDL_KEY);
    return true;
}

// ALTER DATABASE may leave the name out.
static bool is_database_option(struct span rest)
{
    static const char *const options[] = {"DEFAULT",    "CHARACTER", "CHARSET", "COLLATE",
                                          "ENCRYPTION", "COMMENT",   NULL};
    return sql_is_one_of(sql_take_word(&rest), options);
}

static void read_database(struct reading *r)
{
    buf_reset(&r->db);
    buf_reset(&r->table);
    skip_if_exists(r);
    if (is_database_option(r->rest) || !sql_take_name(&r->rest, &r->db))
        buf_span(&r->db, r->default_db);
    add_whole(r, DDL_DATABASE);
}

static void read_other(struct reading *r)
{
    buf_reset(&r->db);
    buf_reset(&r->table);
    buf_span(&r->db, r->default_db);
    add_whole(r, DDL_OTHER);
}

// The words in front of the object, and the object.
static struct span take_object(struct reading *r, struct span *verb)
{
    static const char *const before[] = {"OR", "REPLACE", "ONLINE", "OFFLINE", "IGNORE", NULL};
    *verb = sql_take_word(&r->rest);
    struct span word = sql_take_word(&r->rest);
    while (sql_is_one_of(word, before))
        word = sql_take_word(&r->rest);
    return word;
}

// False where the statement is not of this form.
static bool read_statement(struct reading *r)
{
    static const char *const tables[] = {"TABLE", "TABLES", NULL};
    struct span verb, object = take_object(r, &verb);
    if (sql_is(object, "UNIQUE"))
        return read_unique_index(r);
    if (sql_is(object, "DATABASE") || sql_is(object, "SCHEMA"))
        return read_database(r), true;
    if (!sql_is_one_of(object, tables))
        return false;
    if (sql_is(verb, "CREATE"))
        return read_create(r);
    if (sql_is(verb, "ALTER"))
        return read_alter(r);
    return sql_is(verb, "DROP") ? read_drop(r) : read_rename(r);
}

// Without the comments in front and the white space behind.
static struct span trim(struct span sql)
{
    struct span from = sql;
    sql_skip_space(&from);
    for (size_t i = 0; sql.p + i < from.p; i++)
        if (span_starts((struct span){sql.p + i, (size_t)(from.p - sql.p) - i}, "/*!"))
            from = sql; // it ends with the other half of that
    while (from.n != 0 && isspace((unsigned char)from.p[from.n - 1]))
        from.n--;
    return from;
}

bool ddl_read(struct ddl *d, struct span sql, struct span default_db, struct err *e)
{
    struct reading r = {.d = d, .default_db = default_db, .e = e, .ok = true};
    *d = (struct ddl){0};
    buf_init(&d->text, TEXT_MAX_BYTES);
    buf_init(&r.db, TEXT_MAX_BYTES);
    buf_init(&r.table, TEXT_MAX_BYTES);
    r.sql = r.rest = trim(sql);
    sql_skip_settings(&r.rest);
    if (!read_statement(&r) && r.ok) {
        d->n = 0;
        read_other(&r);
    }
    bool ok = r.ok && buf_ok(&r.db, "a database's name", e) && buf_ok(&r.table, "a table's name", e) &&
              settle_all(d, e);
    buf_release(&r.db);
    buf_release(&r.table);
    return ok;
}
