#include "snapshot/run.h"

#include "base/clock.h"
#include "base/stop.h"
#include "event/line.h"
#include "snapshot/lines.h"
#include "snapshot/resume.h"

#include <stdlib.h>

// How often a view is opened anew where DDL gets in between.
#define TRIES 200

#define BORDER_MAX (4u << 20)

// ---- views

static bool store(struct snapshot_run *r, struct err *e)
{
    return r->o->offset == NULL || r->ops->store(r->self, e);
}

static bool open_view(struct snapshot_run *r, struct err *e)
{
    if (!r->ops->open_view(r->self, &r->shows, e))
        return false;
    r->opened_ms = clock_mono_ms();
    r->view_open = true;
    r->view_rows = r->rows;
    r->view_recorded = r->expired = false;
    r->view_number++;
    return true;
}

// Before the first line that depends on it: notes that the view reads from here on.
static bool record_view(struct snapshot_run *r, const char *after, struct err *e)
{
    if (r->view_recorded)
        return true;
    struct record_range range = {
        .view = r->view_number, .parent = r->parent, .table = r->table, .after = (char *)after};
    range.columns = after != NULL ? (char *)r->described.columns : NULL;
    range.seen = (char *)r->shows.seen;
    range.past = r->shows.past;
    if (r->inherits_once)
        range.seen = r->inherited.seen, range.past = r->inherited.past;
    range.has_older = r->inherits;
    range.older_seen = r->inherited.older_seen;
    range.older_past = r->inherited.older_past;
    r->view_recorded = true;
    r->parent = r->view_number;
    return record_add_range(r->record, &range, e) && store(r, e);
}

// A view gives some rows at least, or one after the other would give none for ever.
static bool view_is_due(const struct snapshot_run *r)
{
    if (!r->view_open || r->expired)
        return false;
    int64_t age_ms = clock_mono_ms() - r->opened_ms;
    return age_ms >= (r->rows != r->view_rows ? r->o->view_ms : 10 * r->o->view_ms);
}

// The readers leave the view too: what they have not read is for the next one.
static bool expire_view(struct snapshot_run *r, struct err *e)
{
    if (r->describes && r->described.key.n == 0)
        return true; // a table that is read in one pass takes as long as it takes
    r->expired = true;
    r->view_open = false;
    ordered_cut(r->ordered);
    return r->ops->close_view(r->self, e);
}

static bool tick(void *run, struct err *e)
{
    struct snapshot_run *r = run;
    return !view_is_due(r) || expire_view(r, e);
}

// ---- chunks

static struct snapshot_chunk *chunk_at(struct snapshot_run *r, uint64_t number)
{
    return &r->chunk[number % r->chunks];
}

static void copy_border(struct buf *to, bool *has, const struct buf *from, bool from_has)
{
    *has = from_has;
    buf_reset(to);
    if (from_has) {
        buf_span(to, buf_view(from));
        (void)buf_cstr(to);
    }
}

static bool put_chunk(struct snapshot_run *r, struct err *e)
{
    struct snapshot_chunk *c = chunk_at(r, ++r->put);
    if (!plan_next(&r->plan, e))
        return false;
    copy_border(&c->low, &c->has_low, &r->plan.low, r->plan.has_low);
    copy_border(&c->high, &c->has_high, &r->plan.high, r->plan.has_high);
    if (!buf_ok(&c->low, "a chunk's border", e) || !buf_ok(&c->high, "a chunk's border", e))
        return false;
    ordered_put(r->ordered, c);
    return true;
}

static bool discard_rest(struct snapshot_run *r, struct err *e)
{
    while (ordered_outstanding(r->ordered) != 0) {
        struct ordered_piece *piece;
        enum ordered_took took = ordered_take(r->ordered, 1000, &piece, e);
        if (took == ORDERED_FAILED)
            return false;
        if (took == ORDERED_NOTHING)
            continue;
        r->taken += piece->ends_chunk;
        ordered_return(r->ordered, piece);
    }
    return true;
}

// The key of the row that was made last.
static bool border_of_held(struct snapshot_run *r, struct err *e)
{
    struct line line;
    struct pos pos;
    struct span text = {r->held.line.p, r->held.line.n - 1};
    buf_reset(&r->border);
    r->has_border = true;
    return line_parse(text, &line, e) && pos_parse(line.pos, &pos, e) &&
           (percent_read(&r->border, pos.key) || err_set(e, STATUS_DATA, "a token's key is malformed"));
}

// The first chunk was cut: what it and those behind it lack is read in the next view.
static bool take_cut(struct snapshot_run *r, struct snapshot_chunk *c, struct err *e)
{
    if (r->chunk_rows != 0) {
        if (!border_of_held(r, e))
            return false;
    } else {
        copy_border(&r->border, &r->has_border, &c->low, c->has_low);
    }
    return discard_rest(r, e);
}

