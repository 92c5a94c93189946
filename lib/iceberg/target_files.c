#include "iceberg/target_files.h"

#include "iceberg/evolve.h"
#include "iceberg/files.h"
#include "iceberg/memory.h"
#include "iceberg/scan.h"
#include "iceberg/target_parts.h"

#define LOCATION_MAX_BYTES 8192
#define KEY_SHOWN 200
#define SCAN_MAX_BYTES (512u << 20)

// ---- names of files

// The folder that the property names, or the one of that name in the table's.
static bool folder_of(struct ice_target *t, const char *property, const char *name, struct span *folder,
                      struct err *e)
{
    struct buf b;
    buf_init(&b, LOCATION_MAX_BYTES);
    if (!ice_table_property(&t->table, property, &b)) {
        buf_reset(&b);
        buf_span(&b, t->table.location);
        buf_str(&b, name);
    }
    while (b.n > 1 && b.p[b.n - 1] == '/')
        b.n--;
    *folder = buf_view(&b);
    bool ok = buf_ok(&b, "a location", e) && ice_keep(&t->arena, folder, e);
    buf_release(&b);
    return ok;
}

static bool new_location(struct ice_target *t, struct span folder, const char *ending, struct span *location,
                         struct err *e)
{
    struct buf b;
    char uuid[ICE_UUID_BYTES];
    if (!ice_uuid(uuid, e))
        return false;
    buf_init(&b, LOCATION_MAX_BYTES);
    buf_span(&b, folder);
    buf_printf(&b, "/%s%s", uuid, ending);
    *location = buf_view(&b);
    bool ok = buf_ok(&b, "a location", e) && ice_keep(&t->arena, location, e);
    buf_release(&b);
    return ok;
}

// ---- rows

struct work {
    struct ice_target *t;
    const struct ice_schema *schema;
    struct ice_partition by;
    const uint32_t *order; // the rows of the partition at work; NULL: all there are
    size_t n_order;
    char codec[16];
    struct ice_value *values; // one a field
    uint64_t *missing;        // of each field, in how many rows of the file the log left it out
    bool *gaps;
    struct arena arena;             // of a row
    struct ice_parquet_file *lacks; // what rows lack; NULL: none does
    int64_t n;                      // rows of the data file
};

static bool bind(struct work *w, const struct ice_source *source, struct ice_binding *b, struct err *e)
{
    if (b->shape == &source->shape)
        return true;
    int *places;
    if (!ice_row_bind(&source->shape, w->schema, w->t->mapping, &w->t->arena, &places, e))
        return false;
    *b = (struct ice_binding){&source->shape, w->schema, places};
    return true;
}

static bool wrap_key(struct span key, struct err *e)
{
    return err_wrap(e, "key %.*s%s", key.n > KEY_SHOWN ? KEY_SHOWN : (int)key.n, key.p,
                    key.n > KEY_SHOWN ? "…" : "");
}

// ---- what rows lack

static bool begin_lacks(struct work *w, const struct ice_binding *b, struct err *e)
{
    static const struct ice_field row = {.name = SPAN_LIT("cdc_row"), .type = {.kind = ICE_LONG}};
    static const struct ice_field field = {.name = SPAN_LIT("cdc_field"), .type = {.kind = ICE_LONG}};
    size_t n = ICE_GAP_KEY + b->shape->n_keys;
    struct ice_field *fields = ice_take(&w->t->arena, n, sizeof *fields, e);
    if (fields == NULL)
        return false;
    fields[ICE_GAP_ROW] = row, fields[ICE_GAP_FIELD] = field;
    for (size_t i = 0; i < b->shape->n_keys; i++)
        fields[ICE_GAP_KEY + i] = b->schema->fields[b->places[b->shape->keys[i]]];
    return ice_parquet_begin(w->t->writer->parquet, fields, n, w->codec, &w->lacks, e);
}

static bool put_lacks(struct work *w, struct ice_parquet_file *file, const struct ice_row *r,
                      const struct ice_binding *b, struct err *e)
{
    size_t n = ICE_GAP_KEY + b->shape->n_keys;
    struct ice_value *values = ice_take(&w->arena, n, sizeof *values, e);
    if (values == NULL || (w->lacks == NULL && !begin_lacks(w, b, e)) ||
        !ice_key_read(b, ice_rows_text(&w->t->rows, r->base_at, r->base_n), &w->arena, &values[ICE_GAP_KEY],
                      e))
        return false;
    for (size_t i = 0; i < w->schema->n; i++) {
        if (!w->gaps[i])
            continue;
        values[ICE_GAP_ROW].i64 = w->n;
        values[ICE_GAP_FIELD].i64 = (int64_t)i;
        ice_parquet_expect(file, i);
        w->missing[i]++;
        if (!ice_parquet_row(w->lacks, values, e))
            return false;
    }
    return true;
}

