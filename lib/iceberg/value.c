#include "iceberg/value.h"

#include "base/base64.h"
#include "event/json.h"
#include "iceberg/memory.h"
#include "iceberg/value_decimal.h"
#include "iceberg/value_time.h"

#include <math.h>
#include <stdlib.h>

struct reader {
    struct arena *arena;
    struct err *e;
};

static bool read_value(struct reader *r, const struct ice_row_column *c, const struct ice_type *to,
                       struct span json, struct ice_value *v);

static bool misfit(const struct reader *r, struct span json, const struct ice_type *to, const char *needed)
{
    struct buf name;
    buf_init(&name, 4096);
    ice_type_write(to, &name);
    err_set(r->e, STATUS_DATA, "found %.*s%s, needed for %s is %s", (int)(json.n > 60 ? 60 : json.n), json.p,
            json.n > 60 ? "…" : "", buf_cstr(&name), needed);
    buf_release(&name);
    return false;
}

static bool unquoted(struct reader *r, struct span json, struct span *text)
{
    return ice_unquote(json, r->arena, text, r->e);
}

static bool read_integer(struct reader *r, const struct ice_type *to, struct span json, struct ice_value *v)
{
    if (!json_i64(json, &v->i64))
        return misfit(r, json, to, "a whole number of 64 bits");
    if (to->kind == ICE_INT && (v->i64 < INT32_MIN || v->i64 > INT32_MAX))
        return misfit(r, json, to, "a whole number of 32 bits");
    return true;
}

static bool read_boolean(struct reader *r, const struct ice_type *to, struct span json, struct ice_value *v)
{
    v->boolean = span_is(json, "true");
    return v->boolean || span_is(json, "false") || misfit(r, json, to, "true or false");
}

// The text has been seen to be JSON: nothing of what else strtod() takes can be there but a short number's
// end.
static bool number_of(struct span json, bool single, double *v)
{
    char text[1100], *end;
    if (json.n >= sizeof text || json.n == 0 || (json.p[0] != '-' && (json.p[0] < '0' || json.p[0] > '9')))
        return false;
    memcpy(text, json.p, json.n);
    text[json.n] = '\0';
    *v = single ? (double)strtof(text, &end) : strtod(text, &end);
    return end == text + json.n && isfinite(*v);
}

