// Partition transforms: the specification's hashes, and what rows' values become; partitions in short, in
// paths and in schemas.

#include "event/json.h"
#include "iceberg/manifest.h"
#include "iceberg/partition.h"
#include "iceberg/transform.h"
#include "test.h"

static const struct ice_type of_int = {.kind = ICE_INT}, of_long = {.kind = ICE_LONG},
                             of_date = {.kind = ICE_DATE}, of_time = {.kind = ICE_TIME},
                             of_stamp = {.kind = ICE_TIMESTAMP}, of_zoned = {.kind = ICE_TIMESTAMPTZ},
                             of_string = {.kind = ICE_STRING}, of_uuid = {.kind = ICE_UUID},
                             of_fixed = {.kind = ICE_FIXED, .length = 4}, of_binary = {.kind = ICE_BINARY},
                             of_float = {.kind = ICE_FLOAT},
                             of_decimal = {.kind = ICE_DECIMAL, .precision = 9, .scale = 2},
                             of_list = {.kind = ICE_LIST};

// Appendix B of the specification.
static void test_hashes(void **state)
{
    const struct {
        const struct ice_type *type;
        struct ice_value v;
        int32_t hash;
    } cases[] = {
        {&of_int, {.i64 = 34}, 2017239379},
        {&of_long, {.i64 = 34}, 2017239379},
        {&of_int, {.i64 = 1}, 1392991556},
        {&of_decimal, {.decimal = 1420}, -500754589},
        {&of_date, {.i64 = 17486}, -653330422},
        {&of_time, {.i64 = INT64_C(81068000000)}, -662762989},
        {&of_stamp, {.i64 = INT64_C(1510871468000000)}, -2047944441},
        {&of_zoned, {.i64 = INT64_C(1510871468000000)}, -2047944441},
        {&of_stamp, {.i64 = INT64_C(1510871468000001)}, -1207196810},
        {&of_string, {.bytes = SPAN_LIT("iceberg")}, 1210000089},
        {&of_uuid,
         {.bytes = SPAN_LIT("\xf7\x9c\x3e\x09\x67\x7c\x4b\xbd\xa4\x79\x3f\x34\x9c\xb7\x85\xe7")},
         1488055340},
        {&of_fixed, {.bytes = SPAN_LIT("\0\1\2\3")}, -188683207},
        {&of_binary, {.bytes = SPAN_LIT("\0\1\2\3")}, -188683207},
        {&of_string, {.bytes = SPAN_LIT("")}, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(ice_hash(cases[i].type, &cases[i].v), cases[i].hash);
}

struct number_case {
    struct ice_transform t;
    const struct ice_type *type;
    int64_t from, to;
};

#define US INT64_C(1000000)

static void test_numbers(void **state)
{
    static const struct number_case cases[] = {
        {{ICE_IDENTITY, 0}, &of_int, -5, -5},
        // (2017239379 & INT_MAX) % 16, as the specification has it; a hash below zero loses its sign alone.
        {{ICE_BUCKET, 16}, &of_int, 34, 3},
        {{ICE_BUCKET, 100}, &of_date, 17486, (-653330422 & INT32_MAX) % 100},
        {{ICE_TRUNCATE, 10}, &of_int, 1, 0},
        {{ICE_TRUNCATE, 10}, &of_int, -1, -10},
        {{ICE_TRUNCATE, 10}, &of_int, -10, -10},
        {{ICE_TRUNCATE, 10}, &of_long, -11, -20},
        {{ICE_TRUNCATE, 10}, &of_long, INT64_MAX, INT64_MAX - 7},
        {{ICE_TRUNCATE, 10}, &of_long, INT64_MIN, INT64_MAX - 1},
        {{ICE_TRUNCATE, 10}, &of_int, INT32_MIN, INT32_MAX - 1},
        {{ICE_YEAR, 0}, &of_date, 17486, 47},
        {{ICE_MONTH, 0}, &of_date, 17486, 47 * 12 + 10},
        {{ICE_DAY, 0}, &of_date, 17486, 17486},
        {{ICE_YEAR, 0}, &of_date, -1, -1},
        {{ICE_MONTH, 0}, &of_date, -1, -1},
        {{ICE_MONTH, 0}, &of_date, -365, -12},
        {{ICE_YEAR, 0}, &of_stamp, 1510871468 * US, 47},
        {{ICE_MONTH, 0}, &of_zoned, 1510871468 * US, 47 * 12 + 10},
        {{ICE_DAY, 0}, &of_stamp, 1510871468 * US, 17486},
        {{ICE_HOUR, 0}, &of_stamp, 1510871468 * US, 17486 * 24 + 22},
        {{ICE_YEAR, 0}, &of_stamp, -1, -1},
        {{ICE_MONTH, 0}, &of_stamp, -1, -1},
        {{ICE_DAY, 0}, &of_stamp, -1, -1},
        {{ICE_HOUR, 0}, &of_stamp, -1, -1},
        {{ICE_HOUR, 0}, &of_stamp, INT64_MAX, INT32_MAX},
        {{ICE_HOUR, 0}, &of_stamp, INT64_MIN, INT32_MIN},
    };
    struct ice_value result;
    struct err e;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct ice_value v = {.i64 = cases[i].from}, null = {.is_null = true};
        assert_true(ice_transform_apply(&cases[i].t, cases[i].type, &v, &result, &e));
        if (result.is_null || result.i64 != cases[i].to)
            fail_msg("case %zu: %lld, wanted %lld", i, (long long)result.i64, (long long)cases[i].to);
        assert_true(ice_transform_apply(&cases[i].t, cases[i].type, &null, &result, &e));
        assert_true(result.is_null);
    }
}

static void test_texts_and_decimals(void **state)
{
    static const struct {
        const struct ice_type *type;
        uint32_t n;
        const char *from, *to;
    } texts[] = {
        {&of_string, 3, "iceberg", "ice"},
        {&of_string, 3, "ab", "ab"},
        {&of_string, 1,
         "\xe2\x82\xac"
         "x",
         "\xe2\x82\xac"},
        {&of_string, 2, "\xf0\x9f\x98\x80\xc3\xa4z", "\xf0\x9f\x98\x80\xc3\xa4"},
        {&of_binary, 1, "\xe2\x82\xac", "\xe2"},
        {&of_string, 5, "", ""},
    };
    struct ice_value result;
    struct err e;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const struct ice_transform t = {ICE_TRUNCATE, texts[i].n};
        const struct ice_value v = {.bytes = span_of(texts[i].from)};
        assert_true(ice_transform_apply(&t, texts[i].type, &v, &result, &e));
        assert_span(result.bytes, texts[i].to);
    }
    const struct ice_transform fifty = {ICE_TRUNCATE, 50}, much = {ICE_TRUNCATE, 100000},
                               none = {ICE_VOID, 0};
    const struct ice_type four = {.kind = ICE_DECIMAL, .precision = 4, .scale = 2};
    struct ice_value v = {.decimal = 1065};
    assert_true(ice_transform_apply(&fifty, &four, &v, &result, &e) && result.decimal == 1050);
    v.decimal = -1065;
    assert_true(ice_transform_apply(&fifty, &four, &v, &result, &e) && result.decimal == -1100);
    assert_false(ice_transform_apply(&much, &four, &v, &result, &e));
    assert_true(ice_transform_apply(&none, &four, &v, &result, &e) && result.is_null);
    static const int bytes[][2] = {{1, 1},  {2, 1},  {3, 2},  {4, 2},  {9, 4},
                                   {10, 5}, {18, 8}, {19, 9}, {38, 16}};
    for (size_t i = 0; i < COUNT_OF(bytes); i++)
        assert_int_equal(ice_decimal_bytes(bytes[i][0]), bytes[i][1]);
}

