#include "iceberg/table.h"

#include "event/json.h"

// Metadata that holds some thousand snapshots takes a few megabytes.
#define METADATA_MAX_BYTES (256u << 20)
#define LOCATION_MAX_BYTES 8192

void ice_table_init(struct ice_table *t)
{
    *t = (struct ice_table){.snapshot_id = ICE_NO_SNAPSHOT};
    buf_init(&t->text, METADATA_MAX_BYTES);
    buf_init(&t->file, LOCATION_MAX_BYTES);
}

void ice_table_release(struct ice_table *t)
{
    buf_release(&t->text);
    buf_release(&t->file);
    arena_release(&t->arena);
}

static struct span text_of(const struct ice_table *t)
{
    return buf_view(&t->text);
}

static bool lacks(const char *member, struct err *e)
{
    return err_set(e, STATUS_DATA, "the table's metadata has no %s", member);
}

static bool read_number(struct span json, const char *member, int64_t *v, struct err *e)
{
    struct span value;
    return (json_member(json, span_of(member), &value) && json_i64(value, v)) || lacks(member, e);
}

static bool read_int(struct span json, const char *member, int32_t *v, struct err *e)
{
    int64_t wide;
    if (!read_number(json, member, &wide, e))
        return false;
    *v = (int32_t)wide;
    return wide == *v || lacks(member, e);
}

static bool read_text(struct ice_table *t, struct span json, const char *member, struct span *text,
                      struct err *e)
{
    struct span value;
    return json_member(json, span_of(member), &value) ? ice_unquote(value, &t->arena, text, e)
                                                      : lacks(member, e);
}

// An array's elements, each `size` bytes of zeros in the arena.
static void *take_array(struct ice_table *t, const char *member, size_t size, struct span *array,
                        struct err *e)
{
    struct json_walk w;
    size_t n = 1;
    if (!json_member(text_of(t), span_of(member), array)) {
        lacks(member, e);
        return NULL;
    }
    for (json_walk_begin(&w, *array); json_walk_next(&w);)
        n++;
    void *room = arena_take(&t->arena, n * size);
    if (room == NULL)
        err_no_memory(e);
    else
        memset(room, 0, n * size);
    return room;
}

// ---- schemas and specs

const struct ice_schema *ice_table_schema(const struct ice_table *t, int32_t id)
{
    for (size_t i = 0; i < t->n_schemas; i++)
        if (t->schemas[i].id == id)
            return &t->schemas[i];
    return NULL;
}

const struct ice_spec *ice_table_spec(const struct ice_table *t, int32_t id)
{
    for (size_t i = 0; i < t->n_specs; i++)
        if (t->specs[i].id == id)
            return &t->specs[i];
    return NULL;
}

static bool read_schemas(struct ice_table *t, struct err *e)
{
    struct json_walk w;
    struct span array;
    int32_t id;
    t->n_schemas = 0;
    t->schemas = take_array(t, "schemas", sizeof *t->schemas, &array, e);
    if (t->schemas == NULL || !read_int(text_of(t), "current-schema-id", &id, e))
        return false;
    for (json_walk_begin(&w, array); json_walk_next(&w); t->n_schemas++)
        if (!ice_schema_read(w.value, &t->arena, &t->schemas[t->n_schemas], e))
            return err_wrap(e, "schema");
    t->schema = ice_table_schema(t, id);
    return t->schema != NULL || lacks("schema of its current-schema-id", e);
}

bool ice_transform_read(struct span text, struct ice_transform *t)
{
    static const struct {
        const char *name;
        enum ice_transform_kind kind;
    } plain[] = {
        {"identity", ICE_IDENTITY}, {"year", ICE_YEAR}, {"month", ICE_MONTH},
        {"day", ICE_DAY},           {"hour", ICE_HOUR}, {"void", ICE_VOID},
    };
    int64_t n;
    *t = (struct ice_transform){0};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (span_is(text, plain[i].name)) {
            t->kind = plain[i].kind;
            return true;
        }
    t->kind = span_take_word(&text, "bucket[") ? ICE_BUCKET : ICE_TRUNCATE;
    if (t->kind == ICE_TRUNCATE && !span_take_word(&text, "truncate["))
        return false;
    if (!span_take_number(&text, 9, &n) || !span_is(text, "]") || n < 1)
        return false;
    t->n = (uint32_t)n;
    return true;
}

static bool read_partition_field(struct ice_table *t, struct span json, struct ice_partition_field *f,
                                 struct err *e)
{
    struct span transform;
    if (!read_int(json, "source-id", &f->source_id, e) || !read_int(json, "field-id", &f->field_id, e) ||
        !read_text(t, json, "name", &f->name, e) || !read_text(t, json, "transform", &transform, e))
        return false;
    return ice_transform_read(transform, &f->transform) ||
           err_set(e, STATUS_USAGE, "the partition transform %.*s is not known", SPAN_ARG(transform));
}

