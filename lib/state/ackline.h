// Reads what a sink acknowledges, for cdc-offset:
//
//   TOKEN\n        everything up to this token is durable
//   exact\n        said at the start by a sink whose records and tokens are one transaction:
//                  its system shows nothing above what it acknowledged
//   end STATUS\n   the source's exit status, handed on when the sink has acknowledged the last it will
//
// Tokens never fall. A line without its '\n' is never one: it may be the front half of a lower token. `end`
// may be followed by tokens again, where two sources feed one pipeline in turn; the input is whole if `end`
// is last.
#ifndef CDC_STATE_ACKLINE_H
#define CDC_STATE_ACKLINE_H

#include "base/buf.h"
#include "event/pos.h"

#include <stdint.h>

struct acklines {
    struct buf newest; // the newest token; empty before the first
    uint64_t lines;    // whole lines so far
    bool exact;        // the sink said so
    bool ended;        // the last line was `end`
    int status;        // the gravest that `end` told, status_worst()

    struct buf part; // private: the line that is not whole yet
    struct pos at;   // private: newest, without its table and key
};

void acklines_init(struct acklines *a);
void acklines_release(struct acklines *a);

// Takes the next bytes of the input, cut anywhere. STATUS_DATA with the line's number where a line is
// neither, or a token is below the one before; the lines in front of it count, and nothing may be taken after
// it.
bool acklines_take(struct acklines *a, struct span bytes, struct err *e) MUST_CHECK;

#endif
