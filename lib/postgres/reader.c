#include "postgres/reader.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "event/json.h"
#include "postgres/binary.h"
#include "postgres/envelope.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define PART_MAX 65536

// How many rows share one look at the clock.
#define CLOCK_EVERY 64

// ---- the parts of a line

void read_plan_init(struct read_plan *p)
{
    *p = (struct read_plan){0};
    buf_init(&p->head, PART_MAX);
    buf_init(&p->table, PART_MAX);
    buf_init(&p->topic, PART_MAX);
    buf_init(&p->source, PART_MAX);
    buf_init(&p->source_end, PART_MAX);
}

void read_plan_release(struct read_plan *p)
{
    buf_release(&p->head);
    buf_release(&p->table);
    buf_release(&p->topic);
    buf_release(&p->source);
    buf_release(&p->source_end);
}

static void write_source(struct read_plan *p, const char *topic_prefix, const char *database)
{
    const struct pg_view *v = p->view;
    unsigned long long lsn = v->past_lsn;
    buf_lit(&p->source,
            ",\"source\":{\"version\":\"" ENVELOPE_VERSION "\",\"connector\":\"postgresql\",\"name\":");
    json_quote(&p->source, span_of(topic_prefix));
    buf_printf(&p->source, ",\"ts_ms\":%lld,\"snapshot\":\"", (long long)(v->time_us / 1000));
    buf_lit(&p->source_end, "\",\"db\":");
    json_quote(&p->source_end, span_of(database));
    buf_printf(&p->source_end, ",\"sequence\":\"[null,\\\"%llu\\\"]\",\"ts_us\":%lld,\"ts_ns\":%lld000", lsn,
               (long long)v->time_us, (long long)v->time_us);
    buf_span(&p->source_end, p->scan->relation->source);
    buf_printf(&p->source_end,
               "%llu,\"lsn\":%llu,\"xmin\":null,\"origin\":null,\"origin_lsn\":null},\"transaction\":null,"
               "\"op\":\"r",
               (unsigned long long)v->xid, lsn);
}

bool read_plan_write(struct read_plan *p, const struct scan *scan, const char *table,
                     const struct pg_view *view, uint64_t epoch, uint64_t view_number,
                     const char *topic_prefix, const char *database, struct err *e)
{
    struct buf *parts[] = {&p->head, &p->table, &p->topic, &p->source, &p->source_end};
    for (size_t i = 0; i < 5; i++)
        buf_reset(parts[i]);
    p->scan = scan;
    p->view = view;
    buf_printf(&p->head, "{\"cdc\":{\"pos\":\"pg/%llu/s/%llu/", (unsigned long long)epoch,
               (unsigned long long)view_number);
    buf_char(&p->table, '/');
    percent_write(&p->table, span_of(table));
    buf_char(&p->table, '/');
    buf_lit(&p->topic, "\",\"topic\":\"");
    buf_span(&p->topic, scan->relation->topic);
    buf_lit(&p->topic, "\",\"key\":");
    write_source(p, topic_prefix, database);
    for (size_t i = 0; i < 5; i++)
        if (!buf_ok(parts[i], "a part of the line", e))
            return false;
    return true;
}

// ---- a row

// A tuple of COPY's binary format (PostgreSQL documentation, COPY, "Binary Format"): Int16 the number of
// fields, then each: Int32 its length (-1: NULL), its bytes.
static bool take_fields(struct reader *r, const struct scan *s, struct cursor *c, uint16_t n, struct err *e)
{
    size_t taken = 0;
    for (size_t i = 0; i < s->relation->n; i++) {
        r->value[i] = (struct span){NULL, 0};
        if (s->field[i] == SCAN_ABSENT)
            continue;
        uint32_t length = cursor_u32(c);
        if (length != UINT32_MAX)
            r->value[i] = cursor_bytes(c, length);
        taken++;
    }
    return (!c->bad && taken == n) || err_set(e, STATUS_DATA, "a row of the COPY is malformed");
}