// What nobody has is null, where it may be.
static bool tell_missing(struct work *w, struct err *e)
{
    uint64_t missing = 0;
    for (size_t i = 0; i < w->schema->n; i++) {
        missing += w->missing[i];
        if (w->missing[i] == 0 || !w->schema->fields[i].required)
            continue;
        err_set(e, STATUS_DATA,
                "the log left out a value of '%.*s', and the table's last row of that key has none",
                SPAN_ARG(w->schema->fields[i].name));
        return err_hint(
            e, "ALTER TABLE … REPLICA IDENTITY FULL at the source makes it log all values; the table needs "
               "a new snapshot");
    }
    memset(w->missing, 0, w->schema->n * sizeof *w->missing);
    w->t->writer->incomplete += missing;
    if (missing != 0)
        w->t->writer->warn(
            "table %.*s.%.*s: %llu unavailable values that the table does not have either are null",
            SPAN_ARG(w->t->names.space), SPAN_ARG(w->t->names.table), (unsigned long long)missing);
    return true;
}

static bool fill(struct work *w, struct ice_parquet_file *file, struct err *e)
{
    struct buf scan;
    struct ice_parquet_file *lacks = w->lacks;
    bool any = false;
    buf_init(&scan, SCAN_MAX_BYTES);
    bool ok = ice_scan_write(w->t->table.manifest_list, w->schema, &scan, &any, e);
    w->lacks = NULL;
    if (ok)
        ok = ice_parquet_fill(file, lacks, any ? buf_view(&scan) : (struct span){"", 0}, w->missing, e);
    else
        ice_parquet_abandon(lacks);
    buf_release(&scan);
    return ok && tell_missing(w, e);
}

// What a change is beside its row.
static void put_log_fields(struct work *w, const struct ice_row *r)
{
    const struct ice_rows *rows = &w->t->rows;
    int op = ice_schema_find_name(w->schema, span_of(ICE_LOG_OP));
    int position = ice_schema_find_name(w->schema, span_of(ICE_LOG_POSITION));
    int time = ice_schema_find_name(w->schema, span_of(ICE_LOG_TIME));
    w->values[op] = (struct ice_value){.bytes = {&r->op, 1}};
    if (position >= 0)
        w->values[position] = (struct ice_value){.bytes = ice_rows_text(rows, r->pos_at, r->pos_n)};
    if (time >= 0 && r->time_us != ICE_NO_TIME)
        w->values[time] = (struct ice_value){.i64 = r->time_us};
}

static bool read_row(struct work *w, const struct ice_row *r, const struct ice_binding *b, struct err *e)
{
    const struct ice_rows *rows = &w->t->rows;
    struct span key = ice_rows_text(rows, r->key_at, r->key_n);
    arena_reset(&w->arena);
    if (!ice_row_read(b, ice_rows_text(rows, r->row_at, r->row_n), key, &w->arena, w->values,
                      r->base_n != 0 ? w->gaps : NULL, e))
        return wrap_key(key, e);
    if (w->t->writer->append)
        put_log_fields(w, r);
    return true;
}

static bool put_row(struct work *w, struct ice_parquet_file *file, const struct ice_row *r,
                    const struct ice_binding *b, struct err *e)
{
    if (!read_row(w, r, b, e))
        return false;
    bool ok = (r->base_n == 0 || put_lacks(w, file, r, b, e)) && ice_parquet_row(file, w->values, e);
    w->n++;
    return ok || wrap_key(ice_rows_text(&w->t->rows, r->key_at, r->key_n), e);
}

static bool write_rows(struct work *w, struct ice_parquet_file *file, struct err *e)
{
    struct ice_rows *rows = &w->t->rows;
    struct ice_binding b = {0};
    size_t n = w->order != NULL ? w->n_order : rows->n;
    w->n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ice_row *r = &rows->rows[w->order != NULL ? w->order[i] : i];
        if (!r->deleted && (!bind(w, r->source, &b, e) || !put_row(w, file, r, &b, e)))
            return false;
    }
    return w->lacks == NULL || fill(w, file, e);
}

