#include "postgres/snapshot.h"

#include "base/clock.h"
#include "base/stop.h"
#include "event/json.h"
#include "event/line.h"
#include "postgres/snapshot_lines.h"
#include "postgres/snapshot_resume.h"
#include "postgres/snapshot_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

// How often a view is opened anew where DDL gets in between.
#define TRIES 200

static bool tick(void *run, struct err *e)
{
    struct snapshot_run *r = run;
    return !snapshot_view_is_due(r) || snapshot_expire_view(r, e);
}

// ---- chunks

static struct read_chunk *chunk_at(struct snapshot_run *r, uint64_t number)
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
    struct read_chunk *c = chunk_at(r, ++r->put);
    const char *border = plan_border(&r->plan);
    buf_reset(&c->border);
    c->has_border = border != NULL;
    buf_str(&c->border, border != NULL ? border : "");
    if (!plan_next(&r->plan, e))
        return false;
    c->plan = &r->lines;
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
static bool take_cut(struct snapshot_run *r, struct read_chunk *c, struct err *e)
{
    if (r->chunk_rows != 0) {
        if (!border_of_held(r, e))
            return false;
    } else {
        copy_border(&r->border, &r->has_border, &c->border, c->has_border);
    }
    return discard_rest(r, e);
}

static bool lock_in_view(struct snapshot_run *r, const char *from, uint32_t oid, bool *shows, struct err *e)
{
    if (pg_view_lock(r->view.client, from, oid, shows, e))
        return true;
    r->session->kept_out = e->status == STATUS_PEER && pg_is_connected(r->view.client);
    return err_wrap(e, "cannot lock table %s against DDL", r->record->table[r->table].name);
}

static bool begin_plan(struct snapshot_run *r, const char *after, struct err *e)
{
    struct session *s = r->session;
    return snapshot_record_view(r, after, e) &&
           read_plan_write(&r->lines, &r->scan, r->record->table[r->table].name, &r->view, r->record->epoch,
                           r->view_number, r->capture->topic_prefix, s->database, e) &&
           plan_begin(&r->plan, &r->scan, after, e);
}

// The rest of the table, in a new view.
static bool next_view(struct snapshot_run *r, struct err *e)
{
    bool shows = false;
    for (int attempt = 0; !shows && attempt < TRIES; attempt++)
        if (!snapshot_open_view(r, e) || !lock_in_view(r, r->scan.from, r->scan.oid, &shows, e))
            return false;
    if (!shows)
        return err_set(e, STATUS_PEER, "table %s is written anew again and again", r->scan.name);
    return begin_plan(r, r->has_border ? buf_cstr(&r->border) : NULL, e);
}

static bool take_piece(struct snapshot_run *r, bool *cut, struct err *e)
{
    struct ordered_piece *piece;
    struct read_chunk *c = chunk_at(r, r->taken + 1);
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
    bool cut = false;
    while (stop_count() == 0) {
        if (snapshot_view_is_due(r) && !snapshot_expire_view(r, e))
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
        if (!next_view(r, e))
            return false;
    }
    return true;
}

// ---- tables

// FROM's name of a table that is still there.
static bool find_table(struct snapshot_run *r, uint64_t oid, struct buf *from, bool *found, struct err *e)
{
    char sql[256];
    struct pg_rows *rows;
    snprintf(
        sql, sizeof sql,
        "SELECT CASE relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || quote_ident(nspname) || '.' || "
        "quote_ident(relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = %llu",
        (unsigned long long)oid);
    if (!pg_query(r->control, sql, 0, NULL, &rows, NULL, e))
        return false;
    *found = pg_row_count(rows) == 1;
    buf_reset(from);
    if (*found)
        buf_str(from, pg_cell(rows, 0, 0));
    pg_rows_free(rows);
    return buf_ok(from, "the table's name", e);
}

// Locked against DDL, in a view that shows its rows; not found if it was dropped.
static bool lock_table(struct snapshot_run *r, uint64_t oid, bool *found, struct err *e)
{
    struct buf from;
    bool ok = true, shows = false;
    *found = true;
    buf_init(&from, 1024);
    for (int attempt = 0; ok && *found && !shows && attempt < TRIES; attempt++) {
        if (!r->view_open || attempt != 0)
            ok = snapshot_open_view(r, e);
        ok = ok && find_table(r, oid, &from, found, e);
        if (ok && *found)
            ok = lock_in_view(r, buf_cstr(&from), (uint32_t)oid, &shows, e);
    }
    buf_release(&from);
    return ok && (!*found || shows ||
                  err_set(e, STATUS_PEER, "table %s is written anew again and again",
                          r->record->table[r->table].name));
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
    const struct record_table *t = &r->record->table[r->table];
    bool found;
    r->table_begun = after != NULL;
    r->described = false;
    if (!lock_table(r, t->id, &found, e))
        return false;
    if (!found)
        return true; // dropped meanwhile: its rows are gone
    struct scan_wish wish = {(uint32_t)t->id, r->session->publication, where_of(r->o, t->name)};
    bool ok = scan_load(&r->scan, r->control, &r->session->catalog, r->capture, &wish, r->o->warn, e);
    if (ok && r->scan.relation == NULL)
        return true; // without columns there is nothing to say of a row
    if (ok && after != NULL && r->scan.n_key == 0)
        ok = err_set(e, STATUS_LOST, "table %s has no key any more that its snapshot can go on by", t->name);
    ok = ok && begin_plan(r, after, e) && read_chunks(r, e);
    if (ok && r->view_open)
        ok = pg_view_unlock(r->view.client, e);
    return ok;
}

