#include "mysql/dump.h"

#include "base/clock.h"
#include "base/stop.h"
#include "event/line.h"
#include "event/output.h"
#include "mysql/envelope.h"
#include "mysql/scan.h"
#include "mysql/schema.h"
#include "mysql/schema_snapshot.h"
#include "mysql/server.h"
#include "snapshot/key.h"

#include <stdio.h>
#include <stdlib.h>

#define VALUE_MAX_BYTES (1u << 30)
// How long a lock on the server may be waited for.
#define LOCK_WAIT_S 30

// The line that was made last: whether more rows follow decides on its marker.
struct held {
    struct buf line; // empty: none
    bool first, first_in_table;
    size_t mark;
};

struct dump {
    const struct tail_options *o;
    struct capture capture;
    struct my_client *view, *sql; // view: the transaction that reads
    struct my_log_entry place;    // where the log stood at its moment
    struct my_rows *tables;       // database, table, engine
    struct my_writing writing;
    struct my_envelope envelope;
    struct output out;
    struct held held;
    struct span *cell; // a row; of TABLE_MAX_COLUMNS
    struct value *value;
    struct pos token;
    struct buf table; // the token's
    uint64_t rows, chunk_rows;
};

static bool tick(void *dump, struct err *e)
{
    (void)dump, (void)e;
    return true;
}

// ---- the view

static bool connect(struct dump *d, struct my_client **c, struct err *e)
{
    // No time limit for reads: a condition may let no row through for long.
    struct my_login login = {.url = d->o->url,
                             .password_file = d->o->password_file,
                             .defaults_file = d->o->defaults_file,
                             .ssl_mode = d->o->ssl_mode};
    return my_connect(&login, c, e);
}

static bool list_tables(struct dump *d, struct err *e)
{
    my_rows_free(d->tables);
    d->tables = NULL;
    return my_query(d->sql,
                    "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_TYPE "
                    "IN ('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_SCHEMA NOT IN ('mysql', "
                    "'information_schema', 'performance_schema', 'sys') ORDER BY CAST(TABLE_SCHEMA AS "
                    "BINARY), CAST(TABLE_NAME AS BINARY)",
                    &d->tables, NULL, e);
}

// MariaDB tells the place in the log that its snapshot is of.
static bool place_of_maria(struct dump *d, struct err *e)
{
    struct my_rows *rows;
    if (!my_query(d->view, "SHOW STATUS LIKE 'binlog_snapshot_%'", &rows, NULL, e))
        return false;
    for (size_t i = 0; i < my_row_count(rows); i++) {
        const char *name = my_cell(rows, i, 0), *value = my_cell(rows, i, 1);
        if (strcmp(name, "Binlog_snapshot_file") == 0)
            snprintf(d->place.name, sizeof d->place.name, "%s", value);
        else if (strcmp(name, "Binlog_snapshot_position") == 0)
            d->place.size = strtoull(value, NULL, 10);
    }
    my_rows_free(rows);
    return d->place.name[0] != '\0' || err_set(e, STATUS_USAGE, "the server has no binary log");
}

static bool lock(struct dump *d, struct err *e)
{
    unsigned code;
    enum { WAITED = 1205 };
    if (my_query(d->view, "FLUSH TABLES WITH READ LOCK", NULL, &code, e))
        return true;
    bool waited = code == WAITED;
    err_wrap(e, "cannot lock the server's tables for a moment");
    if (waited)
        return err_hint(e, "a statement that is running holds one of them: SHOW PROCESSLIST names it");
    return err_hint(e, "GRANT RELOAD ON *.* lets it");
}

