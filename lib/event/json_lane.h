// A few bytes at once: sixteen with SSE2, else eight in an integer. CDC_PORTABLE asks for the latter, for the
// tests.
//
// A comparison gives a lane in which the highest bit of each byte that matches is set; such lanes are joined
// with lane_or and become a number, the first byte's bit the lowest, with lane_bits.
#ifndef CDC_EVENT_JSON_LANE_H
#define CDC_EVENT_JSON_LANE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The first byte is the lowest, whatever the machine.
static inline uint64_t lane_u64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

// n < 8 bytes without a loop, by reads that overlap; zeros behind them.
static inline uint64_t lane_few(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    if (n >= 4) {
        uint32_t low, high;
        memcpy(&low, p, sizeof low);
        memcpy(&high, p + n - 4, sizeof high);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        low = __builtin_bswap32(low), high = __builtin_bswap32(high);
#endif
        return low | (uint64_t)high << 8 * (n - 4);
    }
    if (n == 0)
        return 0;
    return u[0] | (uint64_t)u[n / 2] << 8 * (n / 2) | (uint64_t)u[n - 1] << 8 * (n - 1);
}

#if defined(__SSE2__) && !defined(CDC_PORTABLE)
#include <emmintrin.h>

#define LANE_BYTES 16
typedef __m128i lane;

static inline lane lane_load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

// n < LANE_BYTES bytes, zeros behind them.
static inline lane lane_load_few(const char *p, size_t n)
{
    if (n < 8)
        return _mm_set_epi64x(0, (long long)lane_few(p, n));
    // In two steps, because a shift by 64 is undefined.
    uint64_t high = lane_u64(p + n - 8) >> 8 * (15 - n) >> 8;
    return _mm_set_epi64x((long long)high, (long long)lane_u64(p));
}

static inline lane lane_or(lane a, lane b)
{
    return _mm_or_si128(a, b);
}

static inline lane lane_with(lane v, unsigned char bits)
{
    return _mm_or_si128(v, _mm_set1_epi8((char)bits));
}

static inline lane lane_is(lane v, char c)
{
    return _mm_cmpeq_epi8(v, _mm_set1_epi8(c));
}

static inline lane lane_is_control(lane v)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
}

static inline uint32_t lane_bits(lane v)
{
    return (uint32_t)_mm_movemask_epi8(v);
}

#else

#define LANE_BYTES 8
typedef uint64_t lane;

#define LANE_EACH(byte) ((byte)*UINT64_C(0x0101010101010101))

static inline lane lane_load(const char *p)
{
    return lane_u64(p);
}

static inline lane lane_load_few(const char *p, size_t n)
{
    return lane_few(p, n);
}

static inline lane lane_or(lane a, lane b)
{
    return a | b;
}

static inline lane lane_with(lane v, unsigned char bits)
{
    return v | LANE_EACH(bits);
}

// Exact for each byte: the sum carries into the highest bit of its own byte only.
static inline lane lane_is_zero(lane v)
{
    return ~(((v & LANE_EACH(0x7f)) + LANE_EACH(0x7f)) | v) & LANE_EACH(0x80);
}

static inline lane lane_is(lane v, char c)
{
    return lane_is_zero(v ^ LANE_EACH((unsigned char)c));
}

static inline lane lane_is_control(lane v)
{
    return lane_is_zero(v & LANE_EACH(0xe0));
}

// The product brings bit 8i to bit 56 + i.
static inline uint32_t lane_bits(lane v)
{
    return (uint32_t)((v >> 7 & LANE_EACH(1)) * UINT64_C(0x0102040810204080) >> 56);
}

#endif

#endif
