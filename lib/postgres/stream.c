#include "postgres/stream.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "base/stop.h"
#include "event/capture.h"
#include "event/line.h"
#include "postgres/catalog_load.h"
#include "postgres/feedback.h"
#include "postgres/heartbeat.h"
#include "postgres/stream_lines.h"
#include "postgres/stream_stats.h"
#include "state/position.h"

#include <stdlib.h>

// Within a transaction more is on its way. A nap lets it come together, so that neither side makes a system
// call for each row. The longer the transaction, the longer the nap: a short one's commit is not kept
// waiting.
#define NAP_FIRST_US 50
#define NAP_LAST_US 400

#define PROGRESS_EVERY_MS 1000

// How many messages may pass between looks at the clock.
#define CLOCK_EVERY 64

// The reader of the lines is slow: meanwhile nobody listens, so the server is not silent.
static bool tick(void *stream, struct err *e)
{
    struct stream *s = stream;
    s->heard_ms = clock_mono_ms();
    return feedback_if_due(s, s->heard_ms, e);
}

bool stream_init(struct stream *s, const struct tail_options *o, const struct capture *capture,
                 struct session *session, struct err *e)
{
    *s = (struct stream){.o = o, .capture = capture, .session = session};
    transaction_init(&s->transaction);
    output_init(&s->out, 1, o->max_line_bytes, tick, s);
    s->decoder = malloc(sizeof *s->decoder);
    if (s->decoder == NULL)
        return err_no_memory(e);
    return capture_skipped(o->skipped_operations, s->skip_op, e) &&
           (o->until == NULL || place_parse(o->until, "--until", &s->until, e)) && stream_stats_open(s, e);
}

void stream_release(struct stream *s)
{
    free(s->decoder);
    relations_release(&s->relations);
    envelope_release(&s->envelope);
    transaction_release(&s->transaction);
    output_release(&s->out);
    pg_close(s->lookup);
}

// ---- tables

bool stream_lookup(struct stream *s, struct err *e)
{
    if (s->lookup != NULL)
        return true;
    if (!pg_connect(s->o->url, PG_SQL, "cdc-tail", &s->lookup, e))
        return false;
    pg_patience(s->lookup, s->o->stall_ms);
    return true;
}

static bool knows_types(const struct catalog *c, const struct pgo_relation *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (!catalog_has_type(c, m->column[i].type))
            return false;
    return true;
}

// The connection beside the stream may be idle for weeks and be cut by whoever does such things: once more,
// then.
static bool reload(struct stream *s, const struct pgo_relation *m, struct err *e)
{
    struct catalog *c = &s->session->catalog;
    for (int attempt = 0; attempt < 2; attempt++) {
        if (stream_lookup(s, e) && (knows_types(c, m) || catalog_load_types(c, s->lookup, e)) &&
            catalog_reload_table(c, s->lookup, m->oid, e))
            return true;
        pg_close(s->lookup);
        s->lookup = NULL;
    }
    return false;
}

// Whether what was read at the start of the run describes the table as the log now does.
static bool catalog_covers(const struct catalog *c, const struct pgo_relation *m)
{
    const struct catalog_table *table = catalog_table(c, m->oid);
    for (size_t i = 0; i < m->n; i++)
        if (catalog_column(table, m->column[i].name) == NULL)
            return false;
    return table != NULL && knows_types(c, m);
}

static bool on_relation(struct stream *s, const struct pgo_relation *m, struct err *e)
{
    bool known = relations_find(&s->relations, m->oid) == NULL && catalog_covers(&s->session->catalog, m);
    if (!known && captures(s->capture, m->schema, m->name) && !reload(s, m, e))
        return false;
    if (!judge_describe(&s->session->judge, m, &s->session->catalog, e))
        return false;
    return relations_put(&s->relations, m, &s->session->catalog, s->capture, s->o->warn, e);
}

// ---- transactions

static bool is_past(const struct stream *s, const struct pgo_begin *b)
{
    return (s->until_lsn != 0 && b->commit_lsn >= s->until_lsn) ||
           (s->until.kind == PLACE_TIME && b->commit_us > s->until.time_us);
}

