#include "postgres/scalar.h"

#include "base/base64.h"
#include "event/binary.h"
#include "event/decimal.h"
#include "event/java_map.h"
#include "event/json.h"

#include <stdio.h>
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

// Digits alone, two of them the fraction: $1,234.56 → 123456.
static bool take_money(struct span text, bool *negative, uint64_t *cents)
{
    *negative = take_char(&text, '-');
    *cents = 0;
    if (!take_char(&text, '$') || text.n < 4 || text.n > 32 || text.p[text.n - 3] != '.')
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == ',' || i == text.n - 3)
            continue;
        if (c < '0' || c > '9' || *cents > UINT64_MAX / 10 - 1)
            return false;
        *cents = *cents * 10 + (uint64_t)(c - '0');
    }
    return true;
}

bool money_write(struct span text, enum shape_decimal mode, int scale, struct buf *out)
{
    static const uint64_t coarser[] = {100, 10};
    bool negative;
    uint64_t v;
    char plain[48];
    if (!take_money(text, &negative, &v))
        return false;
    const char *sign = negative ? "-" : "";
    int n;
    if (scale < 2)
        v = (v + coarser[scale] / 2) / coarser[scale];
    if (scale == 0)
        n = snprintf(plain, sizeof plain, "%s%llu", sign, (unsigned long long)v);
    else
        n = snprintf(plain, sizeof plain, "%s%llu.%0*llu", sign,
                     (unsigned long long)(v / (scale == 1 ? 10 : 100)), scale == 1 ? 1 : 2,
                     (unsigned long long)(v % (scale == 1 ? 10 : 100)));
    struct span number = {plain, (size_t)n};
    if (mode == SHAPE_DOUBLE)
        return decimal_write_double(number, out);
    return mode == SHAPE_DECIMAL_STRING ? decimal_write_string(number, scale, out)
                                        : decimal_write(number, scale, out);
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

struct interval {
    int64_t years, months, days, hours, minutes, us; // us: with whole seconds, below a minute
};

// :MM:SS[.ffffff] behind the hours; one sign is for all.
static bool take_clock(struct span *text, int64_t hours, bool negative, struct interval *v)
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
    int64_t sign = negative ? -1 : 1;
    v->hours = sign * hours;
    v->minutes = sign * minutes;
    v->us = sign * (seconds * 1000000 + fraction);
    return true;
}

// One part: a number and its unit, or the clock.
static bool take_part(struct span *text, struct interval *v)
{
    const struct {
        const char *name;
        int64_t *to;
    } units[] = {
        {" years", &v->years}, {" year", &v->years}, {" mons", &v->months},
        {" mon", &v->months},  {" days", &v->days},  {" day", &v->days},
    };
    bool negative = take_char(text, '-');
    int64_t n;
    if (!negative)
        (void)take_char(text, '+');
    if (!take_integer(text, &n))
        return false;
    size_t unit = 0;
    while (unit < 6 && !take_word(text, units[unit].name))
        unit++;
    if (unit == 6)
        return take_clock(text, n, negative, v);
    *units[unit].to = negative ? -n : n;
    return true;
}

static void write_duration(const struct interval *v, struct buf *out)
{
    int64_t sum = multiply_clipped(v->years, INT64_C(31557600000000));
    sum = add_clipped(sum, multiply_clipped(v->months, INT64_C(2629800000000)));
    sum = add_clipped(sum, multiply_clipped(v->days, INT64_C(86400000000)));
    sum = add_clipped(sum, multiply_clipped(v->hours, INT64_C(3600000000)));
    buf_i64(out, add_clipped(sum, v->minutes * 60000000 + v->us));
}

static void write_seconds(int64_t us, struct buf *out)
{
    int64_t magnitude = us < 0 ? -us : us, fraction = magnitude % 1000000;
    if (us < 0)
        buf_char(out, '-');
    buf_i64(out, magnitude / 1000000);
    if (fraction != 0)
        buf_char(out, '.');
    for (int64_t place = 100000; fraction != 0; place /= 10) {
        buf_char(out, (char)('0' + fraction / place));
        fraction %= place;
    }
}

