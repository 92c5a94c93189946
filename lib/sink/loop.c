#include "sink/loop.h"

#include "base/clock.h"
#include "base/lines.h"
#include "base/stop.h"
#include "event/json.h"
#include "sink/batch.h"
#include "sink/handshake.h"
#include "sink/meter.h"
#include "sink/reject.h"
#include "state/ack.h"
#include "state/window.h"

#include <stdlib.h>

// Records in flight at most. A round trip to a broker takes some milliseconds, so this keeps a million a
// second going.
#define WINDOW_PLACES 32768

// A transaction is committed when it holds so much, or after the interval.
#define TRANSACTION_RECORDS 100000
#define TRANSACTION_BYTES (32u << 20)

// While so much waits in it, a commit that took long is made less often, so that most of the time goes to
// records: the interval is at least so many times as long as the last commit was, up to a limit.
#define BUSY_BYTES (1u << 20)
#define COMMIT_SHARE 5
#define BUSY_INTERVAL_MAX_MS 1000

// Progress without events needs no hurry to be stored.
#define PROGRESS_MS 1000

// What a message shows of a record's key.
#define KEY_SHOWN 200

struct loop {
    const struct loop_options *o;
    const struct sink_ops *ops;
    void *sink;
    struct lines lines;
    struct window window;
    struct ack ack;
    struct reject reject;
    struct meter meter;

    // Of a sink with a commit.
    struct sink_own own;
    struct pos own_pos;
    bool skips; // what is at or before own_pos is there already
    struct batch batch;
    struct buf held_token;          // of the lines that wait
    bool told;                      // held_token is of progress: no line waits
    struct buf complete;            // the highest token whose events are all submitted
    bool dirty;                     // it is not committed yet
    int64_t first_ms, committed_ms; // the batch's first record; the last commit
    int64_t commit_took_ms;

    bool started, ended, rewinds;
    struct buf identity; // what the start line said
    int end_status;
    int64_t give_up_ms; // after the stop signal; 0 before
};

// ---- for sinks

struct sink_counts *loop_counts(struct loop *l)
{
    return &l->meter.counts;
}

void loop_done(struct loop *l, uint64_t seq)
{
    window_done(&l->window, seq);
}

bool loop_is_complete(const struct loop *l, uint64_t seq)
{
    struct pos pos;
    struct err e;
    uint64_t number;
    struct span token = window_token(&l->window, seq, &number);
    return token.n == 0 || !pos_parse(token, &pos, &e) || pos_compare(&l->window.last, &pos) > 0;
}

static bool may_reject(const struct loop *l)
{
    return l->reject.fd >= 0 && l->reject.count < l->o->max_rejects;
}

// Why the reject file does not help.
static bool cannot_reject(const struct loop *l, struct err *e)
{
    if (l->reject.fd >= 0)
        return err_hint(e, "the reject file holds --max-rejects lines");
    return err_hint(e, "--reject FILE puts such lines into a file and goes on");
}

bool loop_refuse(struct loop *l, const struct record *r, enum status status, const char *reason,
                 struct err *e)
{
    if (may_reject(l)) {
        if (l->ops->commit != NULL)
            batch_refuse(&l->batch, r->seq);
        return reject_record(&l->reject, r, reason, e);
    }
    bool long_key = r->key.n > KEY_SHOWN;
    err_set(e, status, "%s: line %llu, topic %.*s, key %.*s%s, position %.*s", reason,
            (unsigned long long)r->line, SPAN_ARG(r->topic), long_key ? KEY_SHOWN : (int)r->key.n, r->key.p,
            long_key ? "…" : "", r->token.n != 0 ? (int)r->token.n : 4,
            r->token.n != 0 ? r->token.p : "none");
    return cannot_reject(l, e);
}

static bool check_stop(struct loop *l, struct err *e)
{
    if (stop_count() != 0 && l->give_up_ms == 0)
        l->give_up_ms = clock_mono_ms() + l->o->drain_timeout_ms;
    return l->give_up_ms == 0 || clock_mono_ms() < l->give_up_ms ||
           err_set(e, STATUS_PEER, "stopped before the end of the input: --drain-timeout has passed");
}