static bool on_begin(struct stream *s, const struct pgo_begin *b, struct err *e)
{
    if (s->in_transaction)
        return err_set(e, STATUS_DATA, "a transaction began within another");
    if (is_past(s, b)) {
        if (b->commit_lsn > s->done_lsn)
            s->done_lsn = b->commit_lsn;
        s->ended = true;
        return true;
    }
    s->in_transaction = true;
    s->begin = *b;
    s->commit_us = b->commit_us;
    s->unwanted = b->commit_us < s->session->since_us;
    s->epoch = pg_state_epoch_at(&s->session->state, b->commit_lsn);
    s->lsn = s->k = 0;
    s->nap_us = NAP_FIRST_US;
    transaction_begin(&s->transaction);
    struct pos at = stream_place(s, s->epoch, b->commit_lsn, 0, 0);
    return envelope_begin(&s->envelope, &at, b->commit_us, b->xid, e);
}

// END has a token of its own: that of the commit's record, behind the transaction's changes.
static void end_transaction(struct stream *s, const struct pgo_commit *c)
{
    struct pos at = stream_place(s, s->epoch, c->commit_lsn, c->commit_lsn, 1);
    if (!s->o->transactions || s->transaction.events == 0 || !stream_is_new(s, &at))
        return;
    struct transaction_id id = pg_transaction_id(s->begin.xid, c->end_lsn);
    transaction_write_end(&s->transaction, &at, (struct span){id.text, id.n}, s->commit_us / 1000,
                          &s->out.lines);
    s->written = at;
}

static bool on_commit(struct stream *s, const struct pgo_commit *c, struct err *e)
{
    if (!s->in_transaction || c->commit_lsn != s->begin.commit_lsn || c->end_lsn <= c->commit_lsn)
        return err_set(e, STATUS_DATA, "the commit at %s does not end the open transaction",
                       lsn_text(c->commit_lsn).at);
    end_transaction(s, c);
    s->in_transaction = false;
    s->transactions++;
    s->done_lsn = s->envelope.last_commit = c->end_lsn;
    s->ended = s->o->count != 0 && s->events >= s->o->count;
    return true;
}

static bool on_change(struct stream *s, const struct pgo_message *m, uint64_t lsn, struct err *e)
{
    if (m->type != 'M' && m->type != 'R' && m->type != 'Y' && !s->in_transaction)
        return err_set(e, STATUS_DATA, "a message '%c' came outside a transaction", m->type);
    switch (m->type) {
    case 'R':
        return on_relation(s, &m->relation, e);
    case 'O':
        return envelope_origin(&s->envelope, m->origin.name, m->origin.lsn, e);
    case 'M':
        return stream_on_message(s, &m->logical, lsn, e);
    case 'T':
        return stream_on_truncate(s, &m->truncate, lsn, e);
    case 'Y':
        return true;
    default:
        return stream_on_row(s, m->type, &m->row, lsn, e);
    }
}

// ---- the replication protocol (PostgreSQL documentation, "Streaming Replication Protocol")

// w: Int64 the change's LSN, Int64 the server's end of log, Int64 its time, then a pgoutput message.
static bool on_data(struct stream *s, struct cursor c, struct err *e)
{
    uint64_t lsn = cursor_u64(&c);
    cursor_u64(&c);
    cursor_u64(&c);
    struct pgo_message m;
    if (c.bad)
        return err_set(e, STATUS_DATA, "a replication message is too short");
    bool ok = pgo_decode(s->decoder, cursor_bytes(&c, cursor_left(&c)), &m, e);
    if (ok && m.type == 'B')
        ok = on_begin(s, &m.begin, e);
    else if (ok && m.type == 'C')
        ok = on_commit(s, &m.commit, e);
    else if (ok)
        ok = on_change(s, &m, lsn, e);
    return ok || err_wrap(e, "at %s in the log", lsn_text(lsn).at);
}

// k: Int64 up to where the server has sent, Int64 its time, Int8 1 if it wants an answer.
static bool on_keepalive(struct stream *s, struct cursor c, struct err *e)
{
    uint64_t sent_lsn = cursor_u64(&c);
    cursor_u64(&c);
    bool wants_answer = cursor_u8(&c) != 0;
    if (c.bad)
        return err_set(e, STATUS_DATA, "a keepalive message is too short");
    // Within a transaction it tells nothing: what commits before sent_lsn is not all in the lines.
    if (!s->in_transaction && sent_lsn > s->done_lsn)
        s->done_lsn = sent_lsn;
    if (s->until_lsn != 0 && !s->in_transaction && s->done_lsn >= s->until_lsn)
        s->ended = true;
    return !wants_answer || feedback_send(s, clock_mono_ms(), e);
}

