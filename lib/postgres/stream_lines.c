#include "postgres/stream_lines.h"

#include "base/clock.h"
#include "event/connect.h"
#include "event/line.h"
#include "postgres/schema.h"
#include "state/folder.h"

struct pos stream_place(const struct stream *s, uint64_t epoch, uint64_t commit_lsn, uint64_t lsn, uint64_t k)
{
    struct pos at = pos_pg(epoch, commit_lsn, lsn, k);
    at.view = tree_view(&s->session->judge.tree, commit_lsn);
    return at;
}

static bool is_captured(const struct stream *s, const struct relation *r, char op)
{
    return r->captured && !s->unwanted && !s->skip_op[(unsigned char)op];
}

// Whether no earlier run delivered what has this token.
bool stream_is_new(const struct stream *s, const struct pos *at)
{
    return pos_compare(at, &s->session->from) > 0;
}

static void wrote(struct stream *s, const struct pos *at)
{
    s->written = *at;
    s->events++;
    s->fresh_lines = true;
}

bool stream_describes(const struct stream *s, bool *described)
{
    bool is_due = s->o->schemas && !*described;
    *described = true;
    return is_due;
}

// Before the line of an event of the open transaction: counts it, and the first begins the transaction.
static bool count_event(struct stream *s, uint32_t oid, struct span name, const struct pos *at,
                        struct change_place *place, struct err *e)
{
    if (!s->o->transactions)
        return true;
    if (!transaction_count(&s->transaction, oid, name, &place->transaction, e))
        return false;
    if (place->transaction.total == 1 && stream_is_new(s, at)) {
        struct transaction_id id = pg_transaction_id(s->begin.xid, place->lsn);
        if (stream_describes(s, &s->described_transaction))
            connect_write_transaction(at, buf_view(&s->transaction.topic), &s->out.lines);
        transaction_write_begin(&s->transaction, at, (struct span){id.text, id.n}, s->commit_us / 1000,
                                &s->out.lines);
        s->written = *at;
    }
    return true;
}

typedef bool write_line(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                        struct change_place at, struct buf *out, struct err *e);

// Whether the rows of a snapshot show the change already.
static bool is_seen(struct stream *s, const struct pgo_row *row, bool by_old, bool by_new, bool *seen,
                    struct err *e)
{
    struct judge *judge = &s->session->judge;
    struct judge_change c = {row->oid, s->begin.xid, s->begin.commit_lsn, s->lsn};
    bool old = true, new = true;
    *seen = false;
    if (!judge_is_asked(judge, c.commit_lsn))
        return true;
    if ((by_old && !judge_row(judge, &c, &row->old, NULL, &old, e)) ||
        (by_new && !judge_row(judge, &c, &row->new, row->old_kind != 0 ? &row->old : NULL, &new, e)))
        return false;
    *seen = old && new;
    return true;
}

// One line of a row change: its token, and the line unless it is not wanted.
static bool put_row(struct stream *s, struct relation *r, const struct pgo_row *row, char op,
                    write_line *write, uint64_t k, struct err *e)
{
    struct pos at = stream_place(s, s->epoch, s->begin.commit_lsn, s->lsn, k);
    if (!is_captured(s, r, op))
        return true;
    struct change_place place = {.lsn = s->lsn, .k = k};
    if (!count_event(s, r->oid, r->name, &at, &place, e))
        return false;
    if (!stream_is_new(s, &at))
        return true;
    place.now_ns = clock_wall_ns();
    if (stream_describes(s, &r->described))
        schema_write(r, &at, &s->out.lines);
    if (!write(&s->envelope, r, row, place, &s->out.lines, e))
        return false;
    wrote(s, &at);
    return true;
}

// A delete is judged by its old key, a create by its new one; a row that an update moved is seen if both are.
static bool put_unseen(struct stream *s, struct relation *r, const struct pgo_row *row, char op,
                       write_line *write, uint64_t k, struct err *e)
{
    bool seen;
    return is_seen(s, row, op == 'd' || (op == 'u' && row->old_kind != 0), op != 'd', &seen, e) &&
           (seen || put_row(s, r, row, op, write, k, e));
}

// K counts what has one LSN: the rows of a COPY, the tables of a TRUNCATE, the two halves of a key change.
static void advance(struct stream *s, uint64_t lsn)
{
    s->k = lsn == s->lsn ? s->k + 1 : 1;
    s->lsn = lsn;
}

bool stream_on_row(struct stream *s, char type, const struct pgo_row *row, uint64_t lsn, struct err *e)
{
    struct relation *r = relations_find(&s->relations, row->oid);
    if (r == NULL)
        return err_set(e, STATUS_DATA, "a row came of table %u, which the stream has not described",
                       (unsigned)row->oid);
    advance(s, lsn);
    if (type == 'I')
        return put_unseen(s, r, row, 'c', envelope_insert, s->k, e);
    if (type == 'D')
        return put_unseen(s, r, row, 'd', envelope_delete, s->k, e);
    if (s->capture->skip_unchanged && envelope_changes_nothing(r, row))
        return true;
    if (!envelope_changes_key(r, row))
        return put_unseen(s, r, row, 'u', envelope_update, s->k, e);
    s->k++;
    return put_unseen(s, r, row, 'd', envelope_old_key, s->k - 1, e) &&
           put_unseen(s, r, row, 'c', envelope_new_key, s->k, e);
}