static bool acknowledge(struct loop *l, struct err *e)
{
    struct buf token;
    buf_init(&token, POS_MAX_BYTES);
    // Every place before it is finished: the one place where a sink without transactions acknowledges.
    if (window_take(&l->window, &token))
        ack_offer(&l->ack, buf_view(&token));
    if (l->ops->commit == NULL)
        meter_done(&l->meter, l->window.first);
    buf_release(&token);
    return ack_push(&l->ack, e);
}

static void meter_update(struct loop *l)
{
    l->meter.rejects = l->reject.count;
    l->meter.in_flight = l->ops->commit != NULL ? l->batch.records : window_pending(&l->window);
}

bool loop_tick(struct loop *l, struct err *e)
{
    meter_update(l);
    meter_keep_if_due(&l->meter);
    return check_stop(l, e) && acknowledge(l, e);
}

// ---- delivery

static struct record record_of(const struct loop *l, const struct line *line, uint64_t number)
{
    return (struct record){
        .line = number,
        .token = line->pos,
        .topic = l->o->topic != NULL ? span_of(l->o->topic) : line->topic,
        .key = line->key,
        .not_unique = line->not_unique,
        .headers = line->headers,
    };
}

static bool submit(struct loop *l, struct record *r, struct err *e)
{
    uint32_t parts = 0;
    // The place is there before the sink can finish it; until submit has said how many parts there are it
    // keeps one of its own.
    if (!window_add(&l->window, r->line, 1, &r->seq, e) || !l->ops->submit(l->sink, r, &parts, e))
        return false;
    meter_submit(&l->meter, r);
    window_parts(&l->window, r->seq, parts);
    window_done(&l->window, r->seq);
    return true;
}

// ---- a sink's own transaction

void loop_recall(const struct loop *l, uint64_t seq, struct record *r)
{
    struct line line;
    struct err e;
    r->seq = seq;
    if (l->ops->commit == NULL)
        r->token = window_token(&l->window, seq, &r->line);
    else if (line_parse(batch_line(&l->batch, seq, &r->line), &line, &e))
        r->token = line.pos;
}

static bool submit_held(struct loop *l, struct span text, struct record *r, struct err *e)
{
    struct line line;
    struct pos pos;
    uint32_t parts = 0;
    uint64_t seq = r->seq;
    if (!line_parse(text, &line, e) || !pos_parse(line.pos, &pos, e))
        return false;
    *r = record_of(l, &line, r->line);
    r->seq = seq;
    r->pos = &pos;
    r->value = line_value(&line);
    bool ok = l->ops->submit(l->sink, r, &parts, e);
    meter_submit(&l->meter, r);
    line_restore(&line); // it may have to be submitted again
    return ok;
}

static bool submit_batch(struct loop *l, struct err *e)
{
    struct record r = {0};
    struct span text;
    if (l->batch.records == 0)
        l->first_ms = clock_mono_ms();
    while (batch_next(&l->batch, &r.seq, &r.line, &text))
        if (!submit_held(l, text, &r, e))
            return false;
    return true;
}

static bool commit(struct loop *l, struct err *e)
{
    if (!l->dirty)
        return true;
    enum sink_commit done;
    int64_t begun_ms = clock_mono_ms();
    while ((done = l->ops->commit(l->sink, buf_view(&l->complete), e)) == SINK_COMMIT_AGAIN) {
        batch_rewind(&l->batch);
        if (!loop_tick(l, e) || !submit_batch(l, e))
            return false;
    }
    if (done == SINK_COMMIT_FAIL)
        return false;
    // Durable now, with all before it: the one place where a transactional sink acknowledges.
    ack_offer(&l->ack, buf_view(&l->complete));
    meter_done(&l->meter, UINT64_MAX);
    batch_commit(&l->batch);
    l->dirty = false;
    l->committed_ms = clock_mono_ms();
    l->commit_took_ms = l->committed_ms - begun_ms;
    return true;
}

static void set_complete(struct loop *l, struct span token)
{
    buf_reset(&l->complete);
    buf_span(&l->complete, token);
    l->dirty = true;
}

// A higher token was read: the lines that waited are whole.
static bool release_held(struct loop *l, struct err *e)
{
    if (!batch_waits(&l->batch) && !l->told)
        return true;
    batch_complete(&l->batch);
    if (!submit_batch(l, e))
        return false;
    set_complete(l, buf_view(&l->held_token));
    l->told = false;
    if (l->batch.records >= TRANSACTION_RECORDS || batch_bytes(&l->batch) >= TRANSACTION_BYTES)
        return commit(l, e);
    return true;
}

