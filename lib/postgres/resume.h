// Where a run goes on: what the folder knows, weighed against what the server has. Pure.
//
// Anything that does not fit exactly is a lost position (STATUS_LOST) with the facts, never a quiet jump:
// PostgreSQL moves a start position that the slot has confirmed already forward without a word.
#ifndef CDC_POSTGRES_RESUME_H
#define CDC_POSTGRES_RESUME_H

#include "postgres/place.h"
#include "postgres/slot.h"
#include "postgres/state.h"

struct server_facts {
    char system[24];
    uint64_t timeline;
    // Where the folder's timeline ended and this server's line went on; 0 where they are the same, UINT64_MAX
    // where the server does not descend from it.
    uint64_t switch_lsn;
};

struct resume {
    bool begins;      // nothing is to be gone on from: --start says where, in a new epoch
    bool new_epoch;   // the server's timeline changed: an epoch begins at switch_lsn
    struct pos from;  // where to go on, unless it begins
    uint64_t log_lsn; // from where on the log is needed: of `from`, or what a snapshot's rows are followed by
    bool acknowledged; // from is a token of the folder; else it is the first run's start
};

// token: the folder's, NULL without one. offset: the folder's name.
bool resume_decide(const struct pg_state *s, const struct pos *token, const struct slot_facts *slot,
                   const char *slot_name, const struct server_facts *server, const char *offset,
                   struct resume *r, struct err *e) MUST_CHECK;

#endif
