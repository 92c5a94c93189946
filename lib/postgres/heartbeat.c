#include "postgres/heartbeat.h"

#include "event/heartbeat.h"
#include "event/line.h"

// The token is that of the last event, or the progress that the log has come to. Between transactions a
// progress line follows: it completes the heartbeat's token also where nothing else happens.
static void write_line(struct stream *s)
{
    struct pos at = s->written;
    bool between = stream_progress(s, &at);
    struct buf *out = &s->out.lines;
    heartbeat_write(s->capture, &at, stream_describes(s, &s->described_heartbeat), out);
    if (between && s->o->control)
        line_write_progress(out, &at);
    s->written = at;
}

static void run_query(struct stream *s)
{
    struct err e;
    if (s->o->heartbeat_query == NULL ||
        (stream_lookup(s, &e) && pg_query(s->lookup, s->o->heartbeat_query, 0, NULL, NULL, NULL, &e)))
        return;
    s->o->warn("the heartbeat's statement failed: %s", e.text);
    pg_close(s->lookup);
    s->lookup = NULL;
}

void heartbeat_if_due(struct stream *s, int64_t now_ms)
{
    int64_t every_ms = (int64_t)s->o->heartbeat_ms;
    if (every_ms == 0 || now_ms - s->heartbeat_ms < every_ms)
        return;
    s->heartbeat_ms = now_ms;
    write_line(s);
    run_query(s);
}

int64_t heartbeat_wait_ms(const struct stream *s, int64_t now_ms, int64_t limit_ms)
{
    int64_t left_ms = s->heartbeat_ms + (int64_t)s->o->heartbeat_ms - now_ms;
    if (s->o->heartbeat_ms == 0 || left_ms > limit_ms)
        return limit_ms;
    return left_ms > 0 ? left_ms : 0;
}
