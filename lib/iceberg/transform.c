#include "iceberg/transform.h"

#include "base/calendar.h"
#include "iceberg/bounds.h"

#define DAY_US INT64_C(86400000000)
#define HOUR_US INT64_C(3600000000)

// ---- types

static bool is_moment(const struct ice_type *t)
{
    return t->kind == ICE_TIMESTAMP || t->kind == ICE_TIMESTAMPTZ;
}

static bool has_hash(const struct ice_type *t)
{
    switch (t->kind) {
    case ICE_BOOLEAN:
    case ICE_FLOAT:
    case ICE_DOUBLE:
        return false;
    default:
        return !ice_type_is_nested(t);
    }
}

static bool can_be_cut(const struct ice_type *t)
{
    return t->kind == ICE_INT || t->kind == ICE_LONG || t->kind == ICE_DECIMAL || t->kind == ICE_STRING ||
           t->kind == ICE_BINARY;
}

bool ice_transform_type(const struct ice_transform *t, const struct ice_type *source, struct ice_type *result)
{
    *result = (struct ice_type){.kind = ICE_INT};
    switch (t->kind) {
    case ICE_IDENTITY:
        *result = *source;
        return !ice_type_is_nested(source);
    case ICE_VOID:
        *result = *source;
        return true;
    case ICE_TRUNCATE:
        *result = *source;
        return can_be_cut(source);
    case ICE_BUCKET:
        return has_hash(source);
    case ICE_DAY:
        result->kind = ICE_DATE;
        return source->kind == ICE_DATE || is_moment(source);
    case ICE_YEAR:
    case ICE_MONTH:
        return source->kind == ICE_DATE || is_moment(source);
    case ICE_HOUR:
        return is_moment(source);
    }
    return false;
}

void ice_transform_write(const struct ice_transform *t, struct buf *out)
{
    static const char *const names[] = {
        [ICE_IDENTITY] = "identity", [ICE_BUCKET] = "bucket", [ICE_TRUNCATE] = "truncate",
        [ICE_YEAR] = "year",         [ICE_MONTH] = "month",   [ICE_DAY] = "day",
        [ICE_HOUR] = "hour",         [ICE_VOID] = "void",
    };
    buf_str(out, names[t->kind]);
    if (t->kind == ICE_BUCKET || t->kind == ICE_TRUNCATE)
        buf_printf(out, "[%u]", t->n);
}

// ---- bucket: MurmurHash3, 32 bits, for x86, with the seed 0

static uint32_t rotate(uint32_t v, int bits)
{
    return v << bits | v >> (32 - bits);
}

static uint32_t scramble(uint32_t block)
{
    return rotate(block * 0xCC9E2D51u, 15) * 0x1B873593u;
}

