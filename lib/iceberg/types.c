#include "iceberg/types.h"

#include "event/json.h"
#include "iceberg/memory.h"

// Levels of structs, arrays and maps within each other.
#define MAX_DEPTH 32

struct reader {
    struct arena *arena;
    struct err *e;
    enum ice_time_type times;
    int depth;
};

static bool read_column(struct reader *r, struct span json, struct ice_row_column *c);

static bool member(struct span object, const char *name, struct span *value)
{
    return json_member(object, span_of(name), value);
}

static bool is_true(struct span object, const char *name)
{
    struct span value;
    return member(object, name, &value) && span_is(value, "true");
}

static bool lacks(const struct reader *r, const char *what)
{
    return err_set(r->e, STATUS_DATA, "the Connect schema is broken: needed is %s", what);
}

// A semantic name says how a type's values are meant; a name that is not here says nothing.
struct meaning {
    const char *name;
    enum ice_form_kind form;
    enum ice_kind kind;
    enum ice_unit unit;
};
#define DEBEZIUM(name) "\"io.debezium." name "\""
#define CONNECT(name) "\"org.apache.kafka.connect.data." name "\""
static const struct meaning meanings[] = {
    {DEBEZIUM("time.Date"), ICE_FORM_DAYS, ICE_DATE, ICE_US},
    {CONNECT("Date"), ICE_FORM_DAYS, ICE_DATE, ICE_US},
    {DEBEZIUM("time.IsoDate"), ICE_FORM_ISO_DATE, ICE_DATE, ICE_US},
    {DEBEZIUM("time.Time"), ICE_FORM_TIME, ICE_TIME, ICE_MS},
    {CONNECT("Time"), ICE_FORM_TIME, ICE_TIME, ICE_MS},
    {DEBEZIUM("time.MicroTime"), ICE_FORM_TIME, ICE_TIME, ICE_US},
    {DEBEZIUM("time.NanoTime"), ICE_FORM_TIME, ICE_TIME, ICE_NS},
    {DEBEZIUM("time.IsoTime"), ICE_FORM_ISO_TIME, ICE_TIME, ICE_US},
    {DEBEZIUM("time.ZonedTime"), ICE_FORM_ISO_TIME, ICE_STRING, ICE_US},
    {DEBEZIUM("time.Timestamp"), ICE_FORM_TIMESTAMP, ICE_TIMESTAMP, ICE_MS},
    {CONNECT("Timestamp"), ICE_FORM_TIMESTAMP, ICE_TIMESTAMP, ICE_MS},
    {DEBEZIUM("time.MicroTimestamp"), ICE_FORM_TIMESTAMP, ICE_TIMESTAMP, ICE_US},
    {DEBEZIUM("time.NanoTimestamp"), ICE_FORM_TIMESTAMP, ICE_TIMESTAMP, ICE_NS},
    {DEBEZIUM("time.IsoTimestamp"), ICE_FORM_ISO_TIMESTAMP, ICE_TIMESTAMP, ICE_US},
    {DEBEZIUM("time.ZonedTimestamp"), ICE_FORM_ZONED_TIMESTAMP, ICE_TIMESTAMPTZ, ICE_US},
    {DEBEZIUM("data.Uuid"), ICE_FORM_UUID, ICE_UUID, ICE_US},
};

static const struct meaning plain[] = {
    {"\"int8\"", ICE_FORM_INTEGER, ICE_INT, ICE_US},
    {"\"int16\"", ICE_FORM_INTEGER, ICE_INT, ICE_US},
    {"\"int32\"", ICE_FORM_INTEGER, ICE_INT, ICE_US},
    {"\"int64\"", ICE_FORM_INTEGER, ICE_LONG, ICE_US},
    {"\"boolean\"", ICE_FORM_BOOLEAN, ICE_BOOLEAN, ICE_US},
    {"\"float\"", ICE_FORM_FLOAT, ICE_FLOAT, ICE_US},
    {"\"double\"", ICE_FORM_FLOAT, ICE_DOUBLE, ICE_US},
    {"\"string\"", ICE_FORM_STRING, ICE_STRING, ICE_US},
    {"\"bytes\"", ICE_FORM_BYTES, ICE_BINARY, ICE_US},
};

static const struct meaning *find(const struct meaning *list, size_t n, struct span name)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(name, list[i].name))
            return &list[i];
    return NULL;
}

// A schema's parameter, a number written as a text.
static bool read_parameter(struct span json, const char *name, int *v)
{
    struct span parameters, text;
    int64_t number;
    if (!member(json, "parameters", &parameters) || !member(parameters, name, &text) || text.n < 2)
        return false;
    text = (struct span){text.p + 1, text.n - 2};
    if (!json_i64(text, &number) || number < -100000 || number > 1000000)
        return false;
    *v = (int)number;
    return true;
}

