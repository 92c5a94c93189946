#include "postgres/snapshot.h"

#include "base/clock.h"
#include "base/stop.h"
#include "event/json.h"
#include "event/line.h"
#include "postgres/plan.h"
#include "postgres/reader.h"
#include "postgres/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

// How often a view is opened anew where DDL gets in between, or a transaction is about to become visible.
#define TRIES 200
#define TRY_MS 20

// The line that was made last: whether more rows follow decides on its marker.
struct held {
    bool any;
    bool first, first_in_table; // of the snapshot, of its table
    size_t mark;
    struct buf line;
};

struct run {
    struct session *session;
    const struct tail_options *o;
    const struct capture *capture;
    struct output *out;
    struct buf *last; // the last written row's token
    struct record *record;
    struct pg_client *control; // plain statements, each of its own moment

    struct pg_view view;
    uint64_t view_number, parent;
    bool view_open, view_recorded;
    bool from_slot; // it is the slot's own snapshot: the log brings nothing that it shows
    bool expired;   // the view's time is over: no chunk is planned in it any more
    // What the view before this run's showed. Of its rows some may have been delivered though they are read
    // again, or, in the table that is begun again, were.
    struct record_range inherited;
    bool inherits, inherits_once;

    size_t table;
    struct scan scan;
    struct plan plan;
    struct read_plan lines;
    struct ordered *ordered;
    struct reader *reader;
    size_t readers;
    struct read_chunk *chunk; // a ring by the chunk's number
    size_t chunks;
    uint64_t put, taken; // chunks so far
    uint64_t chunk_rows; // written of the first one that is outstanding
    struct buf border;   // JSON: behind it nothing was read; bad or empty: the table's beginning
    bool has_border;

    struct held held;
    bool resumed;     // the first row was written by a run before
    bool table_begun; // a row of the table was written
    bool described;   // its schema was, in this run
    uint64_t rows, begun_tables;
    uint64_t expected;  // rows, about
    uint64_t view_rows; // when the view was opened
    int64_t begun_ms, told_ms;
};

// ---- views

static bool store(struct run *r, struct err *e)
{
    return r->o->offset == NULL || pg_state_store(&r->session->state, r->o->offset, e);
}

// The connection that made the slot keeps its exported snapshot open, and vacuum waiting, until its next
// command.
static bool let_go_of_exported(struct run *r, struct err *e)
{
    r->session->exported[0] = '\0';
    return pg_query(r->session->client, "IDENTIFY_SYSTEM", 0, NULL, NULL, NULL, e);
}

static bool open_view(struct run *r, struct err *e)
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
static bool record_view(struct run *r, const char *after, struct err *e)
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
    return record_add_range(r->record, &range, e) && store(r, e);
}

// A view gives some rows at least, or one after the other would give none for ever.
static bool is_due(const struct run *r)
{
    if (!r->view_open || r->expired)
        return false;
    int64_t age_ms = clock_mono_ms() - r->view.opened_ms;
    return age_ms >= (r->rows != r->view_rows ? r->o->view_ms : 10 * r->o->view_ms);
}

// The readers leave the view too: what they have not read is for the next one.
static bool expire(struct run *r, struct err *e)
{
    if (r->scan.relation != NULL && r->scan.n_key == 0)
        return true; // a table that is read in one pass takes as long as it takes
    r->expired = true;
    r->view_open = false;
    ordered_cut(r->ordered);
    return pg_view_close(&r->view, e);
}

static bool tick(void *run, struct err *e)
{
    struct run *r = run;
    return !is_due(r) || expire(r, e);
}

// ---- lines

