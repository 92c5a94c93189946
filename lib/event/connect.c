#include "event/connect.h"

#include "event/json.h"

static void write_parameters(const struct connect_schema *s, struct buf *out)
{
    for (size_t i = 0; i < s->parameters; i++) {
        buf_str(out, i == 0 ? ",\"parameters\":{" : ",");
        json_quote(out, span_of(s->parameter[i].name));
        buf_char(out, ':');
        json_quote(out, s->parameter[i].value);
    }
    if (s->parameters != 0)
        buf_char(out, '}');
}

static void write_text(const char *member, const char *text, struct buf *out)
{
    if (text == NULL)
        return;
    buf_str(out, member);
    json_quote(out, span_of(text));
}

void connect_write(const struct connect_schema *s, struct buf *out)
{
    write_text("{\"type\":", s->type, out);
    if (s->items != NULL) {
        buf_lit(out, ",\"items\":");
        connect_write(s->items, out);
    }
    if (s->members != NULL) {
        buf_char(out, ',');
        buf_str(out, s->members);
    }
    buf_str(out, s->optional ? ",\"optional\":true" : ",\"optional\":false");
    write_text(",\"name\":", s->name, out);
    if (s->version != 0) {
        buf_lit(out, ",\"version\":");
        buf_i64(out, s->version);
    }
    write_text(",\"doc\":", s->doc, out);
    write_parameters(s, out);
    if (s->fallback.n != 0) {
        buf_lit(out, ",\"default\":");
        buf_span(out, s->fallback);
    }
    if (s->field.n != 0) {
        buf_lit(out, ",\"field\":");
        buf_span(out, s->field);
    }
    buf_char(out, '}');
}

void connect_begin(const struct pos *at, struct span topic, struct buf *out)
{
    buf_lit(out, "{\"cdc\":{\"control\":\"schema\",\"pos\":\"");
    pos_format(out, at);
    buf_lit(out, "\",\"topic\":\"");
    buf_span(out, topic);
    buf_lit(out, "\",\"key\":");
}

void connect_next(struct buf *out)
{
    buf_lit(out, ",\"value\":");
}

void connect_end(struct buf *out)
{
    buf_lit(out, "}}\n");
}

void connect_write_transaction(const struct pos *at, struct span topic, struct buf *out)
{
    static const struct connect_schema key = {
        .type = "struct",
        .members = "\"fields\":[" CONNECT_STRING_FIELD("id") "]",
        .name = "io.debezium.connector.common.TransactionMetadataKey",
        .version = 1,
    };
    static const struct connect_schema value =
        {
            .type = "struct",
            .members =
                "\"fields\":[" CONNECT_STRING_FIELD("status") "," CONNECT_STRING_FIELD(
                    "id") ","
                          "{\"type\":\"int64\",\"optional\":true,\"field\":\"event_count\"},"
                          "{\"type\":\"array\",\"items\":{\"type\":\"struct\",\"fields\":"
                          "[" CONNECT_STRING_FIELD("data_collection") "," CONNECT_INT64_FIELD(
                              "event_count") "],\"optional\":true,\"name\":"
                                             "\"event.collection\",\"version\":1},\"optional\":true,"
                                             "\"field\":\"data_collections\"}"
                                             "," CONNECT_INT64_FIELD("ts_ms") "]",
            .name = "io.debezium.connector.common.TransactionMetadataValue",
            .version = 1,
        };
    connect_begin(at, topic, out);
    connect_write(&key, out);
    connect_next(out);
    connect_write(&value, out);
    connect_end(out);
}

void connect_write_heartbeat(const struct pos *at, struct span topic, struct buf *out)
{
    static const struct connect_schema key = {
        .type = "struct",
        .members = "\"fields\":[" CONNECT_STRING_FIELD("serverName") "]",
        .name = "io.debezium.connector.common.ServerNameKey",
        .version = 1,
    };
    static const struct connect_schema value = {
        .type = "struct",
        .members = "\"fields\":[" CONNECT_INT64_FIELD("ts_ms") "]",
        .name = "io.debezium.connector.common.Heartbeat",
        .version = 1,
    };
    connect_begin(at, topic, out);
    connect_write(&key, out);
    connect_next(out);
    connect_write(&value, out);
    connect_end(out);
}
