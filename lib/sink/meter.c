#include "sink/meter.h"

#include "base/clock.h"
#include "event/json.h"

#define FIGURES 12

static void collect(const struct meter *m, struct stats_figure f[FIGURES])
{
    const struct stats_figure all[FIGURES] = {
        {"cdc_sink_events_total", "Records handed to the system.", STAT_COUNTER, (int64_t)m->events, false},
        {"cdc_sink_bytes_total", "Their keys and values.", STAT_COUNTER, (int64_t)m->bytes, false},
        {"cdc_sink_in_flight", "Records handed over and not durable yet.", STAT_GAUGE, (int64_t)m->in_flight,
         false},
        {"cdc_sink_batches_total", "Transactions, or requests for many records, that were done.",
         STAT_COUNTER, (int64_t)m->counts.batches, false},
        {"cdc_sink_retries_total", "Transactions or requests that were made again.", STAT_COUNTER,
         (int64_t)m->counts.retries, false},
        {"cdc_sink_rejects_total", "Lines that went to the reject file.", STAT_COUNTER, (int64_t)m->rejects,
         false},
        {"cdc_sink_stale_total", "Records that the system had in a newer version.", STAT_COUNTER,
         (int64_t)m->counts.stale, false},
        {"cdc_sink_incomplete_total", "Records without a value that was not to be had.", STAT_COUNTER,
         (int64_t)m->counts.incomplete, false},
        {"cdc_sink_lag_seconds", "From the database's commit until durable, of the last sampled record.",
         STAT_GAUGE, m->lag_ms, true},
        {"cdc_sink_delay_seconds_sum", "From the hand-over until durable, of the sampled records.",
         STAT_COUNTER, m->delay_ms, true},
        {"cdc_sink_delay_seconds_count", "Records that were sampled.", STAT_COUNTER, (int64_t)m->delays,
         false},
        {"cdc_sink_last_durable_timestamp_seconds", "When the last sampled record was committed.", STAT_GAUGE,
         m->durable_ms, true},
    };
    memcpy(f, all, sizeof all);
}

bool meter_open(struct meter *m, const char *file, notice_fn *warn, struct err *e)
{
    struct stats_figure f[FIGURES];
    collect(m, f);
    return stats_open(&m->stats, file, warn, f, FIGURES, e);
}

static int64_t event_ms(struct span value)
{
    static const struct span path[] = {SPAN_LIT("source"), SPAN_LIT("ts_ms")};
    struct span found;
    int64_t ms;
    return json_path(value, path, 2, &found) && json_i64(found, &ms) ? ms : 0;
}

void meter_submit(struct meter *m, const struct record *r)
{
    m->events++;
    m->bytes += r->key.n + r->value.n;
    if (m->follows)
        return;
    m->follows = true;
    m->seq = r->seq;
    m->begun_ms = clock_mono_ms();
    m->event_ms = event_ms(r->value);
}

void meter_done(struct meter *m, uint64_t seq)
{
    if (!m->follows || m->seq >= seq)
        return;
    m->follows = false;
    m->delays++;
    m->delay_ms += clock_mono_ms() - m->begun_ms;
    if (m->event_ms == 0)
        return;
    m->durable_ms = m->event_ms;
    m->lag_ms = clock_wall_ns() / 1000000 - m->event_ms;
}

void meter_keep(struct meter *m)
{
    struct stats_figure f[FIGURES];
    collect(m, f);
    stats_keep(&m->stats, clock_mono_ms(), f, FIGURES);
}

void meter_keep_if_due(struct meter *m)
{
    if (stats_due(&m->stats, clock_mono_ms()))
        meter_keep(m);
}
