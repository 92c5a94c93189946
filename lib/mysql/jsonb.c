#include "mysql/jsonb.h"

#include "base/base64.h"
#include "event/decimal.h"
#include "event/json.h"
#include "mysql/binlog.h"
#include "mysql/decimal.h"
#include "mysql/table_map.h"
#include "mysql/temporal.h"

#include <math.h>
#include <stdio.h>

enum json_type {
    SMALL_OBJECT = 0,
    LARGE_OBJECT = 1,
    SMALL_ARRAY = 2,
    LARGE_ARRAY = 3,
    LITERAL = 4,
    INT16 = 5,
    UINT16 = 6,
    INT32 = 7,
    UINT32 = 8,
    INT64 = 9,
    UINT64 = 10,
    DOUBLE = 11,
    STRING = 12,
    OPAQUE = 15,
};

// The server allows 100.
#define DEPTH_MAX 128

struct writer {
    struct buf *out;
    unsigned depth;
    bool bad;
};

static void write_value(struct writer *w, uint8_t type, struct cursor c);

// ---- scalars

static uint64_t take_length(struct cursor *c)
{
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = cursor_u8(c);
        n |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return n;
    }
    c->bad = true;
    return 0;
}

static int64_t take_signed(struct cursor *c, size_t bytes)
{
    uint64_t v = cursor_le(c, bytes);
    uint64_t sign = UINT64_C(1) << (bytes * 8 - 1);
    return (int64_t)((v ^ sign) - sign);
}

// As Java: Double.toString(), and where that has an exponent all digits of the number.
void jsonb_write_double(double v, struct buf *out)
{
    char digits[1536];
    double magnitude = fabs(v);
    if (!isfinite(v) || magnitude == 0 || (magnitude >= 1e-3 && magnitude < 1e7)) {
        float_write_value(v, false, out);
        return;
    }
    int n = snprintf(digits, sizeof digits, "%.1100f", v);
    while (n > 0 && digits[n - 1] == '0')
        n--;
    if (n > 0 && digits[n - 1] == '.')
        n--;
    buf_bytes(out, digits, (size_t)n);
}

static void write_literal(struct writer *w, uint64_t v)
{
    static const char *const words[] = {"null", "true", "false"};
    if (v > 2)
        w->bad = true;
    else
        buf_str(w->out, words[v]);
}

static void write_moment(struct writer *w, uint8_t type, int64_t packed)
{
    struct my_moment m;
    int64_t us;
    buf_char(w->out, '"');
    if (type == MY_TIME) {
        my_packed_time(packed, &us);
    } else {
        my_packed_datetime(packed, &m);
        us = m.us;
        my_date_text(&m.date, w->out);
        if (type != MY_DATE)
            buf_char(w->out, ' ');
    }
    if (type != MY_DATE) {
        int digits = us % 1000000 == 0 ? 0 : 6;
        for (int64_t part = us % 1000000; digits > 0 && part % 10 == 0; part /= 10)
            digits--;
        my_time_text(us, digits, w->out);
    }
    buf_char(w->out, '"');
}

static void write_decimal(struct writer *w, struct cursor c)
{
    char text[DECIMAL_TEXT_BYTES];
    size_t n;
    unsigned precision = cursor_u8(&c), scale = cursor_u8(&c);
    struct span bytes = cursor_bytes(&c, cursor_left(&c));
    if (c.bad || !my_decimal_text(bytes, precision, scale, text, &n))
        w->bad = true;
    else
        buf_bytes(w->out, text, n);
}

static void write_opaque(struct writer *w, struct cursor *c)
{
    uint8_t type = cursor_u8(c);
    uint64_t n = take_length(c);
    struct span bytes = cursor_bytes(c, (size_t)n);
    struct cursor inner = cursor_of(bytes);
    if (c->bad) {
        w->bad = true;
    } else if (type == MY_NEWDECIMAL) {
        write_decimal(w, inner);
    } else if ((type == MY_DATE || type == MY_TIME || type == MY_DATETIME || type == MY_TIMESTAMP) &&
               bytes.n == 8) {
        write_moment(w, type, (int64_t)cursor_le(&inner, 8));
    } else {
        buf_char(w->out, '"');
        base64_write(w->out, (const unsigned char *)bytes.p, bytes.n);
        buf_char(w->out, '"');
    }
}

