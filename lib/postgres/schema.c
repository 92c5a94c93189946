#include "postgres/schema.h"

#include "event/connect_table.h"

// The source block.
#define SOURCE                                                                                                                                                                                                                                                           \
    "{\"type\":\"struct\",\"fields\":[" CONNECT_STRING_FIELD("version") "," CONNECT_STRING_FIELD("connecto"                                                                                                                                                              \
                                                                                                 "r") "," CONNECT_STRING_FIELD("name") "," CONNECT_INT64_FIELD(                                                                                                          \
        "ts_ms") "," CONNECT_SNAPSHOT_FIELD                                                                                                                                                                                                                              \
                 "," CONNECT_STRING_FIELD("db") "," CONNECT_OPTIONAL_STRING_FIELD("sequence") "," CONNECT_OPTIONAL_INT64_FIELD("ts_us") "," CONNECT_OPTIONAL_INT64_FIELD("ts_ns") "," CONNECT_STRING_FIELD("schema") "," CONNECT_STRING_FIELD(                           \
                     "table") "," CONNECT_OPTIONAL_INT64_FIELD("txId") "," CONNECT_OPTIONAL_INT64_FIELD("ls"                                                                                                                                                             \
                                                                                                        "n") "," CONNECT_OPTIONAL_INT64_FIELD("xmin") "," CONNECT_OPTIONAL_STRING_FIELD("origin") "," CONNECT_OPTIONAL_INT64_FIELD("origin_lsn") "],\"optional\":false," \
                                                                                                                                                                                                                                                 "\"name\":\"io.debezium.connector.postgresql.Source\",\"version\":1,\"field\":\"source\"}"

static void describe_decimal(const struct pg_type *t, struct connect_type *d, struct connect_schema *s)
{
    if (t->shape->decimal != SHAPE_PRECISE || t->form != PG_FORM_NUMERIC_VARIABLE) {
        connect_decimal(d, s, t->shape->decimal, t->scale, t->digits);
        return;
    }
    connect_named(s, "struct", "io.debezium.data.VariableScaleDecimal");
    s->doc = "Variable scaled decimal";
    s->members = "\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"scale\"},{\"type\":"
                 "\"bytes\",\"optional\":false,\"field\":\"value\"}]";
}

static void describe_time(const struct pg_type *t, struct connect_schema *s)
{
    static const enum connect_unit units[] = {[DATETIME_MS] = CONNECT_MS,
                                              [DATETIME_US] = CONNECT_US,
                                              [DATETIME_NS] = CONNECT_NS,
                                              [DATETIME_ISO] = CONNECT_ISO};
    connect_time(s,
                 t->form == PG_FORM_DATE   ? CONNECT_DATE
                 : t->form == PG_FORM_TIME ? CONNECT_TIME
                                           : CONNECT_TIMESTAMP,
                 t->shape->time == SHAPE_CONNECT ? CONNECT_OWN : units[t->unit]);
}

static void describe_text(const struct pg_type *t, struct span labels, struct connect_schema *s)
{
    connect_named(s, "string", t->logical);
    if (t->is_enum)
        connect_parameter(s, "allowed", labels);
}

static void describe_hstore(const struct pg_type *t, struct connect_schema *s)
{
    connect_named(s, "string", "io.debezium.data.Json");
    if (!t->shape->hstore_map)
        return;
    connect_named(s, "map", NULL);
    s->members = "\"keys\":{\"type\":\"string\",\"optional\":false},\"values\":{\"type\":\"string\","
                 "\"optional\":true}";
}

static void describe_vector(const struct pg_type *t, struct connect_schema *s)
{
    static const struct connect_schema number_of[] = {{.type = "double"}, {.type = "float"}};
    bool half = t->form == PG_FORM_HALF_VECTOR;
    if (t->form == PG_FORM_SPARSE_VECTOR) {
        connect_named(s, "struct", "io.debezium.data.SparseVector");
        s->doc = "Sparse vector";
        s->members =
            "\"fields\":[{\"type\":\"int16\",\"optional\":false,\"field\":\"dimensions\"},{\"type\":"
            "\"map\",\"keys\":{\"type\":\"int16\",\"optional\":false},\"values\":{\"type\":\"double\","
            "\"optional\":false},\"optional\":false,\"field\":\"vector\"}]";
        return;
    }
    connect_named(s, "array", half ? "io.debezium.data.FloatVector" : "io.debezium.data.DoubleVector");
    s->items = &number_of[half];
}

