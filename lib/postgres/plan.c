#include "postgres/plan.h"

#include "event/json.h"

#include <stdio.h>

#define SQL_MAX (4u << 20)

// How much denser or sparser the beginning may be for strides to be even.
#define EVEN 8

void plan_init(struct plan *p, struct pg_client *client, uint64_t chunk_rows)
{
    *p = (struct plan){.client = client, .chunk_rows = chunk_rows};
    buf_init(&p->low, SQL_MAX);
    buf_init(&p->high, SQL_MAX);
    buf_init(&p->key_text, SQL_MAX);
    buf_init(&p->border, SQL_MAX);
}

void plan_release(struct plan *p)
{
    buf_release(&p->low);
    buf_release(&p->high);
    buf_release(&p->key_text);
    buf_release(&p->border);
}

static bool write_border(struct plan *p, struct buf *border, const struct key *k, struct err *e)
{
    buf_reset(border);
    buf_reset(&p->border);
    key_write(p->scan->kind, k, &p->border);
    return scan_write_row(p->scan, p->client, k, border, e) && buf_ok(border, "a chunk's border", e);
}

// ---- by walking the index

// The key of the last of the next chunk's rows; *found is false where there are not so many.
static bool walk(struct plan *p, bool *found, struct err *e)
{
    struct buf sql;
    struct pg_rows *rows = NULL;
    const struct buf *order = &p->scan->order;
    buf_init(&sql, SQL_MAX);
    buf_lit(&sql, "SELECT ");
    buf_bytes(&sql, order->p + 1, order->n - 2);
    buf_printf(&sql, " FROM %s", p->scan->from);
    if (p->has_low) {
        buf_lit(&sql, " WHERE ");
        buf_span(&sql, buf_view(order));
        buf_lit(&sql, " > ");
        buf_span(&sql, buf_view(&p->low));
    }
    buf_lit(&sql, " ORDER BY ");
    buf_bytes(&sql, order->p + 1, order->n - 2);
    buf_printf(&sql, " OFFSET %llu LIMIT 1", (unsigned long long)(p->chunk_rows - 1));
    bool ok =
        buf_ok(&sql, "the statement", e) && pg_query(p->client, buf_cstr(&sql), 0, NULL, &rows, NULL, e);
    *found = ok && pg_row_count(rows) == 1;
    if (*found) {
        buf_reset(&p->key_text);
        for (size_t i = 0; i < p->scan->n_key; i++)
            buf_str(&p->key_text, pg_cell(rows, 0, (int)i));
        p->key.n = p->scan->n_key;
        for (size_t i = 0, from = 0; i < p->key.n; i++) {
            size_t n = strlen(pg_cell(rows, 0, (int)i));
            p->key.at[i] = (struct span){p->key_text.p + from, n};
            from += n;
        }
        ok = buf_ok(&p->key_text, "a chunk's border", e);
    }
    pg_rows_free(rows);
    buf_release(&sql);
    return ok;
}

static bool next_by_walking(struct plan *p, struct err *e)
{
    bool found;
    if (!walk(p, &found, e))
        return false;
    p->has_high = found;
    p->ended = !found;
    return !found || write_border(p, &p->high, &p->key, e);
}

// ---- by strides

static bool read_extent(struct plan *p, int64_t *first, bool *some, struct err *e)
{
    struct buf sql;
    struct pg_rows *rows = NULL;
    buf_init(&sql, SQL_MAX);
    struct span name = buf_view(&p->scan->order);
    buf_printf(&sql, "SELECT min(%.*s)::int8, max(%.*s)::int8 FROM %s", SPAN_ARG(name), SPAN_ARG(name),
               p->scan->from);
    if (p->has_low)
        buf_printf(&sql, " WHERE %.*s > %.*s", SPAN_ARG(name), SPAN_ARG(buf_view(&p->low)));
    bool ok =
        buf_ok(&sql, "the statement", e) && pg_query(p->client, buf_cstr(&sql), 0, NULL, &rows, NULL, e);
    *some = ok && pg_cell(rows, 0, 0) != NULL;
    if (*some)
        *some =
            json_i64(span_of(pg_cell(rows, 0, 0)), first) && json_i64(span_of(pg_cell(rows, 0, 1)), &p->last);
    pg_rows_free(rows);
    buf_release(&sql);
    return ok;
}

// Decides for strides where the first chunk, found by walking, is about as long as they would be.
static bool try_strides(struct plan *p, struct err *e)
{
    int64_t first, border;
    bool some, found;
    if (p->scan->n_key != 1 || p->scan->kind[0] != KEY_INTEGER || p->scan->rows < 4 * p->chunk_rows)
        return true;
    if (!read_extent(p, &first, &some, e) || (some && !walk(p, &found, e)))
        return false;
    if (!some || !found || !json_i64(p->key.at[0], &border))
        return true;
    uint64_t extent = (uint64_t)p->last - (uint64_t)first;
    uint64_t step = extent / (p->scan->rows / p->chunk_rows) + 1;
    uint64_t dense = (uint64_t)border - (uint64_t)first + 1;
    p->strides = dense / EVEN <= step && step / EVEN <= dense;
    p->step = step;
    p->at = first > INT64_MIN ? first - 1 : first;
    return true;
}

static bool next_by_stride(struct plan *p, struct err *e)
{
    char text[24];
    p->ended = (uint64_t)p->last - (uint64_t)p->at <= p->step || p->last <= p->at;
    p->has_high = !p->ended;
    if (p->ended)
        return true;
    p->at = (int64_t)((uint64_t)p->at + p->step);
    snprintf(text, sizeof text, "%lld", (long long)p->at);
    struct key k = {1, {span_of(text)}};
    return write_border(p, &p->high, &k, e);
}

// ----

bool plan_begin(struct plan *p, const struct scan *scan, const char *after, struct err *e)
{
    p->scan = scan;
    p->has_low = after != NULL;
    p->has_high = p->ended = p->strides = false;
    if (after == NULL)
        return scan->n_key == 0 || try_strides(p, e);
    struct key k;
    if (!key_read(span_of(after), &p->key_text, &k))
        return err_set(e, STATUS_DATA, "%s is no key", after);
    return write_border(p, &p->low, &k, e) && try_strides(p, e);
}

bool plan_next(struct plan *p, struct err *e)
{
    if (p->has_high) {
        struct buf swap = p->low;
        p->low = p->high;
        p->high = swap;
        p->has_low = true;
    }
    if (p->scan->n_key == 0) {
        p->has_high = false;
        p->ended = true;
        return true;
    }
    return p->strides ? next_by_stride(p, e) : next_by_walking(p, e);
}

const char *plan_border(struct plan *p)
{
    return p->has_high || p->has_low ? buf_cstr(&p->border) : NULL;
}
