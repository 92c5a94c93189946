#include "sink/kafka_value.h"

#include "event/envelope_op.h"
#include "event/json.h"

// A line and its schema are bounded where they are read.
#define TEXT_MAX (SIZE_MAX / 4)

// ---- schemas

void kafka_schema_init(struct kafka_schema *s)
{
    buf_init(&s->key, TEXT_MAX);
    buf_init(&s->value, TEXT_MAX);
    buf_init(&s->row, TEXT_MAX);
}

void kafka_schema_release(struct kafka_schema *s)
{
    buf_release(&s->key);
    buf_release(&s->value);
    buf_release(&s->row);
}

static void begin(struct buf *b)
{
    buf_reset(b);
    buf_lit(b, "{\"schema\":");
}

static void end(struct buf *b)
{
    buf_lit(b, ",\"payload\":");
}

static bool is_named(struct span field, const char *name)
{
    static const struct span member = SPAN_LIT("field");
    struct span found;
    return json_member(field, member, &found) && span_is(found, name);
}

// The schema of a struct's field, alone: it has no place in a struct any more.
static void write_alone(struct span field, struct buf *out)
{
    struct json_walk w;
    bool first = true;
    buf_char(out, '{');
    for (json_walk_begin(&w, field); json_walk_next(&w);) {
        if (span_is(w.name, "\"field\""))
            continue;
        if (!first)
            buf_char(out, ',');
        first = false;
        buf_span(out, w.name);
        buf_char(out, ':');
        buf_span(out, w.value);
    }
    buf_char(out, '}');
}

static void read_row(struct kafka_schema *s, struct span value)
{
    static const struct span member = SPAN_LIT("fields");
    struct span fields;
    struct json_walk w;
    buf_reset(&s->row);
    if (!json_member(value, member, &fields))
        return;
    for (json_walk_begin(&w, fields); json_walk_next(&w);)
        if (is_named(w.value, "\"after\"")) {
            begin(&s->row);
            write_alone(w.value, &s->row);
            end(&s->row);
        }
}

bool kafka_schema_read(struct kafka_schema *s, const struct line_schema *line, struct err *e)
{
    buf_reset(&s->key);
    if (!span_is(line->key, "null")) {
        begin(&s->key);
        buf_span(&s->key, line->key);
        end(&s->key);
    }
    begin(&s->value);
    buf_span(&s->value, line->value);
    end(&s->value);
    read_row(s, line->value);
    return buf_ok(&s->key, "a schema", e) && buf_ok(&s->value, "a schema", e) &&
           buf_ok(&s->row, "a schema", e);
}

// ---- values

void kafka_value_init(struct kafka_value *v)
{
    buf_init(&v->key_text, TEXT_MAX);
    buf_init(&v->row_text, TEXT_MAX);
}

void kafka_value_release(struct kafka_value *v)
{
    buf_release(&v->key_text);
    buf_release(&v->row_text);
}

static bool with_schema(struct span *payload, const struct buf *schema, struct buf *text, const char *what,
                        struct err *e)
{
    if (schema->n == 0) {
        err_set(e, STATUS_USAGE, "no schema line has told what the topic's %s is", what);
        return err_hint(e, "cdc-tail and cdc-snapshot write such lines with --with-schema, for the topics "
                           "that they name themselves");
    }
    buf_reset(text);
    buf_span(text, buf_view(schema));
    buf_span(text, *payload);
    buf_char(text, '}');
    *payload = buf_view(text);
    return buf_ok(text, "a record", e);
}

// The row of an envelope; *is: there is an envelope. No row: of a delete, of a truncate.
static void take_row(struct kafka_value *v, char op, bool *is)
{
    static const struct span after = SPAN_LIT("after");
    struct span row;
    *is = op != '\0' && json_member(v->value, after, &row);
    if (!*is)
        return;
    v->value = row.p[0] == '{' ? row : (struct span){NULL, 0};
    v->dropped = v->value.n == 0 && (op != 'd' || !v->tombstone);
    v->tombstone = false;
}

bool kafka_value_make(struct kafka_value *v, const struct record *r, const struct kafka_shape *shape,
                      const struct kafka_schema *s, struct err *e)
{
    static const struct span none = {NULL, 0};
    char op = r->value.n != 0 && (shape->tombstones || shape->unwrap) ? envelope_op(r->value) : '\0';
    bool is_row = false;
    v->key = span_is(r->key, "null") ? none : r->key;
    v->value = r->value.n != 0 ? r->value : none;
    v->dropped = false;
    v->tombstone = shape->tombstones && op == 'd';
    if (shape->unwrap)
        take_row(v, op, &is_row);
    if (s == NULL || v->dropped)
        return true;
    return (v->key.p == NULL || with_schema(&v->key, &s->key, &v->key_text, "key", e)) &&
           (v->value.p == NULL ||
            with_schema(&v->value, is_row ? &s->row : &s->value, &v->row_text, "value", e));
}
