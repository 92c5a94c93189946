#include "mysql/stream.h"

#include "base/clock.h"
#include "base/stop.h"
#include "event/line.h"
#include "mysql/catalog_load.h"
#include "mysql/catalog_map.h"
#include "mysql/judge.h"
#include "mysql/log_dump.h"
#include "mysql/schema_line.h"
#include "mysql/server.h"
#include "mysql/stream_progress.h"
#include "mysql/stream_watch.h"
#include "state/folder.h"
#include "state/position.h"

#define EVERY_MS 1000
// How many events may pass between looks at the clock.
#define CLOCK_EVERY 64
// An event is as long as its rows; a statement's rows are cut at binlog_row_event_max_size, 8 KiB, but a row
// is not.
#define EVENT_MAX_BYTES (1u << 30)

// The GTIDs first: the lines depend on them.
static bool flush(struct my_stream *s, struct err *e)
{
    return my_journal_flush(&s->session->journal, e) && output_flush(&s->out, e);
}

// ---- the reader's calls

struct described {
    struct my_stream *s;
    struct table_map *map;
    struct pos *end;
};

// Where the log ends is looked at last: what has changed the table by now stands before it.
static bool complete(const struct described *d, struct my_client *c, struct err *e)
{
    struct table_map known;
    struct my_log_entry end;
    bool ok = my_catalog_map_load(&known, c, d->map->db, d->map->name, e) &&
              my_catalog_map_complete(d->map, &known, e) && my_server_end(c, &end, e);
    table_map_release(&known);
    if (ok)
        *d->end = (struct pos){
            .source = POS_MY, .phase = POS_LOG, .epoch = d->s->reader.epoch, .n = {end.number, end.size}};
    return ok;
}

static bool load_catalog(void *context, struct my_client *c, struct err *e)
{
    const struct described *d = context;
    struct my_catalog *catalog = &d->s->catalog;
    struct span db = d->map->db, table = d->map->name;
    return my_catalog_load(catalog, c, db, table, e) &&
           (!d->s->o->schemas || my_catalog_load_defaults(catalog, c, db, table, e)) &&
           (!d->s->by_catalog || d->map->has_names || complete(d, c, e));
}

static bool describe(void *stream, struct table_map *map, struct pos *end, struct err *e)
{
    struct my_stream *s = stream;
    struct described d = {s, map, end};
    return my_session_ask(s->session, s->o, load_catalog, &d, e);
}

static bool write_schema_change(void *stream, const struct my_ddl *ddl, bool *written, struct err *e)
{
    struct my_stream *s = stream;
    return my_schema_line(s->session, s->o, s->capture, ddl, &s->reader.envelope,
                          &s->reader.described_changes, &s->out.lines, written, e);
}

// What a start elsewhere needs to know of the folder.
static void add_state(struct my_stream *s)
{
    struct buf text;
    if (s->o->offset == NULL)
        return;
    buf_init(&text, FOLDER_FILE_MAX_BYTES);
    my_state_format(&s->session->state, &text);
    if (!text.bad)
        line_add_state(&s->out.lines, buf_view(&text));
    buf_release(&text);
}

static void tell_state(struct my_stream *s)
{
    if (s->o->offset == NULL)
        return;
    my_stream_catch_up(s);
    line_write_progress(&s->out.lines, &s->written);
    add_state(s);
}

static bool store_state(void *stream, struct err *e)
{
    struct my_stream *s = stream;
    if (s->o->offset != NULL && !my_state_store(&s->session->state, s->o->offset, e))
        return false;
    tell_state(s);
    return true;
}

static bool flush_if_full(void *stream, struct err *e)
{
    struct my_stream *s = stream;
    bool full = output_is_full(&s->out) || s->session->journal.lines.n >= OUTPUT_FLUSH_BYTES;
    return !full || flush(s, e);
}