static bool write_value(const struct reader *r, const struct scan *s, size_t i, const struct pg_type *type,
                        struct buf *out, struct err *e)
{
    struct span v = r->value[i];
    if (v.p == NULL)
        return pg_type_write_null(type, out, e);
    return s->field[i] == SCAN_BINARY ? pg_binary_write(type, v, out, e) : pg_type_write(type, v, out, e);
}

static bool wrap_column(const struct relation_column *column, struct err *e)
{
    return err_wrap(e, "column %.*s", (int)(column->member.n - 2), column->member.p + 1);
}

// The key that the table is read by, for the token, in the form that its types print.
static bool write_row_key(struct reader *r, const struct scan *s, struct buf *out, struct err *e)
{
    struct key k = {.n = s->key.n};
    size_t end[KEY_MAX_COLUMNS];
    buf_reset(&r->key_text);
    for (size_t i = 0; i < s->key.n; i++) {
        size_t column = s->relation->row_key[i];
        if (s->field[column] == SCAN_BINARY &&
            !pg_binary_write(&s->relation->column[column].key_type, r->value[column], &r->key_text, e))
            return wrap_column(&s->relation->column[column], e);
        if (s->field[column] == SCAN_TEXT)
            buf_span(&r->key_text, r->value[column]);
        end[i] = r->key_text.n;
    }
    for (size_t i = 0, from = 0; i < s->key.n; from = end[i++])
        k.at[i] = (struct span){r->key_text.n == 0 ? "" : r->key_text.p + from, end[i] - from};
    buf_reset(&r->key);
    key_write(s->key.kind, &k, &r->key);
    if (r->key.n > KEY_MAX_BYTES)
        return err_set(e, STATUS_DATA, "a key of %zu bytes is longer than %d", r->key.n, KEY_MAX_BYTES);
    percent_write(out, buf_view(&r->key));
    return true;
}

static bool write_event_key(const struct reader *r, const struct scan *s, struct buf *out, struct err *e)
{
    const struct relation *t = s->relation;
    if (t->n_key == 0) {
        buf_lit(out, "null");
        return true;
    }
    buf_char(out, '{');
    for (size_t i = 0; i < t->n_key; i++) {
        const struct relation_column *column = &t->column[t->key[i]];
        buf_bytes(out, column->member.p + (i == 0), column->member.n - (i == 0));
        if (!write_value(r, s, t->key[i], &column->key_type, out, e))
            return wrap_column(column, e);
    }
    buf_char(out, '}');
    return true;
}

static bool write_after(const struct reader *r, const struct scan *s, struct buf *out, struct err *e)
{
    const struct relation *t = s->relation;
    bool first = true;
    buf_char(out, '{');
    for (size_t i = 0; i < t->n; i++) {
        const struct relation_column *column = &t->column[i];
        if (!column->in_value)
            continue;
        buf_bytes(out, column->member.p + first, column->member.n - first);
        first = false;
        if (!write_value(r, s, i, &column->type, out, e))
            return wrap_column(column, e);
    }
    buf_char(out, '}');
    return true;
}

static void look_at_clock(struct reader *r)
{
    int64_t now_ns = clock_wall_ns();
    buf_reset(&r->now);
    buf_printf(&r->now, "\",\"ts_ms\":%lld,\"ts_us\":%lld,\"ts_ns\":%lld}\n", (long long)(now_ns / 1000000),
               (long long)(now_ns / 1000), (long long)now_ns);
}

static bool write_line(struct reader *r, const struct read_plan *p, struct ordered_piece *piece,
                       struct err *e)
{
    struct buf *out = &piece->lines;
    if (r->seq % CLOCK_EVERY == 0)
        look_at_clock(r);
    piece->last_line = out->n;
    buf_span(out, buf_view(&p->head));
    buf_u64(out, r->seq);
    buf_span(out, buf_view(&p->table));
    if (!write_row_key(r, p->scan, out, e))
        return false;
    buf_span(out, buf_view(&p->topic));
    if (!write_event_key(r, p->scan, out, e))
        return false;
    buf_lit(out, "},\"before\":null,\"after\":");
    if (!write_after(r, p->scan, out, e))
        return false;
    buf_span(out, buf_view(&p->source));
    piece->last_mark = out->n;
    if (piece->rows++ == 0)
        piece->first_mark = out->n;
    buf_lit(out, "true");
    buf_span(out, buf_view(&p->source_end));
    buf_span(out, buf_view(&r->now));
    r->seq++;
    return buf_ok(out, "a line", e);
}