// Of an array: of its elements. labels: of an enum.
static void describe_form(const struct pg_type *t, struct span labels, struct connect_type *d,
                          struct connect_schema *s)
{
    switch (t->form) {
    case PG_FORM_INTEGER:
        connect_named(s, t->bytes == 2 ? "int16" : t->bytes == 4 ? "int32" : "int64", NULL);
        break;
    case PG_FORM_BOOLEAN:
    case PG_FORM_BIT:
        connect_named(s, "boolean", NULL);
        break;
    case PG_FORM_FLOAT4:
        connect_named(s, "float", NULL);
        break;
    case PG_FORM_FLOAT8:
        connect_named(s, "double", NULL);
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
        connect_named(s, t->shape->binary == SHAPE_BYTES ? "bytes" : "string", NULL);
        break;
    case PG_FORM_DATE:
    case PG_FORM_TIME:
    case PG_FORM_TIMESTAMP:
        describe_time(t, s);
        break;
    case PG_FORM_TIMETZ:
        connect_named(s, "string", "io.debezium.time.ZonedTime");
        break;
    case PG_FORM_TIMESTAMPTZ:
        connect_named(s, "string", "io.debezium.time.ZonedTimestamp");
        break;
    case PG_FORM_BITS:
        connect_bits(d, s, t->length != 0 ? t->length : INT32_MAX);
        break;
    case PG_FORM_INTERVAL:
        connect_named(s, t->shape->interval_string ? "string" : "int64",
                      t->shape->interval_string ? "io.debezium.time.Interval"
                                                : "io.debezium.time.MicroDuration");
        break;
    case PG_FORM_HSTORE:
        describe_hstore(t, s);
        break;
    case PG_FORM_POINT:
    case PG_FORM_GEOMETRY:
        connect_geometry(s, t->form == PG_FORM_POINT, t->logical);
        break;
    case PG_FORM_VECTOR:
    case PG_FORM_HALF_VECTOR:
    case PG_FORM_SPARSE_VECTOR:
        describe_vector(t, s);
        break;
    case PG_FORM_NONE:
        break;
    }
}

static void describe(const struct pg_type *t, struct span labels, struct connect_type *d)
{
    if (!t->is_array) {
        describe_form(t, labels, d, &d->schema);
        connect_rule(d, t->rule, (size_t)t->length);
        return;
    }
    describe_form(t, labels, d, &d->element);
    d->element.optional = !t->is_enum; // Debezium's enums in arrays are not
    connect_named(&d->schema, "array", NULL);
    d->schema.items = &d->element;
}

static bool in_value(const void *table, size_t i)
{
    const struct relation *r = table;
    return r->column[i].in_value;
}

static void describe_column(const void *table, size_t i, bool in_key, struct connect_type *d)
{
    const struct relation *r = table;
    const struct relation_column *column = &r->column[i];
    describe(in_key ? &column->key_type : &column->type, column->labels, d);
    d->schema.optional = !column->not_null;
    d->schema.fallback = column->fallback;
    // The name without the comma in front and the colon behind.
    d->schema.field = (struct span){column->member.p + 1, column->member.n - 2};
}

void schema_write(const struct relation *r, const struct pos *at, struct buf *out)
{
    struct connect_table t = {.topic = r->topic,
                              .n = r->n,
                              .key = r->key,
                              .n_key = r->n_key,
                              .table = r,
                              .in_value = in_value,
                              .describe = describe_column,
                              .source = SOURCE};
    connect_write_table(&t, at, out);
}

void schema_write_message(const struct pos *at, struct span topic, enum shape_binary binary, struct buf *out)
{
    connect_begin(at, topic, out);
    buf_lit(out, "{\"type\":\"struct\",\"fields\":[{\"type\":\"string\",\"optional\":true,\"field\":"
                 "\"prefix\"}],\"optional\":false,\"name\":\"io.debezium.connector.postgresql.MessageKey\","
                 "\"version\":1}");
    connect_next(out);
    buf_lit(out,
            "{\"type\":\"struct\",\"fields\":[" CONNECT_STRING_FIELD("op") "," CONNECT_OPTIONAL_INT64_FIELD(
                "ts_ms") "," SOURCE "," CONNECT_TRANSACTION_BLOCK
                         ",{\"type\":\"struct\",\"fields\":[" CONNECT_OPTIONAL_STRING_FIELD(
                             "prefix") ","
                                       "{\"type\":\"");
    buf_str(out, binary == SHAPE_BYTES ? "bytes" : "string");
    buf_lit(out,
            "\",\"optional\":true,\"field\":\"content\"}],\"optional\":false,\"name\":"
            "\"io.debezium.connector.postgresql.Message\",\"version\":1,\"field\":\"message\"}],"
            "\"optional\":false,\"name\":\"io.debezium.connector.postgresql.MessageValue\",\"version\":1}");
    connect_end(out);
}
