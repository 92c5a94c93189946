// The dump, from its events to the output: progress, heartbeats, and where the run ends.
//
// Call order: my_stream_init(); then for each connection my_stream_run(), which returns when the run has
// ended (true) or the connection or the run failed; my_stream_finish() writes the last lines.
#ifndef CDC_MYSQL_STREAM_H
#define CDC_MYSQL_STREAM_H

#include "base/stats.h"
#include "event/output.h"
#include "mysql/reader.h"
#include "mysql/session.h"

struct my_stream {
    const struct tail_options *o;
    const struct capture *capture;
    struct my_session *session;
    struct my_catalog catalog;
    struct my_reader reader;
    struct output out;

    struct pos written;       // the last token: of a line, or of progress
    bool begun;               // the `start` line is written
    bool told;                // progress was written: the first says that the run stands where it began
    bool by_catalog;          // --metadata catalog
    bool described_heartbeat; // its schema was written
    bool may_block;           // all that came is written
    uint64_t noted_file;

    // Times are of the monotonic clock.
    int64_t touched_ms, heard_ms, progress_ms, event_ms, heartbeat_ms;
    struct pos confirmed,
        watched; // the folder's position; progress that is to be acknowledged, and since when
    int64_t watched_ms;
    unsigned messages;

    struct my_place_in_log until;
    bool ended;

    uint64_t rows; // of snapshots

    // What --stats tells beside all this.
    struct stats stats;
    int64_t reconnects;
    bool connected;
};

bool my_stream_init(struct my_stream *s, const struct tail_options *o, const struct capture *capture,
                    struct my_session *session, struct err *e) MUST_CHECK;
void my_stream_release(struct my_stream *s);

// The `start` line, unless it is written.
void my_stream_begin(struct my_stream *s);

bool my_stream_run(struct my_stream *s, struct err *e) MUST_CHECK;

// The same up to a place in the log; *reached: it was, and the run is not to end yet. Meanwhile the changes
// of the tables that wait for their snapshot are left out.
bool my_stream_run_until(struct my_stream *s, const struct pos *place, bool *reached,
                         struct err *e) MUST_CHECK;

// All before the place is written, by a snapshot.
void my_stream_passed(struct my_stream *s, const struct pos *at);

// The closing progress, unless a transaction is open, and the `end` line with the run's status.
bool my_stream_finish(struct my_stream *s, int status, struct err *e) MUST_CHECK;

#endif
