#include "postgres/schema.h"

#include <stdio.h>

// The source block and what stands behind it in each envelope.
#define STRING(name) CONNECT_STRING_FIELD(name) ","
#define OPTIONAL_STRING(name) "{\"type\":\"string\",\"optional\":true,\"field\":\"" name "\"},"
#define INT64(name) CONNECT_INT64_FIELD(name) ","
#define OPTIONAL_INT64(name) "{\"type\":\"int64\",\"optional\":true,\"field\":\"" name "\"}"
#define SOURCE                                                                                               \
    "{\"type\":\"struct\",\"fields\":[" STRING("version") STRING("connector") STRING("name") INT64(          \
        "ts_ms") "{\"type\":\"string\",\"optional\":true,\"name\":\"io.debezium.data.Enum\",\"version\":1,"  \
                 "\"parameters\":{\"allowed\":"                                                              \
                 "\"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental\"},"  \
                 "\"default\":\"false\",\"field\":\"snapshot\"}," STRING("db") OPTIONAL_STRING("sequence")   \
                     OPTIONAL_INT64("ts_us") "," OPTIONAL_INT64("ts_ns") "," STRING("schema")                \
                         STRING("table") OPTIONAL_INT64("txId") "," OPTIONAL_INT64(                          \
                             "lsn") "," OPTIONAL_INT64("xmin") "," OPTIONAL_STRING("origin")                 \
                             OPTIONAL_INT64("origin_lsn") "],\"optional\":false,\"name\":\"io.debezium."     \
                                                          "connector.postgresql.Source\",\"version\":1,"     \
                                                          "\"field\":\"source\"}"

// A type's schema, and the numbers that its parameters spell.
struct described {
    struct connect_schema schema, element;
    char text[2][16];
};

static void parameter(struct connect_schema *s, const char *name, struct span value)
{
    s->parameter[s->parameters].name = name;
    s->parameter[s->parameters++].value = value;
}

static void number(struct described *d, struct connect_schema *s, const char *name, int v)
{
    char *text = d->text[s->parameters % 2];
    int n = snprintf(text, sizeof d->text[0], "%d", v);
    parameter(s, name, (struct span){text, (size_t)n});
}

static void named(struct connect_schema *s, const char *type, const char *name)
{
    s->type = type;
    s->name = name;
    s->version = name != NULL ? 1 : 0;
}

static void describe_decimal(const struct pg_type *t, struct described *d, struct connect_schema *s)
{
    if (t->shape->decimal == SHAPE_DECIMAL_STRING) {
        named(s, "string", NULL);
    } else if (t->shape->decimal == SHAPE_DOUBLE) {
        named(s, "double", NULL);
    } else if (t->form == PG_FORM_NUMERIC_VARIABLE) {
        named(s, "struct", "io.debezium.data.VariableScaleDecimal");
        s->doc = "Variable scaled decimal";
        s->members = "\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"scale\"},{\"type\":"
                     "\"bytes\",\"optional\":false,\"field\":\"value\"}]";
    } else {
        named(s, "bytes", "org.apache.kafka.connect.data.Decimal");
        number(d, s, "scale", t->scale);
        if (t->digits != 0)
            number(d, s, "connect.decimal.precision", t->digits);
    }
}

static void describe_time(const struct pg_type *t, struct connect_schema *s)
{
    static const struct {
        const char *type, *name;
    } dates[] = {{"int32", "io.debezium.time.Date"},
                 {"int32", "org.apache.kafka.connect.data.Date"},
                 {"string", "io.debezium.time.IsoDate"}},
      times[] = {[DATETIME_MS] = {"int32", "io.debezium.time.Time"},
                 [DATETIME_US] = {"int64", "io.debezium.time.MicroTime"},
                 [DATETIME_NS] = {"int64", "io.debezium.time.NanoTime"},
                 [DATETIME_ISO] = {"string", "io.debezium.time.IsoTime"}},
      timestamps[] = {[DATETIME_MS] = {"int64", "io.debezium.time.Timestamp"},
                      [DATETIME_US] = {"int64", "io.debezium.time.MicroTimestamp"},
                      [DATETIME_NS] = {"int64", "io.debezium.time.NanoTimestamp"},
                      [DATETIME_ISO] = {"string", "io.debezium.time.IsoTimestamp"}};
    bool connect = t->shape->time == SHAPE_CONNECT;
    if (t->form == PG_FORM_DATE) {
        size_t i = t->unit == DATETIME_ISO ? 2 : connect;
        named(s, dates[i].type, dates[i].name);
    } else if (t->form == PG_FORM_TIME) {
        named(s, times[t->unit].type, connect ? "org.apache.kafka.connect.data.Time" : times[t->unit].name);
    } else {
        named(s, timestamps[t->unit].type,
              connect ? "org.apache.kafka.connect.data.Timestamp" : timestamps[t->unit].name);
    }
}