static void write_iso_interval(const struct interval *v, struct buf *out)
{
    const struct {
        const char *before;
        int64_t n;
    } parts[] = {{"\"P", v->years}, {"Y", v->months}, {"M", v->days}, {"DT", v->hours}, {"H", v->minutes}};
    for (size_t i = 0; i < 5; i++) {
        buf_str(out, parts[i].before);
        buf_i64(out, parts[i].n);
    }
    buf_char(out, 'M');
    write_seconds(v->us, out);
    buf_lit(out, "S\"");
}

bool interval_write(struct span text, bool iso, struct buf *out)
{
    struct interval v = {0};
    if (span_is(text, "infinity") || span_is(text, "-infinity")) { // PostgreSQL 17
        if (iso)
            json_quote(out, text);
        else
            buf_i64(out, text.p[0] == '-' ? INT64_MIN : INT64_MAX);
        return true;
    }
    do {
        if (!take_part(&text, &v))
            return false;
    } while (take_char(&text, ' '));
    if (iso)
        write_iso_interval(&v, out);
    else
        write_duration(&v, out);
    return text.n == 0;
}

// ---- hstore

// The pairs as JSON, in the order of the text, and where each is in it.
struct pairs {
    struct buf plain, json;
    struct java_key *key;
    size_t *end;
    size_t n;
};

// A quoted string with backslash escapes, as JSON.
static bool take_quoted(struct span *text, struct pairs *p)
{
    if (!take_char(text, '"'))
        return false;
    buf_reset(&p->plain);
    while (text->n != 0 && text->p[0] != '"') {
        (void)take_char(text, '\\');
        if (text->n == 0)
            return false;
        buf_char(&p->plain, text->p[0]);
        text->p++, text->n--;
    }
    json_quote(&p->json, buf_view(&p->plain));
    return take_char(text, '"');
}

static bool grow(struct pairs *p)
{
    if ((p->n & (p->n - 1)) != 0)
        return true;
    size_t size = p->n == 0 ? 1 : p->n * 2;
    struct java_key *key = realloc(p->key, size * sizeof *key);
    if (key != NULL)
        p->key = key;
    size_t *end = realloc(p->end, size * sizeof *end);
    if (end != NULL)
        p->end = end;
    return key != NULL && end != NULL;
}

static bool take_pair(struct span *text, struct pairs *p)
{
    if (!grow(p) || !take_quoted(text, p) || !take_word(text, "=>"))
        return false;
    p->key[p->n] = (struct java_key){.hash = java_hash(buf_view(&p->plain)), .index = p->n};
    buf_char(&p->json, ':');
    if (take_word(text, "NULL"))
        buf_lit(&p->json, "null");
    else if (!take_quoted(text, p))
        return false;
    p->end[p->n++] = p->json.n;
    return true;
}

static bool take_pairs(struct span *text, struct pairs *p)
{
    for (bool first = true; text->n != 0; first = false)
        if ((!first && !take_word(text, ", ")) || !take_pair(text, p))
            return false;
    return !p->plain.bad && !p->json.bad;
}

// Debezium reads the pairs into a java.util.HashMap.
static void write_pairs(struct pairs *p, struct buf *out)
{
    java_sort(p->key, p->n);
    buf_char(out, '{');
    for (size_t i = 0; i < p->n; i++) {
        size_t index = p->key[i].index, from = index == 0 ? 0 : p->end[index - 1];
        if (i != 0)
            buf_char(out, ',');
        buf_bytes(out, p->json.p + from, p->end[index] - from);
    }
    buf_char(out, '}');
}

