#include "postgres/snapshot.h"

#include "base/clock.h"
#include "event/json.h"
#include "postgres/reader.h"
#include "postgres/schema.h"
#include "snapshot/run.h"

#include <stdio.h>
#include <stdlib.h>

// How often a view is opened anew where a transaction is about to become visible.
#define TRIES 200
#define TRY_MS 20

// What one COPY reads.
#define CHUNK_ROWS 16384
#define SQL_MAX (4u << 20)

struct pg_snapshot {
    struct session *session;
    const struct tail_options *o;
    const struct capture *capture;
    struct record *record;
    struct pg_client *control; // plain statements, each of its own moment
    struct pg_view view;
    struct scan scan;
    struct read_plan lines;
    struct reader *reader;
    size_t readers;
    struct buf sql, key_text;
};

// ---- views

// The connection that made the slot keeps its exported snapshot open, and vacuum waiting, until its next
// command.
static bool let_go_of_exported(struct pg_snapshot *p, struct err *e)
{
    p->session->exported[0] = '\0';
    return pg_query(p->session->client, "IDENTIFY_SYSTEM", 0, NULL, NULL, NULL, e);
}

// The log brings nothing that the slot's own snapshot shows.
static bool open_view(void *self, struct snapshot_seen *shows, struct err *e)
{
    struct pg_snapshot *p = self;
    const char *exported = p->session->exported[0] != '\0' ? p->session->exported : NULL;
    for (int attempt = 0; attempt < TRIES; attempt++) {
        if (!pg_view_open(&p->view, p->o->url, exported, e))
            return false;
        *shows = exported != NULL ? (struct snapshot_seen){0}
                                  : (struct snapshot_seen){p->view.seen.p, p->view.past_lsn};
        if (!judge_misses_deferred(&p->session->judge, buf_cstr(&p->view.seen)))
            return exported == NULL || let_go_of_exported(p, e);
        clock_nap_us(TRY_MS * 1000);
    }
    return err_set(e, STATUS_PEER, "a transaction that was streamed does not become visible");
}

static bool close_view(void *self, struct err *e)
{
    struct pg_snapshot *p = self;
    return pg_view_close(&p->view, e);
}

static bool store(void *self, struct err *e)
{
    struct pg_snapshot *p = self;
    return pg_state_store(&p->session->state, p->o->offset, e);
}

// ---- a table

// FROM's name of a table that is still there.
static bool find_table(struct pg_snapshot *p, uint64_t oid, struct buf *from, bool *found, struct err *e)
{
    char sql[256];
    struct pg_rows *rows;
    snprintf(
        sql, sizeof sql,
        "SELECT CASE relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || quote_ident(nspname) || '.' || "
        "quote_ident(relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = %llu",
        (unsigned long long)oid);
    if (!pg_query(p->control, sql, 0, NULL, &rows, NULL, e))
        return false;
    *found = pg_row_count(rows) == 1;
    buf_reset(from);
    if (*found)
        buf_str(from, pg_cell(rows, 0, 0));
    pg_rows_free(rows);
    return buf_ok(from, "the table's name", e);
}

static bool lock_table(void *self, size_t table, bool *found, bool *shows, struct err *e)
{
    struct pg_snapshot *p = self;
    uint64_t oid = p->record->table[table].id;
    struct buf from;
    buf_init(&from, 1024);
    *shows = false;
    bool ok = find_table(p, oid, &from, found, e);
    if (ok && *found)
        ok = pg_view_lock(p->view.client, buf_cstr(&from), (uint32_t)oid, shows, e);
    p->session->kept_out = !ok && e->status == STATUS_PEER && pg_is_connected(p->view.client);
    buf_release(&from);
    return ok;
}

static bool unlock_table(void *self, struct err *e)
{
    struct pg_snapshot *p = self;
    return pg_view_unlock(p->view.client, e);
}

