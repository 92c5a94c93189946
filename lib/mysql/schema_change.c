#include "mysql/schema_change.h"

#include "base/clock.h"
#include "event/json.h"
#include "mysql/schema.h"

static void write_change(const struct my_schema_change *c, struct buf *out)
{
    static const char *const types[] = {
        [DDL_CREATE] = "CREATE", [DDL_ALTER] = "ALTER", [DDL_KEY] = "ALTER", [DDL_DROP] = "DROP"};
    struct buf *b = out;
    buf_lit(b, "{\"type\":\"");
    buf_str(b, types[c->kind]);
    buf_lit(b, "\",\"id\":");
    // "db"."table" within a string; a quote in a name is as it is.
    struct buf id;
    buf_init(&id, 8192);
    buf_char(&id, '"');
    buf_span(&id, c->db);
    buf_lit(&id, "\".\"");
    buf_span(&id, c->table);
    buf_char(&id, '"');
    json_quote(b, buf_view(&id));
    b->bad = b->bad || id.bad;
    buf_release(&id);
    buf_lit(b, ",\"table\":");
    if (c->kind != DDL_DROP && c->definition != NULL && c->definition->n != 0)
        my_definition_write(c->definition, b);
    else
        buf_lit(b, "null");
    buf_char(b, '}');
}

static void describe_topic(const struct my_schema_change *c, const struct my_envelope *v, struct buf *out)
{
    struct buf topic;
    if (c->described == NULL || *c->described)
        return;
    *c->described = true;
    buf_init(&topic, 4096);
    topic_write(&topic, span_of(v->topic_prefix));
    my_schema_write_changes(buf_view(&topic), strcmp(v->connector, "mariadb") == 0, c->at, out);
    buf_release(&topic);
}

bool my_schema_change_write(const struct my_schema_change *c, const struct my_envelope *v, struct buf *out,
                            struct err *e)
{
    describe_topic(c, v, out);
    size_t start = out->n;
    buf_lit(out, "{\"cdc\":{\"pos\":\"");
    pos_format(out, c->at);
    buf_lit(out, "\",\"topic\":\"");
    topic_write(out, span_of(v->topic_prefix));
    buf_lit(out, "\",\"key\":{\"databaseName\":");
    json_quote(out, c->db);
    buf_lit(out, "}},");
    my_envelope_write_source(v, c->snapshot, c->db, c->tables, out);
    buf_lit(out, ",\"ts_ms\":");
    buf_i64(out, clock_wall_ns() / 1000000);
    buf_lit(out, ",\"databaseName\":");
    json_quote(out, c->db);
    buf_lit(out, ",\"schemaName\":null,\"ddl\":");
    json_quote(out, c->sql);
    buf_lit(out, ",\"tableChanges\":[");
    if (c->table.n != 0)
        write_change(c, out);
    buf_lit(out, "]}\n");
    if (buf_ok(out, "a schema change's line", e))
        return true;
    out->n = start;
    out->bad = false;
    return false;
}

bool my_is_system_database(struct span db)
{
    return span_is(db, "mysql") || span_is(db, "sys") || span_is(db, "information_schema") ||
           span_is(db, "performance_schema");
}