static void test_types(void **state)
{
    static const struct {
        enum ice_transform_kind kind;
        const struct ice_type *source;
        int to; // -1: refused
    } cases[] = {
        {ICE_IDENTITY, &of_float, ICE_FLOAT}, {ICE_IDENTITY, &of_list, -1},
        {ICE_BUCKET, &of_uuid, ICE_INT},      {ICE_BUCKET, &of_float, -1},
        {ICE_BUCKET, &of_list, -1},           {ICE_TRUNCATE, &of_decimal, ICE_DECIMAL},
        {ICE_TRUNCATE, &of_date, -1},         {ICE_YEAR, &of_date, ICE_INT},
        {ICE_DAY, &of_zoned, ICE_DATE},       {ICE_HOUR, &of_date, -1},
        {ICE_HOUR, &of_stamp, ICE_INT},       {ICE_YEAR, &of_time, -1},
        {ICE_VOID, &of_list, ICE_LIST},
    };
    struct ice_type to;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct ice_transform t = {cases[i].kind, 4};
        assert_int_equal(ice_transform_type(&t, cases[i].source, &to), cases[i].to >= 0);
        if (cases[i].to >= 0)
            assert_int_equal(to.kind, cases[i].to);
    }
}

static struct ice_field fields[] = {
    {.id = 1, .required = true, .name = SPAN_LIT("id"), .type = {.kind = ICE_LONG}},
    {.id = 2, .name = SPAN_LIT("at"), .type = {.kind = ICE_TIMESTAMPTZ}},
    {.id = 3, .name = SPAN_LIT("place"), .type = {.kind = ICE_STRING}},
    {.id = 4, .name = SPAN_LIT("sum"), .type = {.kind = ICE_DECIMAL, .precision = 9, .scale = 2}},
};
static const struct ice_schema schema = {.fields = fields, .n = 4};
static struct ice_partition_field parts[] = {
    {.source_id = 1, .field_id = 1000, .name = SPAN_LIT("id_bucket"), .transform = {ICE_BUCKET, 16}},
    {.source_id = 2, .field_id = 1001, .name = SPAN_LIT("at_hour"), .transform = {ICE_HOUR, 0}},
    {.source_id = 3, .field_id = 1002, .name = SPAN_LIT("Place name"), .transform = {ICE_IDENTITY, 0}},
    {.source_id = 4, .field_id = 1003, .name = SPAN_LIT("sum"), .transform = {ICE_TRUNCATE, 10}},
    {.source_id = 9, .field_id = 1004, .name = SPAN_LIT("gone"), .transform = {ICE_VOID, 0}},
};

