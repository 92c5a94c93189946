#include "mysql/replay.h"

void my_replay_init(struct my_replay *r)
{
    *r = (struct my_replay){0};
    buf_init(&r->gtid, 256);
}

void my_replay_end(struct my_replay *r)
{
    my_journal_walk_end(&r->walk);
    my_gtids_release(&r->passed);
    buf_release(&r->gtid);
    my_replay_init(r);
}

static void await_next(struct my_replay *r)
{
    r->awaits = false;
    while (!r->awaits && my_journal_next(&r->walk) && r->walk.at.epoch < r->end_epoch) {
        if (r->walk.at.n[2] == 0)
            continue;
        r->awaits = true;
        r->at = r->walk.at;
        r->at.n[2] = 0;
        buf_reset(&r->gtid);
        buf_span(&r->gtid, r->walk.gtids);
    }
}

bool my_replay_begin(struct my_replay *r, const struct my_journal *j, const struct pos *from,
                     uint64_t end_epoch, struct my_gtids *before, struct err *e)
{
    my_replay_end(r);
    r->end_epoch = end_epoch;
    r->passed.mariadb = j->mariadb;
    if (!my_journal_walk(j, from, before, &r->walk, e))
        return false;
    await_next(r);
    return true;
}

// Where the bytes of its rows stood is not known any more: at its end, so that no line's version is below
// that of a row which came before.
static uint64_t end_of(const struct my_replay *r)
{
    bool same_file = r->awaits && r->at.epoch == r->last.epoch && r->at.n[0] == r->last.n[0];
    return same_file ? r->at.n[1] - 1 : UINT32_MAX;
}

bool my_replay_match(struct my_replay *r, struct span gtid, struct my_transaction *t, struct err *e)
{
    t->wanted = r->awaits && span_eq(gtid, buf_view(&r->gtid));
    if (!t->wanted)
        return gtid.n == 0 || my_gtids_add(&r->passed, gtid, e);
    t->at = r->last = r->at;
    await_next(r);
    t->offset = end_of(r);
    if (!r->awaits || !my_gtids_touches(&r->passed, buf_view(&r->gtid)))
        return true;
    return err_set(e, STATUS_LOST,
                   "the position is lost: this server has transaction %.*s in another order than the server "
                   "before it",
                   SPAN_ARG(buf_view(&r->gtid)));
}