static bool on_transaction(void *stream, struct span gtid, struct my_transaction *t, struct err *e)
{
    struct my_stream *s = stream;
    if (s->session->replaying)
        return my_replay_match(&s->session->replay, gtid, t, e);
    if (gtid.n != 0)
        my_journal_add(&s->session->journal, &t->at, gtid);
    return true;
}

// ---- the run

static bool parse_modes(struct my_stream *s, struct err *e)
{
    const struct tail_options *o = s->o;
    struct my_reader *r = &s->reader;
    if (o->xa != NULL && strcmp(o->xa, "at-prepare") != 0)
        return err_set(e, STATUS_USAGE, "--xa takes at-prepare, not \"%s\"", o->xa);
    if (o->server_id > UINT32_MAX)
        return err_set(e, STATUS_USAGE, "--server-id takes a number up to 4294967295");
    if (o->metadata != NULL && strcmp(o->metadata, "log") != 0 && strcmp(o->metadata, "catalog") != 0)
        return err_set(e, STATUS_USAGE, "--metadata takes log or catalog, not \"%s\"", o->metadata);
    s->by_catalog = my_metadata_by_catalog(o);
    r->include_query = o->include_query;
    r->xa_at_prepare = o->xa != NULL;
    r->transactions = o->transactions;
    r->count = o->count;
    return my_writing_set(&r->writing, o, &s->capture->shape, e) &&
           capture_skipped(o->skipped_operations, r->skip_op, e);
}

static bool is_mariadb(const struct tail_options *o)
{
    return strncmp(o->url, "mariadb:", 8) == 0;
}

bool my_stream_init(struct my_stream *s, const struct tail_options *o, const struct capture *capture,
                    struct my_session *session, struct err *e)
{
    *s = (struct my_stream){.o = o, .capture = capture, .session = session};
    output_init(&s->out, 1, o->max_line_bytes, my_stream_tick, s);
    if (!my_reader_init(&s->reader, capture, &s->catalog, &s->out.lines, is_mariadb(o) ? "mariadb" : "mysql",
                        EVENT_MAX_BYTES, e))
        return false;
    s->reader.calls = (struct my_reader_calls){.transaction = on_transaction,
                                               .describe = describe,
                                               .ddl = write_schema_change,
                                               .store = store_state,
                                               .pause = flush_if_full,
                                               .context = s};
    return parse_modes(s, e) && (o->until == NULL || my_place_parse(o->until, "--until", &s->until, e)) &&
           my_stream_open_stats(s, e);
}

void my_stream_release(struct my_stream *s)
{
    my_reader_release(&s->reader);
    my_catalog_release(&s->catalog);
    output_release(&s->out);
}

static void set_until(struct my_stream *s)
{
    struct my_reader *r = &s->reader;
    const struct pos *token = &s->until.pos;
    if (s->session->replaying) {
        r->until_file = 0, r->until_us = 0;
        return;
    }
    if (s->session->log_until.n[0] != 0)
        return; // my_stream_run_until() says
    switch (s->until.kind) {
    case MY_PLACE_LATEST:
        if (r->until_file == 0)
            r->until_file = s->session->now_file, r->until_pos = s->session->now_pos;
        break;
    case MY_PLACE_TOKEN:
    case MY_PLACE_FILE: // past the whole transaction of a token
        r->until_file = token->n[0], r->until_pos = token->n[1] + !pos_is_progress(token);
        break;
    case MY_PLACE_TIME:
        r->until_us = s->until.time_us;
        break;
    default:
        break;
    }
}

// Turns a time that has come into the place where the log then ends: every commit before the time is before
// it.
static bool settle_until(struct my_stream *s, struct err *e)
{
    struct my_log_entry end;
    if (s->until.kind != MY_PLACE_TIME || s->reader.until_file != 0 ||
        clock_wall_ns() / 1000 < s->until.time_us)
        return true;
    if (!my_session_sql(s->session, s->o, e) || !my_server_end(s->session->sql, &end, e))
        return false;
    s->reader.until_file = end.number, s->reader.until_pos = end.size;
    return true;
}

