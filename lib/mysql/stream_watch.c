#include "mysql/stream_watch.h"

#include "base/clock.h"
#include "state/position.h"

#define EVERY_MS 1000
#define UNACKNOWLEDGED_MS 60000

// ---- figures

#define FIGURES 9

// Nothing is known to be late while nothing is at hand: an idle database's last commit may be days old.
static int64_t lag_ms(const struct my_stream *s)
{
    if (!s->reader.in_transaction && s->out.lines.n == 0)
        return 0;
    int64_t ms = clock_wall_ns() / 1000000 - s->reader.commit_us / 1000;
    return s->reader.commit_us == 0 || ms < 0 ? 0 : ms;
}

static void collect(const struct my_stream *s, struct stats_figure f[FIGURES])
{
    const struct my_reader *r = &s->reader;
    const struct stats_figure all[FIGURES] = {
        {"cdc_tail_events_total", "Change lines.", STAT_COUNTER, (int64_t)r->events, false},
        {"cdc_tail_bytes_total", "Bytes written to standard output.", STAT_COUNTER, (int64_t)s->out.written,
         false},
        {"cdc_tail_transactions_total", "Transactions read to their commit.", STAT_COUNTER,
         (int64_t)r->transactions_read, false},
        {"cdc_tail_last_commit_timestamp_seconds", "When the last transaction read was committed.",
         STAT_GAUGE, r->commit_us / 1000, true},
        {"cdc_tail_lag_seconds", "Age of the transaction in hand; 0 when all that came is written.",
         STAT_GAUGE, lag_ms(s), true},
        {"cdc_tail_read_file",
         "Everything that commits before read_position of the log's file with this number is read.",
         STAT_GAUGE, (int64_t)r->file_number, false},
        {"cdc_tail_read_position", "See read_file.", STAT_GAUGE, (int64_t)r->done, false},
        {"cdc_tail_reconnects_total", "Connections that were lost and made again.", STAT_COUNTER,
         s->reconnects, false},
        {"cdc_tail_connected", "1 while connected to the server.", STAT_GAUGE, s->connected, false},
    };
    memcpy(f, all, sizeof all);
}

bool my_stream_open_stats(struct my_stream *s, struct err *e)
{
    struct stats_figure f[FIGURES];
    collect(s, f);
    return stats_open(&s->stats, s->o->stats, s->o->warn, f, FIGURES, e);
}

void my_stream_keep_stats(struct my_stream *s)
{
    struct stats_figure f[FIGURES];
    collect(s, f);
    stats_keep(&s->stats, clock_mono_ms(), f, FIGURES);
}

// ---- acknowledgements
//
// The server is told nothing: it keeps its log as long as it is set to.

static bool read_folder(struct my_stream *s, struct err *e)
{
    struct buf text;
    bool found;
    struct pos token;
    buf_init(&text, POS_MAX_BYTES);
    bool ok = position_resume(s->o->offset, &text, &token, &found, e);
    if (ok && found && token.source == POS_MY && token.phase == POS_LOG)
        s->confirmed = token;
    s->confirmed.table = s->confirmed.key = (struct span){"", 0};
    buf_release(&text);
    return ok;
}

static void watch_acknowledgements(struct my_stream *s, int64_t now_ms)
{
    if (pos_compare(&s->confirmed, &s->watched) >= 0) {
        s->watched = s->written;
        s->watched_ms = now_ms;
    } else if (now_ms - s->watched_ms >= UNACKNOWLEDGED_MS) {
        s->o->warn("nothing was acknowledged in %s for %d s: it is at file %llu position %llu, written is up "
                   "to file "
                   "%llu position %llu, and the server's log must be kept for it",
                   s->o->offset, UNACKNOWLEDGED_MS / 1000, (unsigned long long)s->confirmed.n[0],
                   (unsigned long long)s->confirmed.n[1], (unsigned long long)s->written.n[0],
                   (unsigned long long)s->written.n[1]);
        s->watched_ms = now_ms;
    }
}

bool my_stream_touch(struct my_stream *s, int64_t now_ms, struct err *e)
{
    if (stats_due(&s->stats, now_ms))
        my_stream_keep_stats(s);
    if (now_ms - s->touched_ms < EVERY_MS)
        return true;
    s->touched_ms = now_ms;
    if (s->o->offset == NULL)
        return true;
    if (!read_folder(s, e))
        return false;
    watch_acknowledgements(s, now_ms);
    return s->confirmed.epoch == 0 || my_journal_tidy(&s->session->journal, &s->confirmed, false, e);
}

// The reader of the lines is slow: meanwhile nobody listens, so the server is not silent.
bool my_stream_tick(void *stream, struct err *e)
{
    struct my_stream *s = stream;
    int64_t now_ms = clock_mono_ms();
    s->heard_ms = now_ms;
    return my_stream_touch(s, now_ms, e);
}
