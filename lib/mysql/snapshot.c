#include "mysql/snapshot.h"

#include "event/json.h"
#include "mysql/judge.h"
#include "mysql/row_key.h"
#include "mysql/row_reader.h"
#include "mysql/schema.h"
#include "mysql/schema_snapshot.h"
#include "mysql/tables.h"

#include <stdlib.h>

#define SQL_MAX (64u << 20)

struct my_snapshot {
    struct my_session *session;
    const struct tail_options *o;
    const struct capture *capture;
    struct record *record;
    struct my_view view;
    struct my_table_name *name; // of the record's tables
    struct my_scan scan;
    struct my_writing writing; // of the scan's types
    struct my_read_plan plan;
    struct my_row_reader *reader;
    size_t readers;
    struct output *out;
    bool defined; // how tables are defined was written, now or by a run before
    struct buf table, sql, key_text;
};

// ---- views

static bool load_names(struct my_snapshot *p, struct err *e)
{
    my_tables_release(p->name, p->record->tables);
    p->name = NULL;
    return my_tables_find(p->record, p->view.control, &p->name, e);
}

// The tables that --lock=tables locks: all that are there, for a range may be judged by this view.
static bool open_view_of(struct my_snapshot *p, struct err *e)
{
    struct my_table_name *there = calloc(p->record->tables + 1, sizeof *there);
    size_t n = 0;
    if (there == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < p->record->tables; i++)
        if (p->name[i].db != NULL)
            there[n++] = p->name[i];
    bool ok = n == 0 || my_view_open(&p->view, there, n, e);
    free(there);
    return ok;
}

static bool store(void *self, struct err *e)
{
    struct my_snapshot *p = self;
    return my_state_store(&p->session->state, p->o->offset, e);
}

static bool open_view(void *self, struct snapshot_seen *shows, struct err *e)
{
    struct my_snapshot *p = self;
    struct my_state *state = &p->session->state;
    const struct my_log_entry *place = &p->view.place;
    bool ok = load_names(p, e) && open_view_of(p, e);
    p->session->kept_out = p->view.kept_out;
    if (!ok)
        return false;
    *shows = (struct snapshot_seen){NULL, my_past(place->number, place->size)};
    // The run's first view: the record, with what it knows of the view, is stored before its first line.
    if (state->log.n[0] == 0)
        state->log = (struct pos){
            .source = POS_MY, .phase = POS_LOG, .epoch = p->record->epoch, .n = {place->number, place->size}};
    p->plan.source =
        (struct my_source){.file = span_of(place->name), .pos = place->size, .commit_us = p->view.time_us};
    return true;
}

static bool close_view(void *self, struct err *e)
{
    (void)self, (void)e; // readers are in it; the next one takes its place in a moment
    return true;
}

// ---- a table

// Dropped since the view was opened, the table's last changes are not in it: the next view is opened without
// it.
static bool lock_table(void *self, size_t table, bool *found, bool *shows, struct err *e)
{
    struct my_snapshot *p = self;
    bool there = false;
    *found = p->name[table].db != NULL;
    *shows = false;
    bool ok = !*found || my_view_lock(&p->view, &p->name[table], &there, shows, e);
    *shows = *shows && there;
    p->session->kept_out = p->view.kept_out;
    if (ok && !*found)
        p->o->warn("table %s is not there any more: what was not read of it is left out",
                   p->record->table[table].name);
    return ok;
}

static bool unlock_table(void *self, struct err *e)
{
    struct my_snapshot *p = self;
    return my_view_unlock(&p->view, e);
}

// One connection reads all in one query, which spares the server to begin many. Of several each has so few
// rows at a time that the lines of a chunk have room before their turn comes.
static uint64_t chunk_rows(const struct my_snapshot *p)
{
    enum { LINES_BYTES = 1 << 20, LINE_BYTES = 600, LEAST = 16 };
    if (p->o->chunk_rows != CHUNK_ROWS_AUTO)
        return p->o->chunk_rows;
    if (p->o->jobs == 1)
        return 0;
    uint64_t rows = LINES_BYTES / (LINE_BYTES + p->scan.row_bytes);
    return rows > LEAST ? rows : LEAST;
}