// A value that the log left out says nothing of the partition that its row is in.
static bool knows_partition(const struct work *w, const struct ice_row *r, struct err *e)
{
    for (size_t i = 0; r->base_n != 0 && i < w->by.n; i++) {
        int column = w->by.parts[i].column;
        if (column < 0 || !w->gaps[column])
            continue;
        err_set(e, STATUS_USAGE, "the log left out the value of '%.*s', by which the table is partitioned",
                SPAN_ARG(w->schema->fields[column].name));
        return err_hint(e, "ALTER TABLE … REPLICA IDENTITY FULL at the source makes it log all values");
    }
    return true;
}

// Each row is read for its partition here, and once more when that one's file is written: so one file at a
// time is in memory.
static bool part_rows(struct work *w, struct ice_parts *parts, struct err *e)
{
    struct ice_rows *rows = &w->t->rows;
    struct ice_binding b = {0};
    for (size_t i = 0; i < rows->n; i++) {
        const struct ice_row *r = &rows->rows[i];
        if (r->deleted)
            continue;
        if (!bind(w, r->source, &b, e) || !read_row(w, r, &b, e))
            return false;
        if (!knows_partition(w, r, e) || !ice_parts_put(parts, (uint32_t)i, w->values, e))
            return wrap_key(ice_rows_text(rows, r->key_at, r->key_n), e);
    }
    return ice_parts_sort(parts, e);
}

static bool write_keys(struct work *w, struct ice_parquet_file *file, struct err *e)
{
    struct ice_rows *rows = &w->t->rows;
    struct ice_binding b = {0};
    for (size_t i = 0; i < rows->n; i++) {
        const struct ice_row *r = &rows->rows[i];
        struct span key = ice_rows_text(rows, r->key_at, r->key_n);
        arena_reset(&w->arena);
        if (!bind(w, r->source, &b, e) ||
            !((ice_key_read(&b, key, &w->arena, w->values, e) && ice_parquet_row(file, w->values, e)) ||
              wrap_key(key, e)))
            return false;
    }
    return true;
}

// ---- files

typedef bool put_rows(struct work *w, struct ice_parquet_file *file, struct err *e);

static bool write_file(struct work *w, const struct ice_field *fields, size_t n, put_rows *put,
                       struct span location, struct ice_data_file *out, struct err *e)
{
    struct ice_parquet_file *file;
    if (!ice_parquet_begin(w->t->writer->parquet, fields, n, w->codec, &file, e))
        return false;
    if (put(w, file, e))
        return ice_parquet_finish(file, location, &w->t->arena, out, e);
    ice_parquet_abandon(file);
    return false;
}

static bool write_data(struct work *w, struct span folder, struct ice_data_file *out, struct err *e)
{
    struct span location;
    out->content = ICE_DATA;
    return new_location(w->t, folder, ".parquet", &location, e) &&
           write_file(w, w->schema->fields, w->schema->n, write_rows, location, out, e);
}

static bool write_part(struct work *w, struct span folder, const struct ice_value *partition,
                       struct ice_data_file *out, struct err *e)
{
    struct buf path;
    buf_init(&path, LOCATION_MAX_BYTES);
    buf_span(&path, folder);
    buf_char(&path, '/');
    ice_partition_path(&w->by, partition, &path);
    out->partition = partition;
    bool ok = buf_ok(&path, "a location", e) && write_data(w, buf_view(&path), out, e);
    buf_release(&path);
    return ok;
}

static bool write_parts(struct work *w, struct ice_parts *parts, struct span folder, struct ice_files *files,
                        struct err *e)
{
    if (!part_rows(w, parts, e))
        return false;
    files->data = ice_take(&w->t->arena, parts->n, sizeof *files->data, e);
    if (files->data == NULL)
        return false;
    for (; files->n_data < parts->n; files->n_data++) {
        const struct ice_part *part = &parts->parts[files->n_data];
        w->order = &parts->order[part->begin], w->n_order = part->n;
        if (!write_part(w, folder, part->partition, &files->data[files->n_data], e))
            return false;
    }
    return true;
}

static bool write_all_data(struct work *w, struct span folder, struct ice_files *files, struct err *e)
{
    struct ice_parts parts;
    if (w->by.n == 0) {
        files->n_data = 1;
        files->data = ice_take(&w->t->arena, 1, sizeof *files->data, e);
        return files->data != NULL && write_data(w, folder, files->data, e);
    }
    ice_parts_init(&parts, &w->by, &w->t->arena);
    bool ok = write_parts(w, &parts, folder, files, e);
    ice_parts_release(&parts);
    return ok;
}

