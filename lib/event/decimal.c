#include "event/decimal.h"

#include "base/base64.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// A plain decimal number: the server prints numerics without exponents.
struct number {
    bool negative;
    struct span whole, fraction; // digits
};

static struct span take_digits(struct span *text)
{
    struct span digits = {text->p, 0};
    while (text->n != 0 && text->p[0] >= '0' && text->p[0] <= '9')
        digits.n++, text->p++, text->n--;
    return digits;
}

static bool take_number(struct span *text, struct number *v)
{
    v->negative = text->n != 0 && text->p[0] == '-';
    if (v->negative)
        text->p++, text->n--;
    v->whole = take_digits(text);
    v->fraction = (struct span){text->p, 0};
    if (text->n != 0 && text->p[0] == '.') {
        text->p++, text->n--;
        v->fraction = take_digits(text);
    }
    return v->whole.n + v->fraction.n != 0;
}

static bool parse_number(struct span text, struct number *v)
{
    return take_number(&text, v) && text.n == 0;
}

// The magnitude of the digits of a, then b, then `zeros` zeros, as little-endian 32-bit limbs. The caller
// frees it.
struct magnitude {
    uint32_t *limb;
    size_t n;
};

static void multiply_add(struct magnitude *m, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (size_t i = 0; i < m->n; i++) {
        carry += (uint64_t)m->limb[i] * factor;
        m->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        m->limb[m->n++] = (uint32_t)carry;
}

// Nine digits at a time: 10^9 < 2^32.
struct chunk {
    uint32_t value, power;
};

static void push_digit(struct magnitude *m, struct chunk *c, unsigned digit)
{
    c->value = c->value * 10 + digit;
    c->power *= 10;
    if (c->power == 1000000000) {
        multiply_add(m, c->power, c->value);
        *c = (struct chunk){0, 1};
    }
}

static void push_digits(struct magnitude *m, struct chunk *c, struct span digits)
{
    for (size_t i = 0; i < digits.n; i++)
        push_digit(m, c, (unsigned)(digits.p[i] - '0'));
}

static bool magnitude_of(struct span a, struct span b, size_t zeros, struct magnitude *m)
{
    // 32 bits hold more than nine digits.
    m->limb = malloc(((a.n + b.n + zeros) / 9 + 2) * sizeof *m->limb);
    m->n = 0;
    if (m->limb == NULL)
        return false;
    struct chunk c = {0, 1};
    push_digits(m, &c, a);
    push_digits(m, &c, b);
    for (; zeros != 0; zeros--)
        push_digit(m, &c, 0);
    multiply_add(m, c.power, c.value);
    return true;
}

// Two's complement, big-endian, in as few bytes as hold the sign. bytes has room for size.
static size_t to_bytes(const struct magnitude *m, bool negative, unsigned char *bytes, size_t size)
{
    uint64_t carry = 1;
    for (size_t i = 0; i < size; i++) {
        uint32_t limb = i / 4 < m->n ? m->limb[i / 4] : 0;
        uint64_t byte = limb >> i % 4 * 8 & 0xff;
        if (negative) {
            byte = (byte ^ 0xff) + carry;
            carry = byte >> 8;
        }
        bytes[size - 1 - i] = (unsigned char)byte;
    }
    size_t skip = 0;
    while (skip + 1 < size &&
           ((bytes[skip] == 0 && bytes[skip + 1] < 0x80) || (bytes[skip] == 0xff && bytes[skip + 1] >= 0x80)))
        skip++;
    memmove(bytes, bytes + skip, size - skip);
    return size - skip;
}

static bool write_big(const struct number *v, struct span fraction, size_t zeros, struct buf *out)
{
    struct magnitude m;
    if (!magnitude_of(v->whole, fraction, zeros, &m))
        return false;
    size_t size = m.n * 4 + 1;
    unsigned char *bytes = malloc(size);
    if (bytes != NULL) {
        size_t n = to_bytes(&m, v->negative, bytes, size);
        base64_write(out, bytes, n);
    }
    free(bytes);
    free(m.limb);
    return bytes != NULL;
}

// The common case: the value fits an integer, so no memory is needed.
static void write_integer(decimal_int value, struct buf *out)
{
    decimal_int magnitude = value < 0 ? ~value : value;
    uint64_t high = (uint64_t)(magnitude >> 64), low = (uint64_t)magnitude;
    int bits = high != 0 ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll(low | 1);
    unsigned char bytes[16];
    size_t n = (size_t)bits / 8 + 1; // with the sign's bit
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(value >> (n - 1 - i) * 8);
    base64_write(out, bytes, n);
}

void decimal_write_unscaled(decimal_int value, struct buf *out)
{
    buf_char(out, '"');
    write_integer(value, out);
    buf_char(out, '"');
}

static bool write_unscaled(const struct number *v, struct span fraction, size_t zeros, struct buf *out)
{
    buf_char(out, '"');
    if (v->whole.n + fraction.n + zeros <= 18) {
        uint64_t magnitude = 0;
        for (size_t i = 0; i < v->whole.n; i++)
            magnitude = magnitude * 10 + (uint64_t)(v->whole.p[i] - '0');
        for (size_t i = 0; i < fraction.n; i++)
            magnitude = magnitude * 10 + (uint64_t)(fraction.p[i] - '0');
        for (; zeros != 0; zeros--)
            magnitude *= 10;
        write_integer(v->negative ? -(decimal_int)magnitude : (decimal_int)magnitude, out);
    } else if (!write_big(v, fraction, zeros, out)) {
        return false;
    }
    buf_char(out, '"');
    return true;
}

static bool drop_zeros(struct span *digits, size_t n)
{
    for (; n != 0; n--) {
        if (digits->n == 0)
            return true; // 0 at any scale
        if (digits->p[digits->n - 1] != '0')
            return false;
        digits->n--;
    }
    return true;
}

bool decimal_write(struct span text, int scale, struct buf *out)
{
    struct number v;
    if (!parse_number(text, &v))
        return false;
    if (scale < 0)
        return v.fraction.n == 0 && drop_zeros(&v.whole, (size_t)-scale) &&
               write_unscaled(&v, v.fraction, 0, out);
    return v.fraction.n <= (size_t)scale && write_unscaled(&v, v.fraction, (size_t)scale - v.fraction.n, out);
}

bool decimal_write_variable(struct span text, struct buf *out)
{
    struct number v;
    if (!parse_number(text, &v))
        return false;
    while (v.fraction.n != 0 && v.fraction.p[v.fraction.n - 1] == '0')
        v.fraction.n--;
    buf_lit(out, "{\"scale\":");
    buf_u64(out, v.fraction.n);
    buf_lit(out, ",\"value\":");
    if (!write_unscaled(&v, v.fraction, 0, out))
        return false;
    buf_char(out, '}');
    return true;
}

bool decimal_write_string(struct span text, int scale, struct buf *out)
{
    struct number v;
    if (!parse_number(text, &v) || (scale >= 0 && v.fraction.n > (size_t)scale))
        return false;
    buf_char(out, '"');
    buf_span(out, text);
    if (scale > 0 && v.fraction.n == 0)
        buf_char(out, '.');
    for (size_t i = v.fraction.n; scale >= 0 && i < (size_t)scale; i++)
        buf_char(out, '0');
    buf_char(out, '"');
    return true;
}

bool decimal_write_double(struct span text, struct buf *out)
{
    struct number v;
    struct buf copy;
    if (!parse_number(text, &v))
        return false;
    buf_init(&copy, text.n + 1);
    buf_span(&copy, text);
    float_write_value(strtod(buf_cstr(&copy), NULL), false, out);
    bool ok = !copy.bad;
    buf_release(&copy);
    return ok;
}

// The exponent behind e, or 0 without one.
static bool take_exponent(struct span *text, int *exponent)
{
    *exponent = 0;
    if (text->n == 0)
        return true;
    if (text->p[0] != 'e' && text->p[0] != 'E')
        return false;
    text->p++, text->n--;
    bool negative = text->n != 0 && text->p[0] == '-';
    if (text->n != 0 && (text->p[0] == '-' || text->p[0] == '+'))
        text->p++, text->n--;
    struct span digits = take_digits(text);
    if (digits.n == 0 || digits.n > 4 || text->n != 0)
        return false;
    for (size_t i = 0; i < digits.n; i++)
        *exponent = *exponent * 10 + (digits.p[i] - '0');
    if (negative)
        *exponent = -*exponent;
    return true;
}

// The significant digits d1 d2 … dn and the exponent with which the value is 0.d1d2…dn × 10^point.
struct digits {
    char at[64];
    int n, point;
};

static bool collect(const struct number *v, int exponent, struct digits *d)
{
    *d = (struct digits){.point = (int)v->whole.n + exponent};
    if (v->whole.n + v->fraction.n > 512)
        return false;
    for (size_t i = 0; i < v->whole.n + v->fraction.n; i++) {
        char digit = i < v->whole.n ? v->whole.p[i] : v->fraction.p[i - v->whole.n];
        if (d->n == 0 && digit == '0')
            d->point--;
        else if (d->n < (int)sizeof d->at)
            d->at[d->n++] = digit;
        else if (digit != '0')
            return false;
    }
    while (d->n > 0 && d->at[d->n - 1] == '0')
        d->n--;
    return true;
}

static void write_range(const struct digits *d, int from, int to, struct buf *out)
{
    for (int i = from; i < to; i++)
        buf_char(out, i >= 0 && i < d->n ? d->at[i] : '0');
}

// Double.toString: plain from 10^-3 to 10^7, else one digit before the point and E; always a digit behind the
// point.
static void write_java(const struct digits *d, struct buf *out)
{
    bool plain = d->n == 0 || (d->point > -3 && d->point <= 7);
    int whole = d->n == 0 ? 1 : plain ? d->point : 1;
    if (whole > 0) {
        write_range(d, 0, whole, out);
    } else {
        buf_char(out, '0');
    }
    buf_char(out, '.');
    write_range(d, whole, d->n > whole ? d->n : whole + 1, out);
    if (!plain) {
        buf_char(out, 'E');
        buf_i64(out, d->point - 1);
    }
}

// The two digits nearest to the value, where they stand for the same value as the one digit does.
static void widen(struct digits *d, bool single)
{
    char one[32], two[32];
    snprintf(one, sizeof one, "0.%ce%d", d->at[0], d->point);
    double value = single ? (double)strtof(one, NULL) : strtod(one, NULL);
    snprintf(two, sizeof two, "%.1e", value);
    double back = single ? (double)strtof(two, NULL) : strtod(two, NULL);
    const char *e = strchr(two, 'e'); // none: the text is beyond what its type holds
    if (memcmp(&back, &value, sizeof value) != 0 || two[2] == '0' || e == NULL)
        return;
    *d = (struct digits){.at = {two[0], two[2]}, .n = 2, .point = atoi(e + 1) + 1};
}

bool float_write(struct span text, bool single, struct buf *out)
{
    if (span_is(text, "NaN") || span_is(text, "Infinity") || span_is(text, "-Infinity")) {
        buf_char(out, '"');
        buf_span(out, text);
        buf_char(out, '"');
        return true;
    }
    struct number v;
    struct digits d;
    int exponent;
    if (!take_number(&text, &v) || !take_exponent(&text, &exponent) || !collect(&v, exponent, &d))
        return false;
    if (d.n == 1)
        widen(&d, single);
    if (v.negative)
        buf_char(out, '-');
    write_java(&d, out);
    return true;
}

// Whole float4s beyond 24 bits: Java prints the digits of the whole number but for those that its last bit is
// larger than, which may be one more than are needed (3e10 is 3.0000001E10).
static bool write_whole_single(double v, char text[40])
{
    static const double digits_of_bit = 0.30102999566398120; // log10(2)
    int exponent;
    frexp(v, &exponent);
    if (exponent <= 25 || exponent > 62)
        return false;
    int insignificant = (int)((exponent - 26) * digits_of_bit);
    int64_t whole = (int64_t)v, unit = 1;
    for (int i = 0; i < insignificant; i++)
        unit *= 10;
    int64_t rest = whole % unit * 2;
    whole = whole / unit + (rest >= unit) - (rest <= -unit);
    snprintf(text, 40, "%llde%d", (long long)whole, insignificant);
    return true;
}

void float_write_value(double v, bool single, struct buf *out)
{
    char text[40];
    if (!isfinite(v)) {
        buf_str(out, isnan(v) ? "\"NaN\"" : v > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    // The fewest digits that stand for the value. Above the subnormal numbers 6 and 15 are never more.
    bool subnormal = fabs(v) < (single ? FLT_MIN : DBL_MIN);
    bool done = single && write_whole_single(v, text);
    for (int digits = subnormal ? 1 : single ? 6 : 15; !done && digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        done = single ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v;
    }
    if (!float_write(span_of(text), single, out))
        out->bad = true; // cannot be: the text is printf's
}
