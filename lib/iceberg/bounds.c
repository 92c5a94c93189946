#include "iceberg/bounds.h"

// Iceberg's default: truncate(16), in code points of a string, bytes of a binary.
#define BOUND_UNITS 16
#define TEXT_MAX_BYTES (SIZE_MAX / 4)

enum order { ORDER_NONE, ORDER_INTEGER, ORDER_DECIMAL, ORDER_BYTES };

static enum order order_of(const struct ice_type *t)
{
    switch (t->kind) {
    case ICE_INT:
    case ICE_LONG:
    case ICE_DATE:
    case ICE_TIME:
    case ICE_TIMESTAMP:
    case ICE_TIMESTAMPTZ:
        return ORDER_INTEGER;
    case ICE_DECIMAL:
        return ORDER_DECIMAL;
    case ICE_STRING:
    case ICE_BINARY:
        return ORDER_BYTES;
    default:
        return ORDER_NONE;
    }
}

void ice_bounds_init(struct ice_bounds *b, const struct ice_type *type)
{
    *b = (struct ice_bounds){.type = type};
    buf_init(&b->first, TEXT_MAX_BYTES);
    buf_init(&b->last, TEXT_MAX_BYTES);
}

void ice_bounds_release(struct ice_bounds *b)
{
    buf_release(&b->first);
    buf_release(&b->last);
}

// ---- seeing

static void keep(struct buf *b, struct span text)
{
    buf_reset(b);
    buf_span(b, text);
}

void ice_bounds_see(struct ice_bounds *b, const struct ice_value *v)
{
    if (v->is_null) {
        b->nulls++;
        return;
    }
    switch (order_of(b->type)) {
    case ORDER_INTEGER:
        if (!b->any || v->i64 < b->least.i64)
            b->least.i64 = v->i64;
        if (!b->any || v->i64 > b->greatest.i64)
            b->greatest.i64 = v->i64;
        break;
    case ORDER_DECIMAL:
        if (!b->any || v->decimal < b->least.decimal)
            b->least.decimal = v->decimal;
        if (!b->any || v->decimal > b->greatest.decimal)
            b->greatest.decimal = v->decimal;
        break;
    case ORDER_BYTES:
        if (!b->any || span_compare(v->bytes, buf_view(&b->first)) < 0)
            keep(&b->first, v->bytes);
        if (!b->any || span_compare(v->bytes, buf_view(&b->last)) > 0)
            keep(&b->last, v->bytes);
        break;
    case ORDER_NONE:
        return;
    }
    b->any = true;
}

// ---- telling

static void put_little(struct buf *out, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++, v >>= 8)
        buf_char(out, (char)(v & 255));
}

// Big-endian two's complement, as few bytes as hold it.
static void put_decimal(struct buf *out, ice_decimal v)
{
    int bytes = 1;
    for (ice_decimal rest = v >> 7; rest != 0 && rest != -1; rest >>= 8)
        bytes++;
    while (bytes-- > 0)
        buf_char(out, (char)(v >> (8 * bytes) & 255));
}

void ice_value_bytes(const struct ice_type *t, const struct ice_value *v, struct buf *out)
{
    uint64_t bits = 0;
    switch (t->kind) {
    case ICE_BOOLEAN:
        buf_char(out, v->boolean ? 1 : 0);
        break;
    case ICE_INT:
    case ICE_DATE:
        put_little(out, (uint64_t)v->i64, 4);
        break;
    case ICE_LONG:
    case ICE_TIME:
    case ICE_TIMESTAMP:
    case ICE_TIMESTAMPTZ:
        put_little(out, (uint64_t)v->i64, 8);
        break;
    case ICE_FLOAT:
        memcpy(&bits, &v->f32, sizeof v->f32);
        put_little(out, bits, 4);
        break;
    case ICE_DOUBLE:
        memcpy(&bits, &v->f64, sizeof v->f64);
        put_little(out, bits, 8);
        break;
    case ICE_DECIMAL:
        put_decimal(out, v->decimal);
        break;
    default:
        buf_span(out, v->bytes);
    }
}

// The bytes of so many code points, or bytes, at most.
static size_t cut(const struct ice_type *t, struct span text)
{
    size_t units = 0, n = 0;
    for (; n < text.n; n++) {
        bool begins = t->kind == ICE_BINARY || (text.p[n] & 0xC0) != 0x80;
        if (begins && units++ == BOUND_UNITS)
            break;
    }
    return n;
}

static bool put_bound(const struct ice_bounds *b, bool upper, struct arena *a, struct span *bound)
{
    struct ice_value v = upper ? b->greatest : b->least;
    if (order_of(b->type) == ORDER_BYTES) {
        v.bytes = buf_view(upper ? &b->last : &b->first);
        size_t n = cut(b->type, v.bytes);
        // A cut upper bound would be below what it bounds.
        if (upper && n < v.bytes.n)
            return true;
        v.bytes.n = n;
    }
    size_t room = order_of(b->type) == ORDER_BYTES ? v.bytes.n + 1 : sizeof v.decimal;
    char *p = arena_take(a, room);
    struct buf out = {.p = p, .cap = room, .max_bytes = room};
    if (p == NULL)
        return false;
    ice_value_bytes(b->type, &v, &out);
    *bound = buf_view(&out);
    return true;
}

bool ice_bounds_tell(const struct ice_bounds *b, int32_t id, int64_t n, struct arena *a,
                     struct ice_column_stats *stats)
{
    *stats = (struct ice_column_stats){.id = id, .values = n, .nulls = b->nulls};
    // Where a text found no memory the kept one is not the bound.
    if (!b->any || b->first.bad || b->last.bad)
        return true;
    return put_bound(b, false, a, &stats->lower) && put_bound(b, true, a, &stats->upper);
}
