// One connected run: everything between the command line and the first byte of the log.
//
// my_session_open() connects, does the preflight, decides where to go on, keeps the folder's `source`, and
// starts the dump. my_session_close() is always right, at any stage.
#ifndef CDC_MYSQL_SESSION_H
#define CDC_MYSQL_SESSION_H

#include "event/capture.h"
#include "event/tail.h"
#include "mysql/client.h"
#include "mysql/judge.h"
#include "mysql/place.h"
#include "mysql/replay.h"
#include "mysql/state.h"

struct my_session {
    struct my_client *dump, *sql; // sql: for the catalog, beside the dump
    struct my_state state;
    struct my_journal journal;
    struct my_replay replay; // while `replaying`: what another server sent before comes first
    bool replaying;
    bool mariadb;
    char file[MY_BASE_MAX]; // the dump begins there
    uint64_t pos;
    bool checksum;
    struct pos from;            // events at or before it are not wanted
    bool begins;                // no sink can have a position of this epoch yet
    int64_t since_us;           // commits before this time are not wanted; 0: all are
    uint64_t now_file, now_pos; // where the log ended when the session was opened

    // A snapshot is due before the log goes on at state.log; before it, tables that were read earlier may
    // have log up to log_until (n[0] is 0: none).
    bool snapshot_due;
    struct pos log_until;
    bool again;           // a connection was lost in this run
    bool kept_out;        // of a lock that somebody holds: to connect again is no help
    struct buf from_text; // where from's table and key lie
    struct my_judge judge;
};

// Before the first my_session_open().
void my_session_init(struct my_session *s);

// capture: compiled from o. again: NULL; or where a connection that was lost had come to. *checked: only the
// preflight was asked for, and found nothing; there is no dump then, nor is there one while a snapshot is due
// and no log comes before it.
bool my_session_open(struct my_session *s, const struct tail_options *o, const struct capture *capture,
                     const struct pos *again, bool *checked, struct err *e) MUST_CHECK;

// Starts the dump behind a snapshot, at state.log.
bool my_session_stream(struct my_session *s, const struct tail_options *o, struct err *e) MUST_CHECK;
void my_session_close(struct my_session *s);
void my_session_release(struct my_session *s);

// Adds to an error how to go on without the position. Returns false.
bool my_session_way_out(const struct my_session *s, const struct tail_options *o, struct err *e);

// A connection for SQL, as s->sql; made again where it was lost.
bool my_session_sql(struct my_session *s, const struct tail_options *o, struct err *e) MUST_CHECK;

// Whether columns that the log does not name are looked up in the catalog.
bool my_metadata_by_catalog(const struct tail_options *o);

// Asks something of it. It may be idle for weeks and be cut by whoever does such things: a question that
// fails is asked once more, of a new connection.
typedef bool my_ask(void *context, struct my_client *c, struct err *e);
bool my_session_ask(struct my_session *s, const struct tail_options *o, my_ask *ask, void *context,
                    struct err *e) MUST_CHECK;

// Notes when the log's file was begun, in the folder too; before the first line that depends on it.
// STATUS_LOST where the folder knows another file of that name.
bool my_session_note_file(struct my_session *s, const struct tail_options *o, uint64_t file, uint32_t made_s,
                          struct err *e) MUST_CHECK;

#endif
