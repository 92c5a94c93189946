// A view: a read of the whole database as it was at one moment, whose relation to the log is exact, shared by
// several connections.
//
// It is a REPEATABLE READ transaction that is open for as long as others may join it, and holds back vacuum
// for as long as anybody is in it.
#ifndef CDC_POSTGRES_VIEW_H
#define CDC_POSTGRES_VIEW_H

#include "postgres/client.h"

struct pg_view {
    struct pg_client *client;
    char name[80];     // for those who join
    struct buf seen;   // pg_snapshot: the transactions that it shows
    uint64_t past_lsn; // what commits here or later is not seen
    uint64_t xid;      // the next transaction's number
    int64_t time_us;   // since 1970-01-01 UTC, by the server's clock
    int64_t opened_ms; // of the monotonic clock
    int64_t lock_ms;   // how long a table that somebody holds is waited for
};

void pg_view_init(struct pg_view *v, int64_t lock_ms);
void pg_view_release(struct pg_view *v);

// Opens a view of now, or joins the exported snapshot; a view that was open before is closed. The connection
// is made by the first call.
bool pg_view_open(struct pg_view *v, const char *url, const char *exported, struct err *e) MUST_CHECK;

// Lets the server's vacuum go on, as far as this connection goes.
bool pg_view_close(struct pg_view *v, struct err *e) MUST_CHECK;

// Another connection joins.
bool pg_view_join(struct pg_client *c, const struct pg_view *v, struct err *e) MUST_CHECK;

// Within a view: locks a table against DDL until pg_view_unlock(), and says whether the view still shows its
// rows: DDL that wrote the table anew, or a TRUNCATE, leaves an older view nothing to read. table: quoted,
// with ONLY. Where somebody holds it for too long, STATUS_PEER, and who that is.
bool pg_view_lock(struct pg_client *c, const char *table, uint32_t oid, bool *shows,
                  struct err *e) MUST_CHECK;
bool pg_view_unlock(struct pg_client *c, struct err *e) MUST_CHECK;

#endif