static bool has_come(const struct my_reader *r)
{
    return r->until_file != 0 && !r->in_transaction &&
           (r->file_number > r->until_file || (r->file_number == r->until_file && r->done >= r->until_pos));
}

static bool check_silence(struct my_stream *s, int64_t now_ms, struct err *e)
{
    if (s->o->idle_ms != 0 && !s->reader.in_transaction && now_ms - s->event_ms >= s->o->idle_ms)
        s->ended = true;
    if (s->o->stall_ms == 0 || now_ms - s->heard_ms < s->o->stall_ms)
        return true;
    err_set(e, STATUS_PEER, "the server has said nothing for %lld s", (long long)(s->o->stall_ms / 1000));
    return err_hint(e, "--stall-timeout says how long it may");
}

static bool wait(struct my_stream *s, struct err *e)
{
    int64_t now_ms = clock_mono_ms();
    if (s->reader.fresh_lines)
        s->event_ms = now_ms;
    if (s->reader.fresh_lines || !s->told || now_ms - s->progress_ms >= EVERY_MS)
        my_stream_write_progress(s, now_ms);
    my_stream_heartbeat_if_due(s, now_ms);
    if (!flush(s, e) || !settle_until(s, e) || !my_stream_touch(s, now_ms, e) || !check_silence(s, now_ms, e))
        return false;
    s->ended = s->ended || has_come(&s->reader);
    s->may_block = true;
    return true;
}

void my_stream_begin(struct my_stream *s)
{
    const struct my_session *session = s->session;
    if (s->begun)
        return;
    s->begun = true;
    s->written = session->from;
    s->written.table = s->written.key = (struct span){"-", 1};
    if (s->o->control)
        line_write_start(
            &s->out.lines, &session->from,
            &(struct line_start){span_of(session->state.identity), session->begins, session->snapshot_due});
    add_state(s);
}

// Behind a GTID set the log begins wherever the server finds it: in the file that it names first.
static void settle_start(struct my_stream *s)
{
    struct my_session *session = s->session;
    if (session->from.n[0] == 0) {
        session->from.n[0] = s->reader.file_number;
        session->from.n[1] = 4;
        session->state.start = session->from;
        s->reader.from = session->from;
    }
    my_stream_begin(s);
}

static bool on_event(struct my_stream *s, struct span event, struct err *e)
{
    struct my_reader *r = &s->reader;
    if (!my_reader_event(r, event, e))
        return false;
    if (!s->session->replaying && r->made_s != 0 && r->file_number != s->noted_file) {
        settle_start(s);
        if (!my_session_note_file(s->session, s->o, r->file_number, r->made_s, e))
            return false;
        s->noted_file = r->file_number;
    }
    s->ended = r->ended;
    return true;
}

static bool look_at_clock(struct my_stream *s, struct err *e)
{
    int64_t now_ms = clock_mono_ms();
    s->heard_ms = now_ms;
    my_stream_heartbeat_if_due(s, now_ms);
    return my_stream_touch(s, now_ms, e);
}

static bool step(struct my_stream *s, struct err *e)
{
    struct span event;
    switch (my_dump_read(s->session->dump, s->may_block, &event, e)) {
    case MY_GOT:
        if (s->may_block)
            s->heard_ms = clock_mono_ms();
        s->may_block = false;
        if (!on_event(s, event, e) || !flush_if_full(s, e))
            return false;
        return s->messages++ % CLOCK_EVERY != 0 || look_at_clock(s, e);
    case MY_NOTHING:
        return wait(s, e);
    case MY_END:
        return err_set(e, STATUS_PEER, "the server ended the log");
    case MY_FAIL:
        break;
    }
    return e->status == STATUS_LOST ? my_session_way_out(s->session, s->o, e) : false;
}

