#include "iceberg/value_decimal.h"

// PostgreSQL's numerics have at most 131072 digits before the point and 16383 behind it.
#define MAX_DIGITS 150000

static ice_decimal power_of_ten(int n)
{
    ice_decimal v = 1;
    for (; n > 0; n--)
        v *= 10;
    return v;
}

bool ice_decimal_of(const unsigned char *bytes, size_t n, ice_decimal *v)
{
    if (n == 0)
        return false;
    unsigned char sign = bytes[0] >= 0x80 ? 0xff : 0;
    for (; n > 16; bytes++, n--)
        if (bytes[0] != sign || (bytes[1] ^ sign) >= 0x80)
            return false;
    __extension__ unsigned __int128 bits = sign == 0 ? 0 : ~(__extension__(unsigned __int128) 0);
    for (size_t i = 0; i < n; i++)
        bits = bits << 8 | bytes[i];
    *v = (ice_decimal)bits;
    ice_decimal limit = power_of_ten(ICE_MAX_PRECISION);
    return *v<limit && * v> - limit;
}

bool ice_decimal_fit(ice_decimal v, int64_t from, int to, int precision, ice_decimal *fitted)
{
    ice_decimal limit = power_of_ten(precision);
    for (; from > to && v != 0; from--) {
        if (v % 10 != 0)
            return false;
        v /= 10;
    }
    for (; from < to && v != 0; from++) {
        if (v >= limit || v <= -limit)
            return false;
        v *= 10;
    }
    *fitted = v;
    return v < limit && v > -limit;
}

static void negate(unsigned char *bytes, size_t n)
{
    unsigned carry = 1;
    for (size_t i = n; i-- > 0;) {
        carry += bytes[i] ^ 0xffu;
        bytes[i] = (unsigned char)carry;
        carry >>= 8;
    }
}

// Divides the number by 10^9 in place.
static unsigned divide(unsigned char *bytes, size_t n)
{
    uint64_t rest = 0;
    for (size_t i = 0; i < n; i++) {
        rest = rest << 8 | bytes[i];
        bytes[i] = (unsigned char)(rest / 1000000000);
        rest %= 1000000000;
    }
    return (unsigned)rest;
}

// The digits from the last to the first, without zeros in front; at least one.
static void digits_backwards(unsigned char *bytes, size_t n, struct buf *out)
{
    do {
        unsigned part = divide(bytes, n);
        while (n != 0 && bytes[0] == 0)
            bytes++, n--;
        for (int i = 0; i < 9 && (n != 0 || part != 0); i++, part /= 10)
            buf_char(out, (char)('0' + part % 10));
    } while (n != 0);
    if (out->n == 0)
        buf_char(out, '0');
}

static void forwards(const struct buf *digits, int64_t scale, struct buf *out)
{
    int64_t n = (int64_t)digits->n;
    for (int64_t i = n > scale ? n : scale + 1; i > 0; i--) {
        if (i == scale)
            buf_char(out, '.');
        buf_char(out, i <= n ? digits->p[i - 1] : '0');
    }
    for (bool zero = n == 1 && digits->p[0] == '0'; scale < 0 && !zero; scale++)
        buf_char(out, '0');
}

bool ice_decimal_text(unsigned char *bytes, size_t n, int64_t scale, struct buf *out)
{
    struct buf digits;
    if (n == 0 || n > MAX_DIGITS / 2 || scale > MAX_DIGITS || scale < -MAX_DIGITS)
        return false;
    buf_init(&digits, 2 * MAX_DIGITS);
    if (bytes[0] >= 0x80) {
        buf_char(out, '-');
        negate(bytes, n);
    }
    digits_backwards(bytes, n, &digits);
    forwards(&digits, scale, out);
    bool ok = !digits.bad && !out->bad;
    buf_release(&digits);
    return ok;
}