static bool hold(struct loop *l, const struct line *line, const struct pos *pos, struct err *e)
{
    if (l->skips && pos_compare(pos, &l->own_pos) <= 0)
        return true;
    if (!batch_waits(&l->batch)) {
        buf_reset(&l->held_token);
        buf_span(&l->held_token, line->pos);
    }
    return batch_add(&l->batch, l->lines.count, line->text, e);
}

// ---- lines

// A further start line in one input, of a tail behind a snapshot: the handshake was made with the first.
static bool go_on(const struct loop *l, struct span identity, struct err *e)
{
    return span_eq(identity, buf_view(&l->identity)) ||
           err_set(e, STATUS_DATA, "the lines of source %.*s follow those of %.*s", SPAN_ARG(identity),
                   SPAN_ARG(buf_view(&l->identity)));
}

static bool shake_hands(struct loop *l, const struct line_start *start, const struct pos *pos, struct err *e)
{
    switch (handshake(&l->own, pos, start, &l->own_pos, e)) {
    case HANDSHAKE_FAIL:
        return false;
    case HANDSHAKE_FRESH:
        break;
    case HANDSHAKE_REWIND:
        l->rewinds = true;
        ack_offer(&l->ack, buf_view(&l->own.token));
        break;
    case HANDSHAKE_SKIP:
        l->skips = true;
        // It is durable here, whatever the folder knows. A beginning above it stays as it is.
        if (pos_compare(&l->own_pos, pos) > 0)
            ack_offer(&l->ack, buf_view(&l->own.token));
    }
    l->ops->identify(l->sink, start->identity);
    return true;
}

static bool take_start(struct loop *l, const struct line *line, struct err *e)
{
    struct line_start start;
    struct pos pos;
    if (!line_read_start(line, &start, e) || !pos_parse(line->pos, &pos, e))
        return false;
    l->ended = false;
    if (l->started)
        return go_on(l, start.identity, e);
    l->started = true;
    buf_span(&l->identity, start.identity);
    if (l->ops->commit != NULL)
        ack_say_exact(&l->ack);
    if (l->ops->commit != NULL)
        return shake_hands(l, &start, &pos, e);
    if (l->ops->identify != NULL)
        l->ops->identify(l->sink, start.identity);
    return true;
}

// A stage's progress bears the token of an event that it dropped. That one is complete with the next higher
// one, as any event's: more lines of it may follow.
static void tell(struct loop *l, const struct line *line)
{
    buf_reset(&l->held_token);
    buf_span(&l->held_token, line->pos);
    l->told = true;
}

static bool take_progress(struct loop *l, const struct line *line, struct err *e)
{
    struct pos pos;
    bool higher;
    uint64_t seq;
    if (!window_read(&l->window, line->pos, &pos, &higher, e))
        return false;
    if (l->ops->commit == NULL)
        return window_add(&l->window, l->lines.count, 0, &seq, e);
    if (!higher && !pos_is_progress(&pos))
        return true;
    if (!release_held(l, e))
        return false;
    if (l->skips && pos_compare(&pos, &l->own_pos) <= 0)
        return true;
    if (pos_is_progress(&pos))
        set_complete(l, line->pos);
    else
        tell(l, line);
    return true;
}

static bool take_control(struct loop *l, const struct line *line, struct err *e)
{
    struct span state;
    if (l->ops->keep_state != NULL && line_read_state(line, &state))
        l->ops->keep_state(l->sink, state);
    if (span_is(line->control, "start"))
        return take_start(l, line, e);
    if (span_is(line->control, "progress"))
        return take_progress(l, line, e);
    if (!span_is(line->control, "end"))
        return true;
    int status;
    if (!line_read_end(line, &status, e))
        return false;
    l->ended = true;
    l->end_status = (int)status_worst(l->end_status, status);
    return true;
}

static bool lacks_position(const struct loop *l, const struct line *line)
{
    return line->pos.n == 0 && (l->ack.fd >= 0 || l->ops->commit != NULL);
}

// Gives a line without a header what --key and --topic say.
static bool complete_bare(const struct loop *l, struct line *line, struct err *e)
{
    static const struct span none = SPAN_LIT("null");
    if (lacks_position(l, line))
        return err_set(e, STATUS_DATA, "the line has no \"cdc\" header, so no position to acknowledge");
    if (l->o->topic == NULL)
        return err_set(e, STATUS_DATA, "the line has no \"cdc\" header, and no -t TOPIC says where it goes");
    line->key = none;
    return l->o->key == NULL || json_at(line->text, l->o->key, &line->key) ||
           err_set(e, STATUS_DATA, "the line has no %s to be its key", l->o->key);
}