static bool begin_plan(struct snapshot_run *r, const char *after, struct err *e)
{
    return record_view(r, after, e) && r->ops->begin_lines(r->self, r->table, r->view_number, e) &&
           plan_begin(&r->plan, &r->described.key, after, e);
}

// Locked against DDL, in a view that shows its rows, a new one or one that is open; not found if it was
// dropped.
static bool lock_table(struct snapshot_run *r, bool anew, bool *found, struct err *e)
{
    const char *name = r->record->table[r->table].name;
    bool shows = false;
    *found = true;
    for (int attempt = 0; *found && !shows && attempt < TRIES; attempt++) {
        if ((anew || attempt != 0 || !r->view_open) && !open_view(r, e))
            return false;
        if (!r->ops->lock_table(r->self, r->table, found, &shows, e))
            return err_wrap(e, "cannot lock table %s against DDL", name);
    }
    return !*found || shows || err_set(e, STATUS_PEER, "table %s is written anew again and again", name);
}

static const char *where_of(const struct tail_options *o, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < o->where.n; i++) {
        const char *p = o->where.at[i];
        if (strncmp(p, name, n) == 0 && p[n] == ':')
            return p + n + 1 + strspn(p + n + 1, " ");
    }
    return NULL;
}

static bool describe(struct snapshot_run *r, struct err *e)
{
    const char *where = where_of(r->o, r->record->table[r->table].name);
    r->described = (struct snapshot_table){0};
    r->describes = r->ops->describe_table(r->self, r->table, where, &r->described, e);
    return r->describes;
}

static bool is_same_key(const struct plan_key *a, const struct plan_key *b)
{
    return a->n == b->n && memcmp(a->kind, b->kind, a->n * sizeof a->kind[0]) == 0;
}

// Between two views the table was not held: a DDL may have come in.
static bool describe_again(struct snapshot_run *r, struct err *e)
{
    struct plan_key before = r->described.key;
    char *columns = r->has_border ? strdup(r->described.columns) : NULL;
    if (r->has_border && columns == NULL)
        return err_no_memory(e);
    r->ops->forget_table(r->self);
    r->schema_told = false;
    bool ok = describe(r, e);
    if (ok && r->has_border &&
        (!is_same_key(&before, &r->described.key) || strcmp(columns, r->described.columns) != 0)) {
        ok = err_set(e, STATUS_LOST, "table %s has another key now than its first rows were read by",
                     r->record->table[r->table].name);
        err_hint(e, "take a new snapshot, with a new offset folder");
    }
    free(columns);
    return ok;
}

// The rest of the table, in a new view.
static bool next_view(struct snapshot_run *r, bool *found, struct err *e)
{
    if (!lock_table(r, true, found, e) || (*found && !describe_again(r, e)))
        return false;
    const char *border = r->has_border ? buf_cstr(&r->border) : NULL;
    if (!*found)
        return record_view(r, border, e); // it shows that there is nothing any more
    *found = r->described.has_columns;
    return !*found || begin_plan(r, border, e);
}

static bool take_piece(struct snapshot_run *r, bool *cut, struct err *e)
{
    struct ordered_piece *piece;
    struct snapshot_chunk *c = chunk_at(r, r->taken + 1);
    switch (ordered_take(r->ordered, 200, &piece, e)) {
    case ORDERED_FAILED:
        return false;
    case ORDERED_NOTHING:
        return output_flush(r->out, e);
    case ORDERED_GOT:
        break;
    }
    bool ends = piece->ends_chunk;
    *cut = piece->is_cut;
    bool ok = snapshot_write_piece(r, piece, e);
    ordered_return(r->ordered, piece);
    if (ok && *cut)
        ok = take_cut(r, c, e);
    r->taken += ends;
    if (ends)
        r->chunk_rows = 0;
    return ok;
}

static bool read_chunks(struct snapshot_run *r, struct err *e)
{
    bool cut = false, found = true;
    while (found && stop_count() == 0) {
        if (view_is_due(r) && !expire_view(r, e))
            return false;
        while (!r->expired && !r->plan.ended && ordered_room(r->ordered))
            if (!put_chunk(r, e))
                return false;
        snapshot_tell(r);
        if (ordered_outstanding(r->ordered) != 0) {
            if (!take_piece(r, &cut, e))
                return false;
            if (!cut)
                continue;
        } else if (r->plan.ended) {
            return true;
        } else {
            const char *border = plan_border(&r->plan);
            r->has_border = border != NULL;
            buf_reset(&r->border);
            buf_str(&r->border, border != NULL ? border : "");
        }
        cut = false;
        if (!next_view(r, &found, e))
            return false;
    }
    return true;
}

// ---- tables