// A scale below 0 counts zeros in front of the point: Iceberg has no such scale, so they become digits. More
// digits than a decimal of Iceberg holds, or a scale that is beyond them, make a text.
static void decimal_type(const struct ice_form *f, struct ice_type *t)
{
    int scale = f->scale > 0 ? f->scale : 0;
    int precision = f->precision == 0 ? ICE_MAX_PRECISION : f->precision - f->scale + scale;
    if (precision < scale)
        precision = scale;
    if (precision > ICE_MAX_PRECISION)
        *t = (struct ice_type){.kind = ICE_STRING};
    else
        *t = (struct ice_type){.kind = ICE_DECIMAL, .precision = precision, .scale = scale};
}

static bool read_decimal(struct reader *r, struct span json, struct ice_form *f, struct ice_type *t)
{
    f->kind = ICE_FORM_DECIMAL;
    if (!read_parameter(json, "scale", &f->scale))
        return lacks(r, "a decimal's \"scale\", a number as a text");
    if (!read_parameter(json, "connect.decimal.precision", &f->precision) || f->precision < 0)
        f->precision = 0;
    decimal_type(f, t);
    return true;
}

static bool read_part(struct reader *r, struct span json, const char *name, struct ice_row_column *part)
{
    struct span schema;
    if (!member(json, name, &schema))
        return lacks(r, "an array's \"items\", a map's \"keys\" and \"values\"");
    return read_column(r, schema, part);
}

// The Iceberg type's fields, one a part.
static bool part_fields(struct reader *r, const struct ice_form *f, enum ice_kind kind, struct ice_type *t)
{
    *t = (struct ice_type){.kind = kind, .n = f->n};
    t->fields = ice_take(r->arena, f->n, sizeof *t->fields, r->e);
    for (size_t i = 0; t->fields != NULL && i < f->n; i++)
        t->fields[i] = (struct ice_field){
            .name = f->parts[i].name, .required = f->parts[i].required, .type = f->parts[i].type};
    return t->fields != NULL;
}

static bool read_list(struct reader *r, struct span json, struct ice_form *f, struct ice_type *t)
{
    f->kind = ICE_FORM_LIST;
    f->n = 1;
    f->parts = ice_take(r->arena, 1, sizeof *f->parts, r->e);
    if (f->parts == NULL || !read_part(r, json, "items", &f->parts[0]))
        return false;
    f->parts[0].name = span_of("element");
    return part_fields(r, f, ICE_LIST, t);
}

static bool read_map(struct reader *r, struct span json, struct ice_form *f, struct ice_type *t)
{
    f->n = 2;
    f->parts = ice_take(r->arena, 2, sizeof *f->parts, r->e);
    if (f->parts == NULL || !read_part(r, json, "keys", &f->parts[0]) ||
        !read_part(r, json, "values", &f->parts[1]))
        return false;
    f->parts[0].name = span_of("key");
    f->parts[0].required = true;
    f->parts[1].name = span_of("value");
    f->kind = f->parts[0].type.kind == ICE_STRING ? ICE_FORM_MAP : ICE_FORM_PAIRS;
    return part_fields(r, f, ICE_MAP, t);
}

static bool read_columns(struct reader *r, struct span json, struct ice_row_column **columns, size_t *n)
{
    struct span fields;
    struct json_walk w;
    *n = 0;
    if (!member(json, "fields", &fields))
        return lacks(r, "a struct's \"fields\"");
    for (json_walk_begin(&w, fields); json_walk_next(&w);)
        ++*n;
    if (w.bad || !w.in_array)
        return lacks(r, "a struct's \"fields\", an array");
    *columns = ice_take(r->arena, *n, sizeof **columns, r->e);
    struct ice_row_column *c = *columns;
    if (c == NULL)
        return false;
    for (json_walk_begin(&w, fields); json_walk_next(&w); c++) {
        if (!member(w.value, "field", &c->quoted) || !ice_unquote(c->quoted, r->arena, &c->name, r->e))
            return lacks(r, "a field's name, \"field\"");
        if (!read_column(r, w.value, c))
            return err_wrap(r->e, "column '%.*s'", SPAN_ARG(c->name));
    }
    return true;
}

static bool read_struct(struct reader *r, struct span json, struct span name, struct ice_form *f,
                        struct ice_type *t)
{
    if (span_is(name, DEBEZIUM("data.VariableScaleDecimal"))) {
        f->kind = ICE_FORM_DECIMAL_VARIABLE;
        t->kind = ICE_STRING;
        return true;
    }
    f->kind = ICE_FORM_STRUCT;
    return read_columns(r, json, &f->parts, &f->n) && part_fields(r, f, ICE_STRUCT, t);
}