static bool read_tables(struct snapshot_run *r, const char *after, struct err *e)
{
    for (; r->table < r->record->tables && stop_count() == 0; r->table++, after = NULL) {
        if (snapshot_view_is_due(r) && !snapshot_expire_view(r, e))
            return false;
        if (!read_table(r, after, e))
            return err_wrap(e, "snapshot");
        if (stop_count() != 0)
            return true;
        scan_release(&r->scan); // at other ends the readers still use it: finish() does it behind them
        // The table that was begun again is over; the view shows the next ones as it is.
        if (r->inherits_once)
            r->inherits_once = r->view_recorded = false;
    }
    return true;
}

// ---- the whole

static bool start(struct snapshot_run *r, struct err *e)
{
    const struct tail_options *o = r->o;
    size_t jobs = (size_t)o->jobs;
    r->chunks = 4 * jobs + 2;
    r->chunk = calloc(r->chunks, sizeof *r->chunk);
    r->reader = calloc(jobs, sizeof *r->reader);
    if (r->chunk == NULL || r->reader == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < r->chunks; i++) {
        buf_init(&r->chunk[i].low, 4u << 20);
        buf_init(&r->chunk[i].high, 4u << 20);
        buf_init(&r->chunk[i].border, 4u << 20);
    }
    if (!pg_connect(o->url, PG_SQL, "cdc-snapshot", &r->control, e) ||
        !ordered_create(&r->ordered, jobs, o->max_line_bytes, e))
        return false;
    plan_init(&r->plan, r->control, o->chunk_rows);
    for (; r->readers < jobs; r->readers++)
        if (!reader_start(&r->reader[r->readers], r->ordered, r->readers, o->url, e))
            return false;
    return true;
}

static void finish(struct snapshot_run *r)
{
    if (r->ordered != NULL)
        ordered_stop(r->ordered);
    for (size_t i = 0; i < r->readers; i++)
        reader_join(&r->reader[i]);
    ordered_release(r->ordered);
    for (size_t i = 0; r->chunk != NULL && i < r->chunks; i++) {
        buf_release(&r->chunk[i].low);
        buf_release(&r->chunk[i].high);
        buf_release(&r->chunk[i].border);
    }
    free(r->chunk);
    free(r->reader);
    free(r->inherited.seen);
    free(r->inherited.older_seen);
    scan_release(&r->scan);
    plan_release(&r->plan);
    read_plan_release(&r->lines);
    pg_view_release(&r->view);
    pg_close(r->control);
    buf_release(&r->border);
    buf_release(&r->held.line);
}

// The rows are written; who reads them next may only be who reads this descriptor's file now.
static bool note_done(struct snapshot_run *r, struct err *e)
{
    struct stat st;
    r->record->done = true;
    r->record->output[0] = r->record->output[1] = 0;
    if (fstat(r->out->fd, &st) == 0) {
        r->record->output[0] = (uint64_t)st.st_dev;
        r->record->output[1] = (uint64_t)st.st_ino;
    }
    return snapshot_store(r, e);
}

static bool run_all(struct snapshot_run *r, struct err *e)
{
    char *after = NULL;
    r->record->done = false;
    bool ok = check_conditions(r, e) && snapshot_go_on(r, &after, e);
    ok = ok && start(r, e) && snapshot_estimate(r, e) && read_tables(r, after, e);
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

bool pg_snapshot_run(struct session *session, const struct tail_options *o, const struct capture *capture,
                     struct output *out, uint64_t *rows, struct buf *last, struct err *e)
{
    struct snapshot_run r = {
        .session = session,
        .o = o,
        .capture = capture,
        .out = out,
        .last = last,
        .record = &session->state.snapshot,
        .begun_ms = clock_mono_ms(),
    };
    r.told_ms = r.begun_ms;
    r.view_number = record_last_view(r.record);
    if (session->from.n[0] > r.view_number)
        r.view_number = session->from.n[0];
    pg_view_init(&r.view, o->lock_ms);
    read_plan_init(&r.lines);
    buf_init(&r.border, 4u << 20);
    buf_init(&r.held.line, o->max_line_bytes);
    bool (*tick_before)(void *, struct err *) = out->tick;
    void *context_before = out->context;
    out->tick = tick;
    out->context = &r;
    bool ok = run_all(&r, e);
    out->tick = tick_before;
    out->context = context_before;
    *rows += r.rows;
    finish(&r);
    return ok;
}
