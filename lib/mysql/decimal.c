#include "mysql/decimal.h"

static const uint8_t bytes_of_digits[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};

size_t my_decimal_bytes(unsigned precision, unsigned scale)
{
    unsigned whole = precision - scale;
    return whole / 9 * 4u + bytes_of_digits[whole % 9] + scale / 9 * 4u + bytes_of_digits[scale % 9];
}

struct unpack {
    const unsigned char *p;
    bool first, negative;
};

// The next group, of so many digits.
static uint32_t take_group(struct unpack *u, unsigned digits)
{
    uint32_t v = 0;
    for (unsigned n = bytes_of_digits[digits]; n != 0; n--) {
        unsigned char byte = *u->p++;
        if (u->first)
            byte ^= 0x80;
        u->first = false;
        v = v << 8 | (unsigned char)(u->negative ? ~byte : byte);
    }
    return v;
}

static bool begin(struct unpack *u, struct span bytes, unsigned precision, unsigned scale)
{
    if (precision == 0 || precision > 65 || scale > precision ||
        bytes.n != my_decimal_bytes(precision, scale))
        return false;
    *u = (struct unpack){(const unsigned char *)bytes.p, true, ((unsigned char)bytes.p[0] & 0x80) == 0};
    return true;
}

static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

static bool put_group(struct unpack *u, unsigned digits, char *text, size_t *n)
{
    uint32_t v = take_group(u, digits);
    if (v >= powers[digits])
        return false;
    for (unsigned i = digits; i-- > 0; v /= 10)
        text[*n + i] = (char)('0' + v % 10);
    *n += digits;
    return true;
}

static bool put_digits(struct unpack *u, unsigned whole, unsigned scale, char *text, size_t *n)
{
    bool ok = whole % 9 == 0 || put_group(u, whole % 9, text, n);
    for (unsigned i = 0; ok && i < whole / 9; i++)
        ok = put_group(u, 9, text, n);
    size_t skip = 0;
    while (skip + 1 < *n && text[skip] == '0')
        skip++;
    memmove(text, text + skip, *n - skip);
    *n -= skip;
    if (*n == 0)
        text[(*n)++] = '0';
    if (scale != 0)
        text[(*n)++] = '.';
    for (unsigned i = 0; ok && i < scale / 9; i++)
        ok = put_group(u, 9, text, n);
    return ok && (scale % 9 == 0 || put_group(u, scale % 9, text, n));
}

bool my_decimal_text(struct span bytes, unsigned precision, unsigned scale, char text[DECIMAL_TEXT_BYTES],
                     size_t *n)
{
    struct unpack u;
    *n = 0;
    if (!begin(&u, bytes, precision, scale))
        return false;
    if (u.negative)
        *text++ = '-';
    bool ok = put_digits(&u, precision - scale, scale, text, n);
    *n += u.negative;
    return ok;
}

static bool add_group(struct unpack *u, unsigned digits, int64_t *value)
{
    uint32_t v = take_group(u, digits);
    *value = *value * powers[digits] + v;
    return v < powers[digits];
}

bool my_decimal_unscaled(struct span bytes, unsigned precision, unsigned scale, int64_t *value)
{
    struct unpack u;
    *value = 0;
    if (precision > 18 || !begin(&u, bytes, precision, scale))
        return false;
    unsigned whole = precision - scale;
    bool ok = add_group(&u, whole % 9, value);
    for (unsigned i = 0; ok && i < whole / 9; i++)
        ok = add_group(&u, 9, value);
    for (unsigned i = 0; ok && i < scale / 9; i++)
        ok = add_group(&u, 9, value);
    ok = ok && add_group(&u, scale % 9, value);
    if (u.negative)
        *value = -*value;
    return ok;
}