static bool on_message(struct stream *s, struct span message, struct err *e)
{
    struct cursor c = cursor_of(message);
    switch (cursor_u8(&c)) {
    case 'w':
        return on_data(s, c, e);
    case 'k':
        return on_keepalive(s, c, e);
    default:
        return err_set(e, STATUS_DATA, "the server sent a replication message of unknown type");
    }
}

// ---- the loop

bool stream_progress(const struct stream *s, struct pos *at)
{
    struct pos done = stream_place(s, pg_state_epoch_at(&s->session->state, s->done_lsn), s->done_lsn, 0, 0);
    // Up to where tables are added, the log's positions are of the epoch before.
    bool is_other_epoch = s->session->log_until_lsn != 0 && s->done_lsn >= s->session->log_until_lsn;
    if (s->in_transaction || is_other_epoch || s->session->snapshot_due ||
        pos_compare(&done, &s->written) < 0)
        return false;
    *at = done;
    return true;
}

static void write_progress(struct stream *s, int64_t now_ms)
{
    struct pos at;
    if (!stream_progress(s, &at) || pos_compare(&at, &s->written) == 0)
        return;
    if (s->o->control)
        line_write_progress(&s->out.lines, &at);
    s->written = at;
    s->fresh_lines = false;
    s->progress_ms = now_ms;
}

void stream_passed(struct stream *s, const struct pos *at)
{
    if (s->o->control)
        line_write_progress(&s->out.lines, at);
    stream_add_state(s);
    s->written = *at;
    s->done_lsn = at->n[0];
}

// A stream that is never idle has progress too: what it brings may all be filtered.
static bool look_at_clock(struct stream *s, struct err *e)
{
    int64_t now_ms = clock_mono_ms();
    heartbeat_if_due(s, now_ms);
    if (now_ms - s->progress_ms >= PROGRESS_EVERY_MS)
        write_progress(s, now_ms);
    return feedback_if_due(s, now_ms, e);
}

// Turns a time that has come into the place where the log then ends: every commit before the time is before
// it.
static bool settle_until(struct stream *s, struct err *e)
{
    if (s->until.kind != PLACE_TIME || s->until_lsn != 0 || clock_wall_ns() / 1000 < s->until.time_us)
        return true;
    return stream_lookup(s, e) && session_end_of_log(s->lookup, &s->until_lsn, e);
}

static bool check_silence(struct stream *s, int64_t now_ms, struct err *e)
{
    if (s->o->idle_ms != 0 && !s->in_transaction && now_ms - s->event_ms >= s->o->idle_ms)
        s->ended = true;
    if (s->o->stall_ms == 0 || now_ms - s->heard_ms < s->o->stall_ms)
        return true;
    err_set(e, STATUS_PEER, "the server has said nothing for %lld s", (long long)(s->o->stall_ms / 1000));
    return err_hint(e, "--stall-timeout says how long it may");
}

static void nap(struct stream *s)
{
    clock_nap_us(s->nap_us);
    if (s->nap_us < NAP_LAST_US)
        s->nap_us *= 2;
}

// Nothing has come. Everything that is known is written before the wait.
static bool wait(struct stream *s, struct err *e)
{
    if (!s->looked) {
        s->looked = true;
        if (s->in_transaction)
            nap(s);
        return pg_stream_take(s->session->client, e);
    }
    s->looked = false;
    int64_t now_ms = clock_mono_ms();
    if (s->heard)
        s->heard_ms = now_ms;
    s->heard = false;
    if (s->fresh_lines)
        s->event_ms = now_ms;
    if (s->fresh_lines || now_ms - s->progress_ms >= PROGRESS_EVERY_MS)
        write_progress(s, now_ms);
    heartbeat_if_due(s, now_ms);
    if (!output_flush(&s->out, e) || !settle_until(s, e) || !feedback_if_due(s, now_ms, e) ||
        !check_silence(s, now_ms, e))
        return false;
    int64_t timeout_ms = 1000;
    if (s->o->idle_ms != 0 && s->o->idle_ms < timeout_ms)
        timeout_ms = s->o->idle_ms;
    timeout_ms = heartbeat_wait_ms(s, now_ms, timeout_ms);
    return s->ended || pg_stream_wait(s->session->client, (int)timeout_ms, e);
}

