#include "event/json_scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(CDC_PORTABLE)
#include <emmintrin.h>
#define BYTES_AT_ONCE 16
#endif

// One bit a byte of a block, the first byte's lowest.
struct masks {
    uint64_t quote, backslash, open, close;
};

#ifdef BYTES_AT_ONCE
static inline uint64_t equal(const __m128i part[4], char c)
{
    __m128i want = _mm_set1_epi8(c);
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++)
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(part[i], want)) << (16 * i);
    return mask;
}

// With bit 5 set, [ is { and ] is }; no other byte becomes one of the two.
static inline struct masks masks_of(const char *p)
{
    __m128i part[4], folded[4];
    for (int i = 0; i < 4; i++) {
        part[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
        folded[i] = _mm_or_si128(part[i], _mm_set1_epi8(0x20));
    }
    return (struct masks){equal(part, '"'), equal(part, '\\'), equal(folded, '{'), equal(folded, '}')};
}
#else
static inline struct masks masks_of(const char *p)
{
    struct masks m = {0};
    for (int i = 0; i < 64; i++) {
        m.quote |= (uint64_t)(p[i] == '"') << i;
        m.backslash |= (uint64_t)(p[i] == '\\') << i;
        m.open |= (uint64_t)((p[i] | 0x20) == '{') << i;
        m.close |= (uint64_t)((p[i] | 0x20) == '}') << i;
    }
    return m;
}
#endif

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

struct depth {
    uint64_t in_string; // all ones or none
    bool escaped;
    uint64_t level;
};

// How many bytes of the block belong to the container: up to 64, or 65 where it goes on behind the block.
static int closes_at(const char *block, struct depth *d)
{
    struct masks m = masks_of(block);
    if (m.backslash != 0 || d->escaped)
        m.quote &= ~escaped_by(m.backslash, &d->escaped);
    uint64_t in_string = running_parity(m.quote) ^ d->in_string;
    d->in_string = (uint64_t)0 - (in_string >> 63);
    uint64_t open = m.open & ~in_string, close = m.close & ~in_string;
    uint64_t closing = (uint64_t)__builtin_popcountll(close);
    if (closing < d->level) {
        d->level += (uint64_t)__builtin_popcountll(open) - closing;
        return 65;
    }
    for (uint64_t both = open | close; both != 0; both &= both - 1) {
        uint64_t bit = both & (0 - both);
        d->level += (bit & open) != 0 ? 1 : (uint64_t)-1;
        if (d->level == 0)
            return __builtin_ctzll(bit) + 1;
    }
    return 65;
}

const char *json_skip_container(const char *p, const char *end)
{
    struct depth d = {.level = 1};
    for (; end - p >= 64; p += 64) {
        int n = closes_at(p, &d);
        if (n <= 64)
            return p + n;
    }
    char last[64] = {0};
    memcpy(last, p, (size_t)(end - p));
    int n = closes_at(last, &d);
    return n <= 64 ? p + n : NULL;
}

const char *json_skip_string(const char *p, const char *end)
{
    for (;;) {
#ifdef BYTES_AT_ONCE
        for (; end - p >= BYTES_AT_ONCE; p += BYTES_AT_ONCE) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
            int hits = _mm_movemask_epi8(
                _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
            if (hits != 0) {
                p += __builtin_ctz((unsigned)hits);
                break;
            }
        }
#endif
        while (p < end && *p != '"' && *p != '\\')
            p++;
        if (p < end && *p == '"')
            return p + 1;
        if (end - p < 2)
            return NULL;
        p += 2; // a backslash and what it escapes
    }
}

const char *json_plain_end(const char *p, const char *end)
{
#ifdef BYTES_AT_ONCE
    for (; end - p >= BYTES_AT_ONCE; p += BYTES_AT_ONCE) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        // Signed: a byte that is not ASCII is below 0x20 too.
        __m128i special = _mm_or_si128(
            _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
            _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
        int hits = _mm_movemask_epi8(special);
        if (hits != 0)
            return p + __builtin_ctz((unsigned)hits);
    }
#endif
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}
