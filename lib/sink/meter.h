// What a sink tells of itself: --stats FILE and SIGUSR1.
//
// Delay and lag are those of a sample: one record at a time is followed from its submission until it is
// durable, so that measuring costs next to nothing however many there are.
#ifndef CDC_SINK_METER_H
#define CDC_SINK_METER_H

#include "base/stats.h"
#include "sink/sink.h"

struct meter {
    struct stats stats;
    struct sink_counts counts;
    uint64_t events, bytes;      // submitted
    uint64_t in_flight, rejects; // as they are now
    uint64_t delays;             // samples
    int64_t delay_ms, lag_ms;    // all delays; the last sample's age when it was durable
    bool follows;                // a sample is under way
    uint64_t seq;                // its place
    int64_t durable_ms;          // when the database committed the last sample
    int64_t begun_ms, event_ms;  // when it was submitted; when the database committed it, or 0
};

bool meter_open(struct meter *m, const char *file, notice_fn *warn, struct err *e) MUST_CHECK;

void meter_submit(struct meter *m, const struct record *r);

// All records before seq are durable.
void meter_done(struct meter *m, uint64_t seq);

// Where the clock is looked at anyhow; and at the end, whatever the time.
void meter_keep_if_due(struct meter *m);
void meter_keep(struct meter *m);

#endif
