#include "mysql/row_reader.h"

#include "base/clock.h"
#include "mysql/row_key.h"

#include <signal.h>
#include <stdlib.h>

#define VALUE_MAX_BYTES (1u << 30)
// How many rows share one look at the clock.
#define CLOCK_EVERY 64

// ---- a row

// The key that the table is read by, for the token.
static bool write_row_key(struct my_row_reader *r, const struct my_scan *s, struct err *e)
{
    const struct table_map *map = &s->relation.map;
    struct key k = {.n = s->key.n};
    size_t end[KEY_MAX_COLUMNS];
    buf_reset(&r->key_text);
    for (size_t i = 0; i < k.n; i++) {
        if (!my_key_text(&map->column[map->key[i]], &r->value[map->key[i]], &r->key_text, e))
            return false;
        end[i] = r->key_text.n;
    }
    for (size_t i = 0, from = 0; i < k.n; from = end[i++])
        k.at[i] = (struct span){r->key_text.n == 0 ? "" : r->key_text.p + from, end[i] - from};
    buf_reset(&r->key);
    key_write(s->key.kind, &k, &r->key);
    if (r->key.n > KEY_MAX_BYTES)
        return err_set(e, STATUS_DATA, "a key of %zu bytes is longer than %d", r->key.n, KEY_MAX_BYTES);
    buf_reset(&r->token_key);
    percent_write(&r->token_key, buf_view(&r->key));
    return true;
}

static bool write_line(struct my_row_reader *r, const struct my_scan *s, struct ordered_piece *piece,
                       struct err *e)
{
    struct buf *out = &piece->lines;
    if (r->seq % CLOCK_EVERY == 0)
        r->now_ns = clock_wall_ns();
    for (size_t i = 0; i < s->relation.map.n; i++)
        r->value[i] = (struct value){r->cell[i].p == NULL ? VALUE_NULL : VALUE_CELL, r->cell[i]};
    if (!write_row_key(r, s, e))
        return false;
    my_envelope_row(&r->envelope, r->seq, r->plan->table, buf_view(&r->token_key));
    struct my_row row = {NULL, r->value};
    struct my_place at = {.now_ns = r->now_ns};
    piece->last_line = out->n;
    if (!my_envelope_write(&r->envelope, &s->relation, MY_READ, &row, at, &r->writing, out, e))
        return false;
    piece->last_mark = r->envelope.mark;
    if (piece->rows++ == 0)
        piece->first_mark = r->envelope.mark;
    r->seq++;
    return true;
}

// ---- a chunk

static void set_selecting(struct my_row_reader *r, struct my_client *c)
{
    pthread_mutex_lock(&r->mutex);
    r->selecting = c;
    pthread_mutex_unlock(&r->mutex);
}

// The rest of the rows is not read: the connection is of no use any more.
static void hang_up(struct my_row_reader *r)
{
    struct my_client **c = &r->view->client[r->number];
    set_selecting(r, NULL);
    my_close(*c);
    *c = NULL;
}

// Room for one more line; false where the chunk is to end here.
static bool has_room(struct my_row_reader *r, uint64_t chunk, bool may_cut)
{
    if (may_cut && r->seq % CLOCK_EVERY == 0 && ordered_is_cut(r->ordered, chunk))
        return false;
    return ordered_line(r->ordered, r->number, chunk, may_cut, &r->piece);
}

static bool read_rows(struct my_row_reader *r, const struct my_scan *s, uint64_t chunk, bool *stopped,
                      struct err *e)
{
    struct my_client *c = r->view->client[r->number];
    enum my_read got;
    while ((got = my_fetch(c, r->cell, s->relation.map.n, e)) == MY_GOT) {
        *stopped = !has_room(r, chunk, s->key.n != 0);
        if (*stopped)
            return true;
        if (!write_line(r, s, r->piece, e))
            return false;
    }
    return got == MY_END;
}

