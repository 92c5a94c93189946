// What the parts of the loop share: loop.c turns it, intake.c takes lines in, held.c keeps a transaction's.
#ifndef CDC_SINK_LOOP_STRUCT_H
#define CDC_SINK_LOOP_STRUCT_H

#include "base/lines.h"
#include "sink/batch.h"
#include "sink/loop.h"
#include "sink/meter.h"
#include "sink/reject.h"
#include "state/ack.h"
#include "state/window.h"

struct loop {
    const struct loop_options *o;
    const struct sink_ops *ops;
    void *sink;
    struct lines lines;
    struct window window;
    struct ack ack;
    struct reject reject;
    struct meter meter;

    // Of a sink with a commit.
    struct sink_own own;
    struct pos own_pos;
    bool skips; // what is at or before own_pos is there already
    struct batch batch;
    struct buf held_token;          // of the lines that wait
    uint64_t handed;                // records of the transaction whose lines the sink keeps itself
    bool holds, told;               // lines wait; held_token is of progress
    struct buf complete;            // the highest token whose events are all submitted
    bool dirty;                     // it is not committed yet
    int64_t first_ms, committed_ms; // the batch's first record; the last commit
    int64_t commit_took_ms;

    bool started, ended, rewinds;
    struct buf identity; // what the start line said
    int end_status;
    int64_t give_up_ms; // after the stop signal; 0 before
};

// The record of a change line; its seq and value are still to be set.
struct record loop_record(const struct loop *l, const struct line *line, uint64_t number);

bool loop_may_reject(const struct loop *l);

// Adds to e why the reject file does not help; false.
bool loop_cannot_reject(const struct loop *l, struct err *e);

#endif
