#include "event/connect_table.h"

#include <stdio.h>

void connect_named(struct connect_schema *s, const char *type, const char *name)
{
    s->type = type;
    s->name = name;
    s->version = name != NULL ? 1 : 0;
}

void connect_parameter(struct connect_schema *s, const char *name, struct span value)
{
    s->parameter[s->parameters].name = name;
    s->parameter[s->parameters++].value = value;
}

void connect_number(struct connect_type *t, struct connect_schema *s, const char *name, int v)
{
    char *text = t->text[s->parameters % 2];
    int n = snprintf(text, sizeof t->text[0], "%d", v);
    connect_parameter(s, name, (struct span){text, (size_t)n});
}

void connect_decimal(struct connect_type *t, struct connect_schema *s, enum shape_decimal mode, int scale,
                     int precision)
{
    if (mode == SHAPE_DECIMAL_STRING) {
        connect_named(s, "string", NULL);
    } else if (mode == SHAPE_DOUBLE) {
        connect_named(s, "double", NULL);
    } else {
        connect_named(s, "bytes", "org.apache.kafka.connect.data.Decimal");
        connect_number(t, s, "scale", scale);
        if (precision != 0)
            connect_number(t, s, "connect.decimal.precision", precision);
    }
}

void connect_bits(struct connect_type *t, struct connect_schema *s, int length)
{
    connect_named(s, "bytes", "io.debezium.data.Bits");
    connect_number(t, s, "length", length);
}

void connect_geometry(struct connect_schema *s, bool point, const char *name)
{
    connect_named(s, "struct", point ? "io.debezium.data.geometry.Point" : name);
    s->doc = point ? "Geometry (POINT)" : strrchr(name, '.') + 1;
    s->members = point ? "\"fields\":[{\"type\":\"double\",\"optional\":false,\"field\":\"x\"},{\"type\":"
                         "\"double\",\"optional\":false,\"field\":\"y\"},{\"type\":\"bytes\",\"optional\":"
                         "true,\"field\":\"wkb\"},{\"type\":\"int32\",\"optional\":true,\"field\":\"srid\"}]"
                       : "\"fields\":[{\"type\":\"bytes\",\"optional\":false,\"field\":\"wkb\"},{\"type\":"
                         "\"int32\",\"optional\":true,\"field\":\"srid\"}]";
}

void connect_time(struct connect_schema *s, enum connect_temporal kind, enum connect_unit unit)
{
    static const struct {
        const char *type, *name;
    } of[][CONNECT_OWN + 1] = {
        [CONNECT_DATE] = {[CONNECT_MS] = {"int32", "io.debezium.time.Date"},
                          [CONNECT_US] = {"int32", "io.debezium.time.Date"},
                          [CONNECT_NS] = {"int32", "io.debezium.time.Date"},
                          [CONNECT_ISO] = {"string", "io.debezium.time.IsoDate"},
                          [CONNECT_OWN] = {"int32", "org.apache.kafka.connect.data.Date"}},
        [CONNECT_TIME] = {[CONNECT_MS] = {"int32", "io.debezium.time.Time"},
                          [CONNECT_US] = {"int64", "io.debezium.time.MicroTime"},
                          [CONNECT_NS] = {"int64", "io.debezium.time.NanoTime"},
                          [CONNECT_ISO] = {"string", "io.debezium.time.IsoTime"},
                          [CONNECT_OWN] = {"int32", "org.apache.kafka.connect.data.Time"}},
        [CONNECT_TIMESTAMP] = {[CONNECT_MS] = {"int64", "io.debezium.time.Timestamp"},
                               [CONNECT_US] = {"int64", "io.debezium.time.MicroTimestamp"},
                               [CONNECT_NS] = {"int64", "io.debezium.time.NanoTimestamp"},
                               [CONNECT_ISO] = {"string", "io.debezium.time.IsoTimestamp"},
                               [CONNECT_OWN] = {"int64", "org.apache.kafka.connect.data.Timestamp"}}};
    connect_named(s, of[kind][unit].type, of[kind][unit].name);
}

void connect_rule(struct connect_type *t, const struct column_rule *rule, size_t max_chars)
{
    if (rule == NULL)
        return;
    if (rule->kind != RULE_TRUNCATE)
        connect_parameter(&t->schema, "masked", span_of("true"));
    else if (max_chars == 0 || max_chars > rule->n)
        connect_number(t, &t->schema, "truncateLength", (int)rule->n);
}

// ---- the table

static void write_field(const struct connect_table *table, size_t i, bool in_key, struct buf *out)
{
    struct connect_type t = {0};
    table->describe(table->table, i, in_key, &t);
    connect_write(&t.schema, out);
}

static void write_named(struct span topic, const char *suffix, struct buf *out)
{
    buf_lit(out, ",\"name\":\"");
    buf_span(out, topic);
    buf_str(out, suffix);
    buf_char(out, '"');
}

static void write_key(const struct connect_table *t, struct buf *out)
{
    if (t->n_key == 0) {
        buf_lit(out, "null");
        return;
    }
    buf_lit(out, "{\"type\":\"struct\",\"fields\":[");
    for (size_t i = 0; i < t->n_key; i++) {
        if (i != 0)
            buf_char(out, ',');
        write_field(t, t->key[i], true, out);
    }
    buf_lit(out, "],\"optional\":false");
    write_named(t->topic, ".Key", out);
    buf_char(out, '}');
}

static void write_row(const struct connect_table *t, const char *member, struct buf *out)
{
    bool first = true;
    buf_lit(out, "{\"type\":\"struct\",\"fields\":[");
    for (size_t i = 0; i < t->n; i++) {
        if (!t->in_value(t->table, i))
            continue;
        if (!first)
            buf_char(out, ',');
        first = false;
        write_field(t, i, false, out);
    }
    buf_lit(out, "],\"optional\":true");
    write_named(t->topic, ".Value", out);
    buf_lit(out, ",\"field\":\"");
    buf_str(out, member);
    buf_lit(out, "\"},");
}

void connect_write_table(const struct connect_table *t, const struct pos *at, struct buf *out)
{
    connect_begin(at, t->topic, out);
    write_key(t, out);
    connect_next(out);
    buf_lit(out, "{\"type\":\"struct\",\"fields\":[");
    write_row(t, "before", out);
    write_row(t, "after", out);
    buf_str(out, t->source);
    buf_lit(out, "," CONNECT_TRANSACTION_BLOCK "," CONNECT_STRING_FIELD("op") "," //
            CONNECT_OPTIONAL_INT64_FIELD("ts_ms") "," CONNECT_OPTIONAL_INT64_FIELD(
                "ts_us") "," CONNECT_OPTIONAL_INT64_FIELD("ts_ns") "],\"optional\":false");
    write_named(t->topic, ".Envelope", out);
    buf_lit(out, ",\"version\":2}");
    connect_end(out);
}