// ---- a chunk

static bool is_over(void *reader)
{
    struct reader *r = reader;
    return ordered_is_stopped(r->ordered);
}

static bool join_view(struct reader *r, const struct read_plan *p, struct err *e)
{
    if (strcmp(r->view, p->view->name) == 0)
        return true;
    r->locked = 0;
    r->view[0] = '\0';
    if (!pg_view_join(r->client, p->view, e))
        return false;
    snprintf(r->view, sizeof r->view, "%s", p->view->name);
    return true;
}

// DDL on the table waits until we are done with it. Whoever opened the view holds the lock too, unless the
// view's time was over a moment ago.
static bool lock_table(struct reader *r, const struct scan *s, struct err *e)
{
    bool shows;
    if (r->locked == s->oid)
        return true;
    if (r->locked != 0 && !pg_view_unlock(r->client, e))
        return false;
    r->locked = 0;
    if (!pg_view_lock(r->client, s->from, s->oid, &shows, e))
        return false;
    r->locked = s->oid;
    return shows || err_set(e, STATUS_PEER, "the table was written anew while it was to be read");
}

// The view is left, for the transaction has failed or its time is over.
static void leave_view(struct reader *r)
{
    struct err ignored;
    r->view[0] = '\0';
    r->locked = 0;
    if (!pg_query(r->client, "ROLLBACK", 0, NULL, NULL, NULL, &ignored)) {
        pg_close(r->client);
        r->client = NULL;
    }
}

// A row per message; the first has the format's header in front.
static bool take_header(struct cursor *c)
{
    struct span signature = cursor_bytes(c, 11);
    (void)cursor_u32(c);
    (void)cursor_bytes(c, cursor_u32(c));
    return !c->bad && memcmp(signature.p, "PGCOPY\n\377\r\n", 11) == 0;
}

enum row { ROW_WRITTEN, ROW_NONE, ROW_STOPPED, ROW_FAILED };

static enum row take_row(struct reader *r, const struct read_plan *p, struct cursor *c, uint64_t chunk,
                         bool may_cut, struct err *e)
{
    if (cursor_left(c) == 0)
        return ROW_NONE;
    uint16_t n = cursor_u16(c);
    if (n == UINT16_MAX && !c->bad)
        return ROW_NONE; // the trailer
    if (!take_fields(r, p->scan, c, n, e))
        return ROW_FAILED;
    if (!ordered_line(r->ordered, r->number, chunk, may_cut, &r->piece))
        return ROW_STOPPED;
    return write_line(r, p, r->piece, e) ? ROW_WRITTEN : ROW_FAILED;
}

// Whether the chunk came to its end; *stopped: it is to end where it is.
static bool read_rows(struct reader *r, const struct read_plan *p, uint64_t chunk, bool *stopped,
                      struct err *e)
{
    bool may_cut = p->scan->key.n != 0, first = true;
    struct span message;
    for (;;) {
        enum pg_read got = pg_copy_read(r->client, is_over, r, &message, e);
        if (got != PG_GOT)
            return got == PG_END;
        struct cursor c = cursor_of(message);
        if (first && !take_header(&c))
            return err_set(e, STATUS_DATA, "the COPY does not begin with PostgreSQL's signature");
        first = false;
        enum row row = take_row(r, p, &c, chunk, may_cut, e);
        if (row == ROW_FAILED)
            return false;
        *stopped =
            row == ROW_STOPPED || (may_cut && r->seq % CLOCK_EVERY == 0 && ordered_is_cut(r->ordered, chunk));
        if (*stopped)
            return true;
    }
}

