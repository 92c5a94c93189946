#include "postgres/scalar.h"

#include "base/base64.h"
#include "event/json.h"
#include "event/decimal.h"

#include <stdlib.h>

// PostgreSQL's values are smaller than this.
#define VALUE_MAX (1u << 30)

static bool take_char(struct span *text, char c)
{
    if (text->n == 0 || text->p[0] != c)
        return false;
    text->p++, text->n--;
    return true;
}

static bool take_word(struct span *text, const char *word)
{
    if (!span_starts(*text, word))
        return false;
    text->p += strlen(word), text->n -= strlen(word);
    return true;
}

// ---- bit strings

bool bits_write(struct span text, struct buf *out)
{
    size_t n = (text.n + 7) / 8;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '0' && text.p[i] != '1')
            return false;
    // Into the buffer's free room, behind where the base64 goes.
    if (!buf_room(out, (n + 2) / 3 * 4 + n + 2))
        return true; // the buffer is bad, and its owner says so
    unsigned char *bytes = (unsigned char *)out->p + out->n + (n + 2) / 3 * 4 + 2;
    memset(bytes, 0, n);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[text.n - 1 - i] == '1')
            bytes[i / 8] |= (unsigned char)(1 << i % 8);
    while (n != 0 && bytes[n - 1] == 0)
        n--;
    buf_char(out, '"');
    base64_write(out, bytes, n);
    buf_char(out, '"');
    return true;
}

// ---- money

bool money_write(struct span text, struct buf *out)
{
    char plain[64];
    size_t n = 0;
    if (take_char(&text, '-'))
        plain[n++] = '-';
    if (!take_char(&text, '$'))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ',')
            continue;
        if (n == sizeof plain)
            return false;
        plain[n++] = text.p[i];
    }
    return decimal_write((struct span){plain, n}, 2, out);
}

// ---- intervals

static int64_t add_clipped(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static int64_t multiply_clipped(int64_t a, int64_t b)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return (a < 0) != (b < 0) ? INT64_MIN : INT64_MAX;
    return product;
}

static bool take_integer(struct span *text, int64_t *v)
{
    size_t n = 0;
    *v = 0;
    for (; n < text->n && n < 18 && text->p[n] >= '0' && text->p[n] <= '9'; n++)
        *v = *v * 10 + (text->p[n] - '0');
    text->p += n, text->n -= n;
    return n != 0;
}

// :MM:SS[.ffffff] behind the hours.
static bool take_clock(struct span *text, int64_t hours, int64_t *us)
{
    int64_t minutes, seconds, fraction = 0;
    if (!take_char(text, ':') || !take_integer(text, &minutes) || !take_char(text, ':') ||
        !take_integer(text, &seconds))
        return false;
    if (take_char(text, '.')) {
        size_t before = text->n;
        if (!take_integer(text, &fraction) || before - text->n > 6)
            return false;
        for (size_t digits = before - text->n; digits < 6; digits++)
            fraction *= 10;
    }
    if (minutes > 59 || seconds > 60)
        return false;
    *us = add_clipped(multiply_clipped(hours, INT64_C(3600000000)),
                      (minutes * 60 + seconds) * 1000000 + fraction);
    return true;
}

// One part: a number and its unit, or the clock.
static bool take_part(struct span *text, int64_t *us)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {
        {" years", INT64_C(31557600000000)}, {" year", INT64_C(31557600000000)},
        {" mons", INT64_C(2629800000000)},   {" mon", INT64_C(2629800000000)},
        {" days", INT64_C(86400000000)},     {" day", INT64_C(86400000000)},
    };
    bool negative = take_char(text, '-');
    int64_t v;
    if (!negative)
        (void)take_char(text, '+');
    if (!take_integer(text, &v))
        return false;
    size_t unit = 0;
    while (unit < 6 && !take_word(text, units[unit].name))
        unit++;
    if (unit < 6)
        *us = multiply_clipped(v, units[unit].us);
    else if (!take_clock(text, v, us))
        return false;
    *us = negative ? -*us : *us;
    return true;
}

bool interval_write(struct span text, struct buf *out)
{
    int64_t sum = 0, part;
    do {
        if (!take_part(&text, &part))
            return false;
        sum = add_clipped(sum, part);
    } while (take_char(&text, ' '));
    buf_i64(out, sum);
    return text.n == 0;
}

// ---- hstore

// A quoted string with backslash escapes, as JSON.
static bool take_quoted(struct span *text, struct buf *plain, struct buf *json)
{
    if (!take_char(text, '"'))
        return false;
    buf_reset(plain);
    while (text->n != 0 && text->p[0] != '"') {
        (void)take_char(text, '\\');
        if (text->n == 0)
            return false;
        buf_char(plain, text->p[0]);
        text->p++, text->n--;
    }
    json_quote(json, buf_view(plain));
    return take_char(text, '"');
}

static bool take_pairs(struct span *text, struct buf *plain, struct buf *json)
{
    for (bool first = true; text->n != 0; first = false) {
        if (!first) {
            if (!take_word(text, ", "))
                return false;
            buf_char(json, ',');
        }
        if (!take_quoted(text, plain, json) || !take_word(text, "=>"))
            return false;
        buf_char(json, ':');
        if (take_word(text, "NULL"))
            buf_lit(json, "null");
        else if (!take_quoted(text, plain, json))
            return false;
    }
    return true;
}

bool hstore_write(struct span text, struct buf *out)
{
    struct buf plain, json;
    buf_init(&plain, VALUE_MAX);
    buf_init(&json, VALUE_MAX);
    buf_char(&json, '{');
    bool ok = take_pairs(&text, &plain, &json) && !plain.bad;
    buf_char(&json, '}');
    ok = ok && !json.bad;
    if (ok)
        json_quote(out, buf_view(&json));
    buf_release(&plain);
    buf_release(&json);
    return ok;
}

// ---- points

static bool take_coordinate(struct span *text, char end, double *v, struct buf *out)
{
    char number[64];
    const char *stop = memchr(text->p, end, text->n);
    if (stop == NULL || stop == text->p || (size_t)(stop - text->p) >= sizeof number)
        return false;
    struct span part = {text->p, (size_t)(stop - text->p)};
    memcpy(number, part.p, part.n);
    number[part.n] = '\0';
    *v = strtod(number, NULL);
    text->n -= part.n + 1;
    text->p = stop + 1;
    return float_write(part, false, out);
}

// Byte order 1 (little-endian), type 1 (point), x, y.
static void write_wkb(double x, double y, struct buf *out)
{
    unsigned char wkb[21] = {1, 1};
    double values[2] = {x, y};
    for (size_t i = 0; i < 2; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        for (size_t byte = 0; byte < 8; byte++)
            wkb[5 + i * 8 + byte] = (unsigned char)(bits >> 8 * byte);
    }
    base64_write(out, wkb, sizeof wkb);
}

bool point_write(struct span text, struct buf *out)
{
    double x, y;
    if (!take_char(&text, '('))
        return false;
    buf_lit(out, "{\"x\":");
    if (!take_coordinate(&text, ',', &x, out))
        return false;
    buf_lit(out, ",\"y\":");
    if (!take_coordinate(&text, ')', &y, out) || text.n != 0)
        return false;
    buf_lit(out, ",\"wkb\":\"");
    write_wkb(x, y, out);
    buf_lit(out, "\",\"srid\":null}");
    return true;
}
