#include "postgres/judge.h"

#include "event/json.h"

#include <stdio.h>
#include <stdlib.h>

enum key_kind judge_key_kind(uint32_t type)
{
    switch (type) {
    case 20: // int8
    case 21: // int2
    case 23: // int4
    case 26: // oid
        return KEY_INTEGER;
    case 17:   // bytea, in hex
    case 2950: // uuid
        return KEY_BYTES;
    case 1082: // date
    case 1114: // timestamp
    case 1184: // timestamptz
        return KEY_MOMENT;
    default:
        return KEY_NONE;
    }
}

// ---- what a view shows

// pg_snapshot as text: xmin:xmax:xip,xip,…, 64 bits each.
static bool parse_seen(struct judge_view *r, const char *text)
{
    unsigned long long xmin, xmax;
    int at = 0;
    if (sscanf(text, "%20llu:%20llu:%n", &xmin, &xmax, &at) != 2 || at == 0)
        return false;
    r->shows = true;
    r->xmin = xmin, r->xmax = xmax;
    size_t room = 1;
    for (const char *p = text + at; *p != '\0'; p++)
        room += *p == ',';
    r->xip = calloc(room, sizeof *r->xip);
    if (r->xip == NULL)
        return false;
    char *p = (char *)text + at;
    while (*p != '\0') {
        char *end;
        r->xip[r->n_xip++] = strtoull(p, &end, 10);
        if (end == p || (*end != ',' && *end != '\0'))
            return false;
        p = end + (*end == ',');
    }
    return true;
}

// The log has the lower 32 bits of a transaction's number; it is near the view's.
static uint64_t widen(uint32_t xid, uint64_t near)
{
    int32_t distance = (int32_t)(xid - (uint32_t)near);
    return near + (uint64_t)(int64_t)distance;
}

static bool shows(const struct judge_view *r, uint32_t xid)
{
    if (!r->shows)
        return false;
    uint64_t full = widen(xid, r->xmax);
    if (full < r->xmin || full >= r->xmax)
        return full < r->xmin;
    for (size_t i = 0; i < r->n_xip; i++)
        if (r->xip[i] == full)
            return false;
    return true;
}

// ---- the record

bool judge_load(struct judge *j, struct record *r, bool exact, struct err *e)
{
    judge_release(j);
    if (!tree_load(&j->tree, r, exact, e))
        return false;
    j->view = calloc(j->tree.ranges + 1, sizeof *j->view);
    j->key = calloc(r->tables + 1, sizeof *j->key);
    if (j->view == NULL || j->key == NULL)
        return err_no_memory(e);
    j->tables = r->tables;
    for (; j->views < j->tree.ranges; j->views++) {
        const char *seen = j->tree.range[j->views].seen;
        if (seen != NULL && !parse_seen(&j->view[j->views], seen)) {
            j->views++;
            return err_set(e, STATUS_DATA, "range %zu of the snapshot's record is malformed", j->views);
        }
    }
    return true;
}

void judge_release(struct judge *j)
{
    for (size_t i = 0; i < j->views; i++)
        free(j->view[i].xip);
    free(j->view);
    free(j->key);
    tree_release(&j->tree);
    *j = (struct judge){0};
}

// ---- tables

static bool resolve_column(const struct pgo_relation *m, const struct catalog *catalog, struct span name,
                           struct judge_key *key)
{
    for (size_t i = 0; i < m->n; i++)
        if (span_eq(m->column[i].name, name)) {
            key->column[key->n] = (uint16_t)i;
            key->kind[key->n++] = judge_key_kind(catalog_type(catalog, m->column[i].type).base);
            return true;
        }
    return false;
}

static bool resolve(struct judge_key *key, const struct record_range *range, const struct pgo_relation *m,
                    const struct catalog *catalog)
{
    struct key names;
    struct buf text;
    buf_init(&text, 1u << 20);
    *key = (struct judge_key){0};
    bool ok = key_read(span_of(range->columns), &text, &names);
    for (size_t i = 0; ok && i < names.n; i++)
        ok = resolve_column(m, catalog, names.at[i], key);
    buf_release(&text);
    return ok;
}

bool judge_describe(struct judge *j, const struct pgo_relation *m, const struct catalog *catalog,
                    struct err *e)
{
    if (j->tree.ranges == 0)
        return true;
    size_t table = record_find(j->tree.record, m->oid), end;
    if (table == j->tables)
        return true;
    for (size_t i = tree_of_table(&j->tree, table, &end); i < end; i++) {
        const struct record_range *range = j->tree.range[i].range;
        if (range->table != table || range->columns == NULL || resolve(&j->key[table], range, m, catalog))
            continue;
        err_set(e, STATUS_LOST,
                "table %.*s.%.*s: the key that its snapshot was read by, %s, is not there any more",
                SPAN_ARG(m->schema), SPAN_ARG(m->name), range->columns);
        return err_hint(e, "take a new snapshot, with a new offset folder");
    }
    return true;
}