static bool write_held(struct run *r, const char *mark, struct err *e)
{
    struct held *h = &r->held;
    if (!h->any)
        return true;
    struct buf *out = &r->out->lines;
    struct line line;
    if (!line_parse((struct span){h->line.p, h->line.n - 1}, &line, e))
        return false;
    buf_reset(r->last);
    buf_span(r->last, line.pos);
    buf_bytes(out, h->line.p, h->mark);
    buf_str(out, mark);
    buf_bytes(out, h->line.p + h->mark + 4, h->line.n - h->mark - 4);
    h->any = false;
    return buf_ok(out, "a line", e) && (!output_is_full(r->out) || output_flush(r->out, e));
}

// A row of the same table follows.
static bool write_held_within(struct run *r, struct err *e)
{
    const struct held *h = &r->held;
    return write_held(r, h->first ? "first" : h->first_in_table ? "first_in_data_collection" : "true", e);
}

static bool write_held_at_table_end(struct run *r, bool last, struct err *e)
{
    return write_held(r, last ? "last" : r->held.first ? "first" : "last_in_data_collection", e);
}

static void hold(struct run *r, struct span line, size_t mark)
{
    struct held *h = &r->held;
    h->any = true;
    h->first = !r->table_begun && r->begun_tables == 0 && !r->resumed;
    h->first_in_table = !r->table_begun;
    h->mark = mark;
    buf_reset(&h->line);
    buf_span(&h->line, line);
}

// In front of the table's first line, with its token. text: lines.
static bool describe(struct run *r, struct span text, struct err *e)
{
    struct line line;
    struct pos pos;
    const char *end = memchr(text.p, '\n', text.n);
    if (!r->o->schemas || r->described)
        return true;
    r->described = true;
    if (!line_parse((struct span){text.p, (size_t)(end - text.p)}, &line, e) || !pos_parse(line.pos, &pos, e))
        return false;
    schema_write(r->scan.relation, &pos, &r->out->lines);
    return buf_ok(&r->out->lines, "a schema", e);
}

// All lines but the last go on; that one waits for what follows.
static bool write_piece(struct run *r, const struct ordered_piece *p, struct err *e)
{
    if (p->rows == 0)
        return true;
    r->rows += p->rows;
    r->chunk_rows += p->rows;
    struct span text = buf_view(&p->lines);
    struct span last = {text.p + p->last_line, text.n - p->last_line};
    bool ok = r->table_begun ? write_held_within(r, e) : write_held_at_table_end(r, false, e);
    ok = ok && describe(r, text, e);
    struct span rest = {text.p, p->last_line};
    if (ok && rest.n != 0 && !r->table_begun) {
        const char *end = memchr(text.p, '\n', text.n);
        hold(r, (struct span){text.p, (size_t)(end - text.p) + 1}, p->first_mark);
        rest.n -= r->held.line.n, rest.p += r->held.line.n;
        r->begun_tables++;
        r->table_begun = true;
        ok = buf_ok(&r->held.line, "a line", e) && write_held_within(r, e);
    }
    if (ok && rest.n != 0)
        ok = output_write(r->out, rest, e);
    if (!ok)
        return false;
    hold(r, last, p->last_mark - p->last_line);
    r->begun_tables += !r->table_begun;
    r->table_begun = true;
    return buf_ok(&r->held.line, "a line", e);
}

// ---- progress

// Of the tables that are yet to be read, as the planner would guess it; a table that was never analysed by
// its size, for which it must be free: where one is held, nothing is said of the time.
static bool estimate(struct run *r, struct err *e)
{
    struct buf sql;
    struct pg_rows *rows = NULL;
    char sqlstate[6] = "";
    buf_init(&sql, 16u << 20);
    buf_lit(&sql, "SET LOCAL lock_timeout = 100; SELECT coalesce(sum(CASE WHEN reltuples > 0 AND relpages > "
                  "0 THEN reltuples / relpages * pages "
                  "ELSE pages * 60 END), 0)::int8 FROM (SELECT reltuples, relpages, pg_relation_size(oid) / "
                  "current_setting('block_size')::int AS pages FROM pg_class WHERE oid IN (0");
    for (size_t i = r->table; i < r->record->tables; i++)
        buf_printf(&sql, ",%llu", (unsigned long long)r->record->table[i].id);
    buf_lit(&sql, ")) c");
    bool ok = buf_ok(&sql, "the list of tables", e) &&
              pg_query(r->control, buf_cstr(&sql), 0, NULL, &rows, sqlstate, e);
    if (ok)
        r->expected = strtoull(pg_cell(rows, 0, 0), NULL, 10);
    pg_rows_free(rows);
    buf_release(&sql);
    return ok || strcmp(sqlstate, "55P03") == 0;
}