static void write_scalar(struct writer *w, uint8_t type, struct cursor *c)
{
    static const uint8_t bytes[] = {
        [INT16] = 2, [UINT16] = 2, [INT32] = 4, [UINT32] = 4, [INT64] = 8, [UINT64] = 8};
    double real;
    uint64_t v;
    switch (type) {
    case LITERAL:
        write_literal(w, cursor_u8(c));
        break;
    case INT16:
    case INT32:
    case INT64:
        buf_i64(w->out, take_signed(c, bytes[type]));
        break;
    case UINT16:
    case UINT32:
    case UINT64:
        buf_u64(w->out, cursor_le(c, bytes[type]));
        break;
    case DOUBLE:
        v = cursor_le(c, 8);
        memcpy(&real, &v, sizeof real);
        jsonb_write_double(real, w->out);
        break;
    case STRING:
        v = take_length(c);
        json_quote(w->out, cursor_bytes(c, (size_t)v));
        break;
    case OPAQUE:
        write_opaque(w, c);
        break;
    default:
        w->bad = true;
    }
    w->bad = w->bad || c->bad;
}

// ---- containers

// The value of an entry: in the entry itself, or at an offset in the container.
static void write_entry(struct writer *w, struct span container, bool large, struct cursor *entries)
{
    size_t width = large ? 4 : 2;
    uint8_t type = cursor_u8(entries);
    struct cursor in_place = cursor_of(cursor_bytes(entries, width));
    bool is_in_place =
        type == LITERAL || type == INT16 || type == UINT16 || (large && (type == INT32 || type == UINT32));
    if (is_in_place) {
        write_value(w, type, in_place);
        return;
    }
    uint64_t offset = cursor_le(&in_place, width);
    if (entries->bad || offset >= container.n) {
        w->bad = true;
        return;
    }
    write_value(w, type, cursor_of((struct span){container.p + offset, container.n - (size_t)offset}));
}

static void write_key(struct writer *w, struct span container, bool large, struct cursor *keys)
{
    uint64_t offset = cursor_le(keys, large ? 4 : 2), n = cursor_le(keys, 2);
    if (keys->bad || offset > container.n || n > container.n - offset) {
        w->bad = true;
        return;
    }
    json_quote(w->out, (struct span){container.p + offset, (size_t)n});
    buf_char(w->out, ':');
}

static void write_container(struct writer *w, bool object, bool large, struct cursor c)
{
    size_t width = large ? 4 : 2;
    const char *from = (const char *)c.p;
    uint64_t count = cursor_le(&c, width), bytes = cursor_le(&c, width);
    if (c.bad || bytes < 2 * width || bytes - 2 * width > cursor_left(&c)) {
        w->bad = true;
        return;
    }
    struct span container = {from, (size_t)bytes};
    struct cursor keys = {c.p, (const unsigned char *)from + bytes, false}, entries = keys;
    if (object)
        cursor_bytes(&entries, (size_t)count * (width + 2));
    buf_char(w->out, object ? '{' : '[');
    for (uint64_t i = 0; i < count && !w->bad && !w->out->bad; i++) {
        if (i != 0)
            buf_char(w->out, ',');
        if (object)
            write_key(w, container, large, &keys);
        if (!w->bad)
            write_entry(w, container, large, &entries);
    }
    buf_char(w->out, object ? '}' : ']');
}

static void write_value(struct writer *w, uint8_t type, struct cursor c)
{
    if (type > LARGE_ARRAY) {
        write_scalar(w, type, &c);
        return;
    }
    if (++w->depth > DEPTH_MAX)
        w->bad = true;
    else
        write_container(w, type <= LARGE_OBJECT, (type & 1) != 0, c);
    w->depth--;
}