static void describe_bits(const struct pg_type *t, struct described *d, struct connect_schema *s)
{
    named(s, "bytes", "io.debezium.data.Bits");
    number(d, s, "length", t->length != 0 ? t->length : INT32_MAX);
}

static void describe_text(const struct pg_type *t, struct span labels, struct connect_schema *s)
{
    named(s, "string", t->logical);
    if (t->is_enum)
        parameter(s, "allowed", labels);
}

static void describe_hstore(const struct pg_type *t, struct connect_schema *s)
{
    named(s, "string", "io.debezium.data.Json");
    if (!t->shape->hstore_map)
        return;
    named(s, "map", NULL);
    s->members = "\"keys\":{\"type\":\"string\",\"optional\":false},\"values\":{\"type\":\"string\","
                 "\"optional\":true}";
}

static void describe_geometry(const struct pg_type *t, struct connect_schema *s)
{
    bool point = t->form == PG_FORM_POINT;
    named(s, "struct", point ? "io.debezium.data.geometry.Point" : t->logical);
    s->doc = point ? "Geometry (POINT)" : strrchr(t->logical, '.') + 1;
    s->members = point ? "\"fields\":[{\"type\":\"double\",\"optional\":false,\"field\":\"x\"},{\"type\":"
                         "\"double\",\"optional\":false,\"field\":\"y\"},{\"type\":\"bytes\",\"optional\":"
                         "true,\"field\":\"wkb\"},{\"type\":\"int32\",\"optional\":true,\"field\":\"srid\"}]"
                       : "\"fields\":[{\"type\":\"bytes\",\"optional\":false,\"field\":\"wkb\"},{\"type\":"
                         "\"int32\",\"optional\":true,\"field\":\"srid\"}]";
}

static void describe_vector(const struct pg_type *t, struct connect_schema *s)
{
    static const struct connect_schema number_of[] = {{.type = "double"}, {.type = "float"}};
    bool half = t->form == PG_FORM_HALF_VECTOR;
    if (t->form == PG_FORM_SPARSE_VECTOR) {
        named(s, "struct", "io.debezium.data.SparseVector");
        s->doc = "Sparse vector";
        s->members =
            "\"fields\":[{\"type\":\"int16\",\"optional\":false,\"field\":\"dimensions\"},{\"type\":"
            "\"map\",\"keys\":{\"type\":\"int16\",\"optional\":false},\"values\":{\"type\":\"double\","
            "\"optional\":false},\"optional\":false,\"field\":\"vector\"}]";
        return;
    }
    named(s, "array", half ? "io.debezium.data.FloatVector" : "io.debezium.data.DoubleVector");
    s->items = &number_of[half];
}

// A rule's mark on the schema. A text that the column's length keeps short enough is not cut.
static void describe_rule(const struct pg_type *t, struct described *d, struct connect_schema *s)
{
    if (t->rule == NULL)
        return;
    if (t->rule->kind != RULE_TRUNCATE)
        parameter(s, "masked", span_of("true"));
    else if (t->length == 0 || (size_t)t->length > t->rule->n)
        number(d, s, "truncateLength", (int)t->rule->n);
}

// Of an array: of its elements. labels: of an enum.
static void describe_form(const struct pg_type *t, struct span labels, struct described *d,
                          struct connect_schema *s)
{
    switch (t->form) {
    case PG_FORM_INTEGER:
        named(s, t->bytes == 2 ? "int16" : t->bytes == 4 ? "int32" : "int64", NULL);
        break;
    case PG_FORM_BOOLEAN:
    case PG_FORM_BIT:
        named(s, "boolean", NULL);
        break;
    case PG_FORM_FLOAT4:
        named(s, "float", NULL);
        break;
    case PG_FORM_FLOAT8:
        named(s, "double", NULL);
        break;
    case PG_FORM_NUMERIC:
    case PG_FORM_NUMERIC_VARIABLE:
    case PG_FORM_MONEY:
        describe_decimal(t, d, s);
        break;
    case PG_FORM_TEXT:
    case PG_FORM_RULE:
        describe_text(t, labels, s);
        break;
    case PG_FORM_BYTEA:
    case PG_FORM_OPAQUE:
        named(s, t->shape->binary == SHAPE_BYTES ? "bytes" : "string", NULL);
        break;
    case PG_FORM_DATE:
    case PG_FORM_TIME:
    case PG_FORM_TIMESTAMP:
        describe_time(t, s);
        break;
    case PG_FORM_TIMETZ:
        named(s, "string", "io.debezium.time.ZonedTime");
        break;
    case PG_FORM_TIMESTAMPTZ:
        named(s, "string", "io.debezium.time.ZonedTimestamp");
        break;
    case PG_FORM_BITS:
        describe_bits(t, d, s);
        break;
    case PG_FORM_INTERVAL:
        named(s, t->shape->interval_string ? "string" : "int64",
              t->shape->interval_string ? "io.debezium.time.Interval" : "io.debezium.time.MicroDuration");
        break;
    case PG_FORM_HSTORE:
        describe_hstore(t, s);
        break;
    case PG_FORM_POINT:
    case PG_FORM_GEOMETRY:
        describe_geometry(t, s);
        break;
    case PG_FORM_VECTOR:
    case PG_FORM_HALF_VECTOR:
    case PG_FORM_SPARSE_VECTOR:
        describe_vector(t, s);
        break;
    case PG_FORM_NONE:
        break;
    }
    describe_rule(t, d, s);
}

