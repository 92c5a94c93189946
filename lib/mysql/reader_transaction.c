#include "mysql/reader_transaction.h"

static bool is_past(const struct my_reader *r, uint64_t start, int64_t commit_us)
{
    bool by_place = r->until_file != 0 && (r->file_number > r->until_file ||
                                           (r->file_number == r->until_file && start >= r->until_pos));
    return by_place || (r->until_us != 0 && commit_us > r->until_us);
}

static void name_transaction(struct my_reader *r, const struct binlog_gtid *g)
{
    buf_reset(&r->gtid_text);
    buf_reset(&r->id);
    if (g != NULL)
        binlog_gtid_format(g, &r->gtid_text);
    if (r->gtid_text.n != 0)
        buf_span(&r->id, buf_view(&r->gtid_text));
    else
        buf_printf(&r->id, "file=%s,pos=%llu", r->file, (unsigned long long)r->tx_start);
}

// Where it was first committed: UUID of UUID:N and UUID:TAG:N, 0-1 of 0-1-N.
static bool is_foreign(const struct my_reader *r)
{
    struct span source = buf_view(&r->gtid_text);
    const char *colon = source.n != 0 ? memchr(source.p, ':', source.n) : NULL;
    if (colon != NULL)
        source.n = (size_t)(colon - source.p);
    else
        while (source.n != 0 && source.p[--source.n] != '-')
            ;
    return r->gtid_text.n != 0 && !pattern_admits(&r->capture->gtid_source, source);
}

struct pos my_reader_at(const struct my_reader *r, uint64_t start)
{
    struct pos at = {.source = POS_MY, .phase = POS_LOG, .epoch = r->epoch, .n = {r->file_number, start}};
    if (r->judge != NULL)
        at.view = tree_view(&r->judge->tree, my_past(r->file_number, start));
    return at;
}

static bool place_transaction(struct my_reader *r, struct err *e)
{
    struct my_transaction *t = &r->as;
    *t = (struct my_transaction){.at = my_reader_at(r, r->tx_start), .wanted = !r->unwanted};
    if (r->calls.transaction != NULL &&
        !r->calls.transaction(r->calls.context, buf_view(&r->gtid_text), t, e))
        return false;
    r->unwanted = !t->wanted;
    my_envelope_begin(&r->envelope, &t->at, buf_view(&r->id));
    return true;
}

// g: NULL in a log of before GTIDs.
bool my_reader_begin_transaction(struct my_reader *r, uint64_t start, int64_t commit_us,
                                 const struct binlog_gtid *g, struct err *e)
{
    if (r->in_transaction)
        return err_set(e, STATUS_DATA, "a transaction began within another");
    if (is_past(r, start, commit_us)) {
        r->ended = true;
        return true;
    }
    my_relations_trim(&r->relations);
    r->in_transaction = true;
    r->has_begin = r->standalone = r->in_xa = false;
    r->unwanted = commit_us < r->since_us;
    r->tx_start = start;
    r->n = 0;
    r->commit_us = commit_us;
    r->thread = 0;
    buf_reset(&r->query);
    buf_reset(&r->xid);
    name_transaction(r, g);
    r->foreign = is_foreign(r);
    transaction_begin(&r->transaction);
    return place_transaction(r, e);
}

int64_t my_reader_time_us(const struct binlog_event *ev)
{
    return (int64_t)ev->time_s * 1000000;
}

bool my_reader_on_gtid(struct my_reader *r, const struct binlog_event *ev, uint64_t start, struct err *e)
{
    struct binlog_gtid g;
    if (!binlog_gtid_read(ev, &g, e) ||
        !my_reader_begin_transaction(r, start, g.commit_us != 0 ? g.commit_us : my_reader_time_us(ev), &g, e))
        return false;
    r->standalone = g.standalone;
    r->has_begin = g.has_domain && !g.standalone; // MariaDB's GTID is the BEGIN
    r->in_xa = g.xa_prepared;
    if (r->in_xa)
        binlog_xid_format(&g, &r->xid);
    g.tag = g.gtrid = g.bqual = (struct span){"", 0}; // they do not outlive the event
    r->gtid = g;
    return true;
}

bool my_reader_wants(const struct my_reader *r, bool captured, char op)
{
    return captured && !r->unwanted && !r->foreign && !r->skip_op[(unsigned char)op];
}

// Whether no earlier run delivered what has this token.
bool my_reader_is_new(const struct my_reader *r, const struct pos *at)
{
    return pos_compare(at, &r->from) > 0;
}

struct pos my_reader_pos_at(const struct my_reader *r, uint64_t n, uint64_t offset)
{
    struct pos at = r->as.at;
    at.n[2] = n;
    at.n[3] = r->as.offset != 0 ? r->as.offset : offset;
    return at;
}

void my_reader_wrote(struct my_reader *r, const struct pos *at)
{
    r->written = *at;
    r->events++;
    r->fresh_lines = true;
}

bool my_reader_describes(const struct my_reader *r, bool *described)
{
    bool is_due = r->writing.schemas && !*described;
    *described = true;
    return is_due;
}

// END has a token of its own, behind the transaction's changes.
void my_reader_end_transaction(struct my_reader *r)
{
    struct pos at = my_reader_pos_at(r, r->n + 1, r->pos);
    if (r->transactions && r->transaction.events != 0 && my_reader_is_new(r, &at)) {
        transaction_write_end(&r->transaction, &at, buf_view(&r->id), r->commit_us / 1000, r->out);
        r->written = at;
    }
    r->in_transaction = false;
    r->transactions_read++;
    r->ended = r->count != 0 && r->events >= r->count;
}

bool my_reader_describe_source(struct my_reader *r, const struct binlog_event *ev, uint64_t start, bool rows,
                               struct err *e)
{
    struct my_source s = {
        .gtid = buf_view(&r->gtid_text),
        .file = span_of(r->file),
        .pos = start,
        .server_id = ev->server_id,
        .commit_us = r->gtid.commit_us != 0 && r->gtid.has_uuid ? r->commit_us : my_reader_time_us(ev),
        .has_thread = rows && !r->format.mariadb, // as in Debezium
        .thread = r->thread,
        .query = r->include_query ? buf_view(&r->query) : (struct span){"", 0},
    };
    return my_envelope_event(&r->envelope, &s, e);
}