static bool describe_table(void *self, size_t table, const char *where, struct snapshot_table *t,
                           struct err *e)
{
    struct my_snapshot *p = self;
    const struct my_table_name *name = &p->name[table];
    if (!my_scan_load(&p->scan, p->view.client[0], p->view.control, span_of(name->db), span_of(name->table),
                      where, p->capture, &p->writing, e))
        return err_wrap(e, "table %s", p->record->table[table].name);
    if (!p->scan.transactional)
        p->o->warn(
            "table %s is of an engine that has no transactions: its rows are as they stand when they are "
            "read, not of the snapshot's moment",
            p->record->table[table].name);
    t->has_columns = true;
    t->columns = buf_cstr(&p->scan.columns);
    t->key = p->scan.key;
    t->key.chunk_rows = chunk_rows(p);
    return true;
}

static void forget_table(void *self)
{
    struct my_snapshot *p = self;
    my_scan_release(&p->scan);
}

// In front of the first row of all, with a token below its.
static bool write_definitions(struct my_snapshot *p, uint64_t view, struct err *e)
{
    struct my_envelope envelope;
    struct pos at = my_snapshot_beginning(p->record->epoch);
    struct my_schema_snapshot s = {.o = p->o,
                                   .capture = p->capture,
                                   .sql = p->view.control,
                                   .envelope = &envelope,
                                   .at = &at,
                                   .out = p->out};
    struct my_rows *tables;
    if (!my_tables_list(p->view.control, &tables, e))
        return false;
    at.n[0] = view;
    s.tables = tables;
    my_envelope_init(&envelope, p->capture->topic_prefix, p->session->mariadb ? "mariadb" : "mysql");
    bool ok = my_envelope_event(&envelope, &p->plan.source, e) && my_schema_snapshot_write(&s, e);
    my_envelope_release(&envelope);
    my_rows_free(tables);
    return ok;
}

static bool begin_lines(void *self, size_t table, uint64_t view, struct err *e)
{
    struct my_snapshot *p = self;
    if (!p->defined && !write_definitions(p, view, e))
        return false;
    p->defined = true;
    buf_reset(&p->table);
    percent_write(&p->table, span_of(p->record->table[table].name));
    p->plan.scan = &p->scan;
    p->plan.table = buf_cstr(&p->table);
    p->plan.epoch = p->record->epoch;
    p->plan.view = view;
    return buf_ok(&p->table, "the table's name", e);
}

static void write_schema(void *self, const struct pos *at, struct buf *out)
{
    struct my_snapshot *p = self;
    my_schema_write(&p->scan.relation, p->session->mariadb, at, out);
}

// ---- the key's index

// Runs p->sql; one row of the key's columns, or *found is false.
static bool ask_row(struct my_snapshot *p, struct span *cell, size_t n, bool *found, struct err *e)
{
    if (!my_select(p->view.control, buf_cstr(&p->sql), NULL, e))
        return false;
    enum my_read got = my_fetch(p->view.control, cell, n, e);
    *found = got == MY_GOT;
    return got != MY_FAIL;
}

static bool end_row(struct my_snapshot *p, bool found, struct err *e)
{
    struct span cell[1];
    return !found || my_fetch(p->view.control, cell, 0, e) == MY_END;
}

static bool write_key(struct my_snapshot *p, const struct span *cell, struct buf *key, struct err *e)
{
    const struct table_map *map = &p->scan.relation.map;
    struct key k = {.n = p->scan.key.n};
    size_t end[KEY_MAX_COLUMNS];
    buf_reset(&p->key_text);
    for (size_t i = 0; i < k.n; i++) {
        struct value v = {VALUE_CELL, cell[i]};
        if (!my_key_text(&map->column[map->key[i]], &v, &p->key_text, e))
            return false;
        end[i] = p->key_text.n;
    }
    for (size_t i = 0, from = 0; i < k.n; from = end[i++])
        k.at[i] = (struct span){p->key_text.n == 0 ? "" : p->key_text.p + from, end[i] - from};
    key_write(p->scan.key.kind, &k, key);
    return true;
}