static bool write_deletes(struct work *w, struct span folder, struct ice_data_file *out, struct err *e)
{
    const struct ice_source *source = w->t->rows.rows[0].source;
    struct ice_binding b = {0};
    struct span location;
    size_t n = source->shape.n_keys;
    struct ice_field *fields = ice_take(&w->t->arena, n, sizeof *fields, e);
    int32_t *ids = ice_take(&w->t->arena, n, sizeof *ids, e);
    if (fields == NULL || ids == NULL || !bind(w, source, &b, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        fields[i] = w->schema->fields[b.places[source->shape.keys[i]]];
        ids[i] = fields[i].id;
    }
    *out = (struct ice_data_file){.content = ICE_EQUALITY_DELETES, .equality_ids = ids, .n_equality_ids = n};
    return new_location(w->t, folder, "-deletes.parquet", &location, e) &&
           write_file(w, fields, n, write_keys, location, out, e);
}

static bool write_manifest(struct work *w, const struct ice_spec *spec, const struct ice_data_file *files,
                           size_t n, struct ice_change *change, struct span folder, struct err *e)
{
    struct span location;
    return new_location(w->t, folder, "-m0.avro", &location, e) &&
           ice_manifest_write(w->schema, spec, files, n, change->snapshot_id, location, &w->t->arena,
                              &change->manifests[change->n++], e);
}

// Deletes of a spec without fields are for all partitions, and for rows that lie in partitions of an older
// spec: a row's old partition is not known here. Such a spec is added where the table has none.
static struct ice_spec spec_of_deletes(const struct ice_table *t, struct ice_change *change)
{
    struct ice_spec spec = {.id = 0};
    for (size_t i = 0; i < t->n_specs; i++) {
        if (t->specs[i].n == 0)
            return t->specs[i];
        if (t->specs[i].id >= spec.id)
            spec.id = t->specs[i].id + 1;
    }
    change->new_spec = true;
    change->new_spec_id = spec.id;
    return spec;
}

static bool has_rows(const struct ice_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        if (!rows->rows[i].deleted)
            return true;
    return false;
}

static bool write_all(struct work *w, struct ice_change *change, struct ice_files *files, struct err *e)
{
    struct ice_target *t = w->t;
    struct span folder;
    if (!folder_of(t, "write.data.path", "/data", &folder, e) ||
        !folder_of(t, "write.metadata.path", "/metadata", &files->metadata, e))
        return false;
    if (has_rows(&t->rows) &&
        (!write_all_data(w, folder, files, e) ||
         !write_manifest(w, t->table.spec, files->data, files->n_data, change, files->metadata, e)))
        return false;
    // In an empty table there is nothing to be deleted.
    if (t->writer->append || t->table.snapshot_id == ICE_NO_SNAPSHOT || t->fresh || t->truncated ||
        t->rows.n == 0)
        return true;
    const struct ice_spec spec = spec_of_deletes(&t->table, change);
    return write_deletes(w, folder, &files->deletes, e) &&
           write_manifest(w, &spec, &files->deletes, 1, change, files->metadata, e);
}

bool ice_files_write(struct ice_target *t, const struct ice_schema *schema, struct ice_change *change,
                     struct ice_files *files, struct err *e)
{
    struct work w = {.t = t, .schema = schema};
    struct buf codec;
    *files = (struct ice_files){0};
    buf_init(&codec, sizeof w.codec - 1);
    if (!ice_table_property(&t->table, "write.parquet.compression-codec", &codec)) {
        buf_reset(&codec);
        buf_lit(&codec, "zstd");
    }
    memcpy(w.codec, codec.p, codec.n);
    buf_release(&codec);
    w.values = ice_take(&t->arena, schema->n + 1, sizeof *w.values, e);
    w.gaps = ice_take(&t->arena, schema->n + 1, sizeof *w.gaps, e);
    w.missing = ice_take(&t->arena, schema->n + 1, sizeof *w.missing, e);
    bool ok = w.values != NULL && w.gaps != NULL && w.missing != NULL &&
              ice_partition_bind(t->table.spec, schema, &t->arena, &w.by, e) &&
              write_all(&w, change, files, e);
    if (w.lacks != NULL)
        ice_parquet_abandon(w.lacks);
    arena_release(&w.arena);
    return ok;
}