// What can be held against a line by itself.
static bool parse(const struct loop *l, struct span text, struct line *line, struct err *e)
{
    size_t bad_at;
    if (!json_check(text, &bad_at))
        return err_set(e, STATUS_DATA, "byte %zu: this is no JSON", bad_at + 1);
    if (text.p[0] != '{')
        return err_set(e, STATUS_DATA, "byte 1: the line is no JSON object");
    if (!line_parse(text, line, e))
        return false;
    if (line->kind == LINE_BARE)
        return complete_bare(l, line, e);
    return line->kind == LINE_CONTROL || !lacks_position(l, line) ||
           err_set(e, STATUS_DATA, "the line has no position to acknowledge");
}

static bool take_change(struct loop *l, const struct line *line, struct err *e)
{
    struct pos pos;
    bool higher = false;
    if (line->pos.n != 0 && !window_read(&l->window, line->pos, &pos, &higher, e))
        return false;
    if (l->ops->commit != NULL && !l->started) {
        err_set(e, STATUS_DATA, "no start line says which source the lines are of");
        return err_hint(e, "cdc-tail writes it with --offset or --control");
    }
    if (l->ops->commit != NULL)
        return (!higher || release_held(l, e)) && hold(l, line, &pos, e);
    struct record r = record_of(l, line, l->lines.count);
    r.pos = line->pos.n != 0 ? &pos : NULL;
    r.value = line_value(line);
    return submit(l, &r, e);
}

static bool reject_line(struct loop *l, struct span text, struct err *e)
{
    struct line line = {0};
    struct err other;
    struct span pos = {NULL, 0};
    if (line_parse(text, &line, &other))
        pos = line.pos;
    return reject_text(&l->reject, l->lines.count, pos, text, e->text, e);
}

static bool take_line(struct loop *l, struct span text, struct err *e)
{
    struct line line;
    if (!parse(l, text, &line, e)) {
        if (!may_reject(l))
            return cannot_reject(l, e) || err_wrap(e, "line %llu", (unsigned long long)l->lines.count);
        return reject_line(l, text, e);
    }
    return (line.kind == LINE_CONTROL ? take_control(l, &line, e) : take_change(l, &line, e)) ||
           err_wrap(e, "line %llu", (unsigned long long)l->lines.count);
}

// ---- the loop

// Takes what was read; *more: the input goes on.
static bool take_lines(struct loop *l, bool *more, struct err *e)
{
    *more = true;
    while (!l->rewinds && !window_is_full(&l->window)) {
        struct span text;
        switch (lines_next(&l->lines, &text, e)) {
        case LINES_GOT:
            if (!take_line(l, text, e))
                return false;
            break;
        case LINES_MORE:
            return true;
        case LINES_END:
            *more = false;
            return true;
        case LINES_FAIL:
            return false;
        }
    }
    *more = !l->rewinds;
    return true;
}

static int64_t commit_due_ms(const struct loop *l)
{
    if (l->batch.records == 0)
        return l->committed_ms + PROGRESS_MS;
    int64_t interval_ms = l->o->commit_interval_ms, busy_ms = COMMIT_SHARE * l->commit_took_ms;
    if (busy_ms > BUSY_INTERVAL_MAX_MS)
        busy_ms = BUSY_INTERVAL_MAX_MS;
    if (batch_bytes(&l->batch) >= BUSY_BYTES && busy_ms > interval_ms)
        interval_ms = busy_ms;
    return l->first_ms + interval_ms;
}

static bool commit_if_due(struct loop *l, struct err *e)
{
    return !l->dirty || clock_mono_ms() < commit_due_ms(l) || commit(l, e);
}

static int timeout_ms(const struct loop *l)
{
    if (!l->dirty)
        return 1000;
    int64_t left_ms = commit_due_ms(l) - clock_mono_ms();
    return left_ms < 0 ? 0 : left_ms > 1000 ? 1000 : (int)left_ms;
}