static void describe(const struct pg_type *t, struct span labels, struct described *d)
{
    *d = (struct described){0};
    if (!t->is_array) {
        describe_form(t, labels, d, &d->schema);
        return;
    }
    describe_form(t, labels, d, &d->element);
    d->element.optional = !t->is_enum; // Debezium's enums in arrays are not
    named(&d->schema, "array", NULL);
    d->schema.items = &d->element;
}

// The name without the comma in front and the colon behind.
static struct span field_name(const struct relation_column *column)
{
    return (struct span){column->member.p + 1, column->member.n - 2};
}

static void write_field(const struct relation_column *column, const struct pg_type *type, struct buf *out)
{
    struct described d;
    describe(type, column->labels, &d);
    d.schema.optional = !column->not_null;
    d.schema.fallback = column->fallback;
    d.schema.field = field_name(column);
    connect_write(&d.schema, out);
}

static void write_named(struct span topic, const char *suffix, struct buf *out)
{
    buf_lit(out, ",\"name\":\"");
    buf_span(out, topic);
    buf_str(out, suffix);
    buf_char(out, '"');
}

static void write_key(const struct relation *r, struct buf *out)
{
    if (r->n_key == 0) {
        buf_lit(out, "null");
        return;
    }
    buf_lit(out, "{\"type\":\"struct\",\"fields\":[");
    for (size_t i = 0; i < r->n_key; i++) {
        const struct relation_column *column = &r->column[r->key[i]];
        if (i != 0)
            buf_char(out, ',');
        write_field(column, &column->key_type, out);
    }
    buf_lit(out, "],\"optional\":false");
    write_named(r->topic, ".Key", out);
    buf_char(out, '}');
}

static void write_row(const struct relation *r, const char *member, struct buf *out)
{
    bool first = true;
    buf_lit(out, "{\"type\":\"struct\",\"fields\":[");
    for (size_t i = 0; i < r->n; i++) {
        const struct relation_column *column = &r->column[i];
        if (!column->in_value)
            continue;
        if (!first)
            buf_char(out, ',');
        first = false;
        write_field(column, &column->type, out);
    }
    buf_lit(out, "],\"optional\":true");
    write_named(r->topic, ".Value", out);
    buf_lit(out, ",\"field\":\"");
    buf_str(out, member);
    buf_lit(out, "\"},");
}

void schema_write(const struct relation *r, const struct pos *at, struct buf *out)
{
    connect_begin(at, r->topic, out);
    write_key(r, out);
    connect_next(out);
    buf_lit(out, "{\"type\":\"struct\",\"fields\":[");
    write_row(r, "before", out);
    write_row(r, "after", out);
    buf_lit(out, SOURCE "," CONNECT_TRANSACTION_BLOCK "," CONNECT_STRING_FIELD("op") "," OPTIONAL_INT64(
                     "ts_ms") "," OPTIONAL_INT64("ts_us") "," OPTIONAL_INT64("ts_ns") "],\"optional\":false");
    write_named(r->topic, ".Envelope", out);
    buf_lit(out, ",\"version\":2}");
    connect_end(out);
}

void schema_write_message(const struct pos *at, struct span topic, enum shape_binary binary, struct buf *out)
{
    connect_begin(at, topic, out);
    buf_lit(out, "{\"type\":\"struct\",\"fields\":[{\"type\":\"string\",\"optional\":true,\"field\":"
                 "\"prefix\"}],\"optional\":false,\"name\":\"io.debezium.connector.postgresql.MessageKey\","
                 "\"version\":1}");
    connect_next(out);
    buf_lit(out, "{\"type\":\"struct\",\"fields\":[" CONNECT_STRING_FIELD("op") "," OPTIONAL_INT64(
                     "ts_ms") "," SOURCE "," CONNECT_TRANSACTION_BLOCK
                              ",{\"type\":\"struct\",\"fields\":[" OPTIONAL_STRING("prefix") "{\"type\":\"");
    buf_str(out, binary == SHAPE_BYTES ? "bytes" : "string");
    buf_lit(out,
            "\",\"optional\":true,\"field\":\"content\"}],\"optional\":false,\"name\":"
            "\"io.debezium.connector.postgresql.Message\",\"version\":1,\"field\":\"message\"}],"
            "\"optional\":false,\"name\":\"io.debezium.connector.postgresql.MessageValue\",\"version\":1}");
    connect_end(out);
}