static uint32_t block_of(const unsigned char *p, size_t n)
{
    uint32_t v = 0;
    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

static uint32_t murmur3(struct span bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    uint32_t h = 0;
    size_t n = bytes.n;
    for (; n >= 4; p += 4, n -= 4)
        h = rotate(h ^ scramble(block_of(p, 4)), 13) * 5 + 0xE6546B64u;
    h ^= scramble(block_of(p, n));
    h ^= (uint32_t)bytes.n;
    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return h ^ h >> 16;
}

int32_t ice_hash(const struct ice_type *t, const struct ice_value *v)
{
    char room[sizeof v->decimal];
    struct buf bytes = {.p = room, .cap = sizeof room, .max_bytes = sizeof room};
    static const struct ice_type as_long = {.kind = ICE_LONG};
    switch (t->kind) {
    case ICE_STRING:
    case ICE_BINARY:
    case ICE_FIXED:
    case ICE_UUID:
        return (int32_t)murmur3(v->bytes);
    case ICE_DECIMAL:
        ice_value_bytes(t, v, &bytes);
        break;
    default:
        // An int has the hash of the long that it may become.
        ice_value_bytes(&as_long, v, &bytes);
    }
    return (int32_t)murmur3(buf_view(&bytes));
}

// ---- truncate

// What lies over the multiple of n below v.
static ice_decimal above(ice_decimal v, uint32_t n)
{
    return (v % n + n) % n;
}

int ice_decimal_bytes(int precision)
{
    ice_decimal most = 1;
    int bytes = 1;
    for (int i = 0; i < precision; i++)
        most *= 10;
    for (most >>= 7; most != 0; most >>= 8)
        bytes++;
    return bytes;
}

static bool truncate_decimal(const struct ice_type *t, uint32_t n, ice_decimal v, ice_decimal *result,
                             struct err *e)
{
    *result = v - above(v, n);
    // Below zero it grows, and may outgrow its type: what lies above the bits is its sign alone.
    ice_decimal rest = *result >> (8 * ice_decimal_bytes(t->precision) - 1);
    return rest == 0 || rest == -1 ||
           err_set(e, STATUS_DATA, "a decimal(%d, %d) cut to a multiple of %u takes more digits than it has",
                   t->precision, t->scale, n);
}

// As many characters, or bytes, as it may have.
static struct span prefix(const struct ice_type *t, struct span text, uint32_t units)
{
    size_t n = 0;
    for (; n < text.n; n++) {
        bool begins = t->kind == ICE_BINARY || ((unsigned char)text.p[n] & 0xC0) != 0x80;
        if (begins && units-- == 0)
            break;
    }
    return (struct span){text.p, n};
}

static bool truncate(const struct ice_type *t, uint32_t n, const struct ice_value *v,
                     struct ice_value *result, struct err *e)
{
    int64_t cut;
    switch (t->kind) {
    case ICE_INT:
    case ICE_LONG:
        // Below the least number it wraps around, as it does in Java, from where the readers are.
        cut = (int64_t)((uint64_t)v->i64 - (uint64_t)above(v->i64, n));
        result->i64 = t->kind == ICE_INT ? (int32_t)(uint32_t)cut : cut;
        return true;
    case ICE_DECIMAL:
        return truncate_decimal(t, n, v->decimal, &result->decimal, e);
    default:
        result->bytes = prefix(t, v->bytes, n);
        return true;
    }
}

// ---- times

static int64_t days_of(const struct ice_type *t, const struct ice_value *v)
{
    return t->kind == ICE_DATE ? v->i64 : calendar_floor(v->i64, DAY_US);
}

// The infinities of PostgreSQL are more hours away than an int counts; all that lies out there is one
// partition.
static int64_t hours_of(const struct ice_value *v)
{
    int64_t hours = calendar_floor(v->i64, HOUR_US);
    return hours > INT32_MAX ? INT32_MAX : hours < INT32_MIN ? INT32_MIN : hours;
}

bool ice_transform_apply(const struct ice_transform *t, const struct ice_type *source,
                         const struct ice_value *v, struct ice_value *result, struct err *e)
{
    struct calendar_date date;
    *result = *v;
    result->is_null = v->is_null || t->kind == ICE_VOID;
    if (result->is_null)
        return true;
    switch (t->kind) {
    case ICE_BUCKET:
        *result = (struct ice_value){.i64 = (ice_hash(source, v) & INT32_MAX) % (int64_t)t->n};
        return true;
    case ICE_TRUNCATE:
        return truncate(source, t->n, v, result, e);
    case ICE_YEAR:
        result->i64 = calendar_date(days_of(source, v)).year - 1970;
        return true;
    case ICE_MONTH:
        date = calendar_date(days_of(source, v));
        result->i64 = (date.year - 1970) * 12 + date.month - 1;
        return true;
    case ICE_DAY:
        result->i64 = days_of(source, v);
        return true;
    case ICE_HOUR:
        result->i64 = hours_of(v);
        return true;
    default:
        return true;
    }
}
