// One connected run: everything between the command line and the first byte of the stream.
//
// session_open() connects, does the preflight, decides where to go on, makes what is missing (publication,
// then slot), keeps the folder's `source`, and starts the stream. session_close() is always right, at any
// stage.
#ifndef CDC_POSTGRES_SESSION_H
#define CDC_POSTGRES_SESSION_H

#include "event/tail.h"
#include "postgres/catalog.h"
#include "postgres/judge.h"
#include "postgres/place.h"
#include "postgres/publication.h"
#include "postgres/slot.h"
#include "postgres/state.h"

struct session {
    struct pg_client *client;
    struct catalog catalog;
    struct pg_state state; // with an offset folder: what `source` holds
    char database[PG_STATE_NAME_MAX], slot[PG_STATE_NAME_MAX], publication[PG_STATE_NAME_MAX];
    bool temporary;          // slot and publication go with the run
    struct pos from;         // events at or before it are not wanted
    bool begins;             // no sink can have a position of this epoch yet
    int64_t since_us;        // commits before this time are not wanted; 0: all are
    uint64_t now_lsn;        // where the log ended when the session was opened
    uint64_t log_lsn;        // where the stream starts
    struct buf publications; // START_REPLICATION's
    bool streaming;

    // A snapshot is due before the log goes on at log_lsn; before it, tables that were read earlier may have
    // log up to log_until_lsn (0: none).
    bool snapshot_due;
    uint64_t log_until_lsn;
    char exported[80];    // the slot's own snapshot, until it was joined; or ""
    bool again;           // a connection was lost in this run
    bool kept_out;        // of a table that somebody holds: to connect again is no help
    struct buf from_text; // where from's table and key lie
    struct judge judge;
};

// capture: compiled from o. again: NULL, with *s all zeros; or where a connection that was lost had come to,
// with *s as session_close() left it. *checked: only the preflight was asked for, and found nothing; there is
// no stream then, nor is there one while a snapshot is due and no log comes before it.
bool session_open(struct session *s, const struct tail_options *o, const struct capture *capture,
                  const struct pos *again, bool *checked, struct err *e) MUST_CHECK;

// drop: the slot and publication too (they always go where temporary).
void session_close(struct session *s, const struct tail_options *o, bool drop);

// Starts the stream at s->from, behind a snapshot; on a new connection, unless the slot goes with the old
// one.
bool session_stream(struct session *s, const struct tail_options *o, struct err *e) MUST_CHECK;

// Where the log ends now, as a commit that was acknowledged before the call can be told from one after it:
// every earlier commit starts below it. Makes sure that the server writes the log out that far, so that it
// can be waited for.
bool session_end_of_log(struct pg_client *c, uint64_t *lsn, struct err *e) MUST_CHECK;

#endif