static bool write_border(struct reader *r, const char *border, struct buf *sql, struct err *e)
{
    buf_reset(sql);
    return scan_write_border(r->plan->scan, r->client, border, &r->key_text, sql, e) &&
           buf_ok(sql, "a chunk's border", e);
}

static bool prepare(struct reader *r, const struct snapshot_chunk *c, struct err *e)
{
    const struct scan *s = r->plan->scan;
    if (r->client == NULL && !pg_connect(r->url, PG_SQL, "cdc-snapshot", &r->client, e))
        return false;
    if (r->values < s->relation->n) {
        free(r->value);
        r->value = calloc(s->relation->n, sizeof *r->value);
        r->values = r->value != NULL ? s->relation->n : 0;
        if (r->value == NULL)
            return err_no_memory(e);
    }
    if ((c->has_low && !write_border(r, c->low.p, &r->low, e)) ||
        (c->has_high && !write_border(r, c->high.p, &r->high, e)))
        return false;
    buf_reset(&r->sql);
    scan_write_copy(s, c->has_low ? buf_cstr(&r->low) : NULL, c->has_high ? buf_cstr(&r->high) : NULL,
                    &r->sql);
    return buf_ok(&r->sql, "the statement", e) && join_view(r, r->plan, e) && lock_table(r, s, e) &&
           pg_copy_start(r->client, buf_cstr(&r->sql), e);
}

static bool read_chunk(struct reader *r, const struct ordered_job *job, struct err *e)
{
    const struct snapshot_chunk *c = job->detail;
    const struct read_plan *p = r->plan;
    bool stopped = false;
    r->seq = job->chunk << 32;
    r->piece = NULL;
    // A view whose time is over cannot be joined any more.
    bool prepared = prepare(r, c, e);
    if (!prepared && p->scan->key.n != 0 && ordered_is_cut(r->ordered, job->chunk) && r->client != NULL) {
        leave_view(r);
        ordered_end(r->ordered, r->number, job->chunk, true, &r->piece);
        return true;
    }
    if (!prepared || !read_rows(r, p, job->chunk, &stopped, e))
        return err_wrap(e, "table %s", p->scan->name);
    if (stopped) {
        pg_copy_cancel(r->client);
        leave_view(r);
    }
    ordered_end(r->ordered, r->number, job->chunk, stopped, &r->piece);
    return true;
}

static void *run(void *reader)
{
    struct reader *r = reader;
    struct ordered_job job = {0};
    struct err e;
    while (ordered_job(r->ordered, &job)) {
        if (job.chunk == 0) { // idle: a view whose time is over must not stay open for that
            if (r->view[0] != '\0')
                leave_view(r);
        } else if (!read_chunk(r, &job, &e)) {
            ordered_fail(r->ordered, &e);
            break;
        }
    }
    pg_close(r->client);
    r->client = NULL;
    return NULL;
}

bool reader_start(struct reader *r, struct ordered *ordered, size_t number, const char *url,
                  const struct read_plan *plan, struct err *e)
{
    *r = (struct reader){.url = url, .ordered = ordered, .number = number, .plan = plan};
    buf_init(&r->now, 256);
    buf_init(&r->key, 1u << 20);
    buf_init(&r->key_text, 1u << 20);
    buf_init(&r->sql, 16u << 20);
    buf_init(&r->low, 4u << 20);
    buf_init(&r->high, 4u << 20);
    // Signals are the main thread's: they interrupt its writing.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r->running = pthread_create(&r->thread, NULL, run, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r->running || err_set(e, STATUS_IO, "cannot start a thread");
}

void reader_join(struct reader *r)
{
    if (r->running)
        pthread_join(r->thread, NULL);
    buf_release(&r->now);
    buf_release(&r->key);
    buf_release(&r->key_text);
    buf_release(&r->sql);
    buf_release(&r->low);
    buf_release(&r->high);
    free(r->value);
    *r = (struct reader){0};
}
