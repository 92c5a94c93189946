#include "mysql/reader.h"

#include "base/clock.h"
#include "event/connect.h"
#include "mysql/inflate.h"
#include "mysql/schema.h"
#include "mysql/statement.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

bool my_reader_init(struct my_reader *r, const struct capture *capture, struct my_catalog *catalog,
                    struct buf *out, const char *connector, size_t max_event_bytes, struct err *e)
{
    *r = (struct my_reader){.capture = capture, .catalog = catalog, .out = out};
    r->mariadb = strcmp(connector, "mariadb") == 0;
    my_envelope_init(&r->envelope, capture->topic_prefix, connector);
    payload_init(&r->payload, max_event_bytes);
    buf_init(&r->inflated, max_event_bytes);
    buf_init(&r->gtid_text, 256);
    buf_init(&r->query, max_event_bytes);
    buf_init(&r->id, 1024);
    transaction_init(&r->transaction);
    capture_topic(capture, capture->topic_prefix, capture->topic_transaction, &r->transaction.topic);
    r->images = calloc(2 * TABLE_MAX_COLUMNS, sizeof *r->images);
    return my_writing_init(&r->writing, max_event_bytes, e) && (r->images != NULL || err_no_memory(e));
}

void my_reader_release(struct my_reader *r)
{
    my_writing_release(&r->writing);
    my_relations_release(&r->relations);
    my_envelope_release(&r->envelope);
    payload_release(&r->payload);
    buf_release(&r->inflated);
    buf_release(&r->gtid_text);
    buf_release(&r->query);
    buf_release(&r->id);
    transaction_release(&r->transaction);
    free(r->images);
    r->images = NULL;
}

bool binlog_file_number(struct span file, uint64_t *number)
{
    size_t digits = 0;
    while (digits < file.n && isdigit((unsigned char)file.p[file.n - 1 - digits]))
        digits++;
    *number = 0;
    for (size_t i = file.n - digits; i < file.n; i++)
        *number = *number * 10 + (uint64_t)(file.p[i] - '0');
    return digits != 0 && digits < 19 && digits < file.n && file.p[file.n - digits - 1] == '.';
}

static bool set_file(struct my_reader *r, struct span file, uint64_t pos, struct err *e)
{
    if (file.n > BINLOG_NAME_MAX || !binlog_file_number(file, &r->file_number))
        return err_set(e, STATUS_DATA, "\"%.*s\" is no name of a log file", SPAN_ARG(file));
    snprintf(r->file, sizeof r->file, "%.*s", (int)file.n, file.p);
    r->pos = r->done = pos;
    return true;
}

bool my_reader_begin(struct my_reader *r, struct span file, uint64_t pos, bool checksum, struct err *e)
{
    r->format = (struct binlog_format){.checksum = checksum};
    r->in_transaction = false;
    my_relations_release(&r->relations);
    r->file_number = 0;
    r->pos = r->done = pos;
    return file.n == 0 || set_file(r, file, pos, e);
}

// ---- transactions

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

static bool place_transaction(struct my_reader *r, struct err *e)
{
    struct my_transaction *t = &r->as;
    *t = (struct my_transaction){
        .at = {.source = POS_MY, .phase = POS_LOG, .epoch = r->epoch, .n = {r->file_number, r->tx_start}},
        .wanted = !r->unwanted};
    if (r->calls.transaction != NULL &&
        !r->calls.transaction(r->calls.context, buf_view(&r->gtid_text), t, e))
        return false;
    r->unwanted = !t->wanted;
    my_envelope_begin(&r->envelope, t->at.epoch, t->at.n[0], t->at.n[1], buf_view(&r->id));
    return true;
}

// g: NULL in a log of before GTIDs.
static bool begin(struct my_reader *r, uint64_t start, int64_t commit_us, const struct binlog_gtid *g,
                  struct err *e)
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
    name_transaction(r, g);
    r->foreign = is_foreign(r);
    transaction_begin(&r->transaction);
    return place_transaction(r, e);
}

static int64_t time_us(const struct binlog_event *ev)
{
    return (int64_t)ev->time_s * 1000000;
}

