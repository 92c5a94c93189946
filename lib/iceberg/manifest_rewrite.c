#include "iceberg/manifest_rewrite.h"

#include "iceberg/avro.h"
#include "iceberg/files.h"
#include "iceberg/manifest.h"
#include "iceberg/memory.h"

#define MANIFEST_MAX_BYTES (1u << 30)
#define LOCATION_MAX_BYTES 8192
#define TARGET_BYTES (8 << 20)
#define MIN_COUNT 100

// A manifest in the making, of the first source's form.
struct rewrite {
    struct ice_avro_writer writer;
    struct buf bare, json; // the schema, as libavro and as the header has it
    struct buf meta[6];
    enum ice_entry_status status;
    struct ice_manifest out;
};

// What a manifest's header has beside Avro's own.
static const char *const keys[] = {"schema",  "schema-id",     "partition-spec", "partition-spec-id",
                                   "content", "format-version"};
#define KEYS (sizeof keys / sizeof keys[0])

static bool begin(struct rewrite *w, const struct ice_avro_reader *r, const struct ice_manifest *from,
                  enum ice_entry_status status, int64_t snapshot_id, struct err *e)
{
    *w = (struct rewrite){.status = status};
    w->out = (struct ice_manifest){.spec_id = from->spec_id,
                                   .deletes = from->deletes,
                                   .sequence_number = ICE_NO_SEQUENCE,
                                   .min_sequence_number = ICE_NO_SEQUENCE,
                                   .snapshot_id = snapshot_id};
    buf_init(&w->bare, MANIFEST_MAX_BYTES), buf_init(&w->json, MANIFEST_MAX_BYTES);
    buf_span(&w->bare, buf_view(&r->bare)), buf_span(&w->json, r->json);
    for (size_t i = 0; i < KEYS; i++) {
        buf_init(&w->meta[i], MANIFEST_MAX_BYTES);
        buf_span(&w->meta[i], ice_avro_meta(r, keys[i]));
    }
    return buf_ok(&w->bare, "a manifest's schema", e) && buf_ok(&w->json, "a manifest's schema", e) &&
           ice_avro_open(&w->writer, buf_cstr(&w->bare), e);
}

static void release(struct rewrite *w)
{
    ice_avro_release(&w->writer);
    buf_release(&w->bare), buf_release(&w->json);
    for (size_t i = 0; i < KEYS; i++)
        buf_release(&w->meta[i]);
}

static bool finish(struct rewrite *w, struct span folder, struct arena *a, struct err *e)
{
    struct ice_avro_pair pairs[KEYS];
    char uuid[ICE_UUID_BYTES];
    struct buf location, file;
    if (!ice_uuid(uuid, e))
        return false;
    for (size_t i = 0; i < KEYS; i++)
        pairs[i] = (struct ice_avro_pair){keys[i], buf_view(&w->meta[i])};
    buf_init(&location, LOCATION_MAX_BYTES), buf_init(&file, MANIFEST_MAX_BYTES);
    buf_span(&location, folder);
    buf_printf(&location, "/%s-m1.avro", uuid);
    w->out.path = buf_view(&location);
    bool ok = buf_ok(&location, "a location", e) && ice_keep(a, &w->out.path, e) &&
              ice_avro_finish(&w->writer, buf_cstr(&w->json), pairs, KEYS, &file, e) &&
              ice_files_create(w->out.path, buf_view(&file), e);
    w->out.bytes = (int64_t)file.n;
    buf_release(&location), buf_release(&file);
    return ok;
}

// An entry that takes numbers from its manifest gets them as its own: the new manifest's are others.
static void put_numbers(struct rewrite *w, const struct ice_manifest *from, const avro_value_t *record)
{
    avro_value_t *to = &w->writer.value;
    int64_t sequence = from->sequence_number, v;
    if (ice_avro_get_long(record, "sequence_number", &v))
        sequence = v;
    ice_avro_set_long(to, "sequence_number", sequence);
    if (!ice_avro_get_long(record, "file_sequence_number", &v))
        ice_avro_set_long(to, "file_sequence_number", sequence);
    if (w->status == ICE_DELETED)
        ice_avro_set_long(to, "snapshot_id", w->out.snapshot_id);
    else if (!ice_avro_get_long(record, "snapshot_id", &v))
        ice_avro_set_long(to, "snapshot_id", from->snapshot_id);
    ice_avro_set_long(to, "status", w->status);
    if (w->out.min_sequence_number == ICE_NO_SEQUENCE || sequence < w->out.min_sequence_number)
        w->out.min_sequence_number = sequence;
}

static bool copy_entry(struct rewrite *w, const struct ice_manifest *from, const avro_value_t *record,
                       struct err *e)
{
    avro_value_t file;
    int64_t status = ICE_DELETED, rows = 0;
    (void)ice_avro_get_long(record, "status", &status);
    if (status == ICE_DELETED)
        return true;
    if (!ice_avro_get(record, "data_file", &file) || !ice_avro_get_long(&file, "record_count", &rows) ||
        avro_value_copy(&w->writer.value, record) != 0)
        return err_set(e, STATUS_DATA, "manifest %.*s: an entry that cannot be copied", SPAN_ARG(from->path));
    put_numbers(w, from, record);
    if (w->status == ICE_DELETED)
        w->out.deleted_files++, w->out.deleted_rows += rows;
    else
        w->out.existing_files++, w->out.existing_rows += rows;
    return ice_avro_add(&w->writer, e);
}