// A condition for no table would let rows through that it was to hold back.
static bool check_conditions(const struct snapshot_run *r, struct err *e)
{
    for (size_t i = 0; i < r->o->where.n; i++) {
        const char *at = r->o->where.at[i];
        size_t t = 0, n = strcspn(at, ":");
        while (t < r->record->tables &&
               (strncmp(r->record->table[t].name, at, n) != 0 || r->record->table[t].name[n] != '\0'))
            t++;
        if (t == r->record->tables)
            return err_set(e, STATUS_USAGE, "--where %.200s: no such table is read", at);
    }
    return true;
}

static bool read_table(struct snapshot_run *r, const char *after, struct err *e)
{
    bool found;
    r->table_begun = after != NULL;
    r->schema_told = false;
    if (!lock_table(r, false, &found, e))
        return false;
    if (!found)
        return after != NULL || record_view(r, NULL, e); // dropped meanwhile: its rows are gone
    bool ok = describe(r, e);
    if (ok && !r->described.has_columns)
        return true; // there is nothing to say of a row
    if (ok && after != NULL && r->described.key.n == 0)
        ok = err_set(e, STATUS_LOST, "table %s has no key any more that its snapshot can go on by",
                     r->record->table[r->table].name);
    ok = ok && begin_plan(r, after, e) && read_chunks(r, e);
    return ok && (!r->view_open || r->ops->unlock_table(r->self, e));
}

static bool read_tables(struct snapshot_run *r, const char *after, struct err *e)
{
    for (; r->table < r->record->tables && stop_count() == 0; r->table++, after = NULL) {
        if (view_is_due(r) && !expire_view(r, e))
            return false;
        if (!read_table(r, after, e))
            return err_wrap(e, "snapshot");
        if (stop_count() != 0)
            return true;
        r->describes = false;
        r->ops->forget_table(r->self); // at other ends the readers still use it
        // The table that was begun again is over; the view shows the next ones as it is.
        if (r->inherits_once)
            r->inherits_once = r->view_recorded = false;
    }
    return true;
}

// ---- the whole

static bool start(struct snapshot_run *r, struct err *e)
{
    size_t jobs = (size_t)r->o->jobs;
    r->chunks = 4 * jobs + 2;
    r->chunk = calloc(r->chunks, sizeof *r->chunk);
    if (r->chunk == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < r->chunks; i++) {
        buf_init(&r->chunk[i].low, BORDER_MAX);
        buf_init(&r->chunk[i].high, BORDER_MAX);
    }
    return ordered_create(&r->ordered, jobs, r->o->max_line_bytes, e) &&
           r->ops->start_readers(r->self, r->ordered, e);
}

static void finish(struct snapshot_run *r)
{
    if (r->ordered != NULL)
        ordered_stop(r->ordered);
    r->ops->join_readers(r->self);
    r->ops->forget_table(r->self);
    ordered_release(r->ordered);
    for (size_t i = 0; r->chunk != NULL && i < r->chunks; i++) {
        buf_release(&r->chunk[i].low);
        buf_release(&r->chunk[i].high);
    }
    free(r->chunk);
    free(r->inherited.seen);
    free(r->inherited.older_seen);
    plan_release(&r->plan);
    buf_release(&r->border);
    buf_release(&r->held.line);
}

// The rows are written. Where this run ends with them, the log may be for a cdc-tail that writes to the same
// file.
static bool note_done(struct snapshot_run *r, struct err *e)
{
    r->record->done = true;
    record_set_output(r->record, r->o->snapshot_only ? r->out->fd : -1);
    return store(r, e);
}

static bool run_all(struct snapshot_run *r, struct err *e)
{
    char *after = NULL;
    r->record->done = false;
    bool ok = check_conditions(r, e) && snapshot_go_on(r, &after, e);
    ok =
        ok && start(r, e) && r->ops->estimate(r->self, r->table, &r->expected, e) && read_tables(r, after, e);
    free(after);
    bool complete = ok && stop_count() == 0;
    struct err ignored;
    // After a failure too: the rows that were made are whole.
    struct err *told = ok ? e : &ignored;
    bool written =
        !r->out->gone &&
        (complete ? snapshot_write_held_at_table_end(r, true, told) : snapshot_write_held_within(r, told)) &&
        output_flush(r->out, told);
    if (complete && written) {
        snapshot_tell_end(r);
        ok = note_done(r, e);
    }
    return ok && written;
}

bool snapshot_run(struct snapshot_run *r, struct err *e)
{
    r->begun_ms = r->told_ms = clock_mono_ms();
    r->view_number = record_last_view(r->record);
    if (r->from->n[0] > r->view_number)
        r->view_number = r->from->n[0];
    plan_init(&r->plan, &r->ops->plan, r->self);
    buf_init(&r->border, BORDER_MAX);
    buf_init(&r->held.line, r->o->max_line_bytes);
    struct output *out = r->out;
    bool (*tick_before)(void *, struct err *) = out->tick;
    void *context_before = out->context;
    out->tick = tick;
    out->context = r;
    bool ok = run_all(r, e);
    out->tick = tick_before;
    out->context = context_before;
    finish(r);
    return ok;
}
