#include "stage/unwrap.h"

#include "event/envelope.h"
#include "event/json.h"
#include "event/topic.h"
#include "event/value.h"

#include <stdlib.h>

#define NAME_MAX_BYTES (1 << 16)

// A field of the envelope that is told beside the row: its place, and its name there.
struct unwrap_field {
    struct span path[2];
    size_t depth;
    struct buf name; // quoted
};

// ---- options

// As Debezium finds it: a name without a struct is the operation, a time, the transaction's or the source's.
static const char *struct_of(struct span name)
{
    static const char *const of[][2] = {{"op", ""},
                                        {"ts_ms", ""},
                                        {"ts_us", ""},
                                        {"ts_ns", ""},
                                        {"id", "transaction"},
                                        {"total_order", "transaction"},
                                        {"data_collection_order", "transaction"}};
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        if (span_is(name, of[i][0]))
            return of[i][1];
    return "source";
}

static bool name_field(struct unwrap_field *f, const char *prefix, struct span outer, struct span name,
                       struct span alias, struct err *e)
{
    struct buf whole;
    buf_init(&whole, NAME_MAX_BYTES);
    buf_init(&f->name, NAME_MAX_BYTES);
    buf_str(&whole, prefix);
    if (alias.n != 0) {
        buf_span(&whole, alias);
    } else {
        buf_span(&whole, outer);
        buf_str(&whole, outer.n != 0 ? "_" : "");
        buf_span(&whole, name);
    }
    json_quote(&f->name, buf_view(&whole));
    bool ok = buf_ok(&whole, "a field's name", e) && buf_ok(&f->name, "a field's name", e);
    buf_release(&whole);
    return ok;
}

// NAME or STRUCT.NAME, and :ALIAS behind.
static bool take_field(struct unwrap_list *list, struct span text, const char *option, const char *prefix,
                       struct err *e)
{
    struct unwrap_field *f = &list->at[list->n++];
    const char *colon = memchr(text.p, ':', text.n), *end = text.p + text.n;
    struct span name = {text.p, colon != NULL ? (size_t)(colon - text.p) : text.n}, outer = {NULL, 0};
    struct span alias = colon != NULL ? (struct span){colon + 1, (size_t)(end - colon) - 1} : outer;
    const char *dot = memchr(name.p, '.', name.n);
    if (dot != NULL) {
        outer = (struct span){name.p, (size_t)(dot - name.p)};
        name = (struct span){dot + 1, name.n - outer.n - 1};
    }
    if (name.n == 0 || (dot != NULL && outer.n == 0) || (colon != NULL && alias.n == 0))
        return err_set(e, STATUS_USAGE, "--%s takes NAME, STRUCT.NAME and :ALIAS behind, not \"%.*s\"",
                       option, SPAN_ARG(text));
    if (!name_field(f, prefix, outer, name, alias, e))
        return false;
    if (outer.n == 0)
        outer = span_of(struct_of(name));
    if (outer.n != 0)
        f->path[f->depth++] = outer;
    f->path[f->depth++] = name;
    return true;
}

static bool take_fields(const struct unwrap_options *o, struct unwrap_list *list, const char *text,
                        const char *option, const char *prefix, struct err *e)
{
    size_t max = 1;
    if (text == NULL)
        return true;
    for (const char *p = text; *p != '\0'; p++)
        max += *p == ',';
    list->at = calloc(max, sizeof *list->at);
    if (list->at == NULL)
        return err_no_memory(e);
    for (const char *p = text; *p != '\0';) {
        size_t n = strcspn(p, ",");
        if (!take_field(list, (struct span){p, n}, option, prefix, e))
            return false;
        p += n + (p[n] == ',');
    }
    return o->on || err_set(e, STATUS_USAGE, "--%s goes with --unwrap", option);
}

bool unwrap_init(struct unwrap *u, const struct unwrap_options *o, struct err *e)
{
    *u = (struct unwrap){.o = o};
    buf_init(&u->topic, NAME_MAX_BYTES);
    buf_init(&u->header, SIZE_MAX / 4);
    if (o->route_by_field != NULL && !o->on)
        return err_set(e, STATUS_USAGE, "--route-by-field goes with --unwrap");
    return take_fields(o, &u->fields, o->add_fields, "add-fields", o->add_fields_prefix, e) &&
           take_fields(o, &u->headers, o->add_headers, "add-headers", o->add_headers_prefix, e);
}

static void release_list(struct unwrap_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        buf_release(&list->at[i].name);
    free(list->at);
}

void unwrap_release(struct unwrap *u)
{
    release_list(&u->fields);
    release_list(&u->headers);
    arena_release(&u->arena);
    buf_release(&u->topic);
    buf_release(&u->header);
}

// ---- fields of the envelope

// As Debezium finds it: in its struct, else in the envelope itself; what is in neither is left out. Of a
// struct that is null each field is.
static bool find_field(const struct unwrap_field *f, struct span text, struct span *json)
{
    if (json_path(text, f->path, f->depth, json))
        return true;
    if (f->depth == 2 && json_member(text, f->path[0], json) && span_is(*json, "null"))
        return true;
    return json_member(text, f->path[f->depth - 1], json);
}

// Each with a comma in front.
static void put_fields(const struct unwrap_list *list, struct span text, struct buf *out)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct unwrap_field *f = &list->at[i];
        struct span json;
        if (!find_field(f, text, &json))
            continue;
        buf_char(out, ',');
        buf_span(out, buf_view(&f->name));
        buf_char(out, ':');
        buf_span(out, json);
    }
}