// What takes a lock on the table is asked where the table is locked: another session would stand behind a DDL
// that waits for us, and nobody would see the deadlock.
static bool count_pages(struct pg_snapshot *p, uint64_t oid, uint64_t *pages, struct err *e)
{
    char sql[128];
    struct pg_rows *rows;
    snprintf(sql, sizeof sql,
             "SELECT coalesce(pg_relation_size(%llu) / current_setting('block_size')::int, 0)",
             (unsigned long long)oid);
    if (!pg_query(p->view.client, sql, 0, NULL, &rows, NULL, e))
        return false;
    *pages = strtoull(pg_cell(rows, 0, 0), NULL, 10);
    pg_rows_free(rows);
    return true;
}

static bool describe_table(void *self, size_t table, const char *where, struct snapshot_table *t,
                           struct err *e)
{
    struct pg_snapshot *p = self;
    struct scan_wish wish = {(uint32_t)p->record->table[table].id, p->session->publication, where, 0};
    if (!count_pages(p, wish.oid, &wish.pages, e) ||
        !scan_load(&p->scan, p->control, &p->session->catalog, p->capture, &wish, p->o->warn, e))
        return false;
    t->has_columns = p->scan.relation != NULL;
    t->columns = buf_cstr(&p->scan.columns);
    t->key = p->scan.key;
    t->key.chunk_rows = p->o->chunk_rows != CHUNK_ROWS_AUTO ? p->o->chunk_rows : CHUNK_ROWS;
    return true;
}

static void forget_table(void *self)
{
    struct pg_snapshot *p = self;
    scan_release(&p->scan);
}

static bool begin_lines(void *self, size_t table, uint64_t view, struct err *e)
{
    struct pg_snapshot *p = self;
    return read_plan_write(&p->lines, &p->scan, p->record->table[table].name, &p->view, p->record->epoch,
                           view, p->capture->topic_prefix, p->session->database, e);
}

static void write_schema(void *self, const struct pos *at, struct buf *out)
{
    struct pg_snapshot *p = self;
    schema_write(p->scan.relation, at, out);
}

// ---- the key's index, read in the view, where the table is locked

// Appends WHERE, where there is a border.
static bool write_behind(struct pg_snapshot *p, const char *after, struct err *e)
{
    if (after == NULL)
        return true;
    buf_lit(&p->sql, " WHERE ");
    buf_span(&p->sql, buf_view(&p->scan.order));
    buf_lit(&p->sql, " > ");
    return scan_write_border(&p->scan, p->control, after, &p->key_text, &p->sql, e);
}

static bool walk(void *self, const char *after, uint64_t n, struct buf *key, bool *found, struct err *e)
{
    struct pg_snapshot *p = self;
    struct pg_rows *rows = NULL;
    struct span columns = {p->scan.order.p + 1, p->scan.order.n - 2};
    buf_reset(&p->sql);
    buf_printf(&p->sql, "SELECT %.*s FROM %s", SPAN_ARG(columns), p->scan.from);
    if (!write_behind(p, after, e))
        return false;
    buf_printf(&p->sql, " ORDER BY %.*s OFFSET %llu LIMIT 1", SPAN_ARG(columns), (unsigned long long)(n - 1));
    if (!buf_ok(&p->sql, "the statement", e) ||
        !pg_query(p->view.client, buf_cstr(&p->sql), 0, NULL, &rows, NULL, e))
        return false;
    *found = pg_row_count(rows) == 1;
    struct key k = {.n = *found ? p->scan.key.n : 0};
    for (size_t i = 0; i < k.n; i++)
        k.at[i] = span_of(pg_cell(rows, 0, (int)i));
    if (*found)
        key_write(p->scan.key.kind, &k, key);
    pg_rows_free(rows);
    return true;
}

