#include "mysql/schema.h"

#include "event/connect_table.h"

// The source block of "mysql" or "mariadb".
#define SOURCE(connector)                                                                                                                                                                                                                                                                            \
    "{\"type\":\"struct\",\"fields\":[" CONNECT_STRING_FIELD("version") "," CONNECT_STRING_FIELD("connecto"                                                                                                                                                                                          \
                                                                                                 "r") "," CONNECT_STRING_FIELD("name") "," CONNECT_INT64_FIELD(                                                                                                                                      \
        "ts_ms") "," CONNECT_SNAPSHOT_FIELD                                                                                                                                                                                                                                                          \
                 "," CONNECT_STRING_FIELD("db") "," CONNECT_OPTIONAL_STRING_FIELD("sequence") "," CONNECT_OPTIONAL_INT64_FIELD("ts_us") "," CONNECT_OPTIONAL_INT64_FIELD("ts_ns") "," CONNECT_OPTIONAL_STRING_FIELD("table") "," CONNECT_INT64_FIELD("server_id") "," CONNECT_OPTIONAL_STRING_FIELD( \
                     "gtid") "," CONNECT_STRING_FIELD("file") "," CONNECT_INT64_FIELD("pos") ","                                                                                                                                                                                                     \
                                                                                             "{\"type\":"                                                                                                                                                                                            \
                                                                                             "\"int32\","                                                                                                                                                                                            \
                                                                                             "\"optional\":"                                                                                                                                                                                         \
                                                                                             "false,"                                                                                                                                                                                                \
                                                                                             "\"field\":"                                                                                                                                                                                            \
                                                                                             "\"row\"}"                                                                                                                                                                                              \
                                                                                             "," CONNECT_OPTIONAL_INT64_FIELD("thread") "," CONNECT_OPTIONAL_STRING_FIELD(                                                                                                                           \
                                                                                                 "query") "],\"optional\":false,\"name\":\"io.debezium.connector." connector                                                                                                                         \
                                                                                                          ".Source\","                                                                                                                                                                               \
                                                                                                          "\"version\":1,\"field\":\"source\"}"

static const char *source_of(bool mariadb)
{
    return mariadb ? SOURCE("mariadb") : SOURCE("mysql");
}

static const char *integer_of(const struct my_type *t)
{
    bool is_unsigned = t->form == MY_FORM_UNSIGNED;
    switch (t->wire) {
    case MY_TINY:
        return "int16";
    case MY_SHORT:
        return is_unsigned ? "int32" : "int16";
    case MY_INT24:
        return "int32";
    case MY_LONG:
        return is_unsigned ? "int64" : "int32";
    default:
        return "int64";
    }
}

static void describe_time(const struct my_type *t, struct connect_schema *s)
{
    static const enum connect_unit units[] = {[SHAPE_ISOSTRING] = CONNECT_ISO,
                                              [SHAPE_CONNECT] = CONNECT_OWN,
                                              [SHAPE_MICROSECONDS] = CONNECT_US,
                                              [SHAPE_NANOSECONDS] = CONNECT_NS};
    bool adaptive = t->time == SHAPE_ADAPTIVE || t->time == SHAPE_ADAPTIVE_MICROSECONDS;
    enum connect_unit of_moment = t->digits <= 3 ? CONNECT_MS : CONNECT_US;
    if (t->form == MY_FORM_DATE)
        connect_time(s, CONNECT_DATE, adaptive ? CONNECT_MS : units[t->time]);
    else if (t->form == MY_FORM_TIME)
        connect_time(s, CONNECT_TIME, adaptive ? CONNECT_US : units[t->time]);
    else
        connect_time(s, CONNECT_TIMESTAMP, adaptive ? of_moment : units[t->time]);
}

static void describe_labels(const struct my_relation_column *column, const char *name,
                            struct connect_schema *s)
{
    connect_named(s, "string", name);
    connect_parameter(s, "allowed", column->allowed);
}

static void describe(const struct my_relation_column *column, struct connect_type *d)
{
    static const struct connect_schema element = {.type = "float"};
    const struct my_type *t = &column->type;
    struct connect_schema *s = &d->schema;
    switch (t->form) {
    case MY_FORM_INTEGER:
    case MY_FORM_UNSIGNED:
        connect_named(s, integer_of(t), NULL);
        break;
    case MY_FORM_BIGINT_UNSIGNED:
        if (t->precise_unsigned)
            connect_decimal(d, s, SHAPE_PRECISE, 0, 20);
        else
            connect_named(s, "int64", NULL);
        break;
    case MY_FORM_FLOAT:
        connect_named(s, "float", NULL);
        break;
    case MY_FORM_DOUBLE:
    case MY_FORM_FLOAT_AS_DOUBLE:
        connect_named(s, "double", NULL);
        break;
    case MY_FORM_DECIMAL:
        connect_decimal(d, s, t->decimal, t->scale, t->precision);
        break;
    case MY_FORM_BIT:
        connect_named(s, "boolean", NULL);
        break;
    case MY_FORM_BITS:
        connect_bits(d, s, t->length);
        break;
    case MY_FORM_YEAR:
        connect_named(s, "int32", "io.debezium.time.Year");
        break;
    case MY_FORM_DATE:
    case MY_FORM_TIME:
    case MY_FORM_DATETIME:
        describe_time(t, s);
        break;
    case MY_FORM_TIMESTAMP:
        connect_named(s, "string", "io.debezium.time.ZonedTimestamp");
        break;
    case MY_FORM_TEXT:
    case MY_FORM_INET4:
    case MY_FORM_INET6:
        connect_named(s, "string", NULL);
        break;
    case MY_FORM_BYTES:
        connect_named(s, t->binary == SHAPE_BYTES ? "bytes" : "string", NULL);
        break;
    case MY_FORM_ENUM:
        describe_labels(column, "io.debezium.data.Enum", s);
        break;
    case MY_FORM_SET:
        describe_labels(column, "io.debezium.data.EnumSet", s);
        break;
    case MY_FORM_JSON:
        connect_named(s, "string", "io.debezium.data.Json");
        break;
    case MY_FORM_GEOMETRY:
    case MY_FORM_POINT:
        connect_geometry(s, t->form == MY_FORM_POINT, "io.debezium.data.geometry.Geometry");
        break;
    case MY_FORM_VECTOR:
        connect_named(s, "array", "io.debezium.data.FloatVector");
        s->items = &element;
        break;
    case MY_FORM_UUID:
        connect_named(s, "string", "io.debezium.data.Uuid");
        break;
    }
}

