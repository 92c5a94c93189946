// The loop that feeds a sink: reads lines, checks them, hands them on, and acknowledges what is durable.
//
// The life of a line: read, checked whole (JSON, header, a position not below the one before), given a place
// in the window, submitted; finished by the system, in any order; its token acknowledged once everything
// before it is finished and a higher token has been read. A sink with a commit keeps the newest token's lines
// out of its transaction until then.
//
// The end of the input completes nothing. Without the source's `end` line it is a source that died:
// STATUS_PEER.
#ifndef CDC_SINK_LOOP_H
#define CDC_SINK_LOOP_H

#include "sink/sink.h"

#define LOOP_NO_ACK UINT64_MAX

struct loop_options {
    uint64_t ack_fd;   // LOOP_NO_ACK: none
    const char *topic; // in place of every line's; or NULL
    const char *key;   // path of the key within a line without a header, as "after.id"; or NULL
    const char *reject;
    uint64_t max_rejects;
    const char *stats;
    uint64_t max_line_bytes;
    int64_t commit_interval_ms, drain_timeout_ms;
    notice_fn *warn;
};

// Whether a command line's ack_fd and max_rejects make sense. STATUS_USAGE.
bool loop_check(const struct loop_options *o, struct err *e) MUST_CHECK;

// Runs to the end of standard input. *status: STATUS_DONE, STATUS_REJECTED, or the source's own status if it
// is graver. On an error e->status is the graver of the two; what had been finished is acknowledged then,
// too.
bool loop_run(const struct loop_options *o, const struct sink_ops *ops, void *sink, int *status,
              struct err *e) MUST_CHECK;

// For sinks.

// One part of a record is durable.
void loop_done(struct loop *l, uint64_t seq);

// Sets seq, line and token of a record that is not finished or committed yet. line 0: it was refused already.
void loop_recall(const struct loop *l, uint64_t seq, struct record *r);

// Whether a higher token than the record's was read, so that it may be acknowledged once it is done; without
// a token it may.
bool loop_is_complete(const struct loop *l, uint64_t seq);

struct sink_counts *loop_counts(struct loop *l);

// Serves the acknowledgements' reader. False when --drain-timeout has passed since a stop signal.
bool loop_tick(struct loop *l, struct err *e) MUST_CHECK;

// The record is refused for good: it goes to the reject file, or without one is an error of that status, with
// key and position.
bool loop_refuse(struct loop *l, const struct record *r, enum status status, const char *reason,
                 struct err *e) MUST_CHECK;

#endif
