#include "snapshot/resume.h"

#include <stdlib.h>

// A connection that was lost in this run changes nothing: the reader of our output has just what was written.
static bool inherit(struct snapshot_run *r, const struct record_range *range, struct err *e)
{
    const char *older = range->has_older ? range->older_seen : range->seen;
    r->inherits = !r->again || range->has_older;
    r->inherited = (struct record_range){.past = range->past};
    r->inherited.older_past = range->has_older ? range->older_past : range->past;
    r->inherited.seen = range->seen != NULL ? strdup(range->seen) : NULL;
    r->inherited.older_seen = older != NULL ? strdup(older) : NULL;
    return ((range->seen == NULL || r->inherited.seen != NULL) &&
            (older == NULL || r->inherited.older_seen != NULL)) ||
           err_no_memory(e);
}

// Nothing is acknowledged. Tables that were read in an earlier epoch are judged as before.
static bool begin_again(struct snapshot_run *r, struct err *e)
{
    const struct record *rec = r->record;
    for (size_t i = 0; i < rec->ranges; i++) {
        const struct record_range *range = &rec->range[i];
        if (rec->table[range->table].epoch == rec->epoch)
            return inherit(r, range, e);
        r->parent = range->view;
    }
    return true;
}

// Within the rows of the cursor's view. again: from the beginning of its table, which its first attempt
// judges.
static bool go_on_in(struct snapshot_run *r, bool again, struct err *e)
{
    struct record *rec = r->record;
    uint64_t view = r->from->n[0];
    size_t *chain = calloc(rec->ranges + 1, sizeof *chain);
    if (chain == NULL)
        return err_no_memory(e);
    size_t n = record_chain(rec, view, chain);
    while (n > 0 && rec->range[chain[n - 1]].table > r->table)
        n--;
    while (again && n > 1 && rec->range[chain[n - 1]].table == r->table &&
           (rec->range[chain[n - 1]].after != NULL || rec->range[chain[n - 2]].table == r->table))
        n--;
    bool ok = n > 0 ? inherit(r, &rec->range[chain[n - 1]], e)
                    : err_set(e, STATUS_DATA, "the position's view is not in the snapshot's record");
    free(chain);
    r->parent = view;
    r->inherits_once = again;
    return ok && record_prune(rec, view, e);
}

// Where to begin, and what judges the rows that are read again from there.
bool snapshot_go_on(struct snapshot_run *r, char **after, struct err *e)
{
    struct record *rec = r->record;
    const struct pos *from = r->from;
    struct buf name, key;
    buf_init(&name, 1024);
    buf_init(&key, 1u << 20);
    bool ok = (percent_read(&name, from->table) && percent_read(&key, from->key)) ||
              err_set(e, STATUS_DATA, "the position's table or key is malformed");
    bool beginning = ok && from->n[0] == 0;
    size_t first = 0;
    while (first < rec->tables && rec->table[first].epoch != rec->epoch)
        first++;
    r->table = beginning ? first : ok ? record_find_name(rec, buf_view(&name)) : 0;
    if (ok && r->table >= rec->tables)
        ok = err_set(e, STATUS_DATA, "the position's table %s is not in the snapshot's record",
                     buf_cstr(&name));
    bool again = beginning || span_is(buf_view(&key), "[]");
    if (ok && !again) {
        *after = strdup(buf_cstr(&key));
        ok = *after != NULL || err_no_memory(e);
        r->resumed = true;
    }
    r->resumed = r->resumed || !beginning;
    ok = ok && (beginning ? begin_again(r, e) : go_on_in(r, again, e));
    buf_release(&name);
    buf_release(&key);
    return ok;
}
