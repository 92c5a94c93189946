#include "sink/loop.h"

#include "base/clock.h"
#include "base/lines.h"
#include "base/stop.h"
#include "event/json.h"
#include "sink/handshake.h"
#include "sink/reject.h"
#include "state/ack.h"
#include "state/window.h"

#include <stdlib.h>

// Records in flight at most. A round trip to a broker takes some milliseconds, so this keeps a million a
// second going.
#define WINDOW_PLACES 32768

// A transaction is committed when it holds so much, or after the interval.
#define BATCH_RECORDS 10000
#define BATCH_BYTES (8u << 20)

// Progress without events needs no hurry to be stored.
#define PROGRESS_MS 1000

#define KEY_DEPTH 16

struct loop {
    const struct loop_options *o;
    const struct sink_ops *ops;
    void *sink;
    struct lines lines;
    struct window window;
    struct ack ack;
    struct reject reject;

    // Of a sink with a commit.
    struct sink_own own;
    struct pos own_pos;
    bool skips;      // what is at or before own_pos is there already
    struct buf held; // the lines of the newest token, each with its '\n'
    struct buf held_token;
    uint64_t held_line;  // the number of the first
    struct buf complete; // the highest token whose events are all submitted
    bool dirty;          // it is not committed yet
    uint64_t batch_records, batch_bytes;
    int64_t first_ms, committed_ms; // the batch's first record; the last commit

    bool started, ended, rewinds;
    int end_status;
    int64_t give_up_ms; // after the stop signal; 0 before
};

// ---- for sinks

void loop_done(struct loop *l, uint64_t seq)
{
    window_done(&l->window, seq);
}

struct span loop_token(const struct loop *l, uint64_t seq)
{
    return window_token(&l->window, seq);
}

bool loop_refuse(struct loop *l, const struct record *r, enum status status, const char *reason,
                 struct err *e)
{
    if (l->reject.fd >= 0)
        return reject_record(&l->reject, r, reason, e);
    err_set(e, status, "%s: topic %.*s, key %.*s, position %.*s", reason, SPAN_ARG(r->topic),
            SPAN_ARG(r->key), r->token.n != 0 ? (int)r->token.n : 4, r->token.n != 0 ? r->token.p : "none");
    return err_hint(e, "--reject FILE puts such records into a file and goes on");
}

// ---- delivery

static bool submit(struct loop *l, struct record *r, struct err *e)
{
    uint32_t parts = 0;
    if (l->ops->commit != NULL) {
        if (l->batch_records == 0)
            l->first_ms = clock_mono_ms();
        l->batch_records++;
        l->batch_bytes += r->key.n + r->value.n;
        return l->ops->submit(l->sink, r, &parts, e);
    }
    // The place is there before the sink can finish it; until submit has said how many parts there are it
    // keeps one of its own.
    if (!window_add(&l->window, 1, &r->seq, e) || !l->ops->submit(l->sink, r, &parts, e))
        return false;
    window_parts(&l->window, r->seq, parts);
    window_done(&l->window, r->seq);
    return true;
}

static struct record record_of(const struct loop *l, const struct line *line, uint64_t number)
{
    struct record r = {
        .line = number,
        .token = line->pos,
        .topic = l->o->topic != NULL ? span_of(l->o->topic) : line->topic,
        .key = line->key,
        .headers = line->headers,
    };
    r.value = line_value(line);
    return r;
}

// ---- a sink's own transaction

static bool commit(struct loop *l, struct err *e)
{
    if (!l->dirty)
        return true;
    if (!l->ops->commit(l->sink, buf_view(&l->complete), e))
        return false;
    // Durable now, with all before it: the one place where a transactional sink acknowledges.
    ack_offer(&l->ack, buf_view(&l->complete));
    l->dirty = false;
    l->batch_records = l->batch_bytes = 0;
    l->committed_ms = clock_mono_ms();
    return true;
}

static void set_complete(struct loop *l, struct span token)
{
    buf_reset(&l->complete);
    buf_span(&l->complete, token);
    l->dirty = true;
}