static void bind(struct ice_partition *p, const struct ice_spec *spec, struct arena *a)
{
    struct err e;
    if (!ice_partition_bind(spec, &schema, a, p, &e))
        fail_msg("%s", e.text);
}

static void test_partition(void **state)
{
    const struct ice_spec spec = {.id = 2, .fields = parts, .n = 5};
    const struct ice_value row[] = {
        {.i64 = 34}, {.i64 = -1}, {.bytes = SPAN_LIT("a/b \xc3\xa4")}, {.decimal = -5}};
    const struct ice_value other[] = {{.i64 = 34}, {.i64 = -1}, {.bytes = SPAN_LIT("")}, {.is_null = true}};
    struct ice_value values[5], others[5];
    struct arena a = {0};
    struct ice_partition p;
    struct buf out, second;
    struct err e;
    (void)state;
    buf_init(&out, 4096), buf_init(&second, 4096);
    bind(&p, &spec, &a);
    assert_true(ice_partition_of(&p, row, values, &e) && ice_partition_of(&p, other, others, &e));
    ice_partition_path(&p, values, &out);
    assert_span(buf_view(&out),
                "id_bucket=3/at_hour=1969-12-31-23/Place%20name=a%2Fb%20%C3%A4/sum=-0.10/gone=null");
    buf_reset(&out);
    ice_partition_key(&p, values, &out);
    ice_partition_key(&p, others, &second);
    assert_false(span_eq(buf_view(&out), buf_view(&second)));
    buf_reset(&second);
    ice_partition_key(&p, values, &second);
    assert_true(span_eq(buf_view(&out), buf_view(&second)));
    buf_reset(&out);
    ice_partition_fields(&p, &out);
    assert_true(span_starts(buf_view(&out),
                            "[{\"name\":\"id_bucket\",\"transform\":\"bucket[16]\",\"source-id\":1,"
                            "\"field-id\":1000},{\"name\":\"at_hour\",\"transform\":\"hour\","));
    buf_reset(&out);
    ice_partition_schema(&p, &out);
    size_t bad_at;
    assert_true(json_check(buf_view(&out), &bad_at));
    assert_non_null(strstr(buf_cstr(&out),
                           "{\"name\":\"Place_x20name\",\"iceberg-field-name\":\"Place name\","
                           "\"type\":[\"null\",\"string\"],\"default\":null,\"field-id\":1002}"));
    buf_release(&out), buf_release(&second);
    arena_release(&a);
}

