#include "stage/outbox.h"

#include "event/envelope.h"
#include "event/json.h"
#include "event/topic.h"

// ---- options

// COLUMN:PLACEMENT[:ALIAS], placement header or envelope.
static bool take_field(struct route *r, struct span text, struct err *e)
{
    struct span parts[3] = {{0}};
    size_t n = 0;
    for (const char *p = text.p, *end = p + text.n; n < 3 && p <= end; n++) {
        const char *colon = memchr(p, ':', (size_t)(end - p));
        parts[n] = (struct span){p, (size_t)((colon != NULL ? colon : end) - p)};
        p = colon != NULL ? colon + 1 : end + 1;
    }
    bool header = span_is(parts[1], "header");
    if (parts[0].n == 0 || (!header && !span_is(parts[1], "envelope")) || (n == 3 && parts[2].n == 0) ||
        r->n_fields == OUTBOX_FIELDS_MAX)
        return err_set(e, STATUS_USAGE,
                       "--table-fields-additional-placement takes COLUMN:header[:NAME] and "
                       "COLUMN:envelope[:NAME], joined by commas, not \"%.*s\"",
                       SPAN_ARG(text));
    r->fields[r->n_fields++] = (struct outbox_field){parts[0], n == 3 ? parts[2] : parts[0], header};
    r->n_envelope += !header;
    return true;
}

static bool take_fields(struct route *r, struct err *e)
{
    const char *p = r->o->outbox.additional;
    while (p != NULL && *p != '\0') {
        size_t n = strcspn(p, ",");
        if (!take_field(r, (struct span){p, n}, e))
            return false;
        p += n + (p[n] == ',');
    }
    return true;
}

bool outbox_init(struct route *r, struct err *e)
{
    const struct outbox_options *o = &r->o->outbox;
    struct opt_list none = {0};
    if (!o->on)
        return true;
    struct topic_pattern *regex = &r->outbox_regex;
    if (!topic_pattern_compile(regex, span_of(o->topic_regex), "route-topic-regex", e))
        return false;
    if (!template_parse(&r->outbox_topic, span_of(o->topic_replacement), regex->groups, regex->names, e))
        return err_wrap(e, "--route-topic-replacement");
    return take_fields(r, e) && pattern_compile(&r->outbox_tables.include, &o->table, "outbox-table", e) &&
           pattern_compile(&r->outbox_tables.exclude, &none, "outbox-table", e);
}

void outbox_release(struct route *r)
{
    topic_pattern_release(&r->outbox_regex);
    pattern_release(&r->outbox_tables.include);
    pattern_release(&r->outbox_tables.exclude);
}

bool outbox_has(struct route *r, const struct line *l)
{
    struct span schema, table;
    buf_reset(&r->name);
    if (!r->o->outbox.on || !envelope_table(l->text, &r->arena, &schema, &table))
        return false;
    buf_span(&r->name, schema);
    buf_char(&r->name, '.');
    buf_span(&r->name, table);
    return pattern_admits(&r->outbox_tables, buf_view(&r->name));
}

// ---- the event

struct event {
    struct span row, id, key, payload, routed_by;
};

// The first column that is wanted and not there; an empty name where there is none.
static struct span lacking(const struct route *r, const struct line *l, struct event *v)
{
    const struct outbox_options *o = &r->o->outbox;
    const struct {
        struct span column;
        struct span *json;
    } wanted[] = {{span_of(o->event_id), &v->id},
                  {span_of(o->event_key), &v->key},
                  {span_of(o->event_payload), &v->payload},
                  {span_of(o->route_by_field), &v->routed_by}};
    static const struct span after = SPAN_LIT("after");
    struct span json;
    if (!json_member(l->text, after, &v->row) || v->row.p[0] != '{')
        return after;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!json_member(v->row, wanted[i].column, wanted[i].json))
            return wanted[i].column;
    for (size_t i = 0; i < r->n_fields && o->error_on_missing; i++)
        if (!json_member(v->row, r->fields[i].column, &json))
            return r->fields[i].column;
    return (struct span){"", 0};
}

// The payload as JSON: a text that holds an object or an array stands for that.
static struct span expanded(struct route *r, struct span json)
{
    struct value v;
    size_t bad_at;
    if (json.p[0] != '"' || !value_of(json, &r->arena, &v) || !json_check(v.text, &bad_at))
        return json;
    struct span text = v.text;
    while (text.n != 0 && (unsigned char)*text.p <= ' ')
        text.p++, text.n--;
    return text.n != 0 && (text.p[0] == '{' || text.p[0] == '[') ? text : json;
}

// Line ends stand between JSON's parts only; a line must not have them.
static void put_flat(struct buf *out, struct span json)
{
    for (size_t i = 0; i < json.n; i++)
        buf_char(out, json.p[i] == '\n' || json.p[i] == '\r' ? ' ' : json.p[i]);
}

