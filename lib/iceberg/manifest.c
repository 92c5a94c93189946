#include "iceberg/manifest.h"

#include "iceberg/avro.h"
#include "iceberg/files.h"
#include "iceberg/memory.h"
#include "iceberg/partition.h"
#include "iceberg/transform.h"

#include <stdio.h>

#define MANIFEST_MAX_BYTES (1u << 30)

// A map by field id: Avro has maps of strings only, so Iceberg writes an array of pairs.
#define BY_ID(name, id, k, v, type)                                                                          \
    "{\"name\":\"" name "\",\"type\":[\"null\",{\"type\":\"array\",\"logicalType\":\"map\",\"items\":"       \
    "{\"type\":\"record\",\"name\":\"k" #k "_v" #v                                                           \
    "\",\"fields\":[{\"name\":\"key\",\"type\":\"int\",\"field-id\":" #k "},{\"name\":\"value\",\"type\":"   \
    "\"" type "\",\"field-id\":" #v "}]}}],\"default\":null,\"field-id\":" #id "},"
#define OPTIONAL(name, type, id)                                                                             \
    "{\"name\":\"" name "\",\"type\":[\"null\"," type "],\"default\":null,\"field-id\":" #id "}"

static const char entry_head[] =
    "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":[{\"name\":\"status\",\"type\":\"int\","
    "\"field-id\":0}," OPTIONAL("snapshot_id", "\"long\"", 1) "," OPTIONAL(
        "sequence_number", "\"long\"",
        3) "," OPTIONAL("file_sequence_number", "\"long\"",
                        4) ",{\"name\":\"data_file\",\"field-id\":2,\"type\":{\"type\":\"record\",\"name\":"
                           "\"r2\",\"fields\":[{\"name\":\"content\",\"type\":\"int\",\"field-id\":134},"
                           "{\"name\":\"file_path\",\"type\":\"string\",\"field-id\":100},"
                           "{\"name\":\"file_format\",\"type\":\"string\",\"field-id\":101},";
static const char entry_tail[] =
    "{\"name\":\"record_count\",\"type\":\"long\",\"field-id\":103},"
    "{\"name\":\"file_size_in_bytes\",\"type\":\"long\",\"field-id\":104}," BY_ID("value_counts", 109, 119,
                                                                                  120, "long")
        BY_ID("null_value_counts", 110, 121, 122, "long") BY_ID("lower_bounds", 125, 126, 127, "bytes") BY_ID(
            "upper_bounds", 128, 129, 130,
            "bytes") "{\"name\":\"equality_ids\",\"type\":[\"null\",{\"type\":\"array\",\"items\":\"int\","
                     "\"element-id\":136}],\"default\":null,\"field-id\":135}," OPTIONAL(
                         "sort_order_id", "\"int\"", 140) "]}}]}";

#define LONG(name, id) "{\"name\":\"" name "\",\"type\":\"long\",\"field-id\":" #id "},"
#define INT(name, id) "{\"name\":\"" name "\",\"type\":\"int\",\"field-id\":" #id "},"
static const char list_schema[] =
    "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":[{\"name\":\"manifest_path\",\"type\":"
    "\"string\",\"field-id\":500}," LONG("manifest_length", 501) INT("partition_spec_id", 502)
        INT("content", 517) LONG("sequence_number", 515) LONG("min_sequence_number", 516)
            LONG("added_snapshot_id", 503) INT("added_files_count", 504) INT("existing_files_count", 505)
                INT("deleted_files_count", 506) LONG("added_rows_count", 512) LONG("existing_rows_count", 513)
                    LONG("deleted_rows_count",
                         514) "{\"name\":\"partitions\",\"type\":[\"null\",{\"type\":\"array\","
                              "\"items\":{\"type\":\"record\",\"name\":\"r508\",\"fields\":"
                              "[{\"name\":\"contains_null\",\"type\":\"boolean\",\"field-id\":"
                              "509}," OPTIONAL("contains_nan", "\"boolean\"", 518) "," OPTIONAL(
                                  "lower_bound", "\"bytes\"",
                                  510) "," OPTIONAL("upper_bound", "\"bytes\"",
                                                    511) "]},\"element-id\":508}],\"default\":"
                                                         "null,\"field-id\":507}]}";

// ---- manifests

// One of the maps by field id: what of a column's stats goes into it.
static void put_counts(avro_value_t *file, const char *name, const struct ice_data_file *f, bool nulls)
{
    avro_value_t map = ice_avro_set(file, name), pair;
    for (size_t i = 0; i < f->n_stats; i++) {
        avro_value_append(&map, &pair, NULL);
        ice_avro_set_long(&pair, "key", f->stats[i].id);
        ice_avro_set_long(&pair, "value", nulls ? f->stats[i].nulls : f->stats[i].values);
    }
}

static void put_bounds(avro_value_t *file, const char *name, const struct ice_data_file *f, bool upper)
{
    avro_value_t map = ice_avro_set(file, name), pair;
    for (size_t i = 0; i < f->n_stats; i++) {
        struct span bound = upper ? f->stats[i].upper : f->stats[i].lower;
        if (bound.p == NULL)
            continue;
        avro_value_append(&map, &pair, NULL);
        ice_avro_set_long(&pair, "key", f->stats[i].id);
        ice_avro_set_bytes(&pair, "value", bound);
    }
}

static void put_equality_ids(avro_value_t *file, const struct ice_data_file *f)
{
    avro_value_t ids, id;
    if (f->n_equality_ids == 0) {
        ice_avro_set_null(file, "equality_ids");
        return;
    }
    ids = ice_avro_set(file, "equality_ids");
    for (size_t i = 0; i < f->n_equality_ids; i++) {
        avro_value_append(&ids, &id, NULL);
        avro_value_set_int(&id, f->equality_ids[i]);
    }
}

// A value of a partition, where Avro has fixed bytes for decimals: as many as the type wants.
static void put_decimal(avro_value_t *to, ice_decimal v, int precision)
{
    unsigned char bytes[sizeof v];
    size_t n = (size_t)ice_decimal_bytes(precision);
    for (size_t i = n; i-- > 0; v >>= 8)
        bytes[i] = (unsigned char)(v & 255);
    avro_value_set_fixed(to, bytes, n);
}

static void put_part(avro_value_t *record, const struct ice_partition_part *part, const struct ice_value *v)
{
    if (v->is_null) {
        ice_avro_set_null(record, part->avro_name);
        return;
    }
    avro_value_t to = ice_avro_set(record, part->avro_name);
    switch (part->type.kind) {
    case ICE_BOOLEAN:
        avro_value_set_boolean(&to, v->boolean);
        break;
    case ICE_FLOAT:
        avro_value_set_float(&to, v->f32);
        break;
    case ICE_DOUBLE:
        avro_value_set_double(&to, v->f64);
        break;
    case ICE_DECIMAL:
        put_decimal(&to, v->decimal, part->type.precision);
        break;
    case ICE_STRING:
        ice_avro_put_text(to, v->bytes);
        break;
    case ICE_BINARY:
        ice_avro_set_bytes(record, part->avro_name, v->bytes);
        break;
    case ICE_UUID:
    case ICE_FIXED:
        // libavro does not write to it.
        avro_value_set_fixed(&to, (void *)(uintptr_t)v->bytes.p, v->bytes.n);
        break;
    default:
        ice_avro_set_long(record, part->avro_name, v->i64);
    }
}

static void put_partition(avro_value_t *file, const struct ice_partition *p, const struct ice_value *values)
{
    if (p->n == 0)
        return;
    avro_value_t record = ice_avro_set(file, "partition");
    for (size_t i = 0; i < p->n; i++)
        put_part(&record, &p->parts[i], &values[i]);
}

static void put_added(avro_value_t *entry, const struct ice_partition *p, const struct ice_data_file *f,
                      int64_t snapshot_id)
{
    avro_value_t file;
    ice_avro_set_long(entry, "status", ICE_ADDED);
    ice_avro_set_long(entry, "snapshot_id", snapshot_id);
    ice_avro_set_null(entry, "sequence_number");
    ice_avro_set_null(entry, "file_sequence_number");
    file = ice_avro_set(entry, "data_file");
    ice_avro_set_long(&file, "content", f->content);
    ice_avro_set_text(&file, "file_path", f->path);
    ice_avro_set_text(&file, "file_format", span_of("PARQUET"));
    put_partition(&file, p, f->partition);
    ice_avro_set_long(&file, "record_count", f->records);
    ice_avro_set_long(&file, "file_size_in_bytes", f->bytes);
    put_counts(&file, "value_counts", f, false);
    put_counts(&file, "null_value_counts", f, true);
    put_bounds(&file, "lower_bounds", f, false);
    put_bounds(&file, "upper_bounds", f, true);
    put_equality_ids(&file, f);
    ice_avro_set_null(&file, "sort_order_id");
}

static bool store(struct ice_avro_writer *w, const char *schema, const struct ice_avro_pair *pairs, size_t n,
                  struct span location, int64_t *bytes, struct err *e)
{
    struct buf out;
    buf_init(&out, MANIFEST_MAX_BYTES);
    bool ok = ice_avro_finish(w, schema, pairs, n, &out, e) && ice_files_create(location, buf_view(&out), e);
    *bytes = (int64_t)out.n;
    buf_release(&out);
    return ok;
}

// whole: with the record that is the partition of an unpartitioned table's files, which libavro refuses.
static void put_entry_schema(const struct ice_partition *p, bool whole, struct buf *json)
{
    buf_str(json, entry_head);
    if (whole || p->n != 0) {
        buf_lit(json, "{\"name\":\"partition\",\"field-id\":102,\"type\":");
        ice_partition_schema(p, json);
        buf_lit(json, "},");
    }
    buf_str(json, entry_tail);
}

struct texts {
    struct buf bare, whole, schema, fields;
};

static bool finish_manifest(const struct ice_schema *schema, const struct ice_partition *p, struct texts *t,
                            struct ice_avro_writer *w, struct ice_manifest *m, struct err *e)
{
    char schema_id[16], spec_id[16];
    snprintf(schema_id, sizeof schema_id, "%d", schema->id);
    snprintf(spec_id, sizeof spec_id, "%d", p->spec->id);
    ice_schema_write(schema, true, &t->schema);
    ice_partition_fields(p, &t->fields);
    put_entry_schema(p, true, &t->whole);
    const struct ice_avro_pair pairs[] = {
        {"schema", buf_view(&t->schema)},         {"schema-id", span_of(schema_id)},
        {"partition-spec", buf_view(&t->fields)}, {"partition-spec-id", span_of(spec_id)},
        {"format-version", span_of("2")},         {"content", span_of(m->deletes ? "deletes" : "data")},
    };
    return buf_ok(&t->schema, "a schema", e) && buf_ok(&t->fields, "a partition spec", e) &&
           buf_ok(&t->whole, "a manifest's schema", e) &&
           store(w, buf_cstr(&t->whole), pairs, 6, m->path, &m->bytes, e);
}

static bool write_entries(const struct ice_partition *p, struct texts *t, struct ice_avro_writer *w,
                          const struct ice_data_file *files, struct ice_manifest *m, struct err *e)
{
    put_entry_schema(p, false, &t->bare);
    bool ok = buf_ok(&t->bare, "a manifest's schema", e) && ice_avro_open(w, buf_cstr(&t->bare), e);
    for (int32_t i = 0; ok && i < m->added_files; i++) {
        m->added_rows += files[i].records;
        put_added(&w->value, p, &files[i], m->snapshot_id);
        ok = ice_avro_add(w, e);
    }
    return ok;
}

static bool summarize(const struct ice_partition *p, const struct ice_data_file *files, size_t n,
                      struct arena *a, struct ice_manifest *m, struct err *e)
{
    struct ice_partition_summary *summaries;
    if (p->n == 0)
        return true;
    const struct ice_value **values = ice_take(a, n, sizeof *values, e);
    if (values == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        values[i] = files[i].partition;
    if (!ice_partition_summaries(p, values, n, a, &summaries, e))
        return false;
    m->summaries = summaries, m->n_summaries = p->n;
    return true;
}

bool ice_manifest_write(const struct ice_schema *schema, const struct ice_spec *spec,
                        const struct ice_data_file *files, size_t n, int64_t snapshot_id,
                        struct span location, struct arena *a, struct ice_manifest *m, struct err *e)
{
    struct ice_partition p;
    struct ice_avro_writer w = {0};
    struct texts t;
    *m = (struct ice_manifest){.path = location,
                               .spec_id = spec->id,
                               .deletes = files[0].content != ICE_DATA,
                               .sequence_number = ICE_NO_SEQUENCE,
                               .min_sequence_number = ICE_NO_SEQUENCE,
                               .snapshot_id = snapshot_id,
                               .added_files = (int32_t)n};
    buf_init(&t.bare, MANIFEST_MAX_BYTES), buf_init(&t.whole, MANIFEST_MAX_BYTES);
    buf_init(&t.schema, MANIFEST_MAX_BYTES), buf_init(&t.fields, MANIFEST_MAX_BYTES);
    bool ok = ice_partition_bind(spec, schema, a, &p, e) && summarize(&p, files, n, a, m, e) &&
              write_entries(&p, &t, &w, files, m, e) && finish_manifest(schema, &p, &t, &w, m, e);
    ice_avro_release(&w);
    buf_release(&t.bare), buf_release(&t.whole);
    buf_release(&t.schema), buf_release(&t.fields);
    return ok;
}

// ---- manifest lists

static bool copy_span(struct arena *a, struct span from, struct span *to, struct err *e)
{
    char *p = arena_take(a, from.n + 1);
    if (p == NULL)
        return err_no_memory(e);
    memcpy(p, from.p, from.n);
    *to = (struct span){p, from.n};
    return true;
}

static bool read_summary(const avro_value_t *from, struct arena *a, struct ice_partition_summary *s,
                         struct err *e)
{
    avro_value_t value;
    struct span bytes;
    int flag;
    *s = (struct ice_partition_summary){0};
    s->contains_null = ice_avro_get(from, "contains_null", &value) &&
                       avro_value_get_boolean(&value, &flag) == 0 && flag != 0;
    s->knows_nan = ice_avro_get(from, "contains_nan", &value) && avro_value_get_boolean(&value, &flag) == 0;
    s->contains_nan = s->knows_nan && flag != 0;
    if (ice_avro_get_bytes(from, "lower_bound", &bytes) && !copy_span(a, bytes, &s->lower, e))
        return false;
    return !ice_avro_get_bytes(from, "upper_bound", &bytes) || copy_span(a, bytes, &s->upper, e);
}

static bool read_summaries(const avro_value_t *record, struct arena *a, struct ice_manifest *m, struct err *e)
{
    avro_value_t array, item;
    size_t n;
    if (!ice_avro_get(record, "partitions", &array) || avro_value_get_type(&array) != AVRO_ARRAY ||
        avro_value_get_size(&array, &n) != 0)
        return true;
    struct ice_partition_summary *summaries = arena_take(a, (n + 1) * sizeof *summaries);
    if (summaries == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < n; i++)
        if (avro_value_get_by_index(&array, i, &item, NULL) != 0 || !read_summary(&item, a, &summaries[i], e))
            return false;
    m->summaries = summaries;
    m->n_summaries = n;
    return true;
}

static int64_t number(const avro_value_t *record, const char *name, const char *other)
{
    int64_t v = 0;
    if (!ice_avro_get_long(record, name, &v) && other != NULL)
        (void)ice_avro_get_long(record, other, &v);
    return v;
}

// The counts of files have had two names.
static bool read_manifest(const avro_value_t *record, struct arena *a, struct ice_manifest *m, struct err *e)
{
    struct span path;
    if (!ice_avro_get_bytes(record, "manifest_path", &path))
        return err_set(e, STATUS_DATA, "a manifest list's record has no manifest_path");
    *m = (struct ice_manifest){
        .bytes = number(record, "manifest_length", NULL),
        .spec_id = (int32_t)number(record, "partition_spec_id", NULL),
        .deletes = number(record, "content", NULL) != 0,
        .sequence_number = number(record, "sequence_number", NULL),
        .min_sequence_number = number(record, "min_sequence_number", NULL),
        .snapshot_id = number(record, "added_snapshot_id", NULL),
        .added_files = (int32_t)number(record, "added_files_count", "added_data_files_count"),
        .existing_files = (int32_t)number(record, "existing_files_count", "existing_data_files_count"),
        .deleted_files = (int32_t)number(record, "deleted_files_count", "deleted_data_files_count"),
        .added_rows = number(record, "added_rows_count", NULL),
        .existing_rows = number(record, "existing_rows_count", NULL),
        .deleted_rows = number(record, "deleted_rows_count", NULL),
    };
    return copy_span(a, path, &m->path, e) && read_summaries(record, a, m, e);
}

bool ice_manifest_list_read(struct span location, struct buf *list, struct arena *a, struct err *e)
{
    struct ice_avro_reader r;
    struct ice_manifest m;
    enum ice_avro_got got = ICE_AVRO_FAIL;
    if (ice_avro_read(&r, location, e))
        while ((got = ice_avro_next(&r, e)) == ICE_AVRO_GOT) {
            if (!read_manifest(&r.value, a, &m, e)) {
                got = ICE_AVRO_FAIL;
                break;
            }
            buf_bytes(list, &m, sizeof m);
        }
    ice_avro_close(&r);
    if (got == ICE_AVRO_FAIL)
        return err_wrap(e, "manifest list %.*s", SPAN_ARG(location));
    return buf_ok(list, "a manifest list", e);
}

static void put_bound(avro_value_t *to, const char *name, struct span bound)
{
    if (bound.p == NULL)
        ice_avro_set_null(to, name);
    else
        ice_avro_set_bytes(to, name, bound);
}

static void put_summaries(avro_value_t *record, const struct ice_manifest *m)
{
    avro_value_t array, item, value;
    if (m->summaries == NULL) {
        ice_avro_set_null(record, "partitions");
        return;
    }
    array = ice_avro_set(record, "partitions");
    for (size_t i = 0; i < m->n_summaries; i++) {
        const struct ice_partition_summary *s = &m->summaries[i];
        avro_value_append(&array, &item, NULL);
        value = ice_avro_set(&item, "contains_null");
        avro_value_set_boolean(&value, s->contains_null);
        if (s->knows_nan) {
            value = ice_avro_set(&item, "contains_nan");
            avro_value_set_boolean(&value, s->contains_nan);
        } else
            ice_avro_set_null(&item, "contains_nan");
        put_bound(&item, "lower_bound", s->lower);
        put_bound(&item, "upper_bound", s->upper);
    }
}

static void put_manifest(avro_value_t *record, const struct ice_manifest *m, int64_t sequence_number)
{
    int64_t least = m->min_sequence_number == ICE_NO_SEQUENCE ? sequence_number : m->min_sequence_number;
    ice_avro_set_text(record, "manifest_path", m->path);
    ice_avro_set_long(record, "manifest_length", m->bytes);
    ice_avro_set_long(record, "partition_spec_id", m->spec_id);
    ice_avro_set_long(record, "content", m->deletes);
    ice_avro_set_long(record, "sequence_number",
                      m->sequence_number == ICE_NO_SEQUENCE ? sequence_number : m->sequence_number);
    ice_avro_set_long(record, "min_sequence_number", least);
    ice_avro_set_long(record, "added_snapshot_id", m->snapshot_id);
    ice_avro_set_long(record, "added_files_count", m->added_files);
    ice_avro_set_long(record, "existing_files_count", m->existing_files);
    ice_avro_set_long(record, "deleted_files_count", m->deleted_files);
    ice_avro_set_long(record, "added_rows_count", m->added_rows);
    ice_avro_set_long(record, "existing_rows_count", m->existing_rows);
    ice_avro_set_long(record, "deleted_rows_count", m->deleted_rows);
    put_summaries(record, m);
}

bool ice_manifest_list_write(const struct ice_manifest *manifests, size_t n, int64_t snapshot_id,
                             int64_t parent_id, int64_t sequence_number, struct span location, struct err *e)
{
    struct ice_avro_writer w;
    char id[24], parent[24], sequence[24];
    int64_t bytes;
    snprintf(id, sizeof id, "%lld", (long long)snapshot_id);
    snprintf(sequence, sizeof sequence, "%lld", (long long)sequence_number);
    snprintf(parent, sizeof parent, "%lld", (long long)parent_id);
    const struct ice_avro_pair pairs[] = {
        {"snapshot-id", span_of(id)},
        {"sequence-number", span_of(sequence)},
        {"format-version", span_of("2")},
        {"parent-snapshot-id", span_of(parent_id == ICE_NO_SNAPSHOT ? "null" : parent)},
    };
    bool ok = ice_avro_open(&w, list_schema, e);
    for (size_t i = 0; ok && i < n; i++) {
        put_manifest(&w.value, &manifests[i], sequence_number);
        ok = ice_avro_add(&w, e);
    }
    ok = ok && store(&w, list_schema, pairs, 4, location, &bytes, e);
    ice_avro_release(&w);
    return ok;
}