static bool on_gtid(struct my_reader *r, const struct binlog_event *ev, uint64_t start, struct err *e)
{
    struct binlog_gtid g;
    if (!binlog_gtid_read(ev, &g, e) || !begin(r, start, g.commit_us != 0 ? g.commit_us : time_us(ev), &g, e))
        return false;
    r->standalone = g.standalone;
    r->has_begin = g.has_domain && !g.standalone; // MariaDB's GTID is the BEGIN
    r->in_xa = g.xa_prepared;
    g.tag = g.xid = (struct span){"", 0}; // they do not outlive the event
    r->gtid = g;
    return true;
}

// ---- rows

static bool is_captured(const struct my_reader *r, bool captured, char op)
{
    return captured && !r->unwanted && !r->foreign && !r->skip_op[(unsigned char)op];
}

// Whether no earlier run delivered what has this token.
static bool is_new(const struct my_reader *r, const struct pos *at)
{
    return pos_compare(at, &r->from) > 0;
}

static struct pos pos_at(const struct my_reader *r, uint64_t n, uint64_t offset)
{
    struct pos at = r->as.at;
    at.n[2] = n;
    at.n[3] = r->as.offset != 0 ? r->as.offset : offset;
    return at;
}

static void wrote(struct my_reader *r, const struct pos *at)
{
    r->written = *at;
    r->events++;
    r->fresh_lines = true;
}

static bool describes(const struct my_reader *r, bool *described)
{
    bool is_due = r->writing.schemas && !*described;
    *described = true;
    return is_due;
}

// Before the line of an event: counts it, and the first begins the transaction.
static bool count_event(struct my_reader *r, uint64_t table, struct span name, const struct pos *at,
                        struct my_place *place, struct err *e)
{
    if (!r->transactions)
        return true;
    if (!transaction_count(&r->transaction, table, name, &place->transaction, e))
        return false;
    if (place->transaction.total == 1 && is_new(r, at)) {
        if (describes(r, &r->described_transactions))
            connect_write_transaction(at, buf_view(&r->transaction.topic), r->out);
        transaction_write_begin(&r->transaction, at, buf_view(&r->id), r->commit_us / 1000, r->out);
        r->written = *at;
    }
    return true;
}

// END has a token of its own, behind the transaction's changes.
static void end(struct my_reader *r)
{
    struct pos at = pos_at(r, r->n + 1, r->pos);
    if (r->transactions && r->transaction.events != 0 && is_new(r, &at)) {
        transaction_write_end(&r->transaction, &at, buf_view(&r->id), r->commit_us / 1000, r->out);
        r->written = at;
    }
    r->in_transaction = false;
    r->transactions_read++;
    r->ended = r->count != 0 && r->events >= r->count;
}

