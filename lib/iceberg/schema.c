#include "iceberg/schema.h"

#include "event/json.h"

#include <stdio.h>

// The types that have no parameters, by ice_kind.
static const char *const names[] = {
    [ICE_BOOLEAN] = "boolean",
    [ICE_INT] = "int",
    [ICE_LONG] = "long",
    [ICE_FLOAT] = "float",
    [ICE_DOUBLE] = "double",
    [ICE_DATE] = "date",
    [ICE_TIME] = "time",
    [ICE_TIMESTAMP] = "timestamp",
    [ICE_TIMESTAMPTZ] = "timestamptz",
    [ICE_STRING] = "string",
    [ICE_UUID] = "uuid",
    [ICE_BINARY] = "binary",
};

// Metadata is written by others: nesting is bounded, so that a broken file cannot exhaust the stack.
#define DEPTH_MAX 32

bool ice_unquote(struct span quoted, struct arena *a, struct span *text, struct err *e)
{
    if (quoted.n < 2 || quoted.p[0] != '"')
        return err_set(e, STATUS_DATA, "%.*s is no string", SPAN_ARG(quoted));
    *text = (struct span){quoted.p + 1, quoted.n - 2};
    if (memchr(text->p, '\\', text->n) == NULL)
        return true;
    // What a string stands for is never longer than its quoted form.
    char *room = arena_take(a, quoted.n);
    if (room == NULL)
        return err_no_memory(e);
    struct buf b = {.p = room, .cap = quoted.n, .max_bytes = quoted.n};
    if (!json_unquote(quoted, &b) || b.bad)
        return err_set(e, STATUS_DATA, "%.*s is no string", SPAN_ARG(quoted));
    *text = buf_view(&b);
    return true;
}

// ---- reading

static bool lacks(struct span json, const char *member, struct err *e)
{
    return err_set(e, STATUS_DATA, "no %s in %.*s%s", member, json.n > 200 ? 200 : (int)json.n, json.p,
                   json.n > 200 ? "…" : "");
}

static bool read_id(struct span json, const char *member, int32_t *id, struct err *e)
{
    struct span value;
    int64_t v;
    if (!json_member(json, span_of(member), &value) || !json_i64(value, &v) || v < INT32_MIN || v > INT32_MAX)
        return lacks(json, member, e);
    *id = (int32_t)v;
    return true;
}

static bool read_type(struct span json, struct arena *a, int depth, struct ice_type *t, struct err *e);

static size_t count(struct span array)
{
    struct json_walk w;
    size_t n = 0;
    for (json_walk_begin(&w, array); json_walk_next(&w);)
        n++;
    return n;
}

static bool read_field(struct span json, struct arena *a, int depth, struct ice_field *f, struct err *e)
{
    struct span value;
    if (!read_id(json, "id", &f->id, e))
        return false;
    if (!json_member(json, span_of("name"), &value))
        return lacks(json, "name", e);
    if (!ice_unquote(value, a, &f->name, e))
        return false;
    f->required = json_member(json, span_of("required"), &value) && span_is(value, "true");
    if (json_member(json, span_of("doc"), &value) && !ice_unquote(value, a, &f->doc, e))
        return false;
    if (!json_member(json, span_of("type"), &value))
        return lacks(json, "type", e);
    return read_type(value, a, depth + 1, &f->type, e) || err_wrap(e, "field %.*s", SPAN_ARG(f->name));
}

static bool read_fields(struct span json, struct arena *a, int depth, struct ice_field **fields, size_t *n,
                        struct err *e)
{
    struct span array;
    if (!json_member(json, span_of("fields"), &array))
        return lacks(json, "fields", e);
    *n = 0;
    *fields = arena_take(a, (count(array) + 1) * sizeof **fields);
    if (*fields == NULL)
        return err_no_memory(e);
    struct json_walk w;
    for (json_walk_begin(&w, array); json_walk_next(&w); (*n)++) {
        (*fields)[*n] = (struct ice_field){0};
        if (!read_field(w.value, a, depth, &(*fields)[*n], e))
            return false;
    }
    return !w.bad || lacks(json, "fields", e);
}

// A list's element, a map's key and value: NAME-id, NAME-required (a key is), NAME.
static bool read_inner(struct span json, const char *name, struct arena *a, int depth, struct ice_field *f,
                       struct err *e)
{
    char member[32];
    struct span value;
    *f = (struct ice_field){.name = span_of(name), .required = strcmp(name, "key") == 0};
    snprintf(member, sizeof member, "%s-id", name);
    if (!read_id(json, member, &f->id, e))
        return false;
    snprintf(member, sizeof member, "%s-required", name);
    if (json_member(json, span_of(member), &value))
        f->required = span_is(value, "true");
    return json_member(json, span_of(name), &value) ? read_type(value, a, depth + 1, &f->type, e)
                                                    : lacks(json, name, e);
}

static bool read_nested(struct span json, struct arena *a, int depth, struct ice_type *t, struct err *e)
{
    char kind[16];
    if (depth > DEPTH_MAX)
        return err_set(e, STATUS_DATA, "types nested deeper than %d", DEPTH_MAX);
    if (!json_text_member(json, "type", kind, sizeof kind))
        return lacks(json, "type", e);
    if (strcmp(kind, "struct") == 0) {
        t->kind = ICE_STRUCT;
        return read_fields(json, a, depth, &t->fields, &t->n, e);
    }
    bool list = strcmp(kind, "list") == 0;
    if (!list && strcmp(kind, "map") != 0)
        return err_set(e, STATUS_DATA, "the type %s is not known", kind);
    t->kind = list ? ICE_LIST : ICE_MAP;
    t->n = list ? 1 : 2;
    t->fields = arena_take(a, t->n * sizeof *t->fields);
    if (t->fields == NULL)
        return err_no_memory(e);
    if (list)
        return read_inner(json, "element", a, depth, &t->fields[0], e);
    return read_inner(json, "key", a, depth, &t->fields[0], e) &&
           read_inner(json, "value", a, depth, &t->fields[1], e);
}

