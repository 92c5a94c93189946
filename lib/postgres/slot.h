// The replication slot: what the server keeps of the log for us.
#ifndef CDC_POSTGRES_SLOT_H
#define CDC_POSTGRES_SLOT_H

#include "postgres/client.h"

struct slot_facts {
    bool exists;
    bool ours;      // of this database, with pgoutput
    bool lost;      // the server has removed log that it needs, or invalidated it
    int active_pid; // 0: nobody uses it
    uint64_t confirmed_lsn;
    char what[160]; // plugin and database, or why it is lost
};

bool slot_look(struct pg_client *c, const char *name, struct slot_facts *f, struct err *e) MUST_CHECK;

struct slot_wish {
    const char *name;
    bool temporary; // goes with the connection
    bool failover;  // synchronised to standbys (PostgreSQL 17)
    bool exports;   // its snapshot, for as long as the connection does nothing else
};

// Makes the slot. *from_lsn: every transaction that commits at or after it will be sent. snapshot: the name
// of the exported one, which shows what commits before. Waits for the transactions that are open.
bool slot_create(struct pg_client *c, const struct slot_wish *w, uint64_t *from_lsn, char snapshot[80],
                 struct err *e) MUST_CHECK;

// Nobody uses it any more, or it is an error; a missing slot is none.
bool slot_drop(struct pg_client *c, const char *name, struct err *e) MUST_CHECK;

// X/X, as PostgreSQL writes an LSN.
bool lsn_parse(const char *text, uint64_t *lsn) MUST_CHECK;
struct lsn_text {
    char at[24];
};
struct lsn_text lsn_text(uint64_t lsn);

#endif
