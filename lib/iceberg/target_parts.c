#include "iceberg/target_parts.h"

#include "iceberg/memory.h"

#define KEY_MAX_BYTES (64u << 20)

struct placed {
    uint32_t row, part;
};

void ice_parts_init(struct ice_parts *p, const struct ice_partition *by, struct arena *a)
{
    *p = (struct ice_parts){.by = by, .arena = a};
    ice_rows_init(&p->known);
    buf_init(&p->key, KEY_MAX_BYTES);
    buf_init(&p->placed, SIZE_MAX / 4);
    buf_init(&p->list, SIZE_MAX / 4);
}

void ice_parts_release(struct ice_parts *p)
{
    ice_rows_release(&p->known);
    buf_release(&p->key);
    buf_release(&p->placed);
    buf_release(&p->list);
}

static bool has_bytes(const struct ice_type *t)
{
    return t->kind == ICE_STRING || t->kind == ICE_UUID || t->kind == ICE_FIXED || t->kind == ICE_BINARY;
}

// The values outlive the row that they are of.
static bool add_part(struct ice_parts *p, const struct ice_value *values, struct err *e)
{
    struct ice_value *kept = ice_take(p->arena, p->by->n, sizeof *kept, e);
    if (kept == NULL)
        return false;
    for (size_t i = 0; i < p->by->n; i++) {
        kept[i] = values[i];
        if (!kept[i].is_null && has_bytes(&p->by->parts[i].type) && !ice_keep(p->arena, &kept[i].bytes, e))
            return false;
    }
    const struct ice_part part = {.partition = kept};
    buf_bytes(&p->list, &part, sizeof part);
    return buf_ok(&p->list, "a list of partitions", e);
}

bool ice_parts_put(struct ice_parts *p, uint32_t row, const struct ice_value *values, struct err *e)
{
    if (p->of == NULL && (p->of = ice_take(p->arena, p->by->n + 1, sizeof *p->of, e)) == NULL)
        return false;
    if (!ice_partition_of(p->by, values, p->of, e))
        return false;
    buf_reset(&p->key);
    ice_partition_key(p->by, p->of, &p->key);
    const struct ice_row *known =
        buf_ok(&p->key, "a partition", e) ? ice_rows_put(&p->known, buf_view(&p->key), e) : NULL;
    if (known == NULL)
        return false;
    size_t place = (size_t)(known - p->known.rows);
    if (place * sizeof(struct ice_part) == p->list.n && !add_part(p, p->of, e))
        return false;
    const struct placed placed = {row, (uint32_t)place};
    buf_bytes(&p->placed, &placed, sizeof placed);
    ((struct ice_part *)(void *)p->list.p)[place].n++;
    return buf_ok(&p->placed, "a list of rows", e);
}

bool ice_parts_sort(struct ice_parts *p, struct err *e)
{
    const struct placed *placed = (const struct placed *)(const void *)p->placed.p;
    struct ice_part *parts = (struct ice_part *)(void *)p->list.p;
    size_t n = p->placed.n / sizeof *placed, begin = 0;
    p->order = ice_take(p->arena, n + 1, sizeof *p->order, e);
    if (p->order == NULL)
        return false;
    p->parts = parts, p->n = p->known.n;
    for (size_t i = 0; i < p->n; begin += parts[i].n, parts[i].n = 0, i++)
        parts[i].begin = begin;
    for (size_t i = 0; i < n; i++) {
        struct ice_part *part = &parts[placed[i].part];
        p->order[part->begin + part->n++] = placed[i].row;
    }
    return true;
}
