#include "sink/held.h"

#include "base/clock.h"

// A transaction is committed when it holds so much, or after the interval.
#define TRANSACTION_RECORDS 400000

// While so much waits in it, a commit that took long is made less often, so that most of the time goes to
// records: the interval is at least so many times as long as the last commit was, up to a limit.
#define BUSY_BYTES (4u << 20)
#define COMMIT_SHARE 20
#define BUSY_INTERVAL_MAX_MS 1000

// Progress without events needs no hurry to be stored.
#define PROGRESS_MS 1000

uint64_t held_records(const struct loop *l)
{
    return l->batch.records + l->handed;
}

static bool submit_schema(struct loop *l, const struct line *line, struct err *e)
{
    struct line_schema schema;
    return line_read_schema(line, &schema, e) && l->ops->schema(l->sink, &schema, e);
}

static bool submit_held(struct loop *l, struct span text, struct record *r, struct err *e)
{
    struct line line;
    struct pos pos;
    uint32_t parts = 0;
    uint64_t seq = r->seq;
    if (!line_parse(text, &line, e))
        return false;
    if (line.kind == LINE_CONTROL)
        return submit_schema(l, &line, e);
    if (!pos_parse(line.pos, &pos, e))
        return false;
    *r = loop_record(l, &line, r->line);
    r->seq = seq;
    r->pos = &pos;
    r->value = line_value(&line);
    bool ok = l->ops->submit(l->sink, r, &parts, e);
    meter_submit(&l->meter, r);
    line_restore(&line); // it may have to be submitted again
    return ok;
}

static bool submit_batch(struct loop *l, struct err *e)
{
    struct record r = {0};
    struct span text;
    if (held_records(l) == 0)
        l->first_ms = clock_mono_ms();
    while (batch_next(&l->batch, &r.seq, &r.line, &text))
        if (!submit_held(l, text, &r, e))
            return false;
    if (l->ops->is_full != NULL) {
        l->handed += l->batch.records;
        batch_commit(&l->batch);
    }
    return true;
}

static bool is_full(const struct loop *l)
{
    if (l->ops->is_full != NULL)
        return l->ops->is_full(l->sink);
    return l->batch.records >= TRANSACTION_RECORDS || batch_bytes(&l->batch) >= HELD_TRANSACTION_BYTES;
}

bool held_commit(struct loop *l, struct err *e)
{
    if (!l->dirty)
        return true;
    enum sink_commit done;
    int64_t begun_ms = clock_mono_ms();
    while ((done = l->ops->commit(l->sink, buf_view(&l->complete), e)) == SINK_COMMIT_AGAIN) {
        batch_rewind(&l->batch);
        if (!loop_tick(l, e) || !submit_batch(l, e))
            return false;
    }
    if (done == SINK_COMMIT_FAIL)
        return false;
    // Durable now, with all before it: the one place where a transactional sink acknowledges.
    ack_offer(&l->ack, buf_view(&l->complete));
    meter_done(&l->meter, UINT64_MAX);
    batch_commit(&l->batch);
    l->handed = 0;
    l->dirty = false;
    l->committed_ms = clock_mono_ms();
    l->commit_took_ms = l->committed_ms - begun_ms;
    return true;
}

void held_set_complete(struct loop *l, struct span token)
{
    buf_reset(&l->complete);
    buf_span(&l->complete, token);
    l->dirty = true;
}

bool held_release(struct loop *l, struct err *e)
{
    if (!l->holds && !l->told)
        return true;
    batch_complete(&l->batch);
    if (!submit_batch(l, e))
        return false;
    held_set_complete(l, buf_view(&l->held_token));
    l->holds = l->told = false;
    return !is_full(l) || held_commit(l, e);
}

bool held_add(struct loop *l, const struct line *line, const struct pos *pos, struct err *e)
{
    if (l->skips && pos_compare(pos, &l->own_pos) <= 0)
        return true;
    if (!l->holds) {
        buf_reset(&l->held_token);
        buf_span(&l->held_token, line->pos);
    }
    l->holds = true;
    return batch_add(&l->batch, l->lines.count, line->text, e);
}

bool held_add_schema(struct loop *l, const struct line *line, struct err *e)
{
    struct line_schema schema; // what is wrong with it is told with its line's number
    return line_read_schema(line, &schema, e) && batch_add(&l->batch, l->lines.count, line->text, e);
}

void held_tell(struct loop *l, const struct line *line)
{
    buf_reset(&l->held_token);
    buf_span(&l->held_token, line->pos);
    l->told = true;
}

int64_t held_due_ms(const struct loop *l)
{
    if (held_records(l) == 0)
        return l->committed_ms + PROGRESS_MS;
    int64_t interval_ms = l->o->commit_interval_ms, busy_ms = COMMIT_SHARE * l->commit_took_ms;
    if (busy_ms > BUSY_INTERVAL_MAX_MS)
        busy_ms = BUSY_INTERVAL_MAX_MS;
    if (batch_bytes(&l->batch) >= BUSY_BYTES && busy_ms > interval_ms)
        interval_ms = busy_ms;
    return l->first_ms + interval_ms;
}

bool held_commit_if_due(struct loop *l, struct err *e)
{
    return !l->dirty || clock_mono_ms() < held_due_ms(l) || held_commit(l, e);
}