// A higher token was read: the lines that were held back are whole.
static bool release_held(struct loop *l, struct err *e)
{
    uint64_t number = l->held_line;
    for (struct span rest = buf_view(&l->held); rest.n != 0; number++) {
        const char *newline = memchr(rest.p, '\n', rest.n);
        struct line line;
        size_t n = (size_t)(newline - rest.p);
        if (!line_parse((struct span){rest.p, n}, &line, e))
            return false;
        struct record r = record_of(l, &line, number);
        if (!submit(l, &r, e))
            return err_wrap(e, "line %llu", (unsigned long long)number);
        rest.p += n + 1, rest.n -= n + 1;
    }
    if (l->held_token.n != 0)
        set_complete(l, buf_view(&l->held_token));
    buf_reset(&l->held);
    buf_reset(&l->held_token);
    if (l->batch_records >= BATCH_RECORDS || l->batch_bytes >= BATCH_BYTES)
        return commit(l, e);
    return true;
}

static bool hold(struct loop *l, const struct line *line, const struct pos *pos, struct err *e)
{
    if (l->skips && pos_compare(pos, &l->own_pos) <= 0)
        return true;
    if (l->held.n == 0) {
        l->held_line = l->lines.count;
        buf_span(&l->held_token, line->pos);
    }
    buf_span(&l->held, line->text);
    buf_char(&l->held, '\n');
    return buf_ok(&l->held, "what one position holds", e);
}

// ---- lines

static bool take_start(struct loop *l, const struct line *line, struct err *e)
{
    struct line_start start;
    struct pos pos;
    if (!line_read_start(line, &start, e) || !pos_parse(line->pos, &pos, e))
        return false;
    l->started = true;
    l->ended = false;
    if (l->ops->commit == NULL)
        return true;
    switch (handshake(&l->own, &pos, &start, &l->own_pos, e)) {
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
        if (pos_compare(&l->own_pos, &pos) > 0)
            ack_offer(&l->ack, buf_view(&l->own.token));
    }
    l->ops->identify(l->sink, start.identity);
    return true;
}

static bool take_progress(struct loop *l, const struct line *line, struct err *e)
{
    struct pos pos;
    bool higher;
    uint64_t seq;
    if (!window_read(&l->window, line->pos, &pos, &higher, e))
        return false;
    if (l->ops->commit == NULL)
        return window_add(&l->window, 0, &seq, e);
    if (!release_held(l, e))
        return false;
    if (!l->skips || pos_compare(&pos, &l->own_pos) > 0)
        set_complete(l, line->pos);
    return true;
}