static bool select_rows(struct my_row_reader *r, const struct my_scan *s, const struct snapshot_chunk *chunk,
                        struct err *e)
{
    struct my_client *c = r->view->client[r->number];
    buf_reset(&r->sql);
    if (!my_scan_write_select(s, chunk->has_low ? chunk->low.p : NULL, chunk->has_high ? chunk->high.p : NULL,
                              &r->key_text, &r->sql, e) ||
        !my_select(c, buf_cstr(&r->sql), NULL, e))
        return false;
    set_selecting(r, c);
    return true;
}

static bool render_parts(struct my_row_reader *r, struct err *e)
{
    my_envelope_snapshot(&r->envelope, r->plan->epoch, r->plan->view);
    return my_envelope_event(&r->envelope, &r->plan->source, e);
}

static bool read_chunk(struct my_row_reader *r, const struct ordered_job *job, struct err *e)
{
    const struct my_scan *s = r->plan->scan;
    bool stopped = false;
    r->seq = job->chunk << 32;
    r->piece = NULL;
    if (!render_parts(r, e) || !select_rows(r, s, job->detail, e) ||
        !read_rows(r, s, job->chunk, &stopped, e)) {
        set_selecting(r, NULL);
        return err_wrap(e, "table %.*s", SPAN_ARG(s->relation.name));
    }
    set_selecting(r, NULL);
    if (stopped)
        hang_up(r);
    ordered_end(r->ordered, r->number, job->chunk, stopped, &r->piece);
    return true;
}

static void *run(void *reader)
{
    struct my_row_reader *r = reader;
    struct ordered_job job = {0};
    struct err e;
    // A view whose time is over is left when the next one is opened, at once.
    while (ordered_job(r->ordered, &job))
        if (job.chunk != 0 && !read_chunk(r, &job, &e)) {
            ordered_fail(r->ordered, &e);
            break;
        }
    my_thread_end();
    return NULL;
}

bool my_row_reader_start(struct my_row_reader *r, struct my_view *view, const struct my_read_plan *plan,
                         const struct capture *capture, struct ordered *ordered, size_t number, struct err *e)
{
    *r = (struct my_row_reader){.view = view, .plan = plan, .ordered = ordered, .number = number};
    pthread_mutex_init(&r->mutex, NULL);
    buf_init(&r->sql, 64u << 20);
    buf_init(&r->key, 1u << 20);
    buf_init(&r->key_text, 1u << 20);
    buf_init(&r->token_key, 1u << 20);
    my_envelope_init(&r->envelope, capture->topic_prefix, my_is_mariadb(view->control) ? "mariadb" : "mysql");
    r->cell = calloc(TABLE_MAX_COLUMNS, sizeof *r->cell);
    r->value = calloc(TABLE_MAX_COLUMNS, sizeof *r->value);
    if (r->cell == NULL || r->value == NULL)
        return err_no_memory(e);
    if (!my_writing_init(&r->writing, VALUE_MAX_BYTES, e) ||
        !my_writing_set(&r->writing, view->o, &capture->shape, e))
        return false;
    // Signals are the main thread's: they interrupt its writing.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r->running = pthread_create(&r->thread, NULL, run, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r->running || err_set(e, STATUS_IO, "cannot start a thread");
}

void my_row_reader_join(struct my_row_reader *r)
{
    pthread_mutex_lock(&r->mutex);
    if (r->selecting != NULL)
        my_interrupt(r->selecting);
    pthread_mutex_unlock(&r->mutex);
    if (r->running)
        pthread_join(r->thread, NULL);
    pthread_mutex_destroy(&r->mutex);
    buf_release(&r->sql);
    buf_release(&r->key);
    buf_release(&r->key_text);
    buf_release(&r->token_key);
    my_envelope_release(&r->envelope);
    my_writing_release(&r->writing);
    free(r->cell);
    free(r->value);
}