// Null and the empty text are two partitions; so are texts that only together are equal.
static void test_keys(void **state)
{
    static struct ice_partition_field two[] = {{.source_id = 3, .field_id = 1000, .name = SPAN_LIT("a")},
                                               {.source_id = 3, .field_id = 1001, .name = SPAN_LIT("b")}};
    const struct ice_spec spec = {.fields = two, .n = 2};
    static const struct ice_value values[][2] = {
        {{.bytes = SPAN_LIT("ab")}, {.bytes = SPAN_LIT("c")}},
        {{.bytes = SPAN_LIT("a")}, {.bytes = SPAN_LIT("bc")}},
        {{.bytes = SPAN_LIT("")}, {.bytes = SPAN_LIT("")}},
        {{.is_null = true}, {.bytes = SPAN_LIT("")}},
        {{.bytes = SPAN_LIT("")}, {.is_null = true}},
        {{.is_null = true}, {.is_null = true}},
    };
    struct arena a = {0};
    struct ice_partition p;
    struct buf keys[COUNT_OF(values)];
    (void)state;
    bind(&p, &spec, &a);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        buf_init(&keys[i], 4096);
        ice_partition_key(&p, values[i], &keys[i]);
        for (size_t j = 0; j < i; j++)
            assert_false(span_eq(buf_view(&keys[i]), buf_view(&keys[j])));
    }
    for (size_t i = 0; i < COUNT_OF(values); i++)
        buf_release(&keys[i]);
    arena_release(&a);
}

static void test_binding(void **state)
{
    static struct ice_partition_field gone[] = {{.source_id = 9, .field_id = 1000, .name = SPAN_LIT("a")}};
    static struct ice_partition_field misfit[] = {
        {.source_id = 3, .field_id = 1000, .name = SPAN_LIT("a"), .transform = {ICE_DAY, 0}}};
    const struct ice_spec bad[] = {{.fields = gone, .n = 1}, {.fields = misfit, .n = 1}};
    const struct ice_spec none = {.n = 0};
    struct arena a = {0};
    struct ice_partition p;
    struct err e;
    (void)state;
    assert_false(ice_partition_bind(&bad[0], &schema, &a, &p, &e));
    assert_int_equal(e.status, STATUS_USAGE);
    assert_false(ice_partition_bind(&bad[1], &schema, &a, &p, &e));
    assert_int_equal(e.status, STATUS_DATA);
    bind(&p, &none, &a);
    assert_int_equal(p.n, 0);
    arena_release(&a);
}

// A folder's name stays short, and is not cut within an escape.
static void test_long_path(void **state)
{
    char text[600];
    struct ice_value value = {.bytes = {text, sizeof text}};
    const struct ice_spec spec = {.fields = &parts[2], .n = 1};
    struct arena a = {0};
    struct ice_partition p;
    struct buf out;
    (void)state;
    memset(text, '\xc3', sizeof text);
    buf_init(&out, 4096);
    bind(&p, &spec, &a);
    ice_partition_path(&p, &value, &out);
    assert_int_equal(out.n, strlen("Place%20name=") + 96);
    buf_release(&out);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_texts_and_decimals),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_partition),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_binding),
        cmocka_unit_test(test_long_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