static bool take_control(struct loop *l, const struct line *line, struct err *e)
{
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

static bool take_change(struct loop *l, const struct line *line, struct err *e)
{
    struct pos pos;
    bool higher = false;
    if (line->pos.n == 0 && (l->ack.fd >= 0 || l->ops->commit != NULL))
        return err_set(e, STATUS_DATA, "the line has no position to acknowledge");
    if (line->pos.n != 0 && !window_read(&l->window, line->pos, &pos, &higher, e))
        return false;
    if (l->ops->commit != NULL && !l->started) {
        err_set(e, STATUS_DATA, "no start line says which source the lines are of");
        return err_hint(e, "cdc-tail writes it with --offset or --control");
    }
    if (l->ops->commit != NULL)
        return (!higher || release_held(l, e)) && hold(l, line, &pos, e);
    struct record r = record_of(l, line, l->lines.count);
    return submit(l, &r, e);
}

static struct span key_at(const struct loop *l, struct span text)
{
    static const struct span none = SPAN_LIT("null");
    struct span names[KEY_DEPTH], value;
    size_t n = 0;
    if (l->o->key == NULL)
        return none;
    for (const char *p = l->o->key + (l->o->key[0] == '.'); n < KEY_DEPTH; p += names[n - 1].n + 1) {
        names[n] = (struct span){p, strcspn(p, ".")};
        if (p[names[n++].n] == '\0')
            break;
    }
    return json_path(text, names, n, &value) ? value : none;
}

static bool take_bare(struct loop *l, const struct line *line, struct err *e)
{
    if (l->ack.fd >= 0 || l->ops->commit != NULL)
        return err_set(e, STATUS_DATA, "the line has no \"cdc\" header, so no position to acknowledge");
    if (l->o->topic == NULL)
        return err_set(e, STATUS_DATA, "the line has no \"cdc\" header, and no -t TOPIC says where it goes");
    struct record r = {.line = l->lines.count,
                       .topic = span_of(l->o->topic),
                       .key = key_at(l, line->text),
                       .value = line->text};
    return submit(l, &r, e);
}

static bool parse(struct span text, struct line *line, struct err *e)
{
    size_t bad_at;
    if (!json_check(text, &bad_at))
        return err_set(e, STATUS_DATA, "byte %zu: this is no JSON", bad_at + 1);
    if (text.p[0] != '{')
        return err_set(e, STATUS_DATA, "byte 1: the line is no JSON object");
    return line_parse(text, line, e);
}

static bool take_line(struct loop *l, struct span text, struct err *e)
{
    struct line line;
    if (!parse(text, &line, e)) {
        if (l->reject.fd < 0)
            return err_wrap(e, "line %llu", (unsigned long long)l->lines.count);
        return reject_text(&l->reject, l->lines.count, text, e->text, e);
    }
    bool ok = line.kind == LINE_CONTROL  ? take_control(l, &line, e)
              : line.kind == LINE_CHANGE ? take_change(l, &line, e)
                                         : take_bare(l, &line, e);
    return ok || err_wrap(e, "line %llu", (unsigned long long)l->lines.count);
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

static bool commit_if_due(struct loop *l, struct err *e)
{
    if (!l->dirty)
        return true;
    int64_t now_ms = clock_mono_ms();
    if (l->batch_records != 0 ? now_ms - l->first_ms >= l->o->commit_interval_ms
                              : now_ms - l->committed_ms >= PROGRESS_MS)
        return commit(l, e);
    return true;
}

static bool acknowledge(struct loop *l, struct err *e)
{
    struct buf token;
    buf_init(&token, POS_MAX_BYTES);
    // Every place before it is finished: the one place where a sink without transactions acknowledges.
    if (window_take(&l->window, &token))
        ack_offer(&l->ack, buf_view(&token));
    buf_release(&token);
    return ack_push(&l->ack, e);
}

static int timeout_ms(const struct loop *l)
{
    if (!l->dirty)
        return 1000;
    int64_t due_ms =
        l->batch_records != 0 ? l->first_ms + l->o->commit_interval_ms : l->committed_ms + PROGRESS_MS;
    int64_t left_ms = due_ms - clock_mono_ms();
    return left_ms < 0 ? 0 : left_ms > 1000 ? 1000 : (int)left_ms;
}

static bool check_stop(struct loop *l, struct err *e)
{
    if (stop_count() != 0 && l->give_up_ms == 0)
        l->give_up_ms = clock_mono_ms() + l->o->drain_timeout_ms;
    return l->give_up_ms == 0 || clock_mono_ms() < l->give_up_ms ||
           err_set(e, STATUS_PEER, "stopped before the end of the input: --drain-timeout has passed");
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
    if (!take_lines(l, more, e) || !check_stop(l, e) || !commit_if_due(l, e) || !acknowledge(l, e))
        return false;
    return !*more || wait(l, !window_is_full(&l->window), e);
}

static bool drain(struct loop *l, struct err *e)
{
    if (!commit(l, e))
        return false;
    while (window_pending(&l->window) != 0)
        if (!check_stop(l, e) || !wait(l, false, e) || !acknowledge(l, e))
            return false;
    if (l->rewinds)
        return err_set(e, STATUS_PEER,
                       "this sink is further than the source in its snapshot: start again, from here");
    bool cut = !l->ended && (l->started || l->ack.fd >= 0);
    return !cut ||
           err_set(e, STATUS_PEER, "the input ended without the source's `end` line: the source died");
}

static bool run(struct loop *l, struct err *e)
{
    if (!reject_open(&l->reject, l->o->reject, e) || !ack_init(&l->ack, l->o->ack_fd, e) ||
        !window_init(&l->window, WINDOW_PLACES, e))
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
    ack_release(&l->ack);
    reject_close(&l->reject);
    struct buf *bufs[] = {&l->own.token, &l->own.identity, &l->held, &l->held_token, &l->complete};
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
    buf_init(&l->held, o->max_line_bytes * 4);
    buf_init(&l->held_token, POS_MAX_BYTES);
    buf_init(&l->complete, POS_MAX_BYTES);
    bool ok = run(l, e);
    int own = !ok ? (int)e->status : l->reject.count != 0 ? STATUS_REJECTED : STATUS_DONE;
    *status = (int)status_worst(own, l->end_status);
    struct err late;
    // What became durable before a failure is acknowledged all the same.
    bool told = acknowledge(l, ok ? e : &late) &&
                ack_finish(&l->ack, l->ended || !ok ? *status : -1, o->drain_timeout_ms, ok ? e : &late);
    if (!ok)
        e->status = (enum status) * status;
    release(l);
    return ok && told;
}
