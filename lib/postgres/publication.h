// The publication: which tables the slot sends. It is there before the slot, for a slot that is older than
// its publication fails for ever.
//
// A table without a replica identity is never added to a publication that sends updates: PostgreSQL would
// refuse the application's UPDATE and DELETE on it. With insert_only it goes into a second publication,
// NAME_insert, which does not send them.
#ifndef CDC_POSTGRES_PUBLICATION_H
#define CDC_POSTGRES_PUBLICATION_H

#include "postgres/tables.h"

enum publication_mode {
    PUBLICATION_FILTERED,
    PUBLICATION_ALL_TABLES,
    PUBLICATION_DISABLED,
    PUBLICATION_NO_TABLES
};

struct publication {
    const char *name;
    enum publication_mode mode;
    bool via_root;    // a partition's rows are sent as the partitioned table's
    bool insert_only; // tables without a replica identity are captured, their inserts alone
    bool insists;     // the command line names tables, so leaving one out is an error and not a note
};

// What a publication of this name is like on the server.
struct publication_facts {
    bool exists, all_tables, via_root;
    char unsent[32]; // the kinds of change that it leaves out, each with a space in front
};

bool publication_mode_parse(const char *text, enum publication_mode *mode, struct err *e) MUST_CHECK;

bool publication_look(struct pg_client *c, const char *name, struct publication_facts *f,
                      struct err *e) MUST_CHECK;

// Says what the publication cannot have: one line a fault in faults, with the SQL that mends it; a note for
// each table that is left out.
// t: the captured tables, or, where it is to be made for all tables, all.
void publication_check(const struct publication *p, const struct publication_facts *f,
                       const struct pg_tables *t, struct buf *faults, notice_fn *note);

// Makes or completes it. names: what START_REPLICATION takes as publication_names, quoted names joined by
// commas.
bool publication_ensure(struct pg_client *c, const struct publication *p, const struct publication_facts *f,
                        const struct pg_tables *t, struct buf *names, struct err *e) MUST_CHECK;

// Drops it, and its _insert companion, if they exist.
bool publication_drop(struct pg_client *c, const char *name, struct err *e) MUST_CHECK;

#endif