// One line of a row change, unless an earlier run delivered it.
static bool put_line(struct my_reader *r, struct my_relation *relation, enum my_change change,
                     const struct my_row *row, struct my_place place, struct err *e)
{
    struct pos at = pos_at(r, place.n, place.offset);
    if (!count_event(r, relation->id, relation->name, &at, &place, e))
        return false;
    if (!is_new(r, &at))
        return true;
    place.offset = at.n[3];
    place.now_ns = clock_wall_ns();
    if (describes(r, &relation->described))
        my_schema_write(relation, r->mariadb, &at, r->out);
    if (!my_envelope_write(&r->envelope, relation, change, row, place, &r->writing, r->out, e))
        return false;
    wrote(r, &at);
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
    if (!is_captured(r, relation->captured, ops[kind]))
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

// The bytes of an event in the file. Those that were inflated lie between its start and its end, in
// proportion.
struct extent {
    uint64_t start, size;    // in the file
    const char *from;        // what offsets are counted from
    uint64_t base, inflated; // its offset, and the length of all, before it was compressed; 0: it is not
};

static uint64_t offset_of(const struct extent *x, const unsigned char *p)
{
    uint64_t offset = x->base + (uint64_t)((const char *)p - x->from);
    if (x->inflated == 0)
        return x->start + offset;
    return x->start + (uint64_t)((double)offset / (double)x->inflated * (double)x->size);
}

static bool walk_rows(struct my_reader *r, const struct rows_event *rows, struct my_relation *relation,
                      struct span data, const struct extent *x, struct err *e)
{
    struct cursor c = cursor_of(data);
    struct value *first = r->images, *second = r->images + TABLE_MAX_COLUMNS;
    for (uint32_t i = 0; cursor_left(&c) != 0; i++) {
        uint64_t offset = offset_of(x, c.p);
        if (!rows_image(rows, &relation->map, 0, &c, first, e) ||
            (rows->kind == ROWS_UPDATE && !rows_image(rows, &relation->map, 1, &c, second, e)))
            return false;
        r->n += (uint64_t)rows_images(rows);
        struct my_row row = {rows->kind != ROWS_WRITE ? first : NULL, rows->kind == ROWS_WRITE    ? first
                                                                      : rows->kind == ROWS_UPDATE ? second
                                                                                                  : NULL};
        struct my_place place = {.n = r->n, .offset = offset, .row = i};
        if (!put_row(r, relation, rows->kind, &row, place, e))
            return false;
    }
    return true;
}

static bool describe_source(struct my_reader *r, const struct binlog_event *ev, uint64_t start, bool rows,
                            struct err *e)
{
    struct my_source s = {
        .gtid = buf_view(&r->gtid_text),
        .file = span_of(r->file),
        .pos = start,
        .server_id = ev->server_id,
        .commit_us = r->gtid.commit_us != 0 && r->gtid.has_uuid ? r->commit_us : time_us(ev),
        .has_thread = rows && !r->format.mariadb, // as in Debezium
        .thread = r->thread,
        .query = r->include_query ? buf_view(&r->query) : (struct span){"", 0},
    };
    return my_envelope_event(&r->envelope, &s, e);
}

static bool check_xa(const struct my_reader *r, const struct my_relation *relation, struct err *e)
{
    if (!r->in_xa || r->xa_at_prepare || !relation->captured)
        return true;
    err_set(e, STATUS_DATA,
            "an XA transaction changes table %.*s: the log has its changes where it is prepared, and says "
            "later, maybe never, whether they count",
            SPAN_ARG(relation->name));
    return err_hint(e, "--xa at-prepare takes them as committed when they are prepared");
}

static bool on_rows(struct my_reader *r, const struct binlog_event *ev, uint64_t start,
                    const struct extent *outer, struct err *e)
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
    if (!check_xa(r, relation, e) || (relation->captured && !describe_source(r, ev, start, true, e)))
        return false;
    struct extent x = *outer;
    struct span data = rows.data;
    if (rows.compressed) {
        if (!inflate_event(rows.data, &r->inflated, e))
            return false;
        data = buf_view(&r->inflated);
        x = (struct extent){start, ev->size, data.p, 0, data.n};
    }
    return walk_rows(r, &rows, relation, data, &x, e);
}

static bool on_table_map(struct my_reader *r, const struct binlog_event *ev, struct err *e)
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

// ---- statements

// From one that is kept on, nothing of its table is left out any more, also after a restart.
static bool judge_truncate(struct my_reader *r, struct span table, bool *seen, struct err *e)
{
    uint64_t place = my_past(r->file_number, r->tx_start);
    if (r->judge == NULL || !my_judge_is_asked(r->judge, place))
        return true;
    my_judge_truncate(r->judge, place, table, seen);
    return *seen || !my_judge_cut(r->judge, place, table) || r->calls.store == NULL ||
           r->calls.store(r->calls.context, e);
}

// As in Debezium no transaction counts it.
static bool put_truncated(struct my_reader *r, const struct binlog_event *ev, uint64_t start, struct span db,
                          struct span table, struct err *e)
{
    struct my_relation named;
    struct my_place place = {.n = r->n, .offset = start, .now_ns = clock_wall_ns()};
    struct pos at = pos_at(r, place.n, place.offset);
    my_relation_of_name(&named, db, table, r->capture);
    place.offset = at.n[3];
    bool seen = false, ok = buf_ok(&named.text, "the table's name", e) &&
                            describe_source(r, ev, start, false, e) &&
                            judge_truncate(r, named.name, &seen, e);
    if (ok && !seen && is_new(r, &at)) {
        ok = my_envelope_write(&r->envelope, &named, MY_TRUNCATE, NULL, place, &r->writing, r->out, e);
        if (ok)
            wrote(r, &at);
    }
    my_relation_release(&named);
    return ok;
}