// decimal(P,S), where a space may stand, and fixed[N].
static bool read_parameters(struct span text, struct ice_type *t)
{
    int64_t a, b;
    if (span_take_word(&text, "decimal(")) {
        t->kind = ICE_DECIMAL;
        if (!span_take_number(&text, 2, &a) || !span_take(&text, ','))
            return false;
        while (span_take(&text, ' ')) {
        }
        if (!span_take_number(&text, 2, &b) || !span_is(text, ")") || a < 1 || a > 38 || b > a)
            return false;
        t->precision = (int)a, t->scale = (int)b;
        return true;
    }
    t->kind = ICE_FIXED;
    if (!span_take_word(&text, "fixed[") || !span_take_number(&text, 9, &a) || !span_is(text, "]"))
        return false;
    t->length = (uint32_t)a;
    return true;
}

static bool read_type(struct span json, struct arena *a, int depth, struct ice_type *t, struct err *e)
{
    *t = (struct ice_type){0};
    if (json.n != 0 && json.p[0] == '{')
        return read_nested(json, a, depth, t, e);
    struct span text;
    if (!ice_unquote(json, a, &text, e))
        return err_wrap(e, "type");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i] != NULL && span_is(text, names[i])) {
            t->kind = (enum ice_kind)i;
            return true;
        }
    return read_parameters(text, t) || err_set(e, STATUS_DATA, "the type %.*s is not known", SPAN_ARG(text));
}

bool ice_type_read(struct span json, struct arena *a, struct ice_type *t, struct err *e)
{
    return read_type(json, a, 0, t, e);
}

bool ice_schema_read(struct span json, struct arena *a, struct ice_schema *s, struct err *e)
{
    struct span keys;
    *s = (struct ice_schema){0};
    struct span id;
    if (json_member(json, span_of("schema-id"), &id) && !read_id(json, "schema-id", &s->id, e))
        return false;
    if (!read_fields(json, a, 0, &s->fields, &s->n, e))
        return false;
    if (!json_member(json, span_of("identifier-field-ids"), &keys))
        return true;
    s->keys = arena_take(a, (count(keys) + 1) * sizeof *s->keys);
    if (s->keys == NULL)
        return err_no_memory(e);
    struct json_walk w;
    int64_t v;
    for (json_walk_begin(&w, keys); json_walk_next(&w); s->n_keys++) {
        if (!json_i64(w.value, &v) || v < 0 || v > INT32_MAX)
            return lacks(json, "identifier-field-ids", e);
        s->keys[s->n_keys] = (int32_t)v;
    }
    return true;
}

// ---- writing

static void write_fields(const struct ice_field *fields, size_t n, struct buf *out)
{
    buf_lit(out, "\"fields\":[");
    for (size_t i = 0; i < n; i++) {
        const struct ice_field *f = &fields[i];
        buf_printf(out, "%s{\"id\":%d,\"name\":", i == 0 ? "" : ",", f->id);
        json_quote(out, f->name);
        buf_printf(out, ",\"required\":%s,\"type\":", f->required ? "true" : "false");
        ice_type_write(&f->type, out);
        if (f->doc.n != 0) {
            buf_lit(out, ",\"doc\":");
            json_quote(out, f->doc);
        }
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static void write_inner(const struct ice_field *f, const char *name, struct buf *out)
{
    buf_printf(out, ",\"%s-id\":%d", name, f->id);
    if (strcmp(name, "key") != 0)
        buf_printf(out, ",\"%s-required\":%s", name, f->required ? "true" : "false");
    buf_printf(out, ",\"%s\":", name);
    ice_type_write(&f->type, out);
}

void ice_type_write(const struct ice_type *t, struct buf *out)
{
    switch (t->kind) {
    case ICE_DECIMAL:
        buf_printf(out, "\"decimal(%d, %d)\"", t->precision, t->scale);
        break;
    case ICE_FIXED:
        buf_printf(out, "\"fixed[%u]\"", t->length);
        break;
    case ICE_STRUCT:
        buf_lit(out, "{\"type\":\"struct\",");
        write_fields(t->fields, t->n, out);
        buf_char(out, '}');
        break;
    case ICE_LIST:
        buf_lit(out, "{\"type\":\"list\"");
        write_inner(&t->fields[0], "element", out);
        buf_char(out, '}');
        break;
    case ICE_MAP:
        buf_lit(out, "{\"type\":\"map\"");
        write_inner(&t->fields[0], "key", out);
        write_inner(&t->fields[1], "value", out);
        buf_char(out, '}');
        break;
    default:
        buf_printf(out, "\"%s\"", names[t->kind]);
    }
}

void ice_schema_write(const struct ice_schema *s, bool with_id, struct buf *out)
{
    buf_lit(out, "{\"type\":\"struct\",");
    if (with_id)
        buf_printf(out, "\"schema-id\":%d,", s->id);
    if (s->n_keys != 0)
        buf_lit(out, "\"identifier-field-ids\":[");
    for (size_t i = 0; i < s->n_keys; i++)
        buf_printf(out, "%d%s", s->keys[i], i + 1 < s->n_keys ? "," : "],");
    write_fields(s->fields, s->n, out);
    buf_char(out, '}');
}

// ---- questions

bool ice_type_is_nested(const struct ice_type *t)
{
    return t->kind >= ICE_STRUCT;
}

int ice_schema_find(const struct ice_schema *s, int32_t id)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->fields[i].id == id)
            return (int)i;
    return -1;
}
