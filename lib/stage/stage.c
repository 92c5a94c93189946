#include "stage/stage.h"

#include "base/clock.h"
#include "base/lines.h"
#include "base/stats.h"
#include "base/stop.h"
#include "event/json.h"
#include "event/output.h"
#include "sink/reject.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define PROGRESS_MS 1000

// One of the outputs, and what was dropped since it was last told of a position.
struct branch {
    struct output out;
    struct span dropped; // the last token; borrowed from the batch, then from kept
    struct buf kept;
    int64_t dropped_ms; // since when there is one; 0: not yet asked
};

struct stage {
    const struct stage_options *o;
    stage_decide *decide;
    void *self;
    struct lines lines;
    struct branch *branches;
    struct reject reject;
    struct stats stats;
    struct buf reasons; // of lines that could not be read

    struct stage_line *batch, **asked;
    size_t n, n_asked;

    bool has_control; // somebody behind counts on the end line
    int64_t give_up_ms;
    int64_t lines_read, bytes_read, lines_written, lines_dropped;
};

void stage_refuse(struct stage_line *l, struct buf *b, const char *reason)
{
    l->fate = STAGE_REFUSE;
    l->in = b, l->at = b->n;
    buf_str(b, reason);
    l->n = b->n - l->at;
}

// ---- figures

#define FIGURES 5

static void figures(const struct stage *s, struct stats_figure f[FIGURES])
{
    f[0] = (struct stats_figure){"cdc_stage_lines_read_total", "Lines read.", STAT_COUNTER, s->lines_read,
                                 false};
    f[1] = (struct stats_figure){"cdc_stage_bytes_read_total", "Bytes read.", STAT_COUNTER, s->bytes_read,
                                 false};
    f[2] = (struct stats_figure){"cdc_stage_lines_written_total", "Lines that went on or came of one.",
                                 STAT_COUNTER, s->lines_written, false};
    f[3] = (struct stats_figure){"cdc_stage_lines_dropped_total", "Lines that no output got.", STAT_COUNTER,
                                 s->lines_dropped, false};
    f[4] = (struct stats_figure){"cdc_stage_lines_rejected_total", "Lines in the reject file.", STAT_COUNTER,
                                 (int64_t)s->reject.count, false};
}

static void keep_stats(struct stage *s, int64_t now_ms, bool last)
{
    struct stats_figure f[FIGURES];
    if (!last && !stats_due(&s->stats, now_ms))
        return;
    figures(s, f);
    stats_keep(&s->stats, now_ms, f, FIGURES);
}

// ---- reading

// JSON inside is for those who read it; this much shows that nobody cut or joined lines.
static bool is_framed(struct span text)
{
    return text.n >= 2 && text.p[0] == '{' && text.p[text.n - 1] == '}';
}

static void take(struct stage *s, struct span text)
{
    struct stage_line *l = &s->batch[s->n++];
    struct err why;
    l->number = s->lines.count;
    l->fate = STAGE_KEEP;
    l->outputs = UINT64_MAX;
    s->bytes_read += (int64_t)text.n + 1;
    bool framed = is_framed(text);
    l->broken = !framed || !line_parse(text, &l->line, &why);
    if (l->broken) {
        l->line = (struct line){.kind = LINE_BARE, .text = text};
        stage_refuse(l, &s->reasons, framed ? why.text : "the line is no JSON object");
    } else if (l->line.kind == LINE_CONTROL) {
        s->has_control = true;
    } else {
        s->asked[s->n_asked++] = l;
    }
}

static enum lines_got take_batch(struct stage *s, struct err *e)
{
    enum lines_got got = LINES_GOT;
    struct span text;
    s->n = s->n_asked = 0;
    buf_reset(&s->reasons);
    while (s->n < s->o->batch_lines && (got = lines_next(&s->lines, &text, e)) == LINES_GOT)
        take(s, text);
    return got;
}

// ---- writing

static void append(struct branch *b, const struct stage_line *l)
{
    if (l->fate == STAGE_WRITE) {
        buf_bytes(&b->out.lines, l->in->p + l->at, l->n);
    } else {
        buf_span(&b->out.lines, l->line.text);
        buf_char(&b->out.lines, '\n');
    }
}

static bool put_on(struct branch *b, const struct stage_line *l, struct err *e)
{
    append(b, l);
    if (l->line.pos.n != 0)
        b->dropped.n = 0;
    return buf_ok(&b->out.lines, "what comes of one line", e) &&
           (!output_is_full(&b->out) || output_flush(&b->out, e));
}