static bool put_truncate(struct my_reader *r, const struct binlog_event *ev, const struct binlog_query *q,
                         uint64_t start, struct err *e)
{
    struct buf db, table;
    bool ok = true;
    buf_init(&db, 1024);
    buf_init(&table, 1024);
    r->n++;
    if (statement_truncated(q->sql, q->db, &db, &table) && !db.bad && !table.bad &&
        is_captured(r, captures(r->capture, buf_view(&db), buf_view(&table)), 't'))
        ok = put_truncated(r, ev, start, buf_view(&db), buf_view(&table), e);
    buf_release(&db);
    buf_release(&table);
    return ok;
}

static bool contains(struct span text, const char *what)
{
    size_t n = strlen(what);
    for (size_t i = 0; i + n <= text.n; i++)
        if (memcmp(text.p + i, what, n) == 0)
            return true;
    return false;
}

// The server itself logs, as a statement, that a MEMORY table is empty after its start.
static bool on_data_statement(struct span sql, struct err *e)
{
    if (contains(sql, "generated by server"))
        return true;
    err_set(e, STATUS_DATA, "a change is logged as a statement, not as rows: %.*s",
            sql.n > 200 ? 200 : (int)sql.n, sql.p);
    return err_hint(e,
                    "SET GLOBAL binlog_format = 'ROW', and start behind it: the changes of statements cannot "
                    "be known");
}

// A statement's text as UTF-8. What it says wrongly to be of its session's character set is replaced: nothing
// but its names are read from it, and it has been run.
static struct span statement_text(struct my_reader *r, const struct binlog_query *q)
{
    struct span utf8;
    struct err ignored;
    if (q->charset == 0 || q->charset == CHARSET_BINARY_COLLATION || charset_is_utf8(q->charset))
        return q->sql;
    if (charset_convert(r->writing.charsets, q->charset, q->sql, &utf8, &ignored))
        return utf8;
    buf_reset(&r->writing.text);
    for (size_t i = 0; i < q->sql.n; i++) {
        if ((unsigned char)q->sql.p[i] < 0x80)
            buf_char(&r->writing.text, q->sql.p[i]);
        else
            buf_lit(&r->writing.text, "\xef\xbf\xbd"); // U+FFFD
    }
    return buf_view(&r->writing.text);
}

// With --metadata catalog: rows in front of the statement were written by what the catalog said when it had
// run.
static bool check_guesses(const struct my_reader *r, const struct ddl_change *change, uint64_t start,
                          struct err *e)
{
    struct pos here = pos_at(r, 0, 0);
    bool captured = captures(r->capture, change->db, change->table) ||
                    (change->old_table.n != 0 && captures(r->capture, change->old_db, change->old_table));
    here.n[1] = start;
    if ((change->kind != DDL_ALTER && change->kind != DDL_DROP) || !captured ||
        pos_compare(&here, &r->guessed) >= 0)
        return true;
    err_set(e, STATUS_DATA,
            "a captured table was changed before its rows were read, and the log does not name their "
            "columns: what was written of %.*s.%.*s may bear wrong names",
            SPAN_ARG(change->db), SPAN_ARG(change->table));
    return err_hint(e, "a new snapshot is needed; with binlog_row_metadata = 'FULL' this cannot happen");
}

static bool put_definition(struct my_reader *r, const struct ddl_change *change, struct span default_db,
                           uint64_t start, struct err *e)
{
    struct my_ddl ddl = {pos_at(r, ++r->n, start), default_db, change};
    bool written = false;
    bool wanted = r->calls.ddl != NULL && !r->unwanted && is_new(r, &ddl.at);
    if (!check_guesses(r, change, start, e) || (wanted && !r->calls.ddl(r->calls.context, &ddl, &written, e)))
        return err_wrap(e, "%.*s", (int)(change->sql.n > 200 ? 200 : change->sql.n), change->sql.p);
    if (written) {
        r->written = ddl.at;
        r->fresh_lines = true;
    }
    return true;
}

static bool put_definitions(struct my_reader *r, const struct binlog_event *ev, const struct binlog_query *q,
                            uint64_t start, struct err *e)
{
    struct ddl ddl;
    bool ok = ddl_read(&ddl, statement_text(r, q), q->db, e) && describe_source(r, ev, start, false, e);
    r->generation++;
    for (size_t i = 0; ok && i < ddl.n; i++)
        ok = put_definition(r, &ddl.change[i], q->db, start, e);
    ddl_release(&ddl);
    return ok;
}