static bool walk(void *self, const char *after, uint64_t n, struct buf *key, bool *found, struct err *e)
{
    struct my_snapshot *p = self;
    struct span cell[KEY_MAX_COLUMNS];
    buf_reset(&p->sql);
    return my_scan_write_walk(&p->scan, after, n, &p->key_text, &p->sql, e) &&
           ask_row(p, cell, p->scan.key.n, found, e) && (!*found || write_key(p, cell, key, e)) &&
           end_row(p, *found, e);
}

static bool extent(void *self, const char *after, int64_t *first, int64_t *last, bool *some, struct err *e)
{
    struct my_snapshot *p = self;
    struct span cell[2];
    bool found;
    buf_reset(&p->sql);
    if (!my_scan_write_extent(&p->scan, after, &p->key_text, &p->sql, e) || !ask_row(p, cell, 2, &found, e))
        return false;
    *some = found && cell[0].p != NULL && json_i64(cell[0], first) && json_i64(cell[1], last);
    return end_row(p, found, e);
}

// As the server's statistics guess.
static bool estimate(void *self, size_t table, uint64_t *expected, struct err *e)
{
    struct my_snapshot *p = self;
    struct my_rows *rows;
    struct buf name;
    if (!my_query(
            p->view.control,
            "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_ROWS > 0",
            &rows, NULL, e))
        return false;
    buf_init(&name, 4096);
    for (size_t i = 0; i < my_row_count(rows); i++) {
        buf_reset(&name);
        buf_printf(&name, "%s.%s", my_cell(rows, i, 0), my_cell(rows, i, 1));
        size_t at = record_find_name(p->record, buf_view(&name));
        if (at >= table && at < p->record->tables)
            *expected += strtoull(my_cell(rows, i, 2), NULL, 10);
    }
    buf_release(&name);
    my_rows_free(rows);
    return true;
}

// ---- the run

static bool start_readers(void *self, struct ordered *ordered, struct err *e)
{
    struct my_snapshot *p = self;
    size_t jobs = (size_t)p->o->jobs;
    p->reader = calloc(jobs, sizeof *p->reader);
    if (p->reader == NULL)
        return err_no_memory(e);
    while (p->readers < jobs) {
        size_t i = p->readers++;
        if (!my_row_reader_start(&p->reader[i], &p->view, &p->plan, p->capture, ordered, i, e))
            return false;
    }
    return true;
}

static void join_readers(void *self)
{
    struct my_snapshot *p = self;
    for (size_t i = 0; i < p->readers; i++)
        my_row_reader_join(&p->reader[i]);
}

static const struct snapshot_ops ops = {
    .plan = {walk, extent},
    .open_view = open_view,
    .close_view = close_view,
    .store = store,
    .lock_table = lock_table,
    .unlock_table = unlock_table,
    .describe_table = describe_table,
    .forget_table = forget_table,
    .begin_lines = begin_lines,
    .start_readers = start_readers,
    .join_readers = join_readers,
    .estimate = estimate,
    .write_schema = write_schema,
};

bool my_snapshot_run(struct my_session *session, const struct tail_options *o, const struct capture *capture,
                     struct output *out, uint64_t *rows, struct buf *last, struct err *e)
{
    struct my_snapshot p = {.session = session,
                            .o = o,
                            .capture = capture,
                            .record = &session->state.snapshot,
                            .out = out,
                            .defined = session->from.n[0] != 0};
    struct snapshot_run r = {
        .ops = &ops,
        .self = &p,
        .o = o,
        .out = out,
        .last = last,
        .record = p.record,
        .from = &session->from,
        .again = session->again,
    };
    buf_init(&p.table, POS_MAX_BYTES);
    buf_init(&p.sql, SQL_MAX);
    buf_init(&p.key_text, SQL_MAX);
    bool ok = my_writing_init(&p.writing, 1u << 20, e) && my_writing_set(&p.writing, o, &capture->shape, e) &&
              my_view_init(&p.view, o, (size_t)o->jobs, e) && snapshot_run(&r, e);
    // Without a table there was no view.
    if (ok && session->state.log.n[0] == 0)
        session->state.log.n[0] = session->now_file, session->state.log.n[1] = session->now_pos;
    *rows += r.rows;
    free(p.reader);
    my_tables_release(p.name, p.record->tables);
    my_view_release(&p.view);
    my_writing_release(&p.writing);
    buf_release(&p.table);
    buf_release(&p.sql);
    buf_release(&p.key_text);
    return ok;
}
