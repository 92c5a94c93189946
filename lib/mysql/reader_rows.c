#include "mysql/reader_rows.h"

#include "base/clock.h"
#include "event/connect.h"
#include "mysql/inflate.h"
#include "mysql/reader_transaction.h"
#include "mysql/schema.h"

// How many rows share one look at the clock.
#define CLOCK_EVERY 64

// Before the line of an event: counts it, and the first begins the transaction.
static bool count_event(struct my_reader *r, uint64_t table, struct span name, const struct pos *at,
                        struct my_place *place, struct err *e)
{
    if (!r->transactions)
        return true;
    if (!transaction_count(&r->transaction, table, name, &place->transaction, e))
        return false;
    if (place->transaction.total == 1 && my_reader_is_new(r, at)) {
        if (my_reader_describes(r, &r->described_transactions))
            connect_write_transaction(at, buf_view(&r->transaction.topic), r->out);
        transaction_write_begin(&r->transaction, at, buf_view(&r->id), r->commit_us / 1000, r->out);
        r->written = *at;
    }
    return true;
}

// One line of a row change, unless an earlier run delivered it.
static bool put_line(struct my_reader *r, struct my_relation *relation, enum my_change change,
                     const struct my_row *row, struct my_place place, struct err *e)
{
    struct pos at = my_reader_pos_at(r, place.n, place.offset);
    if (!count_event(r, relation->id, relation->name, &at, &place, e))
        return false;
    if (!my_reader_is_new(r, &at))
        return true;
    place.offset = at.n[3];
    if (my_reader_describes(r, &relation->described))
        my_schema_write(relation, r->mariadb, &at, r->out);
    if (!my_envelope_write(&r->envelope, relation, change, row, place, &r->writing, r->out, e))
        return false;
    my_reader_wrote(r, &at);
    return true;
}

// Whether the rows of a snapshot show the change already. A delete is judged by its old key, a create by its
// new one; a row that an update moved is seen if both are.
static bool is_seen(struct my_reader *r, const struct my_relation *relation, enum my_change change,
                    const struct my_row *row, bool *seen, struct err *e)
{
    uint64_t place = my_past(r->file_number, r->tx_start);
    bool by_old = change != MY_INSERT && change != MY_NEW_KEY, old = true;
    bool by_new = change != MY_DELETE && change != MY_OLD_KEY, new = true;
    *seen = false;
    if (r->judge == NULL || !my_judge_is_asked(r->judge, place))
        return true;
    if ((by_old && !my_judge_row(r->judge, place, relation, row->before, NULL, &old, e)) ||
        (by_new && !my_judge_row(r->judge, place, relation, row->after, row->before, &new, e)))
        return false;
    *seen = old && new;
    return true;
}

static bool put_unseen(struct my_reader *r, struct my_relation *relation, enum my_change change,
                       const struct my_row *row, struct my_place place, struct err *e)
{
    bool seen;
    return is_seen(r, relation, change, row, &seen, e) &&
           (seen || put_line(r, relation, change, row, place, e));
}

static bool put_update(struct my_reader *r, struct my_relation *relation, const struct my_row *row,
                       struct my_place place, struct err *e)
{
    if (r->capture->skip_unchanged && my_is_unchanged(relation, row))
        return true;
    if (!my_changes_key(relation, row))
        return put_unseen(r, relation, MY_UPDATE, row, place, e);
    struct my_place first = place;
    first.n--;
    return put_unseen(r, relation, MY_OLD_KEY, row, first, e) &&
           put_unseen(r, relation, MY_NEW_KEY, row, place, e);
}

static bool put_row(struct my_reader *r, struct my_relation *relation, enum rows_kind kind,
                    const struct my_row *row, struct my_place place, struct err *e)
{
    static const char ops[] = {[ROWS_WRITE] = 'c', [ROWS_UPDATE] = 'u', [ROWS_DELETE] = 'd'};
    if (!my_reader_wants(r, relation->captured, ops[kind]))
        return true;
    switch (kind) {
    case ROWS_WRITE:
        return put_unseen(r, relation, MY_INSERT, row, place, e);
    case ROWS_DELETE:
        return put_unseen(r, relation, MY_DELETE, row, place, e);
    case ROWS_UPDATE:
        break;
    }
    return put_update(r, relation, row, place, e);
}

