#include "event/json_scan.h"

#include "event/json_lane.h"

#include <stdbool.h>

// ---- within strings

// A whole lane's worth of the three searches below: which bytes end it.
static inline uint32_t ends_skip(lane v)
{
    return lane_bits(lane_or(lane_is(v, '"'), lane_is(v, '\\')));
}

static inline uint32_t ends_clean(lane v)
{
    return lane_bits(lane_or(lane_or(lane_is(v, '"'), lane_is(v, '\\')), lane_is_control(v)));
}

// A byte that is not ASCII has its highest bit set already.
static inline uint32_t ends_plain(lane v)
{
    return lane_bits(lane_or(v, lane_or(lane_or(lane_is(v, '"'), lane_is(v, '\\')), lane_is_control(v))));
}

static inline const char *search(const char *p, const char *end, uint32_t ends(lane))
{
    uint32_t hits;
    for (; end - p >= LANE_BYTES; p += LANE_BYTES)
        if ((hits = ends(lane_load(p))) != 0)
            return p + __builtin_ctz(hits);
    size_t left = (size_t)(end - p);
    // The bit behind the last byte ends the search in any case.
    hits = ends(lane_load_few(p, left)) | UINT32_C(1) << left;
    return p + __builtin_ctz(hits);
}

const char *json_plain_end(const char *p, const char *end)
{
    return search(p, end, ends_plain);
}

const char *json_clean_end(const char *p, const char *end)
{
    return search(p, end, ends_clean);
}

const char *json_skip_string(const char *p, const char *end)
{
    for (;;) {
        p = search(p, end, ends_skip);
        if (p < end && *p == '"')
            return p + 1;
        if (end - p < 2)
            return NULL;
        p += 2; // a backslash and what it escapes
    }
}

// ---- containers

#define BLOCK_BYTES 64

// One bit a byte of a block, the first byte's lowest.
struct masks {
    uint64_t quote, backslash, open, close;
};

// With bit 5 set, [ is { and ] is }; no other byte becomes one of the two.
static inline struct masks masks_of(const char *block)
{
    struct masks m = {0};
    for (int i = 0; i < BLOCK_BYTES; i += LANE_BYTES) {
        lane v = lane_load(block + i), folded = lane_with(v, 0x20);
        m.quote |= (uint64_t)lane_bits(lane_is(v, '"')) << i;
        m.backslash |= (uint64_t)lane_bits(lane_is(v, '\\')) << i;
        m.open |= (uint64_t)lane_bits(lane_is(folded, '{')) << i;
        m.close |= (uint64_t)lane_bits(lane_is(folded, '}')) << i;
    }
    return m;
}

// The bytes that a backslash escapes. *carry: whether the block's first byte is one, then whether the next
// block's is.
static uint64_t escaped_by(uint64_t backslash, bool *carry)
{
    uint64_t escaped = *carry;
    backslash &= ~escaped;
    *carry = false;
    while (backslash != 0) {
        int at = __builtin_ctzll(backslash);
        if (at == 63) {
            *carry = true;
            break;
        }
        uint64_t next = UINT64_C(2) << at;
        escaped |= next;
        backslash &= ~(next | next >> 1);
    }
    return escaped;
}

// Bit i: whether an odd number of bits up to i is set, that is, whether byte i is within a string.
static inline uint64_t running_parity(uint64_t x)
{
    for (int shift = 1; shift < 64; shift *= 2)
        x ^= x << shift;
    return x;
}

// Inline: without a machine's own instruction the compiler's is a call.
static inline uint64_t count_bits(uint64_t x)
{
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (x * UINT64_C(0x0101010101010101)) >> 56;
}

struct depth {
    uint64_t in_string; // all ones or none
    bool escaped;
    uint64_t level;
};

#define GOES_ON (BLOCK_BYTES + 1)

// How many bytes of the block belong to the container; GOES_ON where it does not end in the block.
static int closes_at(const char *block, struct depth *d)
{
    struct masks m = masks_of(block);
    if (m.backslash != 0 || d->escaped)
        m.quote &= ~escaped_by(m.backslash, &d->escaped);
    uint64_t in_string = running_parity(m.quote) ^ d->in_string;
    d->in_string = (uint64_t)0 - (in_string >> 63);
    uint64_t open = m.open & ~in_string, close = m.close & ~in_string;
    if ((open | close) == 0)
        return GOES_ON;
    uint64_t closing = count_bits(close);
    if (closing < d->level) {
        d->level += count_bits(open) - closing;
        return GOES_ON;
    }
    for (uint64_t both = open | close; both != 0; both &= both - 1) {
        uint64_t bit = both & (0 - both);
        d->level += (bit & open) != 0 ? 1 : (uint64_t)-1;
        if (d->level == 0)
            return __builtin_ctzll(bit) + 1;
    }
    return GOES_ON;
}

const char *json_skip_container(const char *p, const char *end)
{
    struct depth d = {.level = 1};
    for (; end - p >= BLOCK_BYTES; p += BLOCK_BYTES) {
        int n = closes_at(p, &d);
        if (n != GOES_ON)
            return p + n;
    }
    char last[BLOCK_BYTES] = {0};
    memcpy(last, p, (size_t)(end - p));
    int n = closes_at(last, &d);
    return n != GOES_ON ? p + n : NULL;
}