// Whether no sink holds rows of a snapshot that it did not acknowledge. A sink says so as it begins, so a run
// that was killed before any acknowledgement does not know: then this run's sink is waited for, for a moment.
static bool ask_exactness(struct my_stream *s, bool *exact, struct err *e)
{
    *exact = true;
    return s->o->offset == NULL || !record_has_older(&s->session->state.snapshot) ||
           (output_flush(&s->out, e) && position_wait_exact(s->o->offset, exact, e));
}

static bool begin_connection(struct my_stream *s, struct err *e)
{
    struct my_session *session = s->session;
    struct my_reader *r = &s->reader;
    int64_t now_ms = clock_mono_ms();
    if (!my_reader_begin(r, span_of(session->file), session->pos, session->checksum, e))
        return false;
    r->epoch = session->log_until.n[0] != 0 ? session->from.epoch : my_state_newest(&session->state)->epoch;
    r->from = s->begun ? s->written : session->from;
    r->since_us = session->since_us;
    r->written = r->from;
    r->generation++;
    s->noted_file = 0;
    s->may_block = false;
    s->heard_ms = s->progress_ms = s->event_ms = s->watched_ms = s->heartbeat_ms = now_ms;
    set_until(s);
    s->reconnects += s->connected;
    s->connected = true;
    if (r->envelope.topic_prefix == NULL)
        r->envelope.topic_prefix = s->capture->topic_prefix;
    if (s->begun) // what a new connection found may have begun an epoch
        tell_state(s);
    if (session->from.n[0] != 0 || session->replaying)
        my_stream_begin(s);
    bool exact;
    r->judge = &session->judge;
    return ask_exactness(s, &exact, e) && my_judge_load(&session->judge, &session->state.snapshot, exact, e);
}

static bool has_replayed(const struct my_stream *s)
{
    return s->session->replaying && !s->session->replay.awaits && !s->reader.in_transaction;
}

// What was read of another server has come again: from here on it is this server's log.
static bool leave_replay(struct my_stream *s, struct err *e)
{
    struct my_session *session = s->session;
    struct pos behind = session->replay.last;
    bool checked;
    behind.n[1]++;
    behind.n[2] = behind.n[3] = 0;
    my_journal_mark(&session->journal, &behind);
    if (!flush(s, e))
        return false;
    my_stream_catch_up(s);
    my_session_close(session);
    s->connected = false;
    return my_session_open(session, s->o, s->capture, &behind, &checked, e) && begin_connection(s, e);
}

void my_stream_passed(struct my_stream *s, const struct pos *at)
{
    if (s->o->control)
        line_write_progress(&s->out.lines, at);
    add_state(s);
    s->written = *at;
}

static bool run(struct my_stream *s, struct err *e)
{
    bool ok = begin_connection(s, e);
    if (ok && s->session->log_until.n[0] != 0)
        s->session->judge.deferring = s->session->state.snapshot.epoch;
    while (ok && !s->ended && stop_count() == 0)
        ok = step(s, e) && (!has_replayed(s) || leave_replay(s, e));
    my_stream_catch_up(s);
    my_stream_keep_stats(s);
    return ok;
}

bool my_stream_run(struct my_stream *s, struct err *e)
{
    return run(s, e);
}

bool my_stream_run_until(struct my_stream *s, const struct pos *place, bool *reached, struct err *e)
{
    struct my_reader *r = &s->reader;
    uint64_t file = r->until_file, pos = r->until_pos;
    r->until_file = place->n[0], r->until_pos = place->n[1];
    bool ok = run(s, e);
    *reached = ok && has_come(r);
    r->until_file = file, r->until_pos = pos;
    s->ended = r->ended = (s->ended || r->ended) && !*reached;
    return ok;
}

bool my_stream_finish(struct my_stream *s, int status, struct err *e)
{
    if (s->begun)
        my_stream_write_progress(s, 0);
    s->connected = false;
    if (s->o->control)
        // Within a snapshot the last row's position is the readers'.
        line_write_end(&s->out.lines, s->begun && s->written.phase == POS_LOG ? &s->written : NULL, status);
    bool ok = flush(s, e);
    my_stream_keep_stats(s);
    return ok;
}