static bool run_statement(struct my_reader *r, const struct binlog_event *ev, const struct binlog_query *q,
                          enum statement_kind kind, uint64_t start, struct err *e)
{
    switch (kind) {
    case STATEMENT_TRUNCATE:
        return put_truncate(r, ev, q, start, e);
    case STATEMENT_SCHEMA:
        return put_definitions(r, ev, q, start, e);
    case STATEMENT_DATA:
        return on_data_statement(q->sql, e);
    case STATEMENT_XA_START:
        r->in_xa = true;
        r->has_begin = true;
        return true;
    case STATEMENT_BEGIN:
        r->has_begin = true;
        return true;
    default:
        return true;
    }
}

static bool on_query(struct my_reader *r, const struct binlog_event *ev, uint64_t start, struct err *e)
{
    struct binlog_query q;
    if (!binlog_query_read(ev, &q, e))
        return false;
    if (ev->type == BINLOG_QUERY_COMPRESSED) {
        if (!inflate_event(q.sql, &r->inflated, e))
            return false;
        q.sql = buf_view(&r->inflated);
    }
    enum statement_kind kind = statement_kind(q.sql);
    // Without a GTID event, in old logs, the statement itself begins the transaction.
    if (!r->in_transaction && !begin(r, start, time_us(ev), NULL, e))
        return false;
    if (r->ended)
        return true;
    if (kind != STATEMENT_WITHIN)
        r->thread = q.thread;
    if (!run_statement(r, ev, &q, kind, start, e))
        return false;
    if (kind == STATEMENT_COMMIT || kind == STATEMENT_XA_END || r->standalone || !r->has_begin)
        end(r);
    return true;
}

static bool on_incident(const struct binlog_event *ev, struct err *e)
{
    unsigned incident;
    struct span message;
    if (!binlog_incident_read(ev, &incident, &message, e))
        return false;
    err_set(e, STATUS_DATA,
            "the server notes an incident (%u): changes were made that its log does not have: %.*s", incident,
            SPAN_ARG(message));
    return err_hint(e, "a new snapshot is needed");
}

// ---- the event

static bool on_inner(struct my_reader *r, const struct binlog_event *ev, uint64_t start,
                     const struct extent *x, struct err *e)
{
    switch (ev->type) {
    case BINLOG_TABLE_MAP:
        return on_table_map(r, ev, e);
    case BINLOG_WRITE_V1:
    case BINLOG_UPDATE_V1:
    case BINLOG_DELETE_V1:
    case BINLOG_WRITE_V2:
    case BINLOG_UPDATE_V2:
    case BINLOG_DELETE_V2:
    case BINLOG_PARTIAL_UPDATE:
    case BINLOG_WRITE_COMPRESSED_V1:
    case BINLOG_UPDATE_COMPRESSED_V1:
    case BINLOG_DELETE_COMPRESSED_V1:
    case BINLOG_WRITE_COMPRESSED:
    case BINLOG_UPDATE_COMPRESSED:
    case BINLOG_DELETE_COMPRESSED:
        return on_rows(r, ev, start, x, e);
    case BINLOG_QUERY:
    case BINLOG_QUERY_COMPRESSED:
        return on_query(r, ev, start, e);
    case BINLOG_XID:
    case BINLOG_XA_PREPARE:
        end(r);
        return true;
    case BINLOG_ROWS_QUERY:
    case BINLOG_ANNOTATE: {
        struct span sql;
        buf_reset(&r->query);
        if (!binlog_statement_read(ev, &sql, e))
            return false;
        if (r->include_query)
            buf_span(&r->query, sql);
        return true;
    }
    case BINLOG_INCIDENT:
        return on_incident(ev, e);
    case BINLOG_STOP:
    case BINLOG_INTVAR:
    case BINLOG_RAND:
    case BINLOG_USER_VAR:
    case BINLOG_BEGIN_LOAD:
    case BINLOG_EXECUTE_LOAD:
    case BINLOG_IGNORABLE:
    case BINLOG_PREVIOUS_GTIDS:
    case BINLOG_TRANSACTION_CONTEXT:
    case BINLOG_VIEW_CHANGE:
    case BINLOG_CHECKPOINT:
    case BINLOG_MARIA_GTID_LIST:
    case BINLOG_START_ENCRYPTION:
        return true;
    default:
        return (ev->flags & BINLOG_FLAG_IGNORABLE) != 0 ||
               err_set(e, STATUS_DATA, "an event of type %u is not known", (unsigned)ev->type);
    }
}

