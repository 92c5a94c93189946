#include "postgres/resume.h"

#include <stdio.h>

static bool lost(struct err *e, const char *why)
{
    return err_set(e, STATUS_LOST, "the position is lost: %s", why);
}

// What the snapshot's views show was committed on the server before; behind the switch another transaction
// may have the number of one of them. Tables that wait for the log to come to their place have no place in
// another.
static bool is_bound(const struct pg_state *s, const struct pos *from, uint64_t switch_lsn)
{
    const struct record *r = &s->snapshot;
    bool waits = from->epoch < r->epoch && pg_state_from(s, r->epoch) > switch_lsn;
    bool counts = record_is_ahead(r, from) || from->view != 0;
    return waits || (counts && record_past(r) > switch_lsn);
}

static bool check_server(const struct pg_state *s, const struct server_facts *server, struct resume *r,
                         struct err *e)
{
    const struct pg_epoch *newest = pg_state_newest(s);
    char why[400];
    if (strcmp(newest->system, server->system) != 0) {
        snprintf(why, sizeof why, "this server has system identifier %s, the folder's source had %s",
                 server->system, newest->system);
        return lost(e, why);
    }
    if (newest->timeline == server->timeline)
        return true;
    if (r->log_lsn > server->switch_lsn || server->switch_lsn == UINT64_MAX) {
        snprintf(why, sizeof why, "it is %s of timeline %llu, and this server, on timeline %llu, %s",
                 lsn_text(r->log_lsn).at, (unsigned long long)newest->timeline,
                 (unsigned long long)server->timeline,
                 server->switch_lsn == UINT64_MAX ? "does not descend from that" : "left it before that");
        return lost(e, why);
    }
    if (is_bound(s, &r->from, server->switch_lsn)) {
        snprintf(why, sizeof why,
                 "its snapshot was read from timeline %llu, up to %s, and this server left that at %s",
                 (unsigned long long)newest->timeline, lsn_text(record_past(&s->snapshot)).at,
                 lsn_text(server->switch_lsn).at);
        return lost(e, why);
    }
    r->new_epoch = true;
    return true;
}

static bool check_slot(const struct slot_facts *slot, const char *name, uint64_t from, struct err *e)
{
    char why[400];
    if (!slot->exists)
        snprintf(why, sizeof why, "slot \"%s\" is gone, which held the log from %s on", name,
                 lsn_text(from).at);
    else if (slot->lost)
        snprintf(why, sizeof why, "slot \"%s\" was invalidated: %s", name, slot->what);
    else if (slot->confirmed_lsn > from)
        snprintf(why, sizeof why, "slot \"%s\" was confirmed up to %s, the folder is at %s", name,
                 lsn_text(slot->confirmed_lsn).at, lsn_text(from).at);
    else
        return true;
    return lost(e, why);
}

// The beginning of an epoch is written pg/EPOCH/l/0/0/0.
static bool is_beginning(const struct pos *token)
{
    return token->phase == POS_LOG && token->n[0] == 0 && pos_is_progress(token);
}

static bool check_token(const struct pg_state *s, const struct pos *token, const char *offset, struct err *e)
{
    const struct pg_epoch *newest = pg_state_newest(s);
    if (token->source != POS_PG)
        return err_set(e, STATUS_USAGE, "%s holds positions of another kind of source than PostgreSQL",
                       offset);
    if (newest != NULL && token->epoch > newest->epoch + is_beginning(token))
        return err_set(e, STATUS_DATA, "%s: the position is of epoch %llu, its source has only seen %llu",
                       offset, (unsigned long long)token->epoch, (unsigned long long)newest->epoch);
    return true;
}

bool resume_decide(const struct pg_state *s, const struct pos *token, const struct slot_facts *slot,
                   const char *slot_name, const struct server_facts *server, const char *offset,
                   struct resume *r, struct err *e)
{
    const struct pg_epoch *newest = pg_state_newest(s);
    *r = (struct resume){0};
    if (token != NULL && !check_token(s, token, offset, e))
        return false;
    if (newest == NULL || (token != NULL && token->epoch > newest->epoch)) {
        r->begins = true;
        return true;
    }
    r->acknowledged = token != NULL && !is_beginning(token);
    r->from = r->acknowledged ? *token : s->start;
    r->log_lsn = r->from.phase == POS_LOG ? r->from.n[0] : newest->from;
    return check_server(s, server, r, e) && check_slot(slot, slot_name, r->log_lsn, e);
}