static bool refuse(struct stage *s, const struct stage_line *l, struct err *e)
{
    char reason[1024];
    snprintf(reason, sizeof reason, "%.*s", (int)l->n, l->in->p + l->at);
    if (s->reject.fd < 0) {
        err_set(e, STATUS_DATA, "line %llu: %s", (unsigned long long)l->number, reason);
        return err_hint(e, "--reject FILE puts such lines into a file and goes on");
    }
    if (l->broken)
        return reject_text(&s->reject, l->number, l->line.pos, l->line.text, reason, e);
    // Turns the header's comma into a brace, and back where the line is to be kept as it was read.
    struct span value = line_value(&l->line);
    size_t bad_at;
    if (line_is_tombstone(&l->line) || json_check(value, &bad_at)) {
        struct record r = {.line = l->number,
                           .token = l->line.pos,
                           .topic = l->line.topic,
                           .key = l->line.key,
                           .headers = l->line.headers,
                           .value = value};
        return reject_record(&s->reject, &r, reason, e);
    }
    line_restore(&l->line);
    return reject_text(&s->reject, l->number, l->line.pos, l->line.text, reason, e);
}

// What was rejected is a part of the pipeline's status.
static bool raise_end(struct stage *s, struct stage_line *l, struct err *e)
{
    int status;
    struct pos pos;
    if (s->reject.count == 0 || l->line.kind != LINE_CONTROL || !span_is(l->line.control, "end"))
        return true;
    if (!line_read_end(&l->line, &status, e) || (l->line.pos.n != 0 && !pos_parse(l->line.pos, &pos, e)))
        return err_wrap(e, "line %llu", (unsigned long long)l->number);
    size_t at = s->reasons.n;
    line_write_end(&s->reasons, l->line.pos.n != 0 ? &pos : NULL, status_worst(status, STATUS_REJECTED));
    stage_write(l, &s->reasons, at);
    return true;
}

static bool put(struct stage *s, struct stage_line *l, struct err *e)
{
    if (l->fate == STAGE_REFUSE && !refuse(s, l, e))
        return false;
    if (!raise_end(s, l, e))
        return false;
    bool goes = l->fate == STAGE_KEEP || (l->fate == STAGE_WRITE && l->n != 0), gone = false;
    for (size_t i = 0; i < s->o->outputs; i++) {
        if (goes && (l->outputs >> i & 1) != 0) {
            gone = true;
            if (!put_on(&s->branches[i], l, e))
                return false;
        } else if (l->line.pos.n != 0) {
            s->branches[i].dropped = l->line.pos;
        }
    }
    s->lines_read++;
    s->lines_written += gone;
    s->lines_dropped += !gone;
    return true;
}

static bool put_batch(struct stage *s, struct err *e)
{
    for (size_t i = 0; i < s->n; i++)
        if (!put(s, &s->batch[i], e))
            return false;
    return true;
}

static bool flush(struct stage *s, struct err *e)
{
    for (size_t i = 0; i < s->o->outputs; i++)
        if (!output_flush(&s->branches[i].out, e))
            return false;
    return true;
}

// The batch's bytes are about to move.
static bool keep_dropped(struct branch *b, int64_t now_ms, struct err *e)
{
    if (b->dropped.n == 0) {
        b->dropped_ms = 0;
        return true;
    }
    if (b->dropped_ms == 0)
        b->dropped_ms = now_ms;
    if (b->dropped.p == b->kept.p)
        return true;
    buf_reset(&b->kept);
    buf_span(&b->kept, b->dropped);
    b->dropped = buf_view(&b->kept);
    return buf_ok(&b->kept, "a position", e);
}

static bool tell_progress(struct branch *b, struct err *e)
{
    struct pos pos;
    if (!pos_parse(b->dropped, &pos, e))
        return false;
    line_write_progress(&b->out.lines, &pos);
    b->dropped.n = 0;
    b->dropped_ms = 0;
    return true;
}

// waits: what was dropped is told now; else once a second.
static bool settle(struct stage *s, bool waits, struct err *e)
{
    int64_t now_ms = clock_mono_ms();
    for (size_t i = 0; i < s->o->outputs; i++) {
        struct branch *b = &s->branches[i];
        if (!keep_dropped(b, now_ms, e))
            return false;
        if (b->dropped.n != 0 && (waits || now_ms - b->dropped_ms >= PROGRESS_MS) && !tell_progress(b, e))
            return false;
    }
    keep_stats(s, now_ms, false);
    return flush(s, e);
}

// ---- waiting

// Also the outputs' tick: a slow reader holds the stage back, but not beyond the drain timeout.
static bool check_stop(void *context, struct err *e)
{
    struct stage *s = context;
    if (stop_count() != 0 && s->give_up_ms == 0)
        s->give_up_ms = clock_mono_ms() + s->o->drain_timeout_ms;
    return s->give_up_ms == 0 || clock_mono_ms() < s->give_up_ms ||
           err_set(e, STATUS_PEER, "stopped before the end of the input: --drain-timeout has passed");
}

// *ready: the input can be read. An output whose reader has gone shows that without a write.
static bool wait(struct stage *s, int timeout_ms, bool *ready, struct err *e)
{
    struct pollfd fds[STAGE_OUTPUTS_MAX + 2];
    nfds_t n = 0;
    fds[n++] = (struct pollfd){.fd = s->lines.fd, .events = POLLIN};
    for (size_t i = 0; i < s->o->outputs; i++)
        fds[n++] = (struct pollfd){.fd = s->branches[i].out.fd};
    if (stop_count() == 0)
        fds[n++] = (struct pollfd){.fd = stop_fd(), .events = POLLIN};
    *ready = poll(fds, n, timeout_ms) > 0 && fds[0].revents != 0;
    for (size_t i = 0; i < s->o->outputs && !*ready; i++)
        if ((fds[i + 1].revents & POLLERR) != 0) {
            s->branches[i].out.gone = true;
            return err_set(e, STATUS_PEER, "the reader of descriptor %d has gone", s->branches[i].out.fd);
        }
    return check_stop(s, e);
}