static bool take_key(const struct judge_key *key, const struct pgo_tuple *tuple,
                     const struct pgo_tuple *fallback, struct key *k)
{
    k->n = key->n;
    for (size_t i = 0; i < key->n; i++) {
        size_t column = key->column[i];
        if (column >= tuple->n)
            return false;
        struct pgo_value v = tuple->at[column];
        if (v.kind == PGO_UNCHANGED && fallback != NULL && column < fallback->n)
            v = fallback->at[column];
        if (v.kind != PGO_TEXT)
            return false;
        k->at[i] = v.text;
    }
    return key->n != 0;
}

static bool find_range(const struct judge *j, size_t table, const struct pgo_tuple *tuple,
                       const struct pgo_tuple *fallback, size_t first, size_t end, size_t *at, struct err *e)
{
    const struct judge_key *key = &j->key[table];
    struct key k;
    *at = first;
    if (end - first == 1)
        return true;
    bool ok =
        take_key(key, tuple, fallback, &k) ||
        err_set(e, STATUS_DATA, "a change has no value of the key that its table's snapshot was read by");
    return (ok && tree_find(&j->tree, key->kind, &k, first, end, at, e)) ||
           err_wrap(e, "table %s", j->tree.record->table[table].name);
}

static void defer(struct judge *j, uint32_t xid)
{
    if (j->n_deferred == 0 || j->deferred[(j->n_deferred - 1) % JUDGE_DEFERRED] != xid)
        j->deferred[j->n_deferred++ % JUDGE_DEFERRED] = xid;
}

// The table's index where the judge has a say.
static bool concerns(const struct judge *j, const struct judge_change *c, size_t *table)
{
    if (!judge_is_asked(j, c->commit_lsn))
        return false;
    *table = record_find(j->tree.record, c->oid);
    return *table != j->tables;
}

static bool is_deferred(struct judge *j, const struct judge_change *c, size_t table)
{
    if (j->tree.record->table[table].epoch != j->deferring)
        return false;
    defer(j, c->xid);
    return true;
}

static bool is_cut(const struct judge *j, size_t table, const struct judge_change *c)
{
    return tree_is_cut(&j->tree, table, (uint64_t[]){c->commit_lsn, c->lsn});
}

static bool is_shown(const struct judge *j, size_t range, const struct judge_change *c)
{
    return c->commit_lsn < j->tree.range[range].past && shows(&j->view[range], c->xid);
}

bool judge_row(struct judge *j, const struct judge_change *c, const struct pgo_tuple *tuple,
               const struct pgo_tuple *fallback, bool *seen, struct err *e)
{
    size_t table, end, at;
    *seen = false;
    if (!concerns(j, c, &table))
        return true;
    *seen = is_deferred(j, c, table);
    size_t first = tree_of_table(&j->tree, table, &end);
    if (*seen || first == end || is_cut(j, table, c))
        return true;
    if (!find_range(j, table, tuple, fallback, first, end, &at, e))
        return false;
    *seen = is_shown(j, at, c);
    return true;
}

void judge_truncate(struct judge *j, const struct judge_change *c, bool *seen)
{
    size_t table, end;
    *seen = false;
    if (!concerns(j, c, &table))
        return;
    *seen = is_deferred(j, c, table);
    size_t first = tree_of_table(&j->tree, table, &end);
    if (*seen || first == end || is_cut(j, table, c))
        return;
    *seen = true;
    for (size_t i = first; i < end; i++)
        *seen = *seen && is_shown(j, i, c);
}

bool judge_cut(struct judge *j, const struct judge_change *c)
{
    size_t table, end;
    return concerns(j, c, &table) && tree_of_table(&j->tree, table, &end) != end &&
           tree_cut(&j->tree, table, (uint64_t[]){c->commit_lsn, c->lsn});
}

bool judge_misses_deferred(const struct judge *j, const char *seen)
{
    struct judge_view view = {0};
    uint64_t n = j->n_deferred < JUDGE_DEFERRED ? j->n_deferred : JUDGE_DEFERRED;
    bool misses = n != 0 && !parse_seen(&view, seen);
    for (uint64_t i = 0; i < n && !misses; i++)
        misses = !shows(&view, j->deferred[i]);
    free(view.xip);
    return misses;
}