bool jsonb_write(struct span bytes, struct buf *out, struct err *e)
{
    struct writer w = {.out = out};
    struct cursor c = cursor_of(bytes);
    if (bytes.n == 0) {
        buf_lit(out, "null");
        return true;
    }
    uint8_t type = cursor_u8(&c);
    write_value(&w, type, c);
    return !w.bad || err_set(e, STATUS_DATA, "a JSON value's binary form is malformed");
}

// ---- partial updates

// A step of a path: .member or [index].
struct leg {
    bool is_index;
    uint64_t index;
    struct span name; // of a member, without quotes and escapes
};

// What a document is changed with. The leg's name and a member's lie in buffers of their own.
struct patch {
    struct buf name, other, value;
    struct buf *out;
};

static bool take_index(struct span *path, struct leg *leg)
{
    size_t i = 1;
    leg->is_index = true;
    leg->index = 0;
    for (; i < path->n && path->p[i] >= '0' && path->p[i] <= '9' && i < 12; i++)
        leg->index = leg->index * 10 + (uint64_t)(path->p[i] - '0');
    if (i == 1 || i == path->n || path->p[i] != ']')
        return false;
    path->p += i + 1, path->n -= i + 1;
    return true;
}

static bool take_member(struct span *path, struct leg *leg, struct buf *name)
{
    path->p++, path->n--;
    leg->is_index = false;
    buf_reset(name);
    size_t n = 0;
    if (path->n != 0 && path->p[0] == '"') {
        struct span quoted;
        if (!json_first(*path, &quoted) || !json_unquote(quoted, name))
            return false;
        n = quoted.n;
    } else {
        while (n < path->n && path->p[n] != '.' && path->p[n] != '[')
            n++;
        buf_bytes(name, path->p, n);
    }
    path->p += n, path->n -= n;
    leg->name = buf_view(name);
    return n != 0;
}

static bool take_leg(struct span *path, struct leg *leg, struct buf *name)
{
    return path->p[0] == '[' ? take_index(path, leg) : path->p[0] == '.' && take_member(path, leg, name);
}

static bool is_member(struct patch *p, struct span quoted, struct span name)
{
    buf_reset(&p->other);
    return json_unquote(quoted, &p->other) && span_eq(buf_view(&p->other), name);
}

// The element that a leg leads to, with its name in front in an object, and the value alone.
static bool find(struct patch *p, struct span container, const struct leg *leg, struct span *element,
                 struct span *value)
{
    struct json_walk w;
    uint64_t i = 0;
    for (json_walk_begin(&w, container); json_walk_next(&w); i++) {
        if (w.in_array != leg->is_index ||
            !(leg->is_index ? i == leg->index : is_member(p, w.name, leg->name)))
            continue;
        const char *from = w.in_array ? w.value.p : w.name.p;
        *element = (struct span){from, (size_t)(w.value.p + w.value.n - from)};
        *value = w.value;
        return true;
    }
    return false;
}

// The server's order of an object's members: shorter names first, then by bytes.
static int compare_names(struct span a, struct span b)
{
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    return a.n == 0 ? 0 : memcmp(a.p, b.p, a.n);
}

// Where in the container a new element goes: in front of the first that is not before it, or its end.
static bool place_of(struct patch *p, struct span container, const struct leg *leg, const char **at,
                     bool *first, bool *last)
{
    struct json_walk w;
    uint64_t i = 0;
    *first = true;
    for (json_walk_begin(&w, container); json_walk_next(&w); i++) {
        if (w.in_array != leg->is_index)
            return false;
        buf_reset(&p->other);
        bool before = leg->is_index ? i < leg->index
                                    : json_unquote(w.name, &p->other) &&
                                          compare_names(buf_view(&p->other), leg->name) < 0;
        if (!before) {
            *at = w.in_array ? w.value.p : w.name.p;
            *last = false;
            return true;
        }
        *first = false;
    }
    *at = container.p + container.n - 1;
    *last = true;
    return !w.bad && w.in_array == leg->is_index;
}

