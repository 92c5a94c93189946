// Parquet files and what is told of them. That readers agree is shown by Spark, elsewhere.

#include "iceberg/files.h"
#include "iceberg/parquet.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/cdc-iceberg.XXXXXX";
static struct ice_parquet *parquet;

static int open_parquet(void **state)
{
    struct err e;
    (void)state;
    return mkdtemp(dir) != NULL && ice_parquet_open(&parquet, &e) ? 0 : 1;
}

static int close_parquet(void **state)
{
    char path[256];
    (void)state;
    ice_parquet_close(parquet);
    snprintf(path, sizeof path, "%s/it's", dir);
    return rmdir(path) != 0 || rmdir(dir) != 0;
}

static struct ice_field element = {.id = 9, .name = SPAN_LIT("element"), .type = {.kind = ICE_STRING}};
static struct ice_field pair[] = {{.id = 11, .name = SPAN_LIT("key"), .type = {.kind = ICE_STRING}},
                                  {.id = 12, .name = SPAN_LIT("value"), .type = {.kind = ICE_INT}}};
static struct ice_field part = {.id = 14, .name = SPAN_LIT("x"), .type = {.kind = ICE_DOUBLE}};
// "Name" and "name" are two columns to Iceberg.
static const struct ice_field fields[] = {
    {.id = 1, .required = true, .name = SPAN_LIT("id"), .type = {.kind = ICE_LONG}},
    {.id = 2, .name = SPAN_LIT("name"), .type = {.kind = ICE_STRING}},
    {.id = 3, .name = SPAN_LIT("Name"), .type = {.kind = ICE_DECIMAL, .precision = 20, .scale = 2}},
    {.id = 4, .name = SPAN_LIT("u\"1"), .type = {.kind = ICE_UUID}},
    {.id = 8, .name = SPAN_LIT("l"), .type = {.kind = ICE_LIST, .fields = &element, .n = 1}},
    {.id = 10, .name = SPAN_LIT("m"), .type = {.kind = ICE_MAP, .fields = pair, .n = 2}},
    {.id = 13, .name = SPAN_LIT("s"), .type = {.kind = ICE_STRUCT, .fields = &part, .n = 1}},
};
#define FIELDS COUNT_OF(fields)

static void fill(struct ice_value *v, struct ice_value *items, int64_t i)
{
    static char name[32];
    snprintf(name, sizeof name, "name %06d", (int)i);
    for (size_t k = 0; k < FIELDS; k++)
        v[k] = (struct ice_value){.is_null = i % 2 == 1};
    items[0] = (struct ice_value){.bytes = SPAN_LIT("k")};
    items[1] = (struct ice_value){.i64 = 1};
    items[2] = (struct ice_value){.f64 = 0.5};
    v[0] = (struct ice_value){.i64 = i};
    v[1].bytes = span_of(name);
    v[2].decimal = -i;
    v[3].bytes = (struct span){"0123456789abcdef", 16};
    v[4].nested.items = items, v[4].nested.n = 1;
    v[5].nested.items = items, v[5].nested.n = 2;
    v[6].nested.items = items + 2, v[6].nested.n = 1;
    for (size_t k = 1; k < FIELDS; k++)
        if (i % 2 == 1)
            v[k] = (struct ice_value){.is_null = true};
}

static void test_write(void **state)
{
    struct ice_parquet_file *f;
    struct ice_value v[FIELDS], items[3];
    struct ice_data_file out = {.content = ICE_DATA};
    struct arena a = {0};
    struct buf file;
    struct err e;
    char location[256];
    (void)state;
    snprintf(location, sizeof location, "file:%s/it's/d.parquet", dir);
    assert_true(ice_parquet_begin(parquet, fields, FIELDS, "zstd", &f, &e));
    for (int64_t i = 0; i < 5000; i++) {
        fill(v, items, i);
        assert_true(ice_parquet_row(f, v, &e));
    }
    assert_true(ice_parquet_finish(f, span_of(location), &a, &out, &e));
    assert_int_equal(out.records, 5000);
    assert_int_equal(out.n_stats, 4);
    assert_int_equal(out.stats[0].nulls, 0);
    assert_memory_equal(out.stats[0].upper.p, "\x87\x13\0\0\0\0\0\0", 8);
    assert_int_equal(out.stats[1].nulls, 2500);
    assert_true(span_is(out.stats[1].lower, "name 000000"));
    assert_true(span_is(out.stats[1].upper, "name 004998"));
    // -4998: two bytes, big-endian.
    assert_int_equal(out.stats[2].lower.n, 2);
    assert_memory_equal(out.stats[2].lower.p, "\xec\x7a", 2);
    assert_null(out.stats[3].lower.p);
    buf_init(&file, 1u << 20);
    assert_true(ice_files_read(span_of(location), &file, &e));
    assert_true((int64_t)file.n == out.bytes);
    assert_memory_equal(file.p, "PAR1", 4);
    assert_memory_equal(file.p + file.n - 4, "PAR1", 4);
    ice_files_remove(span_of(location));
    buf_release(&file), arena_release(&a);
}

static void test_long_bounds(void **state)
{
    static const struct ice_field text = {.id = 1, .name = SPAN_LIT("t"), .type = {.kind = ICE_STRING}};
    struct ice_parquet_file *f;
    struct ice_value v = {.bytes = SPAN_LIT("ä23456789abcdefghij")};
    struct ice_data_file out = {0};
    struct arena a = {0};
    struct err e;
    char location[256];
    (void)state;
    snprintf(location, sizeof location, "%s/it's/t.parquet", dir);
    assert_true(ice_parquet_begin(parquet, &text, 1, "gzip", &f, &e));
    assert_true(ice_parquet_row(f, &v, &e));
    assert_true(ice_parquet_finish(f, span_of(location), &a, &out, &e));
    assert_true(span_is(out.stats[0].lower, "ä23456789abcdefg"));
    assert_null(out.stats[0].upper.p);
    ice_files_remove(span_of(location));
    arena_release(&a);
}

static void test_refused(void **state)
{
    static const struct ice_field fixed = {
        .id = 1, .name = SPAN_LIT("f"), .type = {.kind = ICE_FIXED, .length = 3}};
    struct ice_parquet_file *f;
    struct ice_data_file out = {0};
    struct arena a = {0};
    struct err e;
    (void)state;
    assert_false(ice_parquet_begin(parquet, &fixed, 1, "zstd", &f, &e));
    assert_false(ice_parquet_begin(parquet, fields, 1, "brotli", &f, &e));
    assert_int_equal(e.status, STATUS_USAGE);
    assert_true(ice_parquet_begin(parquet, fields, 1, "snappy", &f, &e));
    assert_false(ice_parquet_finish(f, span_of("/proc/no/such.parquet"), &a, &out, &e));
    assert_int_equal(e.status, STATUS_IO);
    assert_true(ice_parquet_begin(parquet, fields, 1, "snappy", &f, &e));
    ice_parquet_abandon(f);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_long_bounds),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, open_parquet, close_parquet);
}
