// A table's metadata and schemas, read and written.

#include "iceberg/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define METADATA                                                                                             \
    "{\"format-version\":2,\"table-uuid\":\"u-1\",\"location\":\"file:\\/t\",\"last-sequence-number\":7,"    \
    "\"last-updated-ms\":1700000000000,\"last-column-id\":9,\"schemas\":[{\"type\":\"struct\",\"schema-id\"" \
    ":3,\"identifier-field-ids\":[1],\"fields\":[{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":"      \
    "\"long\"},{\"id\":2,\"name\":\"na\\u006de\",\"required\":false,\"type\":\"string\",\"doc\":\"d\"},"     \
    "{\"id\":3,\"name\":\"l\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":4,"              \
    "\"element-required\":false,\"element\":\"decimal(10,2)\"}}]}],\"current-schema-id\":3,"                 \
    "\"partition-specs\":[{\"spec-id\":0,\"fields\":[]},{\"spec-id\":1,\"fields\":[{\"source-id\":2,"        \
    "\"field-id\":1000,\"name\":\"b\",\"transform\":\"bucket[16]\"}]}],\"default-spec-id\":1,"               \
    "\"last-partition-id\":1000,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],"                           \
    "\"default-sort-order-id\":0,\"properties\":{\"cdc.position.x\":\"pg/1/l/5/5/1\",\"n\":\"12\","          \
    "\"yes\":\"true\"},\"current-snapshot-id\":6000000000000000001,\"refs\":{\"main\":{\"snapshot-id\":"     \
    "6000000000000000001,\"type\":\"branch\"}},\"snapshots\":[{\"snapshot-id\":1,\"manifest-list\":\"a\"},"  \
    "{\"snapshot-id\":6000000000000000001,\"manifest-list\":\"b\",\"summary\":{\"operation\":\"append\"}}]}"

static bool read(struct ice_table *t, const char *text, struct err *e)
{
    buf_reset(&t->text);
    buf_str(&t->text, text);
    return ice_table_read(t, e);
}

static void assert_span(struct span got, const char *wanted)
{
    char text[512] = "";
    memcpy(text, got.p, got.n);
    assert_string_equal(text, wanted);
}

static void test_read(void **state)
{
    struct ice_table t;
    struct err e;
    struct buf b;
    (void)state;
    ice_table_init(&t);
    buf_init(&b, 4096);
    assert_true(read(&t, METADATA, &e));
    assert_span(t.location, "file:/t");
    assert_int_equal(t.last_sequence_number, 7);
    assert_int_equal(t.schema->id, 3);
    assert_span(t.schema->fields[1].name, "name");
    assert_int_equal(t.schema->keys[0], 1);
    assert_int_equal(t.spec->fields[0].transform.kind, ICE_BUCKET);
    assert_int_equal(t.spec->fields[0].transform.n, 16);
    assert_true(t.snapshot_id == 6000000000000000001);
    assert_span(t.manifest_list, "b");
    assert_true(ice_table_property(&t, "cdc.position.x", &b));
    assert_span(buf_view(&b), "pg/1/l/5/5/1");
    assert_int_equal(ice_table_number(&t, "n", 1), 12);
    assert_int_equal(ice_table_number(&t, "yes", 1), 1);
    assert_true(ice_table_flag(&t, "yes", false));
    buf_release(&b);
    ice_table_release(&t);
}

static void test_schema_is_written_as_read(void **state)
{
    struct ice_table t;
    struct err e;
    struct buf b;
    (void)state;
    ice_table_init(&t);
    buf_init(&b, 4096);
    assert_true(read(&t, METADATA, &e));
    ice_schema_write(t.schema, true, &b);
    assert_span(buf_view(&b),
                "{\"type\":\"struct\",\"schema-id\":3,\"identifier-field-ids\":[1],\"fields\":[{\"id\":1,"
                "\"name\":\"id\",\"required\":true,\"type\":\"long\"},{\"id\":2,\"name\":\"name\","
                "\"required\":false,\"type\":\"string\",\"doc\":\"d\"},{\"id\":3,\"name\":\"l\",\"required\":"
                "false,\"type\":{\"type\":\"list\",\"element-id\":4,\"element-required\":false,\"element\":"
                "\"decimal(10, 2)\"}}]}");
    buf_release(&b);
    ice_table_release(&t);
}

static void test_broken(void **state)
{
    static const struct {
        const char *text;
        enum status status;
    } broken[] = {
        {"{", STATUS_DATA},
        {"{}", STATUS_DATA},
        {"{\"format-version\":1}", STATUS_USAGE},
        {"{\"format-version\":3}", STATUS_USAGE},
        {"{\"format-version\":2,\"table-uuid\":1}", STATUS_DATA},
    };
    struct ice_table t;
    struct err e;
    (void)state;
    ice_table_init(&t);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_false(read(&t, broken[i].text, &e));
        assert_int_equal(e.status, broken[i].status);
    }
    ice_table_release(&t);
}

static void test_types(void **state)
{
    static const char *const types[] = {"\"boolean\"", "\"timestamptz\"", "\"decimal(38, 0)\"",
                                        "\"fixed[16]\"",
                                        "{\"type\":\"map\",\"key-id\":1,\"key\":\"string\",\"value-id\":2,"
                                        "\"value-required\":false,\"value\":\"uuid\"}"};
    static const char *const none[] = {
        "\"decimal(39,0)\"", "\"decimal(3,4)\"", "\"fixed[]\"", "\"text\"", "7", "{\"type\":\"list\"}"};
    struct arena a = {0};
    struct ice_type t;
    struct buf b;
    struct err e;
    (void)state;
    buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        buf_reset(&b);
        assert_true(ice_type_read(span_of(types[i]), &a, &t, &e));
        ice_type_write(&t, &b);
        assert_span(buf_view(&b), types[i]);
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(ice_type_read(span_of(none[i]), &a, &t, &e));
    buf_release(&b);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_schema_is_written_as_read),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
