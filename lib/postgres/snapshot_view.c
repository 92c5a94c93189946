#include "postgres/snapshot_view.h"

#include "base/clock.h"


// How often a view is opened anew where a transaction is about to become visible.
#define TRIES 200
#define TRY_MS 20

bool snapshot_store(struct snapshot_run *r, struct err *e)
{
    return r->o->offset == NULL || pg_state_store(&r->session->state, r->o->offset, e);
}

// The connection that made the slot keeps its exported snapshot open, and vacuum waiting, until its next
// command.
static bool let_go_of_exported(struct snapshot_run *r, struct err *e)
{
    r->session->exported[0] = '\0';
    return pg_query(r->session->client, "IDENTIFY_SYSTEM", 0, NULL, NULL, NULL, e);
}

bool snapshot_open_view(struct snapshot_run *r, struct err *e)
{
    const char *exported = r->session->exported[0] != '\0' ? r->session->exported : NULL;
    for (int attempt = 0; attempt < TRIES; attempt++) {
        if (!pg_view_open(&r->view, r->o->url, exported, e))
            return false;
        if (!judge_misses_deferred(&r->session->judge, buf_cstr(&r->view.seen))) {
            r->view_open = true;
            r->from_slot = exported != NULL;
            r->view_rows = r->rows;
            r->view_recorded = r->expired = false;
            r->view_number++;
            return exported == NULL || let_go_of_exported(r, e);
        }
        clock_nap_us(TRY_MS * 1000);
    }
    return err_set(e, STATUS_PEER, "a transaction that was streamed does not become visible");
}

// Before the first line that depends on it.
bool snapshot_record_view(struct snapshot_run *r, const char *after, struct err *e)
{
    if (r->view_recorded)
        return true;
    struct record_range range = {
        .view = r->view_number, .parent = r->parent, .table = r->table, .after = (char *)after};
    range.columns = after != NULL ? (char *)buf_cstr(&r->scan.columns) : NULL;
    // The log brings nothing that the slot's own snapshot shows.
    range.seen = r->from_slot ? NULL : r->view.seen.p;
    range.past = r->from_slot ? 0 : r->view.past_lsn;
    if (r->inherits_once)
        range.seen = r->inherited.seen, range.past = r->inherited.past;
    range.has_older = r->inherits;
    range.older_seen = r->inherited.older_seen;
    range.older_past = r->inherited.older_past;
    r->view_recorded = true;
    r->parent = r->view_number;
    return record_add_range(r->record, &range, e) && snapshot_store(r, e);
}

// A view gives some rows at least, or one after the other would give none for ever.
bool snapshot_view_is_due(const struct snapshot_run *r)
{
    if (!r->view_open || r->expired)
        return false;
    int64_t age_ms = clock_mono_ms() - r->view.opened_ms;
    return age_ms >= (r->rows != r->view_rows ? r->o->view_ms : 10 * r->o->view_ms);
}

// The readers leave the view too: what they have not read is for the next one.
bool snapshot_expire_view(struct snapshot_run *r, struct err *e)
{
    if (r->scan.relation != NULL && r->scan.n_key == 0)
        return true; // a table that is read in one pass takes as long as it takes
    r->expired = true;
    r->view_open = false;
    ordered_cut(r->ordered);
    return pg_view_close(&r->view, e);
}
