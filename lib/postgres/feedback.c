#include "postgres/feedback.h"

#include "base/clock.h"
#include "postgres/stream_stats.h"
#include "state/position.h"

#define EVERY_MS 1000
#define UNACKNOWLEDGED_MS 60000

// This is the one place where log is given up. A position in the folder was durable in its sinks before it
// came there, and its COMMIT_LSN is below everything that is not: the server sends that transaction again,
// and what was delivered of it is skipped by token.
static bool read_folder(struct stream *s, struct err *e)
{
    struct buf text;
    bool found;
    struct pos token;
    buf_init(&text, POS_MAX_BYTES);
    bool ok = position_resume(s->o->offset, &text, &token, &found, e);
    // A beginning, pg/EPOCH/l/0/0/0, or a snapshot's position says nothing of the log.
    if (ok && found && token.phase == POS_LOG && token.n[0] > s->confirmed_lsn)
        s->confirmed_lsn = token.n[0];
    buf_release(&text);
    return ok;
}

static void watch_acknowledgements(struct stream *s, int64_t now_ms)
{
    if (s->confirmed_lsn >= s->watched_lsn) {
        s->watched_lsn = s->written.n[0];
        s->watched_ms = now_ms;
    } else if (now_ms - s->watched_ms >= UNACKNOWLEDGED_MS) {
        s->o->warn("nothing was acknowledged in %s for %lld s: it is at %s, written is up to %s, and the "
                   "server keeps its "
                   "log for it",
                   s->o->offset, (long long)(UNACKNOWLEDGED_MS / 1000), lsn_text(s->confirmed_lsn).at,
                   lsn_text(s->written.n[0]).at);
        s->watched_ms = now_ms;
    }
}

static bool update(struct stream *s, int64_t now_ms, struct err *e)
{
    if (s->o->offset != NULL) {
        if (!read_folder(s, e))
            return false;
        watch_acknowledgements(s, now_ms);
    } else if (s->session->temporary && s->out.lines.n == 0 && !s->in_transaction) {
        s->confirmed_lsn = s->done_lsn;
    }
    return true;
}

static void put_u64(unsigned char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(v >> (56 - 8 * i));
}

// r: Int64 written, Int64 flushed, Int64 applied, Int64 time (µs since 2000), Int8 1 to be answered at once.
bool feedback_send(struct stream *s, int64_t now_ms, struct err *e)
{
    if (!update(s, now_ms, e))
        return false;
    unsigned char message[34] = {'r'};
    put_u64(message + 1, s->done_lsn);
    put_u64(message + 9, s->confirmed_lsn);
    put_u64(message + 17, s->confirmed_lsn);
    put_u64(message + 25, (uint64_t)(clock_wall_ns() / 1000 - INT64_C(946684800000000)));
    // An answer tells that the server lives, and how far it has come when nothing of ours happens.
    message[33] = s->out.lines.n == 0;
    s->touched_ms = now_ms;
    return pg_stream_send(s->session->client, (struct span){(const char *)message, sizeof message}, e);
}

bool feedback_if_due(struct stream *s, int64_t now_ms, struct err *e)
{
    stream_stats_if_due(s, now_ms);
    return now_ms - s->touched_ms < EVERY_MS || feedback_send(s, now_ms, e);
}
