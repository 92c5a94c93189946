// A sink's side of the acknowledgement descriptor (cdc-offset reads it; see ackline.h for the lines).
//
// Writing never holds up delivery: while the reader is slow only the newest token is kept, for a later one
// stands for all before it.
#ifndef CDC_STATE_ACK_H
#define CDC_STATE_ACK_H

#include "base/buf.h"

struct ack {
    int fd; // -1: nobody asked for acknowledgements
    struct buf newest, unsent;
};

// fd: as --ack-fd has it, or -1. STATUS_USAGE, with the shell's idiom, where it is not open for writing. It
// is not inherited by a child any more.
bool ack_init(struct ack *a, int fd, struct err *e) MUST_CHECK;
void ack_release(struct ack *a);

// Says that the sink's records and tokens are one transaction; before the first token.
void ack_say_exact(struct ack *a);

// Remembers the token. Only for a token that is durable with all before it: this is where a sink says so.
void ack_offer(struct ack *a, struct span token);

// Writes what can be written now. STATUS_PEER where the reader is gone.
bool ack_push(struct ack *a, struct err *e) MUST_CHECK;

// Whether something waits for the descriptor to become writable.
static inline bool ack_waits(const struct ack *a)
{
    return a->fd >= 0 && a->newest.n + a->unsent.n != 0;
}

// Writes what is left and `end STATUS`, waiting for the reader for timeout_ms at most. status < 0: no `end`.
bool ack_finish(struct ack *a, int status, int64_t timeout_ms, struct err *e) MUST_CHECK;

#endif
