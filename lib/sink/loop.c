#include "sink/loop.h"

#include "base/clock.h"
#include "base/stop.h"
#include "sink/held.h"
#include "sink/intake.h"

#include <stdlib.h>

// Records in flight at most. A round trip to a broker takes some milliseconds, so this keeps a million a
// second going.
#define WINDOW_PLACES 32768

// What a message shows of a record's key.
#define KEY_SHOWN 200

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

bool loop_may_reject(const struct loop *l)
{
    return l->reject.fd >= 0 && l->reject.count < l->o->max_rejects;
}

bool loop_cannot_reject(const struct loop *l, struct err *e)
{
    if (l->reject.fd >= 0)
        return err_hint(e, "the reject file holds --max-rejects lines");
    return err_hint(e, "--reject FILE puts such lines into a file and goes on");
}

bool loop_refuse(struct loop *l, const struct record *r, enum status status, const char *reason,
                 struct err *e)
{
    if (loop_may_reject(l)) {
        if (l->ops->commit != NULL)
            batch_refuse(&l->batch, r->seq);
        return reject_record(&l->reject, r, reason, e);
    }
    bool long_key = r->key.n > KEY_SHOWN;
    err_set(e, status, "%s: line %llu, topic %.*s, key %.*s%s, position %.*s", reason,
            (unsigned long long)r->line, SPAN_ARG(r->topic), long_key ? KEY_SHOWN : (int)r->key.n, r->key.p,
            long_key ? "…" : "", r->token.n != 0 ? (int)r->token.n : 4,
            r->token.n != 0 ? r->token.p : "none");
    return loop_cannot_reject(l, e);
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
    l->meter.in_flight = l->ops->commit != NULL ? held_records(l) : window_pending(&l->window);
}

bool loop_tick(struct loop *l, struct err *e)
{
    meter_update(l);
    meter_keep_if_due(&l->meter);
    return check_stop(l, e) && acknowledge(l, e);
}

// ---- for the other parts

struct record loop_record(const struct loop *l, const struct line *line, uint64_t number)
{
    return (struct record){
        .line = number,
        .token = line->pos,
        .topic = l->o->topic != NULL ? span_of(l->o->topic) : line->topic,
        .named = line->topic,
        .key = line->key,
        .not_unique = line->not_unique,
        .headers = line->headers,
    };
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
            if (!intake_line(l, text, e))
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

static int timeout_ms(const struct loop *l)
{
    if (!l->dirty)
        return 1000;
    int64_t left_ms = held_due_ms(l) - clock_mono_ms();
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
    if (!take_lines(l, more, e) || !held_commit_if_due(l, e) || !loop_tick(l, e))
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
    if (!held_commit(l, e) || (l->ops->end != NULL && !l->ops->end(l->sink, e)))
        return false;
    while (window_pending(&l->window) != 0)
        if (!wait(l, false, e) || !loop_tick(l, e))
            return false;
    if (l->rewinds) {
        err_set(e, STATUS_PEER,
                "this sink is further than the source with its snapshot: start again, from here");
        return l->o->ack_fd != LOOP_NO_ACK
                   ? false
                   : err_hint(e, "--ack-fd, and cdc-offset commit, bring the source to know");
    }
    return check_end(l, e);
}

static bool run(struct loop *l, struct err *e)
{
    int ack_fd = l->o->ack_fd == LOOP_NO_ACK ? -1 : (int)l->o->ack_fd;
    if (!ack_init(&l->ack, ack_fd, e) || !reject_open(&l->reject, l->o->reject, e) ||
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

bool loop_check(const struct loop_options *o, struct err *e)
{
    if (o->ack_fd != LOOP_NO_ACK && o->ack_fd > 1023)
        return err_set(e, STATUS_USAGE, "--ack-fd %llu is no descriptor", (unsigned long long)o->ack_fd);
    return o->max_rejects == UINT64_MAX || o->reject != NULL ||
           err_set(e, STATUS_USAGE, "--max-rejects needs --reject FILE");
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
    batch_init(&l->batch, HELD_TRANSACTION_BYTES + o->max_line_bytes * 4);
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
