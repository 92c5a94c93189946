// How far the sinks of an offset folder are behind a PostgreSQL server, and what its slot keeps for them.
#ifndef CDC_POSTGRES_LAG_H
#define CDC_POSTGRES_LAG_H

#include "state/position.h"

struct pg_lag {
    char system[24];      // the server's system identifier, decimal
    uint64_t head_lsn;    // the end of the server's log
    bool has_slot;        // the slot is there; what follows is the slot's
    char wal_status[16];  // reserved, extended, unreserved, lost; empty before PostgreSQL 13
    int64_t active_pid;   // who reads it; 0: nobody
    bool has_restart;     // false in a slot that is lost
    uint64_t restart_lsn; // the log is kept from here on
    uint64_t confirmed_lsn;
};

// Asks the server; slot may be empty.
bool pg_lag_read(struct pg_lag *l, const char *url, const char *slot, struct err *e) MUST_CHECK;

// Whether the log that the folder needs is gone: the slot is missing or lost.
bool pg_lag_is_lost(const struct pg_lag *l);

// Append to out. l NULL: without a server, so the ages of the tokens alone. A sink is behind by the log after
// its token's commit, and by its token's age, unless there is no such log.
void pg_lag_text(const struct pg_lag *l, const char *slot, const struct position *p, int64_t now_ms,
                 struct buf *out);
void pg_lag_json(const struct pg_lag *l, const char *slot, const struct position *p, int64_t now_ms,
                 struct buf *out);

#endif
