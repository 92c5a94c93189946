// Where a session begins to read: the folder, the command line and the server's slot decide.
#ifndef CDC_POSTGRES_OPENING_H
#define CDC_POSTGRES_OPENING_H

#include "postgres/resume.h"
#include "postgres/session.h"

struct opening {
    struct session *s;
    const struct tail_options *o;
    const struct capture *capture;
    const struct pos *again;
    struct publication publication;
    struct publication_facts publication_facts;
    struct pg_tables tables;
    struct record tables_to_read; // of --start initial
    struct slot_facts slot;
    struct server_facts server;
    struct resume resume;
    struct place start; // where it begins, if it does
    struct pos token;
    bool has_token;
};

// Whether the run begins or goes on, and where. Nothing is made on the server yet. STATUS_LOST, with the way
// out, where it cannot go on.
bool opening_decide(struct opening *p, struct err *e) MUST_CHECK;

// An epoch where --start says, in a slot that is made if there is none.
bool opening_begin(struct opening *p, struct err *e) MUST_CHECK;

// From the folder's position: in the log, within a snapshot, or with tables that came since.
bool opening_go_on(struct opening *p, struct err *e) MUST_CHECK;

#endif