static bool in_value(const void *table, size_t i)
{
    const struct my_relation *r = table;
    return r->column[i].in_value;
}

// A key's values are as they are, whatever the command line wants of the columns.
static void describe_column(const void *table, size_t i, bool in_key, struct connect_type *d)
{
    const struct my_relation *r = table;
    const struct my_relation_column *column = &r->column[i];
    describe(column, d);
    if (!in_key)
        connect_rule(d, column->type.rule, column->type.length);
    d->schema.optional = column->type.nullable;
    d->schema.fallback = column->fallback;
    // The name without the comma in front and the colon behind.
    d->schema.field = (struct span){column->member.p + 1, column->member.n - 2};
}

void my_schema_write(const struct my_relation *r, bool mariadb, const struct pos *at, struct buf *out)
{
    struct connect_table t = {.topic = r->topic,
                              .n = r->map.n,
                              .key = r->key,
                              .n_key = r->n_key,
                              .table = r,
                              .in_value = in_value,
                              .describe = describe_column,
                              .source = source_of(mariadb)};
    connect_write_table(&t, at, out);
}

// ---- schema changes

#define INT32(name, optional) "{\"type\":\"int32\",\"optional\":" optional ",\"field\":\"" name "\"},"
#define BOOLEAN(name) "{\"type\":\"boolean\",\"optional\":true,\"field\":\"" name "\"},"
#define STRING(name) CONNECT_STRING_FIELD(name) ","
#define OPTIONAL_STRING(name) CONNECT_OPTIONAL_STRING_FIELD(name) ","
#define STRINGS(name)                                                                                        \
    "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"optional\":false},\"optional\":true,\"field\":"    \
    "\"" name "\"}"
#define NAMED(optional, name)                                                                                \
    "],\"optional\":" optional ",\"name\":\"io.debezium.connector." name "\",\"version\":1"

static const char changes[] =
    CONNECT_INT64_FIELD("ts_ms") "," OPTIONAL_STRING("databaseName") OPTIONAL_STRING("schemaName")
        OPTIONAL_STRING("ddl") "{\"type\":\"array\",\"items\":{\"type\":\"struct\",\"fields\":[" STRING(
            "type") STRING("id") //
    "{\"type\":\"struct\",\"fields\":[" OPTIONAL_STRING("defaultCharsetName") STRINGS(
        "primaryKeyColumnNames") ","
                                 "{\"type\":\"array\",\"items\":{\"type\":\"struct\",\"fields\":[" STRING(
                                     "name") INT32("jdbcType", "false") //
    INT32("nativeType", "true") STRING("typeName") OPTIONAL_STRING("typeExpression")
        OPTIONAL_STRING("charsetName")                                                            //
    INT32("length", "true") INT32("scale", "true") INT32("position", "false") BOOLEAN("optional") //
    BOOLEAN("autoIncremented") BOOLEAN("generated") OPTIONAL_STRING("comment")                    //
    OPTIONAL_STRING("defaultValueExpression") STRINGS("enumValues") NAMED(
        "false", "schema.Column") "},"
                                  "\"optional\":false,\"field\":\"columns\"}," CONNECT_OPTIONAL_STRING_FIELD(
                                      "comment") //
    NAMED("true", "schema.Table") ",\"field\":\"table\"}" NAMED(
        "false", "schema.Change") "},"
                                  "\"optional\":false,\"field\":\"tableChanges\"}";

void my_schema_write_changes(struct span topic, bool mariadb, const struct pos *at, struct buf *out)
{
    connect_begin(at, topic, out);
    buf_lit(out, "{\"type\":\"struct\",\"fields\":[" CONNECT_STRING_FIELD("databaseName"));
    buf_str(out,
            mariadb ? NAMED("false", "mariadb.SchemaChangeKey") : NAMED("false", "mysql.SchemaChangeKey"));
    buf_char(out, '}');
    connect_next(out);
    buf_lit(out, "{\"type\":\"struct\",\"fields\":[");
    buf_str(out, source_of(mariadb));
    buf_char(out, ',');
    buf_str(out, changes);
    buf_str(out, mariadb ? NAMED("false", "mariadb.SchemaChangeValue")
                         : NAMED("false", "mysql.SchemaChangeValue"));
    buf_char(out, '}');
    connect_end(out);
}