static bool begin(struct dump *d, struct err *e)
{
    return my_query(d->view, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", NULL, NULL, e);
}

// MySQL: nothing commits between the snapshot and the look at the log.
static bool begin_locked(struct dump *d, struct err *e)
{
    return lock(d, e) && begin(d, e) && my_server_end(d->view, &d->place, e) && list_tables(d, e) &&
           my_query(d->view, "UNLOCK TABLES", NULL, NULL, e);
}

static bool open_view(struct dump *d, struct err *e)
{
    char settings[300];
    snprintf(settings, sizeof settings,
             "SET SESSION lock_wait_timeout = %d, net_write_timeout = 31536000, character_set_results = NULL",
             LOCK_WAIT_S);
    if (!connect(d, &d->sql, e) || !connect(d, &d->view, e) || !my_query(d->view, settings, NULL, NULL, e) ||
        !my_query(d->view, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", NULL, NULL, e))
        return false;
    if (my_is_mariadb(d->view))
        return begin(d, e) && place_of_maria(d, e) && list_tables(d, e);
    return begin_locked(d, e);
}

static bool describe_source(struct dump *d, struct err *e)
{
    struct my_source s = {.file = span_of(d->place.name),
                          .pos = d->place.size,
                          .commit_us = clock_wall_ns() / 1000000000 * 1000000};
    return my_envelope_event(&d->envelope, &s, e);
}

// ---- lines

static bool write_held(struct dump *d, const char *mark, struct err *e)
{
    struct held *h = &d->held;
    struct buf *out = &d->out.lines;
    if (h->line.n == 0)
        return true;
    buf_bytes(out, h->line.p, h->mark);
    buf_str(out, mark);
    buf_bytes(out, h->line.p + h->mark + 4, h->line.n - h->mark - 4); // behind true
    buf_reset(&h->line);
    return buf_ok(out, "a line", e) && (!output_is_full(&d->out) || output_flush(&d->out, e));
}

// A row of the same table follows.
static bool write_held_within(struct dump *d, struct err *e)
{
    const struct held *h = &d->held;
    return write_held(d, h->first ? "first" : h->first_in_table ? "first_in_data_collection" : "true", e);
}

static bool write_held_at_end(struct dump *d, bool last, struct err *e)
{
    return write_held(d, last ? "last" : d->held.first ? "first" : "last_in_data_collection", e);
}

// A token is a chunk's.
static void next_chunk(struct dump *d)
{
    d->token.n[1]++;
    d->token.table = buf_view(&d->table);
    d->chunk_rows = 0;
    my_envelope_snapshot(&d->envelope, &d->token);
}

static bool put_row(struct dump *d, const struct my_scan *s, bool first_in_table, struct err *e)
{
    if (!(first_in_table ? write_held_at_end(d, false, e) : write_held_within(d, e)))
        return false;
    if (d->chunk_rows++ == d->o->chunk_rows)
        next_chunk(d);
    if (first_in_table && d->o->schemas)
        my_schema_write(&s->relation, my_is_mariadb(d->view), &d->token, &d->out.lines);
    for (size_t i = 0; i < s->relation.map.n; i++)
        d->value[i] = (struct value){d->cell[i].p == NULL ? VALUE_NULL : VALUE_CELL, d->cell[i]};
    struct my_row row = {NULL, d->value};
    struct my_place at = {.n = d->token.n[1], .now_ns = clock_wall_ns()};
    struct held *h = &d->held;
    if (!my_envelope_write(&d->envelope, &s->relation, MY_READ, &row, at, &d->writing, &h->line, e))
        return false;
    h->mark = d->envelope.mark;
    h->first = d->rows++ == 0;
    h->first_in_table = first_in_table;
    return true;
}

// ---- tables

static const char *where_of(const struct dump *d, const char *db, const char *table)
{
    size_t n = strlen(db), m = strlen(table);
    for (size_t i = 0; i < d->o->where.n; i++) {
        const char *p = d->o->where.at[i];
        if (strncmp(p, db, n) == 0 && p[n] == '.' && strncmp(p + n + 1, table, m) == 0 && p[n + 1 + m] == ':')
            return p + n + m + 2;
    }
    return NULL;
}

static bool is_captured(const struct dump *d, size_t i)
{
    return captures(&d->capture, span_of(my_cell(d->tables, i, 0)), span_of(my_cell(d->tables, i, 1)));
}

// A condition for no table would let rows through that it was to hold back.
static bool check_conditions(const struct dump *d, struct err *e)
{
    size_t found = 0;
    for (size_t i = 0; i < my_row_count(d->tables); i++)
        found += is_captured(d, i) && where_of(d, my_cell(d->tables, i, 0), my_cell(d->tables, i, 1)) != NULL;
    return found == d->o->where.n ||
           err_set(e, STATUS_USAGE, "--where: of %zu tables that it names %zu are read, each once",
                   d->o->where.n, found);
}

static void warn_of_engine(const struct dump *d, size_t i)
{
    const char *engine = my_cell(d->tables, i, 2);
    if (engine != NULL && strcmp(engine, "InnoDB") != 0)
        d->o->warn("table %s.%s is of engine %s, which has no transactions: its rows are as they stand when "
                   "they are read, not of the snapshot's moment",
                   my_cell(d->tables, i, 0), my_cell(d->tables, i, 1), engine);
}

static bool read_rows(struct dump *d, struct my_scan *s, struct err *e)
{
    enum my_read got;
    bool first = true;
    if (!my_select(d->view, buf_cstr(&s->select), NULL, e))
        return false;
    while ((got = my_fetch(d->view, d->cell, s->relation.map.n, e)) == MY_GOT) {
        if (!put_row(d, s, first, e))
            return false;
        first = false;
        if (stop_count() != 0)
            return err_set(e, STATUS_PEER, "the snapshot was interrupted, after %llu rows",
                           (unsigned long long)d->rows);
    }
    return got == MY_END;
}

static bool read_table(struct dump *d, size_t i, struct err *e)
{
    struct my_scan s = {0};
    const char *db = my_cell(d->tables, i, 0), *table = my_cell(d->tables, i, 1);
    buf_reset(&d->table);
    struct buf name;
    buf_init(&name, 4096);
    buf_printf(&name, "%s.%s", db, table);
    percent_write(&d->table, buf_view(&name));
    buf_release(&name);
    next_chunk(d);
    warn_of_engine(d, i);
    // What a table's statements hold against DDL is let go behind it.
    bool ok = my_query(d->view, "SAVEPOINT cdc", NULL, NULL, e) &&
              my_scan_load(&s, d->view, d->sql, span_of(db), span_of(table), where_of(d, db, table),
                           &d->capture, &d->writing, e);
    ok = ok && read_rows(d, &s, e) && my_query(d->view, "ROLLBACK TO SAVEPOINT cdc", NULL, NULL, e);
    my_scan_release(&s);
    return ok || err_wrap(e, "table %s.%s", db, table);
}

static bool read_tables(struct dump *d, struct err *e)
{
    for (size_t i = 0; i < my_row_count(d->tables); i++)
        if (is_captured(d, i) && !read_table(d, i, e))
            return false;
    return write_held_at_end(d, true, e);
}

// ---- the run

static bool write_definitions(struct dump *d, struct err *e)
{
    struct pos at = d->token; // below the first chunk's
    at.table = (struct span)SPAN_LIT("-");
    struct my_schema_snapshot s = {.o = d->o,
                                   .capture = &d->capture,
                                   .sql = d->sql,
                                   .tables = d->tables,
                                   .envelope = &d->envelope,
                                   .at = &at,
                                   .out = &d->out};
    return my_schema_snapshot_write(&s, e);
}

static bool prepare(struct dump *d, struct err *e)
{
    if (d->o->offset != NULL)
        return err_set(e, STATUS_USAGE,
                       "a snapshot of MySQL or MariaDB has no offset folder: leave --offset out");
    if (!capture_compile(&d->capture, d->o, SHAPE_ADAPTIVE_MICROSECONDS, e) ||
        !my_writing_init(&d->writing, VALUE_MAX_BYTES, e) ||
        !my_writing_set(&d->writing, d->o, &d->capture.shape, e))
        return false;
    if (d->capture.topic_prefix == NULL)
        d->capture.topic_prefix = MY_DEFAULT_PREFIX;
    d->cell = calloc(TABLE_MAX_COLUMNS, sizeof *d->cell);
    d->value = calloc(TABLE_MAX_COLUMNS, sizeof *d->value);
    if (d->cell == NULL || d->value == NULL)
        return err_no_memory(e);
    if (d->o->jobs > 1)
        d->o->note("--jobs: of MySQL and MariaDB one connection reads all tables");
    bool maria = strncmp(d->o->url, "mariadb:", 8) == 0;
    my_envelope_init(&d->envelope, d->capture.topic_prefix, maria ? "mariadb" : "mysql");
    d->token = (struct pos){.source = POS_MY,
                            .phase = POS_SNAPSHOT,
                            .epoch = 1,
                            .n = {1},
                            .key = SPAN_LIT("%5B%5D")}; // [], for the order is the table's
    return true;
}

static bool run(struct dump *d, struct err *e)
{
    return prepare(d, e) && open_view(d, e) && check_conditions(d, e) && describe_source(d, e) &&
           write_definitions(d, e) && read_tables(d, e);
}

static void release(struct dump *d)
{
    my_close(d->view);
    my_close(d->sql);
    my_rows_free(d->tables);
    my_envelope_release(&d->envelope);
    my_writing_release(&d->writing);
    capture_release(&d->capture);
    output_release(&d->out);
    buf_release(&d->held.line);
    buf_release(&d->table);
    free(d->cell);
    free(d->value);
}

bool my_dump_run(const struct tail_options *o, struct err *e)
{
    struct dump d = {.o = o};
    struct err last;
    output_init(&d.out, 1, o->max_line_bytes, tick, NULL);
    buf_init(&d.held.line, o->max_line_bytes);
    buf_init(&d.table, POS_MAX_BYTES);
    bool ok = run(&d, e);
    if (o->control && !d.out.gone)
        line_write_end(&d.out.lines, NULL, ok ? STATUS_DONE : (int)e->status);
    if (!d.out.gone && !output_flush(&d.out, &last) && ok) {
        *e = last;
        ok = false;
    }
    // A reader that has seen enough, as head(1), is how many a run ends.
    if (d.out.gone)
        ok = true;
    release(&d);
    return ok;
}
