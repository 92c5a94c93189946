#include "mysql/stream_progress.h"

#include "event/heartbeat.h"
#include "event/line.h"
#include "mysql/reader_transaction.h"

// Up to where tables are added the log's positions are of the epoch before, and then rows follow.
static bool is_before_snapshot(const struct my_stream *s, const struct pos *done)
{
    const struct pos *until = &s->session->log_until;
    return s->session->snapshot_due &&
           (until->n[0] == 0 || my_past(done->n[0], done->n[1]) >= my_past(until->n[0], until->n[1]));
}

static bool progress_of(const struct my_stream *s, struct pos *at)
{
    const struct my_reader *r = &s->reader;
    struct pos done = my_reader_at(r, r->done);
    if (s->session->replaying || r->in_transaction || is_before_snapshot(s, &done) || r->file_number == 0 ||
        pos_compare(&done, &s->written) < 0)
        return false;
    *at = done;
    return true;
}

void my_stream_catch_up(struct my_stream *s)
{
    if (pos_compare(&s->reader.written, &s->written) > 0)
        s->written = s->reader.written;
}

void my_stream_write_progress(struct my_stream *s, int64_t now_ms)
{
    struct pos at;
    my_stream_catch_up(s);
    if (!progress_of(s, &at) || (s->told && pos_compare(&at, &s->written) == 0))
        return;
    s->told = true;
    my_journal_mark(&s->session->journal, &at);
    if (s->o->control)
        line_write_progress(&s->out.lines, &at);
    s->written = at;
    s->reader.fresh_lines = false;
    s->progress_ms = now_ms;
}

static void write_heartbeat(struct my_stream *s)
{
    my_stream_catch_up(s);
    struct pos at = s->written;
    bool between = progress_of(s, &at);
    struct buf *out = &s->out.lines;
    heartbeat_write(s->capture, &at, s->o->schemas && !s->described_heartbeat, out);
    s->described_heartbeat = true;
    if (between && s->o->control)
        line_write_progress(out, &at);
    s->written = at;
}

static void run_heartbeat_query(struct my_stream *s)
{
    struct err e;
    if (s->o->heartbeat_query == NULL || (my_session_sql(s->session, s->o, &e) &&
                                          my_query(s->session->sql, s->o->heartbeat_query, NULL, NULL, &e)))
        return;
    s->o->warn("the heartbeat's statement failed: %s", e.text);
    my_close(s->session->sql);
    s->session->sql = NULL;
}

void my_stream_heartbeat_if_due(struct my_stream *s, int64_t now_ms)
{
    int64_t every_ms = (int64_t)s->o->heartbeat_ms;
    if (every_ms == 0 || now_ms - s->heartbeat_ms < every_ms)
        return;
    s->heartbeat_ms = now_ms;
    write_heartbeat(s);
    run_heartbeat_query(s);
}