static bool step(struct stream *s, struct err *e)
{
    struct span message;
    switch (pg_stream_read(s->session->client, &message, e)) {
    case PG_GOT:
        s->looked = false;
        s->heard = true;
        if (!on_message(s, message, e) || (output_is_full(&s->out) && !output_flush(&s->out, e)))
            return false;
        return s->messages++ % CLOCK_EVERY != 0 || look_at_clock(s, e);
    case PG_NOTHING:
        return wait(s, e);
    case PG_END:
        return err_set(e, STATUS_PEER, "the server ended the stream");
    case PG_FAIL:
        break;
    }
    return false;
}

static void set_until(struct stream *s)
{
    const struct pos *token = &s->until.pos;
    if (s->until.kind == PLACE_LATEST && s->until_lsn == 0)
        s->until_lsn = s->session->now_lsn;
    else if (s->until.kind == PLACE_TOKEN || s->until.kind == PLACE_LSN)
        s->until_lsn = token->n[0] + !pos_is_progress(token); // past the whole transaction of a token
}

void stream_begin(struct stream *s)
{
    struct session *session = s->session;
    if (s->begun)
        return;
    envelope_init(&s->envelope, s->capture->topic_prefix, session->database);
    capture_topic(s->capture, s->capture->topic_prefix, s->capture->topic_transaction, &s->transaction.topic);
    if (!session->begins && session->from.phase == POS_LOG && pos_is_progress(&session->from))
        s->envelope.last_commit = session->from.n[0];
    if (s->o->control)
        line_write_start(
            &s->out.lines, &session->from,
            &(struct line_start){span_of(session->state.identity), session->begins, session->snapshot_due});
    stream_add_state(s);
    s->written = session->from;
    s->written.table = s->written.key = (struct span){"-", 1};
    s->begun = true;
}

// Whether no sink holds rows of a snapshot that it did not acknowledge. A sink says so as it begins, so a run
// that was killed before any acknowledgement does not know: then this run's sink is waited for, for a moment.
static bool ask_exactness(struct stream *s, bool *exact, struct err *e)
{
    *exact = true;
    return s->o->offset == NULL || !record_has_older(&s->session->state.snapshot) ||
           (output_flush(&s->out, e) && position_wait_exact(s->o->offset, exact, e));
}

static bool begin_connection(struct stream *s, struct err *e)
{
    struct session *session = s->session;
    int64_t now_ms = clock_mono_ms();
    relations_clear(&s->relations);
    s->in_transaction = false;
    s->done_lsn = session->log_lsn;
    s->confirmed_lsn = 0;
    s->touched_ms = 0;
    s->heartbeat_ms = now_ms;
    s->heard_ms = s->progress_ms = s->event_ms = s->watched_ms = now_ms;
    set_until(s);
    s->connected = true;
    s->reconnects += s->connections++ != 0;
    if (session->again)
        stream_tell_state(s);
    bool exact;
    return ask_exactness(s, &exact, e) && judge_load(&session->judge, &session->state.snapshot, exact, e);
}

static bool run(struct stream *s, struct err *e)
{
    bool ok = begin_connection(s, e);
    if (ok && s->session->log_until_lsn != 0)
        s->session->judge.deferring = s->session->state.snapshot.epoch;
    while (ok && !s->ended && stop_count() == 0)
        ok = step(s, e);
    s->connected = false;
    stream_stats_keep(s);
    return ok;
}

bool stream_run(struct stream *s, struct err *e)
{
    return run(s, e);
}

bool stream_run_until(struct stream *s, uint64_t lsn, bool *reached, struct err *e)
{
    uint64_t until_lsn = s->until_lsn;
    s->until_lsn = lsn;
    bool ok = run(s, e);
    s->until_lsn = until_lsn;
    *reached = ok && !s->in_transaction && s->done_lsn >= lsn;
    s->ended = s->ended && !*reached;
    return ok;
}

bool stream_finish(struct stream *s, int status, struct err *e)
{
    if (s->begun)
        write_progress(s, 0);
    if (s->o->control)
        // Within a snapshot the last row's position is the readers'.
        line_write_end(&s->out.lines, s->begun && s->written.phase == POS_LOG ? &s->written : NULL, status);
    bool ok = output_flush(&s->out, e);
    stream_stats_keep(s);
    return ok;
}