static uint64_t offset_of(const struct my_extent *x, const unsigned char *p)
{
    uint64_t offset = x->base + (uint64_t)((const char *)p - x->from);
    if (x->inflated == 0)
        return x->start + offset;
    return x->start + (uint64_t)((double)offset / (double)x->inflated * (double)x->size);
}

static bool walk_rows(struct my_reader *r, const struct rows_event *rows, struct my_relation *relation,
                      struct span data, const struct my_extent *x, struct err *e)
{
    struct cursor c = cursor_of(data);
    struct value *first = r->images, *second = r->images + TABLE_MAX_COLUMNS;
    int64_t now_ns = 0;
    for (uint32_t i = 0; cursor_left(&c) != 0; i++) {
        uint64_t offset = offset_of(x, c.p);
        if (!rows_image(rows, &relation->map, 0, &c, first, e) ||
            (rows->kind == ROWS_UPDATE && !rows_image(rows, &relation->map, 1, &c, second, e)))
            return false;
        r->n += (uint64_t)rows_images(rows);
        if (i % CLOCK_EVERY == 0)
            now_ns = clock_wall_ns();
        struct my_row row = {rows->kind != ROWS_WRITE ? first : NULL, rows->kind == ROWS_WRITE    ? first
                                                                      : rows->kind == ROWS_UPDATE ? second
                                                                                                  : NULL};
        struct my_place place = {.n = r->n, .offset = offset, .row = i, .now_ns = now_ns};
        if (!put_row(r, relation, rows->kind, &row, place, e))
            return false;
    }
    return true;
}

static bool check_xa(const struct my_reader *r, const struct my_relation *relation, struct err *e)
{
    if (!r->in_xa || r->xa_at_prepare || !relation->captured)
        return true;
    err_set(e, STATUS_DATA,
            "XA transaction %.*s changes table %.*s: the log has its changes where it is prepared, and says "
            "later, maybe never, whether they count",
            SPAN_ARG(buf_view(&r->xid)), SPAN_ARG(relation->name));
    return err_hint(e, "--xa at-prepare takes them as committed when they are prepared");
}

bool my_reader_on_rows(struct my_reader *r, const struct binlog_event *ev, uint64_t start,
                       const struct my_extent *outer, struct err *e)
{
    struct rows_event rows;
    if (!rows_read(&rows, &r->format, ev, e))
        return false;
    struct my_relation *relation = my_relations_find(&r->relations, rows.table_id);
    if (relation == NULL && rows.table_id == 0xffffff)
        return true; // no table: the end of a statement that changed none
    if (relation == NULL)
        return err_set(e, STATUS_DATA, "rows came of table %llu, which the log has not described",
                       (unsigned long long)rows.table_id);
    if (!r->in_transaction)
        return err_set(e, STATUS_DATA, "rows came outside a transaction");
    if (!check_xa(r, relation, e) ||
        (relation->captured && !my_reader_describe_source(r, ev, start, true, e)))
        return false;
    struct my_extent x = *outer;
    struct span data = rows.data;
    if (rows.compressed) {
        if (!inflate_event(rows.data, &r->inflated, e))
            return false;
        data = buf_view(&r->inflated);
        x = (struct my_extent){start, ev->size, data.p, 0, data.n};
    }
    return walk_rows(r, &rows, relation, data, &x, e);
}

bool my_reader_on_table_map(struct my_reader *r, const struct binlog_event *ev, struct err *e)
{
    struct my_relation *known = my_relations_find(&r->relations, table_map_id(&r->format, ev));
    if (known != NULL && my_relation_is(known, ev) &&
        (known->generation == r->generation || !known->captured))
        return true;
    struct table_map map;
    if (!table_map_read(&map, &r->format, ev, e))
        return false;
    struct pos end = {0};
    bool ok = r->calls.describe == NULL || !captures(r->capture, map.db, map.name) ||
              r->calls.describe(r->calls.context, &map, &end, e);
    if (!ok) {
        err_wrap(e, "table %.*s.%.*s", SPAN_ARG(map.db), SPAN_ARG(map.name));
        table_map_release(&map);
        return false;
    }
    if (pos_compare(&end, &r->guessed) > 0)
        r->guessed = end;
    if (!my_relations_put(&r->relations, &map, r->catalog, r->capture, &r->writing, &known, e))
        return false;
    known->generation = r->generation;
    return true;
}
