// A view: several connections that read the server as it was at one moment, whose place in the log is known.
//
// The servers cannot let a connection join another's snapshot, so all of them begin theirs while nothing
// commits: under a lock that is held for that moment only, and waited for in short turns, for who waits for
// it holds up all writers. MariaDB tells the place of a snapshot without one; for several connections it is
// tried without first.
#ifndef CDC_MYSQL_VIEW_H
#define CDC_MYSQL_VIEW_H

#include "event/tail.h"
#include "mysql/client.h"
#include "mysql/server.h"

enum my_lock { MY_LOCK_GLOBAL, MY_LOCK_TABLES, MY_LOCK_NONE };

// The tables of a snapshot, as --lock=tables locks them. made: when the server made what bears the name now,
// in seconds, which tells one table from another that takes its name; "" where the server does not say.
struct my_table_name {
    char *db, *table, *made; // owned
};

struct my_view {
    const struct tail_options *o;
    enum my_lock lock;
    struct my_client *control; // plain statements, each of its own moment
    struct my_client **client; // of each reader; NULL: to be connected. A reader's while it has a job
    size_t clients;
    struct my_log_entry
        place;       // what commits before it, all of it, is shown; and nothing else, if it is exact
    int64_t time_us; // since 1970-01-01 UTC
    bool kept_out;   // of a table, or the lock, that somebody holds: to connect again is no help
};

// Connects `control`. STATUS_USAGE where --lock is none of its words.
bool my_view_init(struct my_view *v, const struct tail_options *o, size_t clients, struct err *e) MUST_CHECK;
void my_view_release(struct my_view *v);

// Opens a view of now, in the place of the one before. tables: of the snapshot, n of them. No reader works.
bool my_view_open(struct my_view *v, const struct my_table_name *tables, size_t n, struct err *e) MUST_CHECK;

// Holds the table against DDL, and lets go of others. *found: it is there. *shows: the view shows its rows;
// DDL may have written it anew since, or RENAME may have put another in its place, whose rows of the view's
// moment are not those of the name. t is as it was before the view was opened.
bool my_view_lock(struct my_view *v, const struct my_table_name *t, bool *found, bool *shows,
                  struct err *e) MUST_CHECK;
bool my_view_unlock(struct my_view *v, struct err *e) MUST_CHECK;

#endif