bool hstore_write(struct span text, bool as_map, struct buf *out)
{
    struct pairs p = {0};
    struct buf object;
    buf_init(&p.plain, VALUE_MAX);
    buf_init(&p.json, VALUE_MAX);
    buf_init(&object, VALUE_MAX);
    bool ok = take_pairs(&text, &p);
    if (ok)
        write_pairs(&p, as_map ? out : &object);
    ok = ok && !object.bad;
    if (ok && !as_map)
        json_quote(out, buf_view(&object));
    buf_release(&p.plain);
    buf_release(&p.json);
    buf_release(&object);
    free(p.key);
    free(p.end);
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

// ---- bytes

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Decodes into the buffer's free room, `before` bytes behind its end, so that no second buffer is needed; the
// caller writes what it makes of the bytes in front of them. NULL where they are no digits, or the buffer is
// bad.
static unsigned char *unhex(struct span digits, size_t before, struct buf *out)
{
    size_t n = digits.n / 2;
    if (digits.n % 2 != 0 || !buf_room(out, before + n))
        return NULL;
    unsigned char *bytes = (unsigned char *)out->p + out->n + before;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(digits.p[2 * i]), low = hex_digit(digits.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return NULL;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return bytes;
}

void bytes_write(const unsigned char *bytes, size_t n, enum shape_binary mode, size_t limit, struct buf *out)
{
    size_t start = out->n;
    binary_write(out, bytes, mode == SHAPE_BYTES && n > limit ? limit : n, mode);
    if (mode != SHAPE_BYTES && out->n - start - 2 > limit) {
        out->n = start + 1 + limit;
        buf_char(out, '"');
    }
}

bool bytea_write(struct span text, enum shape_binary mode, size_t limit, struct buf *out)
{
    if (!take_word(&text, "\\x"))
        return false;
    size_t n = text.n / 2;
    const unsigned char *bytes = unhex(text, binary_room(n), out);
    if (bytes == NULL)
        return out->bad; // whose owner says so
    bytes_write(bytes, n, mode, limit, out);
    return true;
}

// ---- PostGIS

// EWKB: a byte that is 1 for little-endian, UInt32 type, of which one bit says that UInt32 SRID follows.
#define EWKB_HAS_SRID 0x20000000u

static uint32_t ewkb_u32(const unsigned char *ewkb, const unsigned char *p)
{
    uint32_t little = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return ewkb[0] == 1 ? little : __builtin_bswap32(little);
}

bool geometry_write(struct span text, struct buf *out)
{
    size_t n = text.n / 2;
    const unsigned char *ewkb = unhex(text, binary_room(n) + 64, out);
    if (ewkb == NULL)
        return out->bad;
    if (n < 9 || ewkb[0] > 1)
        return false;
    bool has_srid = (ewkb_u32(ewkb, ewkb + 1) & EWKB_HAS_SRID) != 0;
    uint32_t srid = has_srid ? ewkb_u32(ewkb, ewkb + 5) : 0;
    buf_lit(out, "{\"wkb\":");
    binary_write(out, ewkb, n, SHAPE_BYTES);
    buf_lit(out, ",\"srid\":");
    if (has_srid)
        buf_i64(out, (int32_t)srid);
    else
        buf_lit(out, "null");
    buf_char(out, '}');
    return true;
}

// ---- pgvector

static struct span take_until(struct span *text, const char *ends)
{
    struct span taken = {text->p, 0};
    while (taken.n < text->n && strchr(ends, text->p[taken.n]) == NULL)
        taken.n++;
    text->p += taken.n, text->n -= taken.n;
    return taken;
}

bool vector_write(struct span text, bool single, struct buf *out)
{
    if (!take_char(&text, '['))
        return false;
    buf_char(out, '[');
    for (bool first = true; !take_char(&text, ']'); first = false) {
        if (!first && !take_char(&text, ','))
            return false;
        if (!first)
            buf_char(out, ',');
        if (!float_write(take_until(&text, ",]"), single, out))
            return false;
    }
    buf_char(out, ']');
    return text.n == 0;
}

static bool take_element(struct span *text, struct buf *out)
{
    int64_t index;
    if (!take_integer(text, &index) || !take_char(text, ':'))
        return false;
    buf_char(out, '[');
    buf_i64(out, index);
    buf_char(out, ',');
    if (!float_write(take_until(text, ",}"), false, out))
        return false;
    buf_char(out, ']');
    return true;
}

bool sparse_vector_write(struct span text, struct buf *out)
{
    int64_t n;
    const char *slash = text.n != 0 ? memchr(text.p, '/', text.n) : NULL;
    if (slash == NULL || !take_char(&text, '{'))
        return false;
    struct span dimensions = {slash + 1, text.n - (size_t)(slash + 1 - text.p)};
    if (!take_integer(&dimensions, &n) || dimensions.n != 0)
        return false;
    buf_lit(out, "{\"dimensions\":");
    buf_i64(out, n);
    buf_lit(out, ",\"vector\":[");
    for (bool first = true; !take_char(&text, '}'); first = false) {
        if (!first && !take_char(&text, ','))
            return false;
        if (!first)
            buf_char(out, ',');
        if (!take_element(&text, out))
            return false;
    }
    buf_lit(out, "]}");
    return text.p == slash;
}