static bool extent(void *self, const char *after, int64_t *first, int64_t *last, bool *some, struct err *e)
{
    struct pg_snapshot *p = self;
    struct pg_rows *rows = NULL;
    struct span name = buf_view(&p->scan.order);
    buf_reset(&p->sql);
    buf_printf(&p->sql, "SELECT min(%.*s)::int8, max(%.*s)::int8 FROM %s", SPAN_ARG(name), SPAN_ARG(name),
               p->scan.from);
    if (!write_behind(p, after, e) || !buf_ok(&p->sql, "the statement", e) ||
        !pg_query(p->view.client, buf_cstr(&p->sql), 0, NULL, &rows, NULL, e))
        return false;
    *some = pg_cell(rows, 0, 0) != NULL && json_i64(span_of(pg_cell(rows, 0, 0)), first) &&
            json_i64(span_of(pg_cell(rows, 0, 1)), last);
    pg_rows_free(rows);
    return true;
}

// As the planner would guess it; a table that was never analysed by its size, for which it must be free:
// where one is held, nothing is said of the time.
static bool estimate(void *self, size_t table, uint64_t *expected, struct err *e)
{
    struct pg_snapshot *p = self;
    struct pg_rows *rows = NULL;
    char sqlstate[6] = "";
    struct buf sql;
    buf_init(&sql, 16u << 20);
    buf_lit(&sql, "SET LOCAL lock_timeout = 100; SELECT coalesce(sum(CASE WHEN reltuples > 0 AND relpages > "
                  "0 THEN reltuples / relpages * pages "
                  "ELSE pages * 60 END), 0)::int8 FROM (SELECT reltuples, relpages, pg_relation_size(oid) / "
                  "current_setting('block_size')::int AS pages FROM pg_class WHERE oid IN (0");
    for (size_t i = table; i < p->record->tables; i++)
        buf_printf(&sql, ",%llu", (unsigned long long)p->record->table[i].id);
    buf_lit(&sql, ")) c");
    bool ok = buf_ok(&sql, "the list of tables", e) &&
              pg_query(p->control, buf_cstr(&sql), 0, NULL, &rows, sqlstate, e);
    if (ok)
        *expected = strtoull(pg_cell(rows, 0, 0), NULL, 10);
    pg_rows_free(rows);
    buf_release(&sql);
    return ok || strcmp(sqlstate, "55P03") == 0;
}

// ---- the run

static bool start_readers(void *self, struct ordered *ordered, struct err *e)
{
    struct pg_snapshot *p = self;
    size_t jobs = (size_t)p->o->jobs;
    p->reader = calloc(jobs, sizeof *p->reader);
    if (p->reader == NULL)
        return err_no_memory(e);
    char limit[64];
    snprintf(limit, sizeof limit, "SET lock_timeout = %lld", (long long)p->o->lock_ms);
    if (!pg_connect(p->o->url, PG_SQL, "cdc-snapshot", &p->control, e) ||
        !pg_query(p->control, limit, 0, NULL, NULL, NULL, e))
        return false;
    for (; p->readers < jobs; p->readers++)
        if (!reader_start(&p->reader[p->readers], ordered, p->readers, p->o->url, &p->lines, e))
            return false;
    return true;
}

static void join_readers(void *self)
{
    struct pg_snapshot *p = self;
    for (size_t i = 0; i < p->readers; i++)
        reader_join(&p->reader[i]);
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

bool pg_snapshot_run(struct session *session, const struct tail_options *o, const struct capture *capture,
                     struct output *out, uint64_t *rows, struct buf *last, struct err *e)
{
    struct pg_snapshot p = {
        .session = session, .o = o, .capture = capture, .record = &session->state.snapshot};
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
    pg_view_init(&p.view, o->lock_ms);
    read_plan_init(&p.lines);
    buf_init(&p.sql, SQL_MAX);
    buf_init(&p.key_text, SQL_MAX);
    bool ok = snapshot_run(&r, e);
    *rows += r.rows;
    free(p.reader);
    read_plan_release(&p.lines);
    pg_view_release(&p.view);
    pg_close(p.control);
    buf_release(&p.sql);
    buf_release(&p.key_text);
    return ok;
}
