#include "sink/intake.h"

#include "event/json.h"
#include "sink/handshake.h"
#include "sink/held.h"

// ---- control lines

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
    if (l->ops->commit != NULL) {
        ack_say_exact(&l->ack);
        return shake_hands(l, &start, &pos, e);
    }
    if (l->ops->identify != NULL)
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
        return window_add(&l->window, l->lines.count, 0, &seq, e);
    if (!higher && !pos_is_progress(&pos))
        return true;
    if (!held_release(l, e))
        return false;
    if (l->skips && pos_compare(&pos, &l->own_pos) <= 0)
        return true;
    if (pos_is_progress(&pos))
        held_set_complete(l, line->pos);
    else
        held_tell(l, line);
    return true;
}

static bool take_schema(struct loop *l, const struct line *line, struct err *e)
{
    struct line_schema schema;
    if (l->ops->schema == NULL)
        return true;
    if (l->ops->commit != NULL)
        return held_add_schema(l, line, e);
    return line_read_schema(line, &schema, e) && l->ops->schema(l->sink, &schema, e);
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
    if (span_is(line->control, "schema"))
        return take_schema(l, line, e);
    if (!span_is(line->control, "end"))
        return true;
    int status;
    if (!line_read_end(line, &status, e))
        return false;
    l->ended = true;
    l->end_status = (int)status_worst(l->end_status, status);
    return true;
}

// ---- change lines

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
        return (!higher || held_release(l, e)) && held_add(l, line, &pos, e);
    struct record r = loop_record(l, line, l->lines.count);
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

bool intake_line(struct loop *l, struct span text, struct err *e)
{
    struct line line;
    if (!parse(l, text, &line, e)) {
        if (!loop_may_reject(l))
            return loop_cannot_reject(l, e) || err_wrap(e, "line %llu", (unsigned long long)l->lines.count);
        return reject_line(l, text, e);
    }
    return (line.kind == LINE_CONTROL ? take_control(l, &line, e) : take_change(l, &line, e)) ||
           err_wrap(e, "line %llu", (unsigned long long)l->lines.count);
}