static bool copy_entries(struct rewrite *w, const struct ice_manifest *from, struct ice_avro_reader *r,
                         struct err *e)
{
    enum ice_avro_got got;
    while ((got = ice_avro_next(r, e)) == ICE_AVRO_GOT)
        if (!copy_entry(w, from, &r->value, e))
            return false;
    return got == ICE_AVRO_END;
}

// Those that an older format version wrote have no place for the numbers.
static bool can_copy(const struct ice_avro_reader *r)
{
    return avro_schema_record_field_get_index(r->schema, "sequence_number") >= 0 &&
           avro_schema_record_field_get_index(r->schema, "file_sequence_number") >= 0;
}

static struct ice_manifest *manifests_of(const struct buf *list, size_t *n)
{
    *n = list->n / sizeof(struct ice_manifest);
    return (struct ice_manifest *)(void *)list->p;
}

// ---- merging

static bool may_merge(const struct ice_manifest *m, const struct ice_manifest *like, int64_t target_bytes)
{
    return m->bytes < target_bytes && m->spec_id == like->spec_id && m->deletes == like->deletes;
}

static size_t count_like(const struct buf *list, const struct ice_manifest *like, int64_t target_bytes)
{
    size_t n, count = 0;
    const struct ice_manifest *m = manifests_of(list, &n);
    for (size_t i = 0; i < n; i++)
        count += may_merge(&m[i], like, target_bytes);
    return count;
}

// Takes the manifest into the merged one, which it begins where there is none; *taken: its form is the same.
static bool take(struct rewrite *w, bool *begun, const struct ice_manifest *m, int64_t snapshot_id,
                 bool *taken, struct err *e)
{
    struct ice_avro_reader r;
    *taken = false;
    bool ok = ice_avro_read(&r, m->path, e);
    if (ok && can_copy(&r) && (!*begun || span_eq(r.json, buf_view(&w->json)))) {
        if (!*begun)
            ok = begin(w, &r, m, ICE_EXISTING, snapshot_id, e);
        *begun = true;
        ok = ok && copy_entries(w, m, &r, e);
        *taken = ok;
    }
    ice_avro_close(&r);
    return ok || err_wrap(e, "manifest %.*s", SPAN_ARG(m->path));
}

// Merges all that are like one of them, which is replaced. What has another form stays.
static bool merge_like(struct buf *list, struct ice_manifest like, int64_t target_bytes, int64_t snapshot_id,
                       struct span folder, struct arena *a, struct err *e)
{
    struct rewrite w;
    bool begun = false, taken, ok = true;
    size_t n, kept = 0;
    struct ice_manifest *m = manifests_of(list, &n);
    for (size_t i = 0; ok && i < n; i++) {
        taken = false;
        ok = !may_merge(&m[i], &like, target_bytes) || take(&w, &begun, &m[i], snapshot_id, &taken, e);
        if (!taken)
            m[kept++] = m[i];
    }
    list->n = kept * sizeof *m;
    if (begun) {
        ok = ok && (w.writer.n == 0 || finish(&w, folder, a, e));
        if (ok && w.writer.n != 0)
            buf_bytes(list, &w.out, sizeof w.out);
        release(&w);
    }
    return ok && buf_ok(list, "a manifest list", e);
}

bool ice_manifests_merge(const struct ice_table *t, struct buf *list, int64_t snapshot_id, struct span folder,
                         struct arena *a, struct err *e)
{
    int64_t least = ice_table_number(t, "commit.manifest.min-count-to-merge", MIN_COUNT);
    int64_t target_bytes = ice_table_number(t, "commit.manifest.target-size-bytes", TARGET_BYTES);
    size_t n;
    const struct ice_manifest *m = manifests_of(list, &n);
    if (!ice_table_flag(t, "commit.manifest-merge.enabled", true))
        return true;
    for (size_t i = 0; i < n; i++) {
        const struct ice_manifest like = m[i];
        if (count_like(list, &like, target_bytes) < (size_t)(least < 2 ? 2 : least))
            continue;
        // One kind a commit: the list is another one now.
        return merge_like(list, like, target_bytes, snapshot_id, folder, a, e);
    }
    return true;
}

// ---- deleting

static bool delete_one(struct ice_manifest *m, int64_t snapshot_id, struct span folder, struct arena *a,
                       bool *any, struct err *e)
{
    struct ice_avro_reader r;
    struct rewrite w;
    *any = false;
    bool ok = ice_avro_read(&r, m->path, e);
    if (ok && can_copy(&r)) {
        ok = begin(&w, &r, m, ICE_DELETED, snapshot_id, e) && copy_entries(&w, m, &r, e);
        *any = ok && w.writer.n != 0;
        ok = ok && (!*any || finish(&w, folder, a, e));
        *m = w.out;
        release(&w);
    }
    ice_avro_close(&r);
    return ok || err_wrap(e, "a manifest");
}

bool ice_manifests_delete(struct buf *list, int64_t snapshot_id, struct span folder, struct arena *a,
                          struct err *e)
{
    size_t n, kept = 0;
    struct ice_manifest *m = manifests_of(list, &n);
    bool any;
    for (size_t i = 0; i < n; i++) {
        if (!delete_one(&m[i], snapshot_id, folder, a, &any, e))
            return false;
        if (any)
            m[kept++] = m[i];
    }
    list->n = kept * sizeof *m;
    return true;
}
