#include "iceberg/rows.h"

#include <stdlib.h>

#define FIRST_ROWS 1024
// The text may hold one commit's rows and the largest line; the sink commits long before.
#define TEXT_MAX_BYTES ((size_t)4 << 30)

void ice_rows_init(struct ice_rows *r)
{
    *r = (struct ice_rows){0};
    buf_init(&r->text, TEXT_MAX_BYTES);
}

void ice_rows_release(struct ice_rows *r)
{
    buf_release(&r->text);
    free(r->rows), free(r->slots);
}

void ice_rows_reset(struct ice_rows *r)
{
    buf_reset(&r->text);
    r->n = 0;
    if (r->slots != NULL)
        memset(r->slots, 0, r->n_slots * sizeof *r->slots);
}

size_t ice_rows_bytes(const struct ice_rows *r)
{
    return r->text.n + r->n * sizeof *r->rows;
}

static uint64_t mix(uint64_t h)
{
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static uint64_t hash_of(struct span key)
{
    uint64_t h = key.n, part;
    size_t i = 0;
    for (; i + 8 <= key.n; i += 8) {
        memcpy(&part, key.p + i, 8);
        h = mix(h ^ part);
    }
    for (part = 0; i < key.n; i++)
        part = part << 8 | (unsigned char)key.p[i];
    return mix(h ^ part);
}

// The slot of the key, or the free one where it would be.
static uint32_t *slot_of(const struct ice_rows *r, struct span key, uint64_t hash)
{
    for (size_t i = hash & (r->n_slots - 1);; i = (i + 1) & (r->n_slots - 1)) {
        uint32_t place = r->slots[i];
        if (place == 0)
            return &r->slots[i];
        const struct ice_row *row = &r->rows[place - 1];
        if (row->hash == hash && span_eq(ice_rows_text(r, row->key_at, row->key_n), key))
            return &r->slots[i];
    }
}

struct ice_row *ice_rows_find(const struct ice_rows *r, struct span key)
{
    if (r->n == 0 || r->n_slots == 0)
        return NULL;
    uint32_t place = *slot_of(r, key, hash_of(key));
    return place == 0 ? NULL : &r->rows[place - 1];
}

static bool grow(struct ice_rows *r, struct err *e)
{
    size_t cap = r->cap == 0 ? FIRST_ROWS : r->cap * 2;
    struct ice_row *rows = cap <= UINT32_MAX / 2 ? realloc(r->rows, cap * sizeof *rows) : NULL;
    if (rows == NULL)
        return err_no_memory(e);
    r->rows = rows, r->cap = cap;
    return true;
}

static bool grow_slots(struct ice_rows *r, struct err *e)
{
    uint32_t *slots = calloc(r->cap * 2, sizeof *slots);
    if (slots == NULL)
        return err_no_memory(e);
    free(r->slots);
    r->slots = slots, r->n_slots = r->cap * 2;
    for (size_t i = 0; i < r->n; i++) {
        size_t at = r->rows[i].hash & (r->n_slots - 1);
        while (slots[at] != 0)
            at = (at + 1) & (r->n_slots - 1);
        slots[at] = (uint32_t)i + 1;
    }
    return true;
}

bool ice_rows_keep(struct ice_rows *r, struct span text, size_t *at, struct err *e)
{
    *at = r->text.n;
    buf_span(&r->text, text);
    return buf_ok(&r->text, "what a commit holds", e);
}

static struct ice_row *append(struct ice_rows *r, struct span key, struct err *e)
{
    struct ice_row *row = &r->rows[r->n];
    *row = (struct ice_row){.key_n = key.n};
    if (!ice_rows_keep(r, key, &row->key_at, e))
        return NULL;
    r->n++;
    return row;
}

struct ice_row *ice_rows_add(struct ice_rows *r, struct span key, struct err *e)
{
    return r->n == r->cap && !grow(r, e) ? NULL : append(r, key, e);
}

struct ice_row *ice_rows_put(struct ice_rows *r, struct span key, struct err *e)
{
    if ((r->n == r->cap && !grow(r, e)) || (r->n_slots < r->cap * 2 && !grow_slots(r, e)))
        return NULL;
    uint64_t hash = hash_of(key);
    uint32_t *slot = slot_of(r, key, hash);
    if (*slot != 0)
        return &r->rows[*slot - 1];
    struct ice_row *row = append(r, key, e);
    if (row != NULL) {
        row->hash = hash;
        *slot = (uint32_t)r->n;
    }
    return row;
}