static bool read_float(struct reader *r, const struct ice_row_column *c, const struct ice_type *to,
                       struct span json, struct ice_value *v)
{
    bool single = c->type.kind == ICE_FLOAT;
    double d;
    if (span_is(json, "\"NaN\""))
        d = (double)NAN;
    else if (span_is(json, "\"Infinity\"") || span_is(json, "\"-Infinity\""))
        d = json.p[1] == '-' ? -(double)INFINITY : (double)INFINITY;
    else if (!number_of(json, single, &d))
        return misfit(r, json, to, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
    if (to->kind == ICE_FLOAT)
        v->f32 = (float)d;
    else
        v->f64 = d;
    return true;
}

static bool read_bytes(struct reader *r, const struct ice_type *to, struct span json, struct ice_value *v)
{
    struct span text;
    if (!unquoted(r, json, &text))
        return misfit(r, json, to, "a text of base64");
    unsigned char *bytes = ice_take(r->arena, BASE64_BYTES(text.n) + 1, 1, r->e);
    if (bytes == NULL)
        return false;
    v->bytes.p = (const char *)bytes;
    return base64_read(text, bytes, &v->bytes.n) || misfit(r, json, to, "a text of base64");
}

// The number's plain digits.
static bool write_decimal(struct reader *r, const struct ice_type *to, struct span json, int64_t scale,
                          struct ice_value *v)
{
    struct buf text;
    buf_init(&text, SIZE_MAX / 2);
    bool ok = ice_decimal_text((unsigned char *)v->bytes.p, v->bytes.n, scale, &text);
    v->bytes = buf_view(&text);
    ok = ok ? ice_keep(r->arena, &v->bytes, r->e) : misfit(r, json, to, "a decimal of base64");
    buf_release(&text);
    return ok;
}

static bool read_decimal(struct reader *r, const struct ice_type *to, struct span json, int64_t scale,
                         struct ice_value *v)
{
    unsigned char few[BASE64_BYTES(24)];
    ice_decimal unscaled;
    size_t n;
    if (to->kind == ICE_STRING)
        return read_bytes(r, to, json, v) && write_decimal(r, to, json, scale, v);
    if (json.n < 2 || json.p[0] != '"' || json.n - 2 > 24 ||
        !base64_read((struct span){json.p + 1, json.n - 2}, few, &n) || !ice_decimal_of(few, n, &unscaled) ||
        !ice_decimal_fit(unscaled, scale, to->scale, to->precision, &v->decimal))
        return misfit(r, json, to, "base64 of a number that fits it");
    return true;
}

static bool read_variable(struct reader *r, const struct ice_type *to, struct span json, struct ice_value *v)
{
    static const struct span scale_name = SPAN_LIT("scale"), value_name = SPAN_LIT("value");
    struct span scale, value;
    int64_t s;
    if (!json_member(json, scale_name, &scale) || !json_i64(scale, &s) || s < INT16_MIN || s > INT16_MAX ||
        !json_member(json, value_name, &value))
        return misfit(r, json, to, "{\"scale\":NUMBER,\"value\":BASE64}");
    return read_decimal(r, to, value, s, v);
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool read_uuid(struct reader *r, const struct ice_type *to, struct span json, struct ice_value *v)
{
    struct span text;
    char *bytes = ice_take(r->arena, 16, 1, r->e);
    if (bytes == NULL)
        return false;
    bool ok = unquoted(r, json, &text) && text.n == 36;
    for (size_t i = 0, at = 0; ok && i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            ok = text.p[i] == '-';
            continue;
        }
        int high = hex(text.p[i]), low = hex(text.p[i + 1]);
        ok = high >= 0 && low >= 0;
        bytes[at++] = (char)(high * 16 + low);
        i++;
    }
    v->bytes = (struct span){bytes, 16};
    return ok || misfit(r, json, to, "a text of 32 hexadecimal digits in five groups");
}

static bool read_days(struct reader *r, const struct ice_type *to, struct span json, struct ice_value *v)
{
    return (json_i64(json, &v->i64) && v->i64 >= INT32_MIN && v->i64 <= INT32_MAX) ||
           misfit(r, json, to, "days since 1970-01-01, a whole number of 32 bits");
}

static bool read_count(struct reader *r, const struct ice_row_column *c, const struct ice_type *to,
                       struct span json, struct ice_value *v)
{
    int64_t count;
    bool is_timestamp = c->form->kind == ICE_FORM_TIMESTAMP;
    if (!json_i64(json, &count) || !ice_count_us(count, c->form->unit, is_timestamp, &v->i64))
        return misfit(r, json, to, "a count that is whole microseconds of 64 bits");
    if (to->kind != ICE_TIME || (v->i64 >= 0 && v->i64 < ICE_DAY_US))
        return true;
    misfit(r, json, to, "a time from 00:00 to before 24:00");
    return err_hint(r->e, "a column that is a long in the table takes any");
}

static bool read_text(struct reader *r, const struct ice_type *to, struct span json, struct ice_value *v)
{
    return unquoted(r, json, &v->bytes) || misfit(r, json, to, "a text");
}

typedef bool time_reader(struct span text, int64_t *v);

static bool read_spelled(struct reader *r, const struct ice_type *to, struct span json, time_reader *read,
                         struct ice_value *v)
{
    struct span text;
    if (to->kind == ICE_STRING)
        return read_text(r, to, json, v);
    if (!unquoted(r, json, &text) || !read(text, &v->i64) ||
        (to->kind == ICE_DATE && (v->i64 < INT32_MIN || v->i64 > INT32_MAX)))
        return misfit(r, json, to, "a text of ISO 8601 in UTC, to the microsecond");
    return true;
}

// A part of a nested value; null where it is missing.
static bool read_part(struct reader *r, const struct ice_row_column *c, const struct ice_field *to,
                      struct span json, struct ice_value *v)
{
    if (!read_value(r, c, &to->type, json, v))
        return false;
    return !v->is_null || !to->required || misfit(r, json, &to->type, "a value that is not null");
}

static struct ice_value *take_items(struct reader *r, size_t n, struct ice_value *v)
{
    struct ice_value *items = ice_take(r->arena, n, sizeof *items, r->e);
    v->nested.items = items;
    v->nested.n = n;
    return items;
}

static bool read_struct(struct reader *r, const struct ice_form *f, const struct ice_type *to,
                        struct span json, struct ice_value *v)
{
    struct ice_value *items = take_items(r, to->n, v);
    if (json.n == 0 || json.p[0] != '{')
        return misfit(r, json, to, "an object");
    for (size_t i = 0; items != NULL && i < to->n; i++) {
        size_t part = 0;
        struct span value = SPAN_LIT("null");
        while (part < f->n && !span_eq(f->parts[part].name, to->fields[i].name))
            part++;
        items[i].is_null = true;
        if (part == f->n)
            continue;
        struct span name = {f->parts[part].quoted.p + 1, f->parts[part].quoted.n - 2};
        if (!json_member(json, name, &value))
            value = span_of("null");
        if (!read_part(r, &f->parts[part], &to->fields[i], value, &items[i]))
            return false;
    }
    return items != NULL;
}

static bool count_items(struct span json, size_t *n)
{
    struct json_walk w;
    *n = 0;
    for (json_walk_begin(&w, json); json_walk_next(&w);)
        ++*n;
    return !w.bad;
}

static bool read_list(struct reader *r, const struct ice_form *f, const struct ice_type *to, struct span json,
                      struct ice_value *v)
{
    struct json_walk w;
    size_t n;
    if (json.n == 0 || json.p[0] != '[' || !count_items(json, &n))
        return misfit(r, json, to, "an array");
    struct ice_value *item = take_items(r, n, v);
    if (item == NULL)
        return false;
    for (json_walk_begin(&w, json); json_walk_next(&w); item++)
        if (!read_part(r, &f->parts[0], &to->fields[0], w.value, item))
            return false;
    return true;
}

// [key,value]
static bool read_pair(struct reader *r, const struct ice_form *f, const struct ice_type *to, struct span json,
                      struct ice_value *item)
{
    struct json_walk w;
    size_t n;
    if (json.n == 0 || json.p[0] != '[' || !count_items(json, &n) || n != 2)
        return misfit(r, json, to, "pairs of a key and a value");
    json_walk_begin(&w, json);
    for (size_t i = 0; i < 2 && json_walk_next(&w); i++)
        if (!read_part(r, &f->parts[i], &to->fields[i], w.value, &item[i]))
            return false;
    return true;
}

static bool read_map(struct reader *r, const struct ice_form *f, const struct ice_type *to, struct span json,
                     struct ice_value *v)
{
    struct json_walk w;
    size_t n;
    bool pairs = f->kind == ICE_FORM_PAIRS;
    if (json.n == 0 || json.p[0] != (pairs ? '[' : '{') || !count_items(json, &n))
        return misfit(r, json, to, pairs ? "an array of pairs" : "an object");
    struct ice_value *item = take_items(r, 2 * n, v);
    if (item == NULL)
        return false;
    for (json_walk_begin(&w, json); json_walk_next(&w); item += 2) {
        if (pairs ? !read_pair(r, f, to, w.value, item)
                  : !read_part(r, &f->parts[0], &to->fields[0], w.name, &item[0]) ||
                        !read_part(r, &f->parts[1], &to->fields[1], w.value, &item[1]))
            return false;
    }
    return true;
}

static bool read_value(struct reader *r, const struct ice_row_column *c, const struct ice_type *to,
                       struct span json, struct ice_value *v)
{
    const struct ice_form *f = c->form;
    v->is_null = span_is(json, "null");
    if (v->is_null)
        return true;
    switch (f->kind) {
    case ICE_FORM_BOOLEAN:
        return read_boolean(r, to, json, v);
    case ICE_FORM_INTEGER:
        return read_integer(r, to, json, v);
    case ICE_FORM_FLOAT:
        return read_float(r, c, to, json, v);
    case ICE_FORM_STRING:
        return read_text(r, to, json, v);
    case ICE_FORM_UUID:
        return to->kind == ICE_STRING ? read_text(r, to, json, v) : read_uuid(r, to, json, v);
    case ICE_FORM_BYTES:
        return read_bytes(r, to, json, v);
    case ICE_FORM_DECIMAL:
        return read_decimal(r, to, json, f->scale, v);
    case ICE_FORM_DECIMAL_VARIABLE:
        return read_variable(r, to, json, v);
    case ICE_FORM_DAYS:
        return read_days(r, to, json, v);
    case ICE_FORM_TIME:
    case ICE_FORM_TIMESTAMP:
        return read_count(r, c, to, json, v);
    case ICE_FORM_ISO_DATE:
        return read_spelled(r, to, json, ice_date_read, v);
    case ICE_FORM_ISO_TIME:
        return read_spelled(r, to, json, ice_time_read, v);
    case ICE_FORM_ISO_TIMESTAMP:
    case ICE_FORM_ZONED_TIMESTAMP:
        return read_spelled(r, to, json, ice_timestamp_read, v);
    case ICE_FORM_STRUCT:
        return read_struct(r, f, to, json, v);
    case ICE_FORM_LIST:
        return read_list(r, f, to, json, v);
    case ICE_FORM_MAP:
    case ICE_FORM_PAIRS:
        return read_map(r, f, to, json, v);
    }
    return misfit(r, json, to, "another form");
}

bool ice_value_read(const struct ice_row_column *c, const struct ice_type *to, struct span json,
                    struct arena *a, struct ice_value *v, struct err *e)
{
    struct reader r = {.arena = a, .e = e};
    return read_value(&r, c, to, json, v) || err_wrap(e, "column '%.*s'", SPAN_ARG(c->name));
}
