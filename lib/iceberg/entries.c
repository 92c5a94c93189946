#include "iceberg/entries.h"

#include "iceberg/avro.h"
#include "iceberg/memory.h"

#define LIST_MAX_BYTES (256u << 20)

static bool read_ids(const avro_value_t *file, struct arena *a, struct ice_entry *entry, struct err *e)
{
    avro_value_t ids, id;
    size_t n;
    if (!ice_avro_get(file, "equality_ids", &ids) || avro_value_get_type(&ids) != AVRO_ARRAY ||
        avro_value_get_size(&ids, &n) != 0)
        return true;
    int32_t *list = ice_take(a, n + 1, sizeof *list, e);
    for (size_t i = 0; list != NULL && i < n; i++)
        if (avro_value_get_by_index(&ids, i, &id, NULL) != 0 || avro_value_get_int(&id, &list[i]) != 0)
            return err_set(e, STATUS_DATA, "equality_ids that are no numbers");
    entry->equality_ids = list;
    entry->n_equality_ids = n;
    return list != NULL;
}

// An entry without a sequence number has the manifest's.
static bool read_entry(const avro_value_t *record, const struct ice_manifest *m, struct arena *a,
                       struct ice_entry *entry, struct err *e)
{
    avro_value_t file;
    int64_t content = 0;
    *entry = (struct ice_entry){.sequence_number = m->sequence_number};
    (void)ice_avro_get_long(record, "sequence_number", &entry->sequence_number);
    if (!ice_avro_get(record, "data_file", &file) || !ice_avro_get_bytes(&file, "file_path", &entry->path))
        return err_set(e, STATUS_DATA, "an entry without a file_path");
    (void)ice_avro_get_long(&file, "content", &content);
    entry->content = (enum ice_content)content;
    return read_ids(&file, a, entry, e);
}

static bool walk_entries(struct ice_avro_reader *r, const struct ice_manifest *m, ice_entry_see *see,
                         void *context, struct err *e)
{
    struct ice_entry entry;
    struct arena arena = {0};
    enum ice_avro_got got;
    int64_t status;
    bool ok = true;
    while (ok && (got = ice_avro_next(r, e)) != ICE_AVRO_END) {
        arena_reset(&arena);
        ok = got == ICE_AVRO_GOT &&
             (ice_avro_get_long(&r->value, "status", &status) ||
              err_set(e, STATUS_DATA, "an entry without a status")) &&
             (status == ICE_DELETED ||
              (read_entry(&r->value, m, &arena, &entry, e) && see(context, &entry, e)));
    }
    arena_release(&arena);
    return ok;
}

bool ice_entries_of(const struct ice_manifest *m, ice_entry_see *see, void *context, struct err *e)
{
    struct ice_avro_reader r;
    bool ok = ice_avro_read(&r, m->path, e) && walk_entries(&r, m, see, context, e);
    ice_avro_close(&r);
    return ok || err_wrap(e, "manifest %.*s", SPAN_ARG(m->path));
}

bool ice_entries_walk(struct span manifest_list, ice_entry_see *see, void *context, struct err *e)
{
    struct buf list;
    struct arena arena = {0};
    buf_init(&list, LIST_MAX_BYTES);
    bool ok = manifest_list.n == 0 || ice_manifest_list_read(manifest_list, &list, &arena, e);
    const struct ice_manifest *m = (const struct ice_manifest *)(const void *)list.p;
    for (size_t i = 0; ok && i < list.n / sizeof *m; i++)
        ok = ice_entries_of(&m[i], see, context, e);
    arena_release(&arena);
    buf_release(&list);
    return ok;
}
