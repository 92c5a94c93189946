// The lines of a sink's open transaction, and behind them those of the newest token, which wait until it is
// complete.
//
//   | submitted | complete, to be submitted | waiting |
//
// The lines stay until the commit, so that an aborted transaction can be submitted again, and a refused
// record be named. Their memory is bounded by the loop, which commits in time, and by one token's lines.
#ifndef CDC_SINK_BATCH_H
#define CDC_SINK_BATCH_H

#include "base/buf.h"

struct batch {
    struct buf lines; // entries: the number, the length, the text
    size_t sent, complete;
    uint64_t records; // submitted
};

void batch_init(struct batch *b, size_t max_bytes);
void batch_release(struct batch *b);

// Adds a line, to wait.
bool batch_add(struct batch *b, uint64_t number, struct span text, struct err *e) MUST_CHECK;

// A higher token was read: no line waits any more.
void batch_complete(struct batch *b);

static inline size_t batch_bytes(const struct batch *b)
{
    return b->sent;
}

// The next line to be submitted. seq names it until batch_commit(); the text is writable, must be as it was
// when the next call is made, and is valid until batch_add().
bool batch_next(struct batch *b, uint64_t *seq, uint64_t *number, struct span *text);

struct span batch_line(const struct batch *b, uint64_t seq, uint64_t *number);

// The line is left out when it is submitted again.
void batch_refuse(struct batch *b, uint64_t seq);

// What was submitted is durable, or lost.
void batch_commit(struct batch *b);
void batch_rewind(struct batch *b);

#endif
