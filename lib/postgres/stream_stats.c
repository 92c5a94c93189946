#include "postgres/stream_stats.h"

#include "base/clock.h"

// Nothing is known to be late while nothing is at hand: an idle database's last commit may be days old.
static int64_t lag_ms(const struct stream *s)
{
    if (!s->in_transaction && s->out.lines.n == 0)
        return 0;
    int64_t ms = clock_wall_ns() / 1000000 - s->commit_us / 1000;
    return s->commit_us == 0 || ms < 0 ? 0 : ms;
}

#define FIGURES 9

static void collect(const struct stream *s, struct stats_figure f[FIGURES])
{
    const struct stats_figure all[FIGURES] = {
        {"cdc_tail_events_total", "Change lines.", STAT_COUNTER, (int64_t)(s->events + s->rows), false},
        {"cdc_tail_bytes_total", "Bytes written to standard output.", STAT_COUNTER, (int64_t)s->out.written,
         false},
        {"cdc_tail_transactions_total", "Transactions read to their commit.", STAT_COUNTER,
         (int64_t)s->transactions, false},
        {"cdc_tail_last_commit_timestamp_seconds", "When the last transaction read was committed.",
         STAT_GAUGE, s->commit_us / 1000, true},
        {"cdc_tail_lag_seconds", "Age of the transaction in hand; 0 when all that came is written.",
         STAT_GAUGE, lag_ms(s), true},
        {"cdc_tail_read_lsn", "Everything that commits before it is read.", STAT_GAUGE, (int64_t)s->done_lsn,
         false},
        {"cdc_tail_confirmed_lsn", "What the server need not keep: acknowledged and in the offset folder.",
         STAT_GAUGE, (int64_t)s->confirmed_lsn, false},
        {"cdc_tail_reconnects_total", "Connections that were lost and made again.", STAT_COUNTER,
         s->reconnects, false},
        {"cdc_tail_connected", "1 while connected to the server.", STAT_GAUGE, s->connected, false},
    };
    memcpy(f, all, sizeof all);
}

bool stream_stats_open(struct stream *s, struct err *e)
{
    struct stats_figure f[FIGURES];
    collect(s, f);
    return stats_open(&s->stats, s->o->stats, s->o->warn, f, FIGURES, e);
}

void stream_stats_keep(struct stream *s)
{
    struct stats_figure f[FIGURES];
    collect(s, f);
    stats_keep(&s->stats, clock_mono_ms(), f, FIGURES);
}

void stream_stats_if_due(struct stream *s, int64_t now_ms)
{
    if (stats_due(&s->stats, now_ms))
        stream_stats_keep(s);
}
