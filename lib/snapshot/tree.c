#include "snapshot/tree.h"

#include <stdlib.h>

static bool load_range(struct tree_range *to, const struct record_range *from, bool exact)
{
    bool older = from->has_older && !exact;
    to->range = from;
    to->seen = older ? from->older_seen : from->seen;
    to->past = older ? from->older_past : from->past;
    buf_init(&to->text, 1u << 20);
    return from->after == NULL || key_read(span_of(from->after), &to->text, &to->after);
}

bool tree_load(struct tree *t, struct record *r, bool exact, struct err *e)
{
    tree_release(t);
    t->record = r;
    t->past = record_past(r);
    t->view = record_last_view(r);
    size_t *chain = calloc(r->ranges + 1, sizeof *chain);
    t->range = calloc(r->ranges + 1, sizeof *t->range);
    bool ok = (chain != NULL && t->range != NULL) || err_no_memory(e);
    size_t n = ok ? record_chain(r, record_last_view(r), chain) : 0;
    for (; ok && t->ranges < n; t->ranges++)
        ok = load_range(&t->range[t->ranges], &r->range[chain[t->ranges]], exact) ||
             err_set(e, STATUS_DATA, "range %zu of the snapshot's record is malformed", t->ranges + 1);
    free(chain);
    return ok;
}

void tree_release(struct tree *t)
{
    for (size_t i = 0; i < t->ranges; i++)
        buf_release(&t->range[i].text);
    free(t->range);
    *t = (struct tree){0};
}

size_t tree_of_table(const struct tree *t, size_t table, size_t *end)
{
    size_t first = 0, n = 0;
    for (size_t i = 0; i < t->ranges && t->range[i].range->table <= table; i++) {
        bool within = t->range[i].range->table == table && t->range[i].range->after != NULL;
        first = within ? first : i;
        n = i + 1;
    }
    *end = n;
    return first;
}

bool tree_find(const struct tree *t, const enum key_kind *kinds, const struct key *k, size_t first,
               size_t end, size_t *at, struct err *e)
{
    int order = 0;
    for (*at = end - 1; *at > first; --*at) {
        if (!key_compare(kinds, k, &t->range[*at].after, &order))
            return err_set(e, STATUS_DATA,
                           "a change's key is none of those that its table's snapshot was read by");
        if (order > 0)
            break;
    }
    return true;
}

// The last that read rows of the table: a TRUNCATE that was kept before it read them counts no more.
static uint64_t view_of(const struct tree *t, size_t table)
{
    size_t end, first = tree_of_table(t, table, &end);
    return first < end ? t->range[end - 1].range->view : 0;
}

bool tree_is_cut(const struct tree *t, size_t table, const uint64_t place[2])
{
    const uint64_t *cut = t->record->table[table].cut;
    return cut[0] != 0 && t->record->table[table].cut_view == view_of(t, table) &&
           (place[0] > cut[0] || (place[0] == cut[0] && place[1] > cut[1]));
}

bool tree_cut(struct tree *t, size_t table, const uint64_t place[2])
{
    uint64_t *cut = t->record->table[table].cut, view = view_of(t, table);
    if (cut[0] != 0 && t->record->table[table].cut_view == view &&
        (cut[0] < place[0] || (cut[0] == place[0] && cut[1] <= place[1])))
        return false;
    cut[0] = place[0];
    cut[1] = place[1];
    t->record->table[table].cut_view = view;
    return true;
}