// Waits for the system, the input, the acknowledgements' reader, whichever is first.
static bool wait(struct loop *l, bool reads, struct err *e)
{
    struct pollfd fds[3];
    nfds_t n = 0;
    if (reads)
        fds[n++] = (struct pollfd){.fd = l->lines.fd, .events = POLLIN};
    if (ack_waits(&l->ack))
        fds[n++] = (struct pollfd){.fd = l->ack.fd, .events = POLLOUT};
    if (stop_count() == 0)
        fds[n++] = (struct pollfd){.fd = stop_fd(), .events = POLLIN};
    if (!l->ops->wait(l->sink, fds, n, timeout_ms(l), e))
        return false;
    return !reads || fds[0].revents == 0 || lines_fill(&l->lines, e);
}

static bool step(struct loop *l, bool *more, struct err *e)
{
    if (!take_lines(l, more, e) || !commit_if_due(l, e) || !loop_tick(l, e))
        return false;
    return !*more || wait(l, !window_is_full(&l->window), e);
}

static bool check_end(const struct loop *l, struct err *e)
{
    bool cut = lines_are_cut(&l->lines);
    if (!l->ended && (l->started || l->ack.fd >= 0))
        return err_set(e, STATUS_PEER, "the input ended %swithout the source's `end` line: the source died",
                       cut ? "within a line, " : "");
    if (!cut)
        return true;
    err_set(e, STATUS_DATA, "line %llu is cut: the input ended before its newline",
            (unsigned long long)l->lines.count + 1);
    return err_hint(e, "what stands there was not delivered");
}

static bool drain(struct loop *l, struct err *e)
{
    if (!commit(l, e) || (l->ops->end != NULL && !l->ops->end(l->sink, e)))
        return false;
    while (window_pending(&l->window) != 0)
        if (!wait(l, false, e) || !loop_tick(l, e))
            return false;
    if (l->rewinds)
        return err_set(e, STATUS_PEER,
                       "this sink is further than the source in its snapshot: start again, from here");
    return check_end(l, e);
}

static bool run(struct loop *l, struct err *e)
{
    if (!ack_init(&l->ack, l->o->ack_fd, e) || !reject_open(&l->reject, l->o->reject, e) ||
        !meter_open(&l->meter, l->o->stats, l->o->warn, e) || !window_init(&l->window, WINDOW_PLACES, e))
        return false;
    if (!l->ops->open(l->sink, l, l->ops->commit != NULL ? &l->own : NULL, e))
        return false;
    l->committed_ms = clock_mono_ms();
    for (bool more = true; more;)
        if (!step(l, &more, e))
            return false;
    return drain(l, e);
}

static void release(struct loop *l)
{
    l->ops->close(l->sink);
    lines_release(&l->lines);
    window_release(&l->window);
    batch_release(&l->batch);
    ack_release(&l->ack);
    reject_close(&l->reject);
    struct buf *bufs[] = {&l->own.token, &l->own.identity, &l->held_token, &l->complete, &l->identity};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_release(bufs[i]);
    free(l);
}

bool loop_run(const struct loop_options *o, const struct sink_ops *ops, void *sink, int *status,
              struct err *e)
{
    struct loop *l = calloc(1, sizeof *l);
    if (l == NULL)
        return err_no_memory(e);
    *l = (struct loop){.o = o, .ops = ops, .sink = sink, .ack = {.fd = -1}, .reject = {.fd = -1}};
    lines_init(&l->lines, 0, o->max_line_bytes);
    buf_init(&l->own.token, POS_MAX_BYTES);
    buf_init(&l->own.identity, 4096);
    buf_init(&l->identity, LINE_IDENTITY_MAX);
    batch_init(&l->batch, TRANSACTION_BYTES + o->max_line_bytes * 4);
    buf_init(&l->held_token, POS_MAX_BYTES);
    buf_init(&l->complete, POS_MAX_BYTES);
    bool ok = run(l, e);
    int own = !ok ? (int)e->status : l->reject.count != 0 ? STATUS_REJECTED : STATUS_DONE;
    *status = (int)status_worst(own, l->end_status);
    struct err late;
    // What became durable before a failure is acknowledged all the same.
    bool told = acknowledge(l, ok ? e : &late) &&
                ack_finish(&l->ack, l->ended || !ok ? *status : -1, o->drain_timeout_ms, ok ? e : &late);
    meter_update(l);
    meter_keep(&l->meter);
    if (!ok)
        e->status = (enum status) * status;
    release(l);
    return ok && told;
}