// document with [from, from + n) replaced by what write appends.
static void splice(struct patch *p, struct span document, const char *from, size_t n, struct span with)
{
    buf_reset(p->out);
    buf_bytes(p->out, document.p, (size_t)(from - document.p));
    buf_span(p->out, with);
    buf_bytes(p->out, from + n, (size_t)(document.p + document.n - from) - n);
}

static void remove_element(struct patch *p, struct span document, struct span container, struct span element)
{
    const char *from = element.p, *end = element.p + element.n;
    if (*end == ',')
        end++;
    else if (from[-1] == ',' && from - 1 > container.p)
        from--;
    splice(p, document, from, (size_t)(end - from), (struct span){"", 0});
}

static bool insert_element(struct patch *p, struct span document, struct span container,
                           const struct leg *leg, struct span value)
{
    const char *at;
    bool first, last;
    if (!place_of(p, container, leg, &at, &first, &last))
        return false;
    buf_reset(&p->other);
    if (last && !first)
        buf_char(&p->other, ',');
    if (!leg->is_index) {
        json_quote(&p->other, leg->name);
        buf_char(&p->other, ':');
    }
    buf_span(&p->other, value);
    if (!last)
        buf_char(&p->other, ',');
    splice(p, document, at, 0, buf_view(&p->other));
    return true;
}

enum { REPLACE, INSERT, REMOVE };

static bool change(struct patch *p, struct span document, int operation, struct span path, struct span value)
{
    struct span container = document, target = document, element = document;
    struct leg leg = {0};
    if (path.n == 0 || path.p[0] != '$')
        return false;
    path.p++, path.n--;
    if (path.n == 0) {
        splice(p, document, document.p, document.n, value);
        return operation == REPLACE;
    }
    while (path.n != 0) {
        container = target;
        if (!take_leg(&path, &leg, &p->name))
            return false;
        bool found = find(p, container, &leg, &element, &target);
        if (!found && (path.n != 0 || operation != INSERT))
            return false;
    }
    if (operation == INSERT)
        return insert_element(p, document, container, &leg, value);
    if (operation == REMOVE)
        remove_element(p, document, container, element);
    else
        splice(p, document, target.p, target.n, value);
    return true;
}

static bool apply_one(struct patch *p, struct span document, struct cursor *c, struct err *e)
{
    uint8_t operation = cursor_u8(c);
    struct span path = cursor_packed_bytes(c);
    buf_reset(&p->value);
    if (operation < REMOVE && !jsonb_write(cursor_packed_bytes(c), &p->value, e))
        return false;
    if (!c->bad && operation <= REMOVE && change(p, document, operation, path, buf_view(&p->value)))
        return true;
    return err_set(e, STATUS_DATA, "a JSON difference does not fit its document: operation %u at %.*s",
                   (unsigned)operation, (int)(path.n > 200 ? 200 : path.n), path.p);
}

bool jsonb_apply(struct span document, struct span difference, struct buf *out, struct err *e)
{
    struct buf before;
    struct patch p = {.out = out};
    struct cursor c = cursor_of(difference);
    bool ok = true;
    buf_init(&before, out->max_bytes);
    buf_init(&p.name, out->max_bytes);
    buf_init(&p.other, out->max_bytes);
    buf_init(&p.value, out->max_bytes);
    buf_reset(out);
    buf_span(out, document);
    while (ok && cursor_left(&c) != 0) {
        buf_reset(&before);
        buf_span(&before, buf_view(out));
        ok = buf_ok(&before, "a JSON document", e) && apply_one(&p, buf_view(&before), &c, e) &&
             buf_ok(out, "a JSON document", e);
    }
    buf_release(&before);
    buf_release(&p.name);
    buf_release(&p.other);
    buf_release(&p.value);
    return ok;
}
