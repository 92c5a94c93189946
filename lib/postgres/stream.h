// The replication stream, from its messages to lines: the position of each change, what is skipped, progress,
// feedback, and where the run ends.
//
// Call order: stream_init(), stream_begin(); then for each connection stream_run(), which returns when the
// run has ended (true) or the connection or the run failed; stream_finish() writes the last lines.
#ifndef CDC_POSTGRES_STREAM_H
#define CDC_POSTGRES_STREAM_H

#include "base/stats.h"
#include "event/output.h"
#include "event/tail.h"
#include "event/transaction.h"
#include "postgres/envelope.h"
#include "postgres/session.h"

struct stream {
    const struct tail_options *o;
    const struct capture *capture;
    struct session *session;
    struct pgo_decoder *decoder;
    struct relations relations;
    struct envelope envelope;
    struct transaction transaction; // with --provide-transaction-metadata
    struct output out;
    struct pg_client *lookup; // plain SQL beside the stream, once it was needed

    // Where in the log.
    bool in_transaction, unwanted; // unwanted: the transaction is older than --start's time
    struct pgo_begin begin;
    int64_t commit_us;  // of the last transaction; a non-transactional message shows it
    uint64_t epoch;     // of the transaction
    uint64_t lsn, k;    // of the last change
    uint64_t done_lsn;  // everything that commits before it is in the lines
    struct pos written; // the last token: of a line, or of progress
    bool begun;         // the `start` line is written
    bool described_transaction, described_heartbeat, described_message; // their schemas are written
    bool fresh_lines;                                                   // lines came since the last progress

    // In touch with the server. Times are of the monotonic clock.
    uint64_t confirmed_lsn;
    int64_t touched_ms, heard_ms, progress_ms, event_ms, heartbeat_ms;
    uint64_t watched_lsn; // progress that is to be acknowledged, and since when it waits
    int64_t watched_ms;
    unsigned messages;
    int64_t nap_us;
    bool looked, heard; // for more, since the last message; a message, since the last wait

    // Where the run ends.
    struct place until;
    uint64_t until_lsn; // 0: nowhere
    uint64_t events;    // of the log
    uint64_t rows;      // of a snapshot
    bool skip_op[256];
    bool ended;

    // What --stats tells beside all this.
    struct stats stats;
    uint64_t transactions;
    int64_t reconnects, connections;
    bool connected;
};

bool stream_init(struct stream *s, const struct tail_options *o, const struct capture *capture,
                 struct session *session, struct err *e) MUST_CHECK;
void stream_release(struct stream *s);

// Writes the `start` line, once.
void stream_begin(struct stream *s);

bool stream_run(struct stream *s, struct err *e) MUST_CHECK;

// As stream_run, to the place where a snapshot is due; *reached is false where the run ended before it.
bool stream_run_until(struct stream *s, uint64_t lsn, bool *reached, struct err *e) MUST_CHECK;

// Everything before the place is in the lines: those of a snapshot.
void stream_passed(struct stream *s, const struct pos *at);

// The progress that can be told now, if it is not below what was written; never within a transaction.
bool stream_progress(const struct stream *s, struct pos *at);

// Whether a schema is to be written now: schemas are asked for, and this one was not yet.
bool stream_describes(const struct stream *s, bool *described);

// Connects s->lookup unless it is.
bool stream_lookup(struct stream *s, struct err *e) MUST_CHECK;

// The closing progress, unless a transaction is open, and the `end` line with the run's status.
bool stream_finish(struct stream *s, int status, struct err *e) MUST_CHECK;

#endif