static bool write_truncate(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                           struct change_place at, struct buf *out, struct err *e)
{
    (void)row;
    return envelope_truncate(v, r, at, out, e);
}

// What a start elsewhere needs to know of the folder.
void stream_add_state(struct stream *s)
{
    struct buf text;
    if (s->o->offset == NULL)
        return;
    buf_init(&text, FOLDER_FILE_MAX_BYTES);
    pg_state_format(&s->session->state, &text);
    if (!text.bad)
        line_add_state(&s->out.lines, buf_view(&text));
    buf_release(&text);
}

void stream_tell_state(struct stream *s)
{
    if (s->o->offset == NULL)
        return;
    line_write_progress(&s->out.lines, &s->written);
    stream_add_state(s);
}

// From one that is kept on, nothing of its table is left out any more, also after a restart.
static bool put_truncate(struct stream *s, struct relation *r, struct err *e)
{
    struct judge *judge = &s->session->judge;
    struct judge_change c = {r->oid, s->begin.xid, s->begin.commit_lsn, s->lsn};
    bool seen = false;
    if (judge_is_asked(judge, c.commit_lsn))
        judge_truncate(judge, &c, &seen);
    if (seen)
        return true;
    if (is_captured(s, r, 't') && judge_cut(judge, &c)) {
        if (s->o->offset != NULL && !pg_state_store(&s->session->state, s->o->offset, e))
            return false;
        stream_tell_state(s);
    }
    return put_row(s, r, NULL, 't', write_truncate, s->k, e);
}

bool stream_on_truncate(struct stream *s, const struct pgo_truncate *t, uint64_t lsn, struct err *e)
{
    for (size_t i = 0; i < t->n; i++) {
        struct relation *r = relations_find(&s->relations, pgo_truncated(t, i));
        if (r == NULL)
            return err_set(e, STATUS_DATA, "a table was truncated that the stream has not described");
        advance(s, lsn);
        if (!put_truncate(s, r, e))
            return false;
    }
    return true;
}

// ---- messages

static void describe_messages(struct stream *s, const struct pos *at)
{
    struct buf topic;
    if (!stream_describes(s, &s->described_message))
        return;
    buf_init(&topic, 4096);
    envelope_message_topic(&s->envelope, &topic);
    schema_write_message(at, buf_view(&topic), s->capture->shape.binary, &s->out.lines);
    buf_release(&topic);
}

static bool put_message(struct stream *s, const struct pgo_logical *m, const struct pos *at, struct err *e)
{
    struct change_place place = {.lsn = at->n[1], .k = at->n[2]};
    if (s->unwanted || !pattern_admits(&s->capture->message, m->prefix))
        return true;
    if (m->transactional && !count_event(s, 0, span_of("message"), at, &place, e))
        return false;
    if (!stream_is_new(s, at))
        return true;
    place.now_ns = clock_wall_ns();
    describe_messages(s, at);
    if (!envelope_message(&s->envelope, m, s->capture->shape.binary, place, &s->out.lines, e))
        return false;
    wrote(s, at);
    return true;
}

// A non-transactional message stands between transactions, at the place of its own record. The server tells
// where that record ends, and there the commit record of a transaction may start whose changes are older: the
// message's place is the last byte of its record, P/P/1, so that it is before that transaction and progress
// up to it.
bool stream_on_message(struct stream *s, const struct pgo_logical *m, uint64_t lsn, struct err *e)
{
    if (m->transactional) {
        if (!s->in_transaction)
            return err_set(e, STATUS_DATA, "a transactional message came outside a transaction");
        advance(s, lsn);
        struct pos at = stream_place(s, s->epoch, s->begin.commit_lsn, lsn, s->k);
        return put_message(s, m, &at, e);
    }
    if (s->in_transaction)
        return err_set(e, STATUS_DATA, "a non-transactional message came within a transaction");
    if (m->lsn == 0)
        return err_set(e, STATUS_DATA, "a message came that has no place in the log");
    uint64_t place = m->lsn - 1;
    if (s->until_lsn != 0 && place >= s->until_lsn) {
        s->ended = true;
        return true;
    }
    struct pos at = stream_place(s, pg_state_epoch_at(&s->session->state, place), place, place, 1);
    s->unwanted = false;
    int64_t commit_us = s->commit_us != 0 ? s->commit_us : clock_wall_ns() / 1000;
    return envelope_begin(&s->envelope, &at, commit_us, 0, e) && put_message(s, m, &at, e);
}
