// What a sink is to the loop that feeds it (loop.h).
//
// The loop reads lines and checks them, keeps the order, and acknowledges; the sink brings records to its
// system. A sink is one of two kinds:
//  - it finishes records one by one, in any order, each at least once: commit is NULL, and it calls
//  loop_done() for each;
//  - it keeps its own token, written in one transaction with the records (exactly once): commit is set. The
//    loop then hands it only records whose token is complete, and the records count as finished by the commit
//    that follows.
//
// Call order: open, then submit, wait and commit as they come, close. After a failure only close.
//
// A sink that waits within an operation, for room or for an answer, calls loop_tick() meanwhile, at least
// once a second.
#ifndef CDC_SINK_SINK_H
#define CDC_SINK_SINK_H

#include "base/log.h"
#include "event/line.h"
#include "sink/own.h"

#include <poll.h>

struct loop;

// One line to be delivered. Spans are valid during the call only.
struct record {
    uint64_t line;            // number, from 1
    uint64_t seq;             // for loop_done(), loop_recall()
    struct span token;        // empty without one
    const struct pos *pos;    // what the token says, for pos_version(); NULL without one
    struct span topic, named; // where it goes; what the line itself names, empty without a header
    struct span key;          // JSON; `null` without one
    bool not_unique;          // several rows may have the key
    struct span headers;      // JSON object, or empty
    struct span value;        // JSON
};

// What only the sink can count, through loop_counts().
struct sink_counts {
    uint64_t batches;    // transactions, or requests for many records, that were done
    uint64_t retries;    // and that had to be made again
    uint64_t stale;      // records that the system had in a newer version
    uint64_t incomplete; // records that lack a value which was not to be had
};

enum sink_commit {
    SINK_COMMIT_FAIL,
    SINK_COMMIT_DONE,
    SINK_COMMIT_AGAIN, // the transaction was given up: the loop submits its records again, but for the
                       // refused
};

struct sink_ops {
    // Connects. own is NULL unless commit is set.
    bool (*open)(void *self, struct loop *loop, struct sink_own *own, struct err *e);
    // identity: of the source, from the start line; a sink with a commit keeps it with the token. NULL: no
    // use for it.
    void (*identify)(void *self, struct span identity);
    // What the source's folder holds for a start elsewhere, as a JSON object, or empty; to be durable with
    // the next token that is committed. NULL: no use for it.
    void (*keep_state)(void *self, struct span state);
    // The schemas of the records of a topic that follow. NULL: no use for them. A sink with a commit is told
    // again, with the records, after SINK_COMMIT_AGAIN: what came with the transaction is void then.
    bool (*schema)(void *self, const struct line_schema *s, struct err *e);
    // *parts: how many loop_done() will follow. May wait for room. A record that cannot be
    // delivered goes to loop_refuse(), with *parts 0 if that is content.
    bool (*submit)(void *self, const struct record *r, uint32_t *parts, struct err *e);
    // Whether the transaction is to be committed now. Set by a sink with a commit that keeps what it was
    // given, so that the loop lets go of the lines: such a one never answers SINK_COMMIT_AGAIN. NULL: the
    // loop keeps the lines, and commits when they are many.
    bool (*is_full)(void *self);
    // Serves its system; waits until that or one of fds is ready, at most timeout_ms.
    bool (*wait)(void *self, struct pollfd *fds, nfds_t n, int timeout_ms, struct err *e);
    // Makes everything submitted, and the token, durable in one.
    enum sink_commit (*commit)(void *self, struct span token, struct err *e);
    void (*close)(void *self);
    // No line follows; wait is called until all is done. NULL: nothing to do about it.
    bool (*end)(void *self, struct err *e);
};

#endif