static bool read_spec(struct ice_table *t, struct span json, struct ice_spec *s, struct err *e)
{
    struct json_walk w;
    struct span array;
    size_t n = 1;
    if (!read_int(json, "spec-id", &s->id, e))
        return false;
    if (!json_member(json, span_of("fields"), &array))
        return lacks("fields of a partition spec", e);
    for (json_walk_begin(&w, array); json_walk_next(&w);)
        n++;
    s->fields = arena_take(&t->arena, n * sizeof *s->fields);
    if (s->fields == NULL)
        return err_no_memory(e);
    for (json_walk_begin(&w, array); json_walk_next(&w); s->n++)
        if (!read_partition_field(t, w.value, &s->fields[s->n], e))
            return err_wrap(e, "partition spec %d", s->id);
    return true;
}

static bool read_specs(struct ice_table *t, struct err *e)
{
    struct json_walk w;
    struct span array;
    int32_t id;
    t->n_specs = 0;
    t->specs = take_array(t, "partition-specs", sizeof *t->specs, &array, e);
    if (t->specs == NULL || !read_int(text_of(t), "default-spec-id", &id, e))
        return false;
    for (json_walk_begin(&w, array); json_walk_next(&w); t->n_specs++)
        if (!read_spec(t, w.value, &t->specs[t->n_specs], e))
            return false;
    t->spec = ice_table_spec(t, id);
    return t->spec != NULL || lacks("partition spec of its default-spec-id", e);
}

// ---- the snapshot

// The main branch; a table may lack the refs that its current-snapshot-id stands for.
static int64_t current_snapshot(const struct ice_table *t)
{
    static const struct span to_main[] = {SPAN_LIT("refs"), SPAN_LIT("main"), SPAN_LIT("snapshot-id")};
    struct span value;
    int64_t id;
    if (json_path(text_of(t), to_main, 3, &value) && json_i64(value, &id))
        return id;
    if (json_member(text_of(t), span_of("current-snapshot-id"), &value) && json_i64(value, &id) && id >= 0)
        return id;
    return ICE_NO_SNAPSHOT;
}

bool ice_table_snapshot(const struct ice_table *t, int64_t id, struct span *snapshot)
{
    struct json_walk w;
    struct span array, value;
    int64_t v;
    if (!json_member(text_of(t), span_of("snapshots"), &array))
        return false;
    for (json_walk_begin(&w, array); json_walk_next(&w);)
        if (json_member(w.value, span_of("snapshot-id"), &value) && json_i64(value, &v) && v == id) {
            *snapshot = w.value;
            return true;
        }
    return false;
}

static bool read_snapshot(struct ice_table *t, struct err *e)
{
    struct span snapshot;
    t->manifest_list = t->summary = (struct span){NULL, 0};
    t->snapshot_id = current_snapshot(t);
    if (t->snapshot_id == ICE_NO_SNAPSHOT)
        return true;
    if (!ice_table_snapshot(t, t->snapshot_id, &snapshot))
        return lacks("snapshot that its main branch names", e);
    if (!json_member(snapshot, span_of("summary"), &t->summary))
        t->summary = (struct span){NULL, 0};
    return read_text(t, snapshot, "manifest-list", &t->manifest_list, e) || err_wrap(e, "snapshot");
}

bool ice_table_read(struct ice_table *t, struct err *e)
{
    struct span text = text_of(t);
    size_t bad_at;
    int32_t version;
    arena_reset(&t->arena);
    if (!json_check(text, &bad_at))
        return err_set(e, STATUS_DATA, "the table's metadata is no JSON at byte %zu", bad_at + 1);
    if (!read_int(text, "format-version", &version, e))
        return false;
    if (version != 2) {
        err_set(e, STATUS_USAGE, "the table has format version %d, not 2", version);
        return err_hint(e, version == 1 ? "ALTER TABLE … SET TBLPROPERTIES ('format-version'='2') raises it"
                                        : "let another table, of version 2, be written");
    }
    if (!json_member(text, span_of("properties"), &t->properties))
        t->properties = span_of("{}");
    t->last_sequence_number = 0, t->sort_order_id = 0;
    return read_text(t, text, "table-uuid", &t->uuid, e) && read_text(t, text, "location", &t->location, e) &&
           read_number(text, "last-sequence-number", &t->last_sequence_number, e) &&
           read_number(text, "last-updated-ms", &t->last_updated_ms, e) &&
           read_int(text, "last-column-id", &t->last_column_id, e) &&
           read_int(text, "last-partition-id", &t->last_partition_id, e) &&
           read_int(text, "default-sort-order-id", &t->sort_order_id, e) && read_schemas(t, e) &&
           read_specs(t, e) && read_snapshot(t, e);
}

// ---- properties

bool ice_table_property(const struct ice_table *t, const char *name, struct buf *out)
{
    struct span value;
    buf_reset(out);
    return json_member(t->properties, span_of(name), &value) && json_unquote(value, out) && !out->bad;
}

int64_t ice_table_number(const struct ice_table *t, const char *name, int64_t fallback)
{
    char text[32];
    int64_t v;
    return json_text_member(t->properties, name, text, sizeof text) && json_i64(span_of(text), &v) ? v
                                                                                                   : fallback;
}

bool ice_table_flag(const struct ice_table *t, const char *name, bool fallback)
{
    char text[8];
    if (!json_text_member(t->properties, name, text, sizeof text))
        return fallback;
    return strcmp(text, "true") == 0;
}