static void put_member(struct buf *out, struct span name, struct span json)
{
    buf_char(out, ',');
    json_quote(out, name);
    buf_char(out, ':');
    buf_span(out, json);
}

static void put_fields(const struct route *r, const struct event *v, bool in_header, struct buf *out)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        struct span json;
        if (r->fields[i].in_header == in_header && json_member(v->row, r->fields[i].column, &json))
            put_member(out, r->fields[i].alias, json);
    }
}

static void put_front(struct route *r, const struct line *l, const struct event *v, struct span topic)
{
    struct line front = {.pos = l->pos, .topic = topic, .key = v->key};
    buf_reset(&r->headers);
    buf_lit(&r->headers, "{\"id\":");
    buf_span(&r->headers, v->id);
    put_fields(r, v, true, &r->headers);
    buf_char(&r->headers, '}');
    front.headers = buf_view(&r->headers);
    line_write_front(&r->out, &front);
}

// A null, or a text of nothing but white space.
static bool is_empty(struct route *r, struct span payload)
{
    struct value v;
    if (span_is(payload, "null"))
        return true;
    if (payload.p[0] != '"' || !value_of(payload, &r->arena, &v))
        return false;
    size_t n = 0;
    while (n < v.text.n && (unsigned char)v.text.p[n] <= ' ')
        n++;
    return n == v.text.n;
}

// False where the payload alone is to be the value and is no object with members.
static bool put_value(struct route *r, const struct event *v)
{
    static const struct span name = SPAN_LIT("payload");
    // The text alone as the value is, byte for byte, what a string converter makes of it.
    bool expand = r->n_envelope == 0 || r->o->outbox.expand_json;
    struct span payload = expand ? expanded(r, v->payload) : v->payload;
    struct json_walk w;
    if (r->o->outbox.tombstone_on_empty && is_empty(r, v->payload)) {
        buf_lit(&r->out, "}\n");
        return true;
    }
    if (r->n_envelope != 0) {
        put_member(&r->out, name, (struct span){"", 0});
        put_flat(&r->out, payload);
        put_fields(r, v, false, &r->out);
        buf_lit(&r->out, "}\n");
        return true;
    }
    json_walk_begin(&w, payload);
    if (w.bad || w.in_array || !json_walk_next(&w))
        return false;
    size_t brace = r->out.n;
    put_flat(&r->out, payload);
    if (!r->out.bad)
        r->out.p[brace] = ',';
    buf_char(&r->out, '\n');
    return true;
}

// As Kafka's RegexRouter: what the expression does not match is the topic as it is.
static bool name_topic(struct route *r, const struct line *l, struct span value, struct err *e)
{
    struct span groups[TOPIC_GROUPS_MAX];
    buf_reset(&r->name);
    if (topic_pattern_matches(&r->outbox_regex, value)) {
        topic_pattern_groups(&r->outbox_regex, value, groups);
        return template_expand(&r->outbox_topic, l, groups, &r->arena, &r->name, e);
    }
    topic_write(&r->name, value);
    return r->name.n != 0 || err_set(e, STATUS_DATA, "the row's event has an empty type to be routed by");
}

static void event_of(struct route *r, struct stage_line *l, struct span *topic)
{
    struct event v;
    struct value by;
    struct err e;
    char why[256];
    struct span missing = lacking(r, &l->line, &v);
    if (missing.n != 0) {
        missing.n = missing.n < 100 ? missing.n : 100;
        snprintf(why, sizeof why, "the row has no \"%.*s\", which an outbox event is made of",
                 SPAN_ARG(missing));
        stage_refuse(l, &r->out, why);
        return;
    }
    bool named = value_of(v.routed_by, &r->arena, &by) && by.kind == VALUE_STRING;
    if (!named || !name_topic(r, &l->line, by.text, &e)) {
        stage_refuse(l, &r->out, named ? e.text : "the row's event has no type to be routed by");
        return;
    }
    *topic = buf_view(&r->name);
    size_t at = r->out.n;
    put_front(r, &l->line, &v, *topic);
    if (put_value(r, &v)) {
        stage_write(l, &r->out, at);
        return;
    }
    r->out.n = at;
    stage_refuse(l, &r->out, "the event's payload is no JSON object with members");
}

static void not_an_insert(struct route *r, struct stage_line *l)
{
    if (r->o->outbox.invalid == OUTBOX_FATAL) {
        stage_refuse(l, &r->out, "an outbox row was updated, and an event is an insert");
        return;
    }
    if (r->o->outbox.invalid == OUTBOX_ERROR)
        r->o->warn("line %llu: an outbox row was updated, and an event is an insert: it is dropped",
                   (unsigned long long)l->number);
    r->not_inserts++;
    l->fate = STAGE_DROP;
}

void outbox_route(struct route *r, struct stage_line *l, struct span *topic)
{
    char op = envelope_op(l->line.text);
    if (op == 'c' || op == 'r')
        event_of(r, l, topic);
    else if (op == 'u')
        not_an_insert(r, l);
    else
        l->fate = STAGE_DROP;
}