static void tell_end(struct run *r)
{
    double seconds = (double)(clock_mono_ms() - r->begun_ms) / 1000;
    r->o->note("snapshot: %llu rows of %zu table%s in %.1f s, %.0f rows/s", (unsigned long long)r->rows,
               r->record->tables, r->record->tables == 1 ? "" : "s", seconds,
               seconds > 0 ? (double)r->rows / seconds : 0);
}

static void tell(struct run *r)
{
    int64_t now_ms = clock_mono_ms();
    if (r->o->progress == NULL || now_ms - r->told_ms < r->o->progress_ms)
        return;
    r->told_ms = now_ms;
    double rate = (double)r->rows * 1000 / (double)(now_ms - r->begun_ms);
    char left[64] = "";
    if (r->rows != 0 && r->expected > r->rows)
        snprintf(left, sizeof left, ", about %.0f s left", (double)(r->expected - r->rows) / rate);
    r->o->progress("snapshot: table %zu of %zu, %s, %llu rows, %.0f rows/s%s", r->table + 1,
                   r->record->tables, r->record->table[r->table].name, (unsigned long long)r->rows, rate,
                   left);
}

// ---- chunks

static struct read_chunk *chunk_at(struct run *r, uint64_t number)
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

static bool put_chunk(struct run *r, struct err *e)
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

static bool discard_rest(struct run *r, struct err *e)
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
static bool border_of_held(struct run *r, struct err *e)
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
static bool take_cut(struct run *r, struct read_chunk *c, struct err *e)
{
    if (r->chunk_rows != 0) {
        if (!border_of_held(r, e))
            return false;
    } else {
        copy_border(&r->border, &r->has_border, &c->border, c->has_border);
    }
    return discard_rest(r, e);
}

static bool lock_in_view(struct run *r, const char *from, uint32_t oid, bool *shows, struct err *e)
{
    if (pg_view_lock(r->view.client, from, oid, shows, e))
        return true;
    r->session->kept_out = e->status == STATUS_PEER && pg_is_connected(r->view.client);
    return err_wrap(e, "cannot lock table %s against DDL", r->record->table[r->table].name);
}

static bool begin_plan(struct run *r, const char *after, struct err *e)
{
    struct session *s = r->session;
    return record_view(r, after, e) &&
           read_plan_write(&r->lines, &r->scan, r->record->table[r->table].name, &r->view, r->record->epoch,
                           r->view_number, r->capture->topic_prefix, s->database, e) &&
           plan_begin(&r->plan, &r->scan, after, e);
}

// The rest of the table, in a new view.
static bool next_view(struct run *r, struct err *e)
{
    bool shows = false;
    for (int attempt = 0; !shows && attempt < TRIES; attempt++)
        if (!open_view(r, e) || !lock_in_view(r, r->scan.from, r->scan.oid, &shows, e))
            return false;
    if (!shows)
        return err_set(e, STATUS_PEER, "table %s is written anew again and again", r->scan.name);
    return begin_plan(r, r->has_border ? buf_cstr(&r->border) : NULL, e);
}

static bool take_piece(struct run *r, bool *cut, struct err *e)
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
    bool ok = write_piece(r, piece, e);
    ordered_return(r->ordered, piece);
    if (ok && *cut)
        ok = take_cut(r, c, e);
    r->taken += ends;
    if (ends)
        r->chunk_rows = 0;
    return ok;
}