// Of a tombstone that follows a line of its own Debezium knows the operation alone.
static void put_operation(const struct unwrap_list *list, struct buf *out)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct unwrap_field *f = &list->at[i];
        if (!span_is(f->path[f->depth - 1], "op"))
            continue;
        buf_char(out, ',');
        buf_span(out, buf_view(&f->name));
        buf_lit(out, ":\"d\"");
    }
}

// ---- the line

enum rewritten rewrite_refuse(struct buf *out, size_t at, const char *why)
{
    out->n = at;
    buf_str(out, why);
    return REWRITE_REFUSE;
}

// The topic that the row says; the line's own where it says none. False where it is no text.
static bool find_topic(struct unwrap *u, const struct line *l, struct span row, struct span *topic)
{
    struct span json;
    struct value v;
    *topic = l->topic;
    if (u->o->route_by_field == NULL)
        return true;
    if (!json_member(row, span_of(u->o->route_by_field), &json) || !value_of(json, &u->arena, &v) ||
        (v.kind != VALUE_STRING && v.kind != VALUE_NULL))
        return false;
    if (v.kind == VALUE_NULL || v.text.n == 0)
        return true;
    buf_reset(&u->topic);
    topic_write(&u->topic, v.text);
    *topic = buf_view(&u->topic);
    return !u->topic.bad;
}

// The line's header, with the topic and the headers that are asked for.
static void put_front(struct unwrap *u, const struct line *l, struct span topic, bool follows,
                      struct buf *out)
{
    if (l->kind != LINE_CHANGE)
        return;
    if (u->headers.n == 0 && span_eq(topic, l->topic)) {
        buf_span(out, line_front(l));
        return;
    }
    struct line front = *l;
    front.topic = topic;
    if (u->headers.n != 0) {
        buf_reset(&u->header);
        if (l->headers.n > 2)
            buf_bytes(&u->header, l->headers.p, l->headers.n - 1);
        size_t added = u->header.n;
        if (follows)
            put_operation(&u->headers, &u->header);
        else
            put_fields(&u->headers, l->text, &u->header);
        if (added == 0 && u->header.n != 0)
            u->header.p[0] = '{';
        if (u->header.n != 0)
            buf_char(&u->header, '}');
        front.headers = buf_view(&u->header);
    }
    line_write_front(out, &front);
}

static void put_tombstone(struct unwrap *u, const struct line *l, struct span topic, bool follows,
                          struct buf *out)
{
    put_front(u, l, topic, follows, out);
    buf_lit(out, "}\n");
}

static enum rewritten put_row(struct unwrap *u, const struct line *l, struct span row, struct span topic,
                              bool deleted, struct columns *columns, struct buf *out)
{
    bool rewrites = u->o->deletes >= UNWRAP_REWRITE, changed = false;
    size_t at = out->n;
    put_front(u, l, topic, false, out);
    size_t members = out->n;
    buf_char(out, members != at ? ',' : '{');
    size_t first = out->n;
    if (!columns_put(columns, row, out, &changed))
        return rewrite_refuse(out, at, "the line's row is no JSON object");
    if (rewrites) {
        buf_str(out, out->n != first ? ",\"__deleted\":" : "\"__deleted\":");
        buf_str(out, deleted ? "\"true\"" : "\"false\"");
    }
    size_t fields = out->n;
    put_fields(&u->fields, l->text, out);
    if (fields == first && out->n != fields) { // the row's comma is there already
        memmove(out->p + fields, out->p + fields + 1, out->n - fields - 1);
        out->n--;
    }
    if (out->n == first)
        return rewrite_refuse(out, at, "nothing is left of the line's row");
    buf_lit(out, "}\n");
    if (deleted && u->o->deletes == UNWRAP_REWRITE_WITH_TOMBSTONE && l->kind == LINE_CHANGE)
        put_tombstone(u, l, topic, true, out);
    return REWRITE_DONE;
}

enum rewritten unwrap_line(struct unwrap *u, const struct line *l, struct columns *columns, struct buf *out)
{
    static const struct span names[] = {SPAN_LIT("after"), SPAN_LIT("before")};
    char op = envelope_op(l->text);
    size_t at = out->n;
    bool deleted = op == 'd';
    struct span row, topic;
    if (op == 't' || (deleted && u->o->deletes == UNWRAP_DROP))
        return REWRITE_DROP;
    if (op != 'c' && op != 'u' && op != 'r' && op != 'd')
        return REWRITE_SAME;
    if (!json_member(l->text, names[deleted], &row) || row.p[0] != '{')
        return rewrite_refuse(out, at, "the line has no row to unwrap");
    arena_reset(&u->arena);
    if (!find_topic(u, l, row, &topic))
        return rewrite_refuse(out, at, "the row has no text that names the topic (--route-by-field)");
    if (l->kind != LINE_CHANGE && (u->headers.n != 0 || u->o->route_by_field != NULL))
        return rewrite_refuse(out, at, "the line has no header to put a topic or headers into");
    if (!deleted || u->o->deletes >= UNWRAP_REWRITE)
        return put_row(u, l, row, topic, deleted, columns, out);
    if (l->kind != LINE_CHANGE)
        return rewrite_refuse(out, at,
                              "a line without a header can become no tombstone "
                              "(--delete-tombstone-handling-mode drop, rewrite)");
    put_tombstone(u, l, topic, false, out);
    return REWRITE_DONE;
}
