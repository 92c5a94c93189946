#include "snapshot/plan.h"

#include "event/json.h"

#include <stdio.h>

#define BORDER_MAX (4u << 20)

// How much denser or sparser the beginning may be for strides to be even.
#define EVEN 8

void plan_init(struct plan *p, const struct plan_calls *calls, void *self)
{
    *p = (struct plan){.calls = calls, .self = self};
    buf_init(&p->low, BORDER_MAX);
    buf_init(&p->high, BORDER_MAX);
}

void plan_release(struct plan *p)
{
    buf_release(&p->low);
    buf_release(&p->high);
}

static bool is_one_chunk(const struct plan_key *key)
{
    return key->n == 0 || key->chunk_rows == 0;
}

// ---- by walking the index

// The key of the last of the next chunk's rows.
static bool walk(struct plan *p, bool *found, struct err *e)
{
    buf_reset(&p->high);
    return p->calls->walk(p->self, p->has_low ? buf_cstr(&p->low) : NULL, p->key->chunk_rows, &p->high, found,
                          e) &&
           buf_ok(&p->high, "a chunk's border", e);
}

static bool next_by_walking(struct plan *p, struct err *e)
{
    bool found;
    if (!walk(p, &found, e))
        return false;
    p->has_high = found;
    p->ended = !found;
    return true;
}

// ---- by strides

// Decides for strides where the first chunk, found by walking, is about as long as they would be.
static bool try_strides(struct plan *p, struct err *e)
{
    int64_t first, border;
    bool some, found = false;
    if (p->key->n != 1 || p->key->kind[0] != KEY_INTEGER || p->key->rows < 4 * p->key->chunk_rows)
        return true;
    if (!p->calls->extent(p->self, p->has_low ? buf_cstr(&p->low) : NULL, &first, &p->last, &some, e) ||
        (some && !walk(p, &found, e)))
        return false;
    struct span key = {p->high.p + 1, p->high.n - 2}; // [N]
    if (!found || !json_i64(key, &border))
        return true;
    uint64_t extent = (uint64_t)p->last - (uint64_t)first;
    uint64_t step = extent / (p->key->rows / p->key->chunk_rows) + 1;
    uint64_t dense = (uint64_t)border - (uint64_t)first + 1;
    p->strides = dense / EVEN <= step && step / EVEN <= dense;
    p->step = step;
    p->at = first > INT64_MIN ? first - 1 : first;
    return true;
}

static bool next_by_stride(struct plan *p, struct err *e)
{
    p->ended = (uint64_t)p->last - (uint64_t)p->at <= p->step || p->last <= p->at;
    p->has_high = !p->ended;
    if (p->ended)
        return true;
    p->at = (int64_t)((uint64_t)p->at + p->step);
    buf_reset(&p->high);
    buf_printf(&p->high, "[%lld]", (long long)p->at);
    return buf_ok(&p->high, "a chunk's border", e);
}

// ----

bool plan_begin(struct plan *p, const struct plan_key *key, const char *after, struct err *e)
{
    p->key = key;
    p->has_low = after != NULL;
    p->has_high = p->ended = p->strides = false;
    buf_reset(&p->low);
    buf_str(&p->low, after != NULL ? after : "");
    return buf_ok(&p->low, "a chunk's border", e) && (is_one_chunk(key) || try_strides(p, e));
}

bool plan_next(struct plan *p, struct err *e)
{
    if (p->has_high) {
        struct buf swap = p->low;
        p->low = p->high;
        p->high = swap;
        p->has_low = true;
    }
    if (is_one_chunk(p->key)) {
        p->has_high = false;
        p->ended = true;
        return true;
    }
    return p->strides ? next_by_stride(p, e) : next_by_walking(p, e);
}

const char *plan_border(struct plan *p)
{
    return p->has_high ? buf_cstr(&p->high) : p->has_low ? buf_cstr(&p->low) : NULL;
}