static bool read_chunks(struct run *r, struct err *e)
{
    bool cut = false;
    while (stop_count() == 0) {
        if (is_due(r) && !expire(r, e))
            return false;
        while (!r->expired && !r->plan.ended && ordered_room(r->ordered))
            if (!put_chunk(r, e))
                return false;
        tell(r);
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
static bool find_table(struct run *r, uint64_t oid, struct buf *from, bool *found, struct err *e)
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
static bool lock_table(struct run *r, uint64_t oid, bool *found, struct err *e)
{
    struct buf from;
    bool ok = true, shows = false;
    *found = true;
    buf_init(&from, 1024);
    for (int attempt = 0; ok && *found && !shows && attempt < TRIES; attempt++) {
        if (!r->view_open || attempt != 0)
            ok = open_view(r, e);
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
static bool check_conditions(const struct run *r, struct err *e)
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

static bool read_table(struct run *r, const char *after, struct err *e)
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

static bool read_tables(struct run *r, const char *after, struct err *e)
{
    for (; r->table < r->record->tables && stop_count() == 0; r->table++, after = NULL) {
        if (is_due(r) && !expire(r, e))
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

// ---- where to begin

// A connection that was lost in this run changes nothing: the reader of our output has just what was written.
static bool inherit(struct run *r, const struct record_range *range, struct err *e)
{
    const char *older = range->has_older ? range->older_seen : range->seen;
    r->inherits = !r->session->again || range->has_older;
    r->inherited = (struct record_range){.past = range->past};
    r->inherited.older_past = range->has_older ? range->older_past : range->past;
    r->inherited.seen = range->seen != NULL ? strdup(range->seen) : NULL;
    r->inherited.older_seen = older != NULL ? strdup(older) : NULL;
    return ((range->seen == NULL || r->inherited.seen != NULL) &&
            (older == NULL || r->inherited.older_seen != NULL)) ||
           err_no_memory(e);
}

// Nothing is acknowledged. Tables that were read in an earlier epoch are judged as before.
static bool begin_again(struct run *r, struct err *e)
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
static bool go_on_in(struct run *r, bool again, struct err *e)
{
    struct record *rec = r->record;
    uint64_t view = r->session->from.n[0];
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
static bool go_on(struct run *r, char **after, struct err *e)
{
    struct record *rec = r->record;
    const struct pos *from = &r->session->from;
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

// ---- the whole

static bool start(struct run *r, struct err *e)
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

static void finish(struct run *r)
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
static bool note_done(struct run *r, struct err *e)
{
    struct stat st;
    r->record->done = true;
    r->record->output[0] = r->record->output[1] = 0;
    if (fstat(r->out->fd, &st) == 0) {
        r->record->output[0] = (uint64_t)st.st_dev;
        r->record->output[1] = (uint64_t)st.st_ino;
    }
    return store(r, e);
}

static bool run_all(struct run *r, struct err *e)
{
    char *after = NULL;
    r->record->done = false;
    bool ok = check_conditions(r, e) && go_on(r, &after, e);
    ok = ok && start(r, e) && estimate(r, e) && read_tables(r, after, e);
    free(after);
    bool complete = ok && stop_count() == 0;
    struct err ignored;
    // After a failure too: the rows that were made are whole.
    struct err *told = ok ? e : &ignored;
    bool written = !r->out->gone &&
                   (complete ? write_held_at_table_end(r, true, told) : write_held_within(r, told)) &&
                   output_flush(r->out, told);
    if (complete && written) {
        tell_end(r);
        ok = note_done(r, e);
    }
    return ok && written;
}

bool pg_snapshot_run(struct session *session, const struct tail_options *o, const struct capture *capture,
                     struct output *out, uint64_t *rows, struct buf *last, struct err *e)
{
    struct run r = {
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