static bool on_payload(struct my_reader *r, const struct binlog_event *ev, uint64_t start, struct err *e)
{
    struct span bytes;
    uint64_t offset;
    struct binlog_event inner;
    struct binlog_format outer = r->format;
    enum payload_got got = PAYLOAD_FAIL;
    if (!payload_open(&r->payload, ev, e))
        return false;
    r->format.checksum = false;
    bool ok = true;
    while (ok && !r->ended && (got = payload_next(&r->payload, &bytes, &offset, e)) == PAYLOAD_GOT) {
        struct extent x = {start, ev->size, bytes.p, offset, r->payload.size};
        ok = binlog_event_read(&r->format, bytes, &inner, e) &&
             (inner.type != BINLOG_PAYLOAD || binlog_malformed(ev, e)) && on_inner(r, &inner, start, &x, e) &&
             (r->calls.pause == NULL || r->calls.pause(r->calls.context, e));
    }
    r->format.checksum = outer.checksum;
    return ok && got != PAYLOAD_FAIL;
}

static bool on_rotate(struct my_reader *r, const struct binlog_event *ev, struct err *e)
{
    struct binlog_rotate rotate;
    if (!binlog_rotate_read(ev, &rotate, e))
        return false;
    // In the middle of a transaction a file never ends; the connection that did is begun anew.
    r->in_transaction = false;
    r->made_s = 0;
    return set_file(r, rotate.file, rotate.pos, e);
}

static bool dispatch(struct my_reader *r, const struct binlog_event *ev, struct span bytes, uint64_t start,
                     struct err *e)
{
    struct extent x = {start, ev->size, bytes.p, 0, 0};
    switch (ev->type) {
    case BINLOG_FORMAT:
        r->made_s = ev->time_s;
        return binlog_format_read(&r->format, ev, e);
    case BINLOG_ROTATE:
        return on_rotate(r, ev, e);
    case BINLOG_HEARTBEAT:
    case BINLOG_HEARTBEAT_V2:
        return true;
    case BINLOG_GTID:
    case BINLOG_ANONYMOUS_GTID:
    case BINLOG_GTID_TAGGED:
    case BINLOG_MARIA_GTID:
        return on_gtid(r, ev, start, e);
    case BINLOG_PAYLOAD:
        return on_payload(r, ev, start, e);
    default:
        return on_inner(r, ev, start, &x, e);
    }
}

// Where the event starts. The header has the low 32 bits of the place behind it; events that the server makes
// up stand nowhere.
static bool place_of(struct my_reader *r, const struct binlog_event *ev, uint64_t *start, struct err *e)
{
    *start = r->pos;
    if (ev->next_pos == 0 || (ev->flags & BINLOG_FLAG_ARTIFICIAL) != 0 || ev->type == BINLOG_HEARTBEAT ||
        ev->type == BINLOG_HEARTBEAT_V2)
        return true;
    uint32_t missing = ev->next_pos - (uint32_t)(r->pos + ev->size);
    // From a GTID on the server leaves out what came before it in the file, and the format description is the
    // file's first.
    if (ev->type == BINLOG_FORMAT)
        *start = ev->next_pos - ev->size;
    else if (missing <= INT32_MAX)
        *start = r->pos + missing;
    else
        return err_set(e, STATUS_DATA, "the log goes back from %llu to %u", (unsigned long long)r->pos,
                       (unsigned)(ev->next_pos - ev->size));
    r->pos = *start + ev->size;
    return true;
}

bool my_reader_event(struct my_reader *r, struct span bytes, struct err *e)
{
    struct binlog_event ev;
    uint64_t start = r->pos;
    if (binlog_event_read(&r->format, bytes, &ev, e) && place_of(r, &ev, &start, e) &&
        dispatch(r, &ev, bytes, start, e)) {
        if (!r->in_transaction && !r->ended)
            r->done = r->pos;
        return true;
    }
    return err_wrap(e, "%s, position %llu", r->file, (unsigned long long)start);
}