static bool fill(struct stage *s, struct err *e)
{
    bool ready;
    if (!wait(s, 0, &ready, e))
        return false;
    if (!ready && !settle(s, true, e))
        return false;
    while (!ready) {
        if (!wait(s, PROGRESS_MS, &ready, e))
            return false;
        keep_stats(s, clock_mono_ms(), false);
    }
    return lines_fill(&s->lines, e);
}

static uint64_t waiting_lines(const struct stage *s)
{
    uint64_t n = 0;
    for (const char *p = s->lines.bytes.p, *end = p + s->lines.bytes.n; p < end; n++) {
        p = memchr(p, '\n', (size_t)(end - p));
        if (p == NULL)
            break;
        p++;
    }
    return n;
}

// Lets more lines come together, for a decision that costs a round trip.
static bool linger(struct stage *s, struct err *e)
{
    int64_t until_ms = clock_mono_ms() + s->o->linger_ms;
    bool ready = true;
    while (ready && !s->lines.ended && waiting_lines(s) < s->o->batch_lines) {
        int64_t left_ms = until_ms - clock_mono_ms();
        if (left_ms <= 0)
            return true;
        if (!wait(s, (int)left_ms, &ready, e) || (ready && !lines_fill(&s->lines, e)))
            return false;
    }
    return true;
}

// ---- the whole

static bool step(struct stage *s, bool *more, struct err *e)
{
    enum lines_got got = take_batch(s, e);
    if (s->n_asked != 0 && !s->decide(s->self, s->asked, s->n_asked, e))
        return false;
    if (!put_batch(s, e))
        return false;
    *more = got != LINES_END;
    if (got == LINES_FAIL)
        return false;
    if (!settle(s, got == LINES_END, e))
        return false;
    if (got != LINES_MORE)
        return true;
    return fill(s, e) && (s->o->linger_ms == 0 || linger(s, e));
}

static bool open_all(struct stage *s, struct err *e)
{
    struct stats_figure f[FIGURES];
    figures(s, f);
    lines_init(&s->lines, 0, s->o->max_line_bytes);
    buf_init(&s->reasons, SIZE_MAX / 4);
    s->branches = calloc(s->o->outputs, sizeof *s->branches);
    s->batch = calloc(s->o->batch_lines, sizeof *s->batch);
    s->asked = calloc(s->o->batch_lines, sizeof(struct stage_line *));
    if (s->branches == NULL || s->batch == NULL || s->asked == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < s->o->outputs; i++) {
        output_init(&s->branches[i].out, s->o->fds[i], SIZE_MAX / 4, check_stop, s);
        buf_init(&s->branches[i].kept, POS_MAX_BYTES);
    }
    return stats_open(&s->stats, s->o->stats, s->o->warn, f, FIGURES, e) &&
           reject_open(&s->reject, s->o->reject, e);
}

// What was decided before a failure goes on, and the outputs that are still there learn why there is no more.
static void tell_end(struct stage *s, const struct err *e)
{
    struct err late;
    for (size_t i = 0; i < s->o->outputs; i++) {
        struct output *out = &s->branches[i].out;
        if (out->gone || out->lines.bad)
            continue;
        if (s->has_control)
            line_write_end(&out->lines, NULL, (int)e->status);
        out->gone = !output_flush(out, &late);
    }
}

static bool any_gone(const struct stage *s)
{
    bool gone = false;
    for (size_t i = 0; s->branches != NULL && i < s->o->outputs; i++)
        gone = gone || s->branches[i].out.gone;
    return gone;
}

static void release(struct stage *s)
{
    for (size_t i = 0; s->branches != NULL && i < s->o->outputs; i++) {
        output_release(&s->branches[i].out);
        buf_release(&s->branches[i].kept);
    }
    free(s->branches);
    free(s->batch);
    free(s->asked);
    lines_release(&s->lines);
    buf_release(&s->reasons);
    reject_close(&s->reject);
}

bool stage_run(const struct stage_options *o, stage_decide *decide, void *self, int *status, struct err *e)
{
    struct stage s = {.o = o, .decide = decide, .self = self, .reject = {.fd = -1}};
    bool ok = open_all(&s, e);
    bool opened = ok;
    for (bool more = true; ok && more;)
        ok = step(&s, &more, e);
    if (opened)
        keep_stats(&s, clock_mono_ms(), true);
    if (!ok && opened) {
        // As `| head` ends a pipeline that nobody keeps positions for.
        if (any_gone(&s) && !s.has_control)
            e->text[0] = '\0';
        tell_end(&s, e);
    }
    if (ok && s.reject.count != 0)
        *status = STATUS_REJECTED;
    release(&s);
    return ok;
}