static bool read_type(struct reader *r, struct span json, struct ice_form *f, struct ice_type *t)
{
    struct span type, name = {"", 0};
    if (!member(json, "type", &type))
        return lacks(r, "a \"type\"");
    if (!member(json, "name", &name))
        name.n = 0;
    if (span_is(type, "\"struct\""))
        return read_struct(r, json, name, f, t);
    if (span_is(type, "\"array\""))
        return read_list(r, json, f, t);
    if (span_is(type, "\"map\""))
        return read_map(r, json, f, t);
    if (span_is(type, "\"bytes\"") && span_is(name, CONNECT("Decimal")))
        return read_decimal(r, json, f, t);
    const struct meaning *m = find(meanings, sizeof meanings / sizeof meanings[0], name);
    if (m == NULL)
        m = find(plain, sizeof plain / sizeof plain[0], type);
    if (m == NULL)
        return err_set(r->e, STATUS_DATA, "the Connect schema has a type that there is not: %.*s",
                       SPAN_ARG(type));
    f->kind = m->form;
    f->unit = m->unit;
    t->kind =
        m->kind == ICE_TIME && r->times == ICE_TIME_AS_LONG && m->form == ICE_FORM_TIME ? ICE_LONG : m->kind;
    return true;
}

static bool read_column(struct reader *r, struct span json, struct ice_row_column *c)
{
    if (r->depth == MAX_DEPTH)
        return lacks(r, "fewer levels");
    struct ice_form *f = ice_take(r->arena, 1, sizeof *f, r->e);
    if (f == NULL)
        return false;
    r->depth++;
    bool ok = read_type(r, json, f, &c->type);
    r->depth--;
    c->required = !is_true(json, "optional");
    c->form = f;
    return ok;
}

// The schema of a field of the envelope.
static bool envelope_field(struct span value, const char *quoted, struct span *schema)
{
    struct span fields, name;
    struct json_walk w;
    if (!member(value, "fields", &fields))
        return false;
    for (json_walk_begin(&w, fields); json_walk_next(&w);)
        if (member(w.value, "field", &name) && span_is(name, quoted)) {
            *schema = w.value;
            return true;
        }
    return false;
}

static bool is_mysql(struct span value)
{
    struct span source, name;
    return envelope_field(value, "\"source\"", &source) && member(source, "name", &name) &&
           (span_is(name, DEBEZIUM("connector.mysql.Source")) ||
            span_is(name, DEBEZIUM("connector.mariadb.Source")));
}

// A key column may be missing from the value (excluded there), and its schema may differ by being required.
static bool join_keys(struct reader *r, struct ice_row_column *keys, size_t n, struct ice_row_shape *shape)
{
    struct ice_row_column *all = ice_take(r->arena, shape->n + n, sizeof *all, r->e);
    shape->keys = ice_take(r->arena, n, sizeof *shape->keys, r->e);
    if (all == NULL || shape->keys == NULL)
        return false;
    if (shape->n != 0)
        memcpy(all, shape->columns, shape->n * sizeof *all);
    shape->columns = all;
    shape->n_value = shape->n;
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        while (at < shape->n && !span_eq(all[at].name, keys[i].name))
            at++;
        if (at == shape->n)
            all[shape->n++] = keys[i];
        all[at].is_key = all[at].required = true;
        shape->keys[shape->n_keys++] = (int)at;
    }
    return true;
}

bool ice_row_shape_read(struct span key, struct span value, enum ice_time_type times, struct arena *a,
                        struct ice_row_shape *shape, struct err *e)
{
    struct reader r = {.arena = a, .e = e, .times = times};
    struct span row;
    struct ice_row_column *keys = NULL;
    size_t bad_at, n_keys = 0;
    *shape = (struct ice_row_shape){0};
    if (!json_check(key, &bad_at) || !json_check(value, &bad_at))
        return lacks(&r, "JSON");
    if (!ice_keep(a, &key, e) || !ice_keep(a, &value, e))
        return false;
    if (is_mysql(value))
        r.times = ICE_TIME_AS_LONG;
    if (!envelope_field(value, "\"after\"", &row))
        return lacks(&r, "the field \"after\", a row");
    return read_columns(&r, row, &shape->columns, &shape->n) &&
           (span_is(key, "null") || read_columns(&r, key, &keys, &n_keys)) &&
           join_keys(&r, keys, n_keys, shape);
}
