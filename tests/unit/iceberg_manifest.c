// Manifests and manifest lists: what is written is read back, by this library and as any Avro file.

#include "iceberg/avro.h"
#include "iceberg/files.h"
#include "iceberg/manifest.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/cdc-iceberg.XXXXXX";
static char manifest_path[128], list_path[128];

static int make_dir(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return 1;
    snprintf(manifest_path, sizeof manifest_path, "file:%s/m.avro", dir);
    snprintf(list_path, sizeof list_path, "%s/l.avro", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    ice_files_remove(span_of(manifest_path));
    ice_files_remove(span_of(list_path));
    return rmdir(dir);
}

static void write_one(struct ice_manifest *m)
{
    struct ice_field id = {.id = 1, .required = true, .name = span_of("id"), .type = {.kind = ICE_LONG}};
    struct ice_schema schema = {.fields = &id, .n = 1};
    struct ice_spec spec = {0};
    const struct ice_column_stats stats = {
        .id = 1, .values = 5, .nulls = 1, .lower = {"\0\0\0\0\0\0\0\0", 8}, .upper = {"\7\0\0\0\0\0\0\0", 8}};
    const int32_t ids[] = {1};
    const struct ice_data_file file = {.content = ICE_EQUALITY_DELETES,
                                       .path = span_of("/t/d.parquet"),
                                       .records = 5,
                                       .bytes = 500,
                                       .stats = &stats,
                                       .n_stats = 1,
                                       .equality_ids = ids,
                                       .n_equality_ids = 1};
    struct err e;
    assert_true(ice_manifest_write(&schema, &spec, &file, 1, 77, span_of(manifest_path), m, &e));
}

static void test_manifest(void **state)
{
    struct ice_manifest m;
    struct ice_avro_reader r;
    struct err e;
    avro_value_t file, ids, id, pairs, pair;
    struct span text;
    int64_t v;
    int32_t n;
    (void)state;
    write_one(&m);
    assert_true(m.deletes);
    assert_int_equal(m.added_rows, 5);
    assert_true(ice_avro_read(&r, span_of(manifest_path), &e));
    assert_true(r.file.n == (size_t)m.bytes);
    assert_int_equal(ice_avro_next(&r, &e), ICE_AVRO_GOT);
    assert_true(ice_avro_get_long(&r.value, "snapshot_id", &v));
    assert_int_equal(v, 77);
    // Null, so that the list says it.
    assert_false(ice_avro_get_long(&r.value, "sequence_number", &v));
    assert_true(ice_avro_get(&r.value, "data_file", &file));
    assert_true(ice_avro_get_bytes(&file, "file_path", &text));
    assert_true(span_is(text, "/t/d.parquet"));
    assert_true(ice_avro_get(&file, "equality_ids", &ids));
    assert_int_equal(avro_value_get_by_index(&ids, 0, &id, NULL), 0);
    assert_int_equal(avro_value_get_int(&id, &n), 0);
    assert_int_equal(n, 1);
    assert_true(ice_avro_get(&file, "upper_bounds", &pairs));
    assert_int_equal(avro_value_get_by_index(&pairs, 0, &pair, NULL), 0);
    assert_true(ice_avro_get_bytes(&pair, "value", &text));
    assert_memory_equal(text.p, "\7\0\0\0\0\0\0\0", 8);
    assert_int_equal(ice_avro_next(&r, &e), ICE_AVRO_END);
    ice_avro_close(&r);
    ice_files_remove(span_of(manifest_path));
}

static void test_list(void **state)
{
    const struct ice_partition_summary summary = {
        .contains_null = true, .knows_nan = true, .lower = {"ab", 2}, .upper = {NULL, 0}};
    struct ice_manifest m[2];
    struct arena a = {0};
    struct buf list;
    struct err e;
    (void)state;
    write_one(&m[0]);
    m[1] = m[0];
    m[1].sequence_number = 3, m[1].min_sequence_number = 2, m[1].deletes = false;
    m[1].summaries = &summary, m[1].n_summaries = 1;
    buf_init(&list, 65536);
    assert_true(ice_manifest_list_write(m, 2, 77, ICE_NO_SNAPSHOT, 9, span_of(list_path), &e));
    assert_true(ice_manifest_list_read(span_of(list_path), &list, &a, &e));
    assert_int_equal(list.n, 2 * sizeof m[0]);
    const struct ice_manifest *got = (const void *)list.p;
    assert_true(span_is(got[0].path, manifest_path));
    assert_int_equal(got[0].sequence_number, 9);
    assert_int_equal(got[0].min_sequence_number, 9);
    assert_true(got[0].deletes);
    assert_null(got[0].summaries);
    assert_int_equal(got[1].sequence_number, 3);
    assert_int_equal(got[1].min_sequence_number, 2);
    assert_int_equal(got[1].n_summaries, 1);
    assert_true(got[1].summaries[0].contains_null && got[1].summaries[0].knows_nan);
    assert_true(span_is(got[1].summaries[0].lower, "ab"));
    assert_null(got[1].summaries[0].upper.p);
    buf_release(&list);
    arena_release(&a);
}

// A file that is there is never written over, and a broken one is no crash.
static void test_broken(void **state)
{
    struct ice_manifest m;
    struct arena a = {0};
    struct buf list, file;
    struct err e;
    (void)state;
    buf_init(&list, 65536), buf_init(&file, 65536);
    assert_true(ice_files_read(span_of(list_path), &file, &e));
    assert_false(ice_manifest_list_write(&m, 0, 1, 1, 1, span_of(list_path), &e));
    for (size_t n = 0; n < file.n; n++) {
        ice_files_remove(span_of(list_path));
        assert_true(ice_files_create(span_of(list_path), (struct span){file.p, n}, &e));
        assert_true(!ice_manifest_list_read(span_of(list_path), &list, &a, &e) || list.n == 0);
        buf_reset(&list);
    }
    buf_release(&list), buf_release(&file);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
