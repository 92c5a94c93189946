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
    struct arena a = {0};
    assert_true(ice_manifest_write(&schema, &spec, &file, 1, 77, span_of(manifest_path), &a, m, &e));
    assert_null(m->summaries);
    arena_release(&a);
}

static void test_manifest(void **state)
{
    struct ice_manifest m;
    struct ice_avro_reader r;
    struct err e;
    avro_value_t file, ids, id, pairs, pair;
    struct span text;
    int64_t v;
    int32_t n = 0;
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

// A partition of every type goes into the record and, in short, into the manifest list.
static void test_partitions(void **state)
{
    static const struct ice_type types[] = {{.kind = ICE_INT},
                                            {.kind = ICE_LONG},
                                            {.kind = ICE_FLOAT},
                                            {.kind = ICE_DECIMAL, .precision = 9, .scale = 2},
                                            {.kind = ICE_BOOLEAN},
                                            {.kind = ICE_DATE},
                                            {.kind = ICE_STRING},
                                            {.kind = ICE_UUID},
                                            {.kind = ICE_FIXED, .length = 3},
                                            {.kind = ICE_BINARY},
                                            {.kind = ICE_DECIMAL, .precision = 9, .scale = 2},
                                            {.kind = ICE_DOUBLE}};
    enum { N = COUNT_OF(types) };
    static const struct ice_value values[2][N] = {{{.i64 = -7},
                                                   {.i64 = 1},
                                                   {.f32 = 1.5f},
                                                   {.decimal = -1420},
                                                   {.boolean = true},
                                                   {.i64 = 17486},
                                                   {.bytes = SPAN_LIT("a/b")},
                                                   {.bytes = SPAN_LIT("0123456789abcdef")},
                                                   {.bytes = SPAN_LIT("abc")},
                                                   {.bytes = SPAN_LIT("x")},
                                                   {.decimal = 1},
                                                   {.f64 = 2}},
                                                  {{.i64 = 300},
                                                   {.is_null = true},
                                                   {.is_null = true},
                                                   {.decimal = 3},
                                                   {.is_null = true},
                                                   {.i64 = -1},
                                                   {.bytes = SPAN_LIT("a")},
                                                   {.bytes = SPAN_LIT("0123456789abcdee")},
                                                   {.bytes = SPAN_LIT("abb")},
                                                   {.bytes = SPAN_LIT("")},
                                                   {.is_null = true},
                                                   {.f64 = 0.0 / 0.0}}};
    struct ice_field fields[N];
    struct ice_partition_field parts[N];
    struct ice_data_file files[2];
    struct ice_manifest m;
    struct ice_avro_reader r;
    struct arena a = {0};
    avro_value_t file, record, value;
    struct err e;
    int64_t number;
    const void *bytes;
    size_t n = 0;
    (void)state;
    for (int i = 0; i < N; i++) {
        fields[i] = (struct ice_field){.id = i + 1, .name = SPAN_LIT("c"), .type = types[i]};
        parts[i] = (struct ice_partition_field){
            .source_id = i + 1, .field_id = 1000 + i, .name = {&"1xy-defghijk"[i], 1}};
    }
    parts[1].name = (struct span)SPAN_LIT("1a b");
    parts[2].name = (struct span)SPAN_LIT("ff");
    const struct ice_schema schema = {.fields = fields, .n = N};
    const struct ice_spec spec = {.id = 3, .fields = parts, .n = N};
    for (int i = 0; i < 2; i++)
        files[i] = (struct ice_data_file){.path = span_of("/p"), .partition = values[i], .records = 1};
    if (!ice_manifest_write(&schema, &spec, files, 2, 77, span_of(manifest_path), &a, &m, &e))
        fail_msg("%s", e.text);
    assert_int_equal(m.spec_id, 3);
    assert_int_equal(m.n_summaries, N);
    assert_memory_equal(m.summaries[0].lower.p, "\xf9\xff\xff\xff", 4);
    assert_memory_equal(m.summaries[0].upper.p, "\x2c\1\0\0", 4);
    assert_true(m.summaries[1].contains_null && m.summaries[1].upper.n == 8);
    assert_false(m.summaries[0].contains_null);
    assert_true(span_is(m.summaries[6].lower, "a") && span_is(m.summaries[6].upper, "a/b"));
    assert_true(m.summaries[11].contains_nan && m.summaries[11].knows_nan && m.summaries[11].lower.n == 8);
    assert_true(m.summaries[2].knows_nan && !m.summaries[2].contains_nan);
    assert_true(ice_avro_read(&r, span_of(manifest_path), &e));
    assert_int_equal(ice_avro_next(&r, &e), ICE_AVRO_GOT);
    assert_true(ice_avro_get(&r.value, "data_file", &file) && ice_avro_get(&file, "partition", &record));
    assert_int_equal(avro_value_get_size(&record, &n), 0);
    assert_int_equal(n, N);
    assert_true(ice_avro_get_long(&record, "_1", &number) && number == -7);
    assert_true(ice_avro_get_long(&record, "_1a_x20b", &number) && number == 1);
    assert_true(ice_avro_get(&record, "_x2D", &value));
    assert_int_equal(avro_value_get_fixed(&value, &bytes, &n), 0);
    assert_int_equal(n, 4);
    assert_memory_equal(bytes, "\xff\xff\xfa\x74", 4);
    assert_int_equal(ice_avro_next(&r, &e), ICE_AVRO_GOT);
    assert_true(ice_avro_get(&r.value, "data_file", &file) && ice_avro_get(&file, "partition", &record));
    assert_false(ice_avro_get_long(&record, "_1a_x20b", &number));
    assert_true(ice_avro_get_long(&record, "_1", &number) && number == 300);
    ice_avro_close(&r);
    ice_files_remove(span_of(manifest_path));
    arena_release(&a);
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
        cmocka_unit_test(test_partitions),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
