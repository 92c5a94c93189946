// How a table's schema follows its source's.

#include "iceberg/evolve.h"
#include "test.h"

#define COLUMN(name, type, optional)                                                                         \
    "{\"type\":\"" type "\",\"optional\":" optional ",\"field\":\"" name "\"}"
#define KEY "{\"type\":\"struct\",\"fields\":[" COLUMN("id", "int32", "false") "],\"optional\":false}"
#define ROWS(columns)                                                                                        \
    "{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"fields\":[" columns                             \
    "],\"optional\":true,\"field\":\"after\"}],\"optional\":false}"

static struct arena arena;

static struct ice_row_shape shape_of(const char *value)
{
    struct ice_row_shape shape;
    struct err e;
    if (!ice_row_shape_read(span_of(KEY), span_of(value), ICE_TIME_AS_TIME, &arena, &shape, &e))
        fail_msg("%s", e.text);
    return shape;
}

static void assert_schema(const struct ice_schema *s, const char *want)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    ice_schema_write(s, false, &text);
    assert_string_equal(buf_cstr(&text), want);
    buf_release(&text);
}

static struct ice_schema created(const char *value)
{
    struct ice_row_shape shape = shape_of(value);
    struct ice_schema s;
    struct err e;
    if (!ice_schema_create(&shape, &arena, &s, &e))
        fail_msg("%s", e.text);
    return s;
}

#define FIELD(id, name, required, type)                                                                      \
    "{\"id\":" #id ",\"name\":\"" name "\",\"required\":" required ",\"type\":\"" type "\"}"
#define SCHEMA(fields) "{\"type\":\"struct\",\"identifier-field-ids\":[1],\"fields\":[" fields "]}"
#define BEFORE                                                                                               \
    ROWS(COLUMN("id", "int32", "false") "," COLUMN("a", "int32", "false") "," COLUMN("b", "float", "true"))

static void test_added_widened_gone(void **state)
{
    struct ice_schema now = created(BEFORE), next;
    struct ice_row_shape shape = shape_of(ROWS(
        COLUMN("id", "int32", "false") "," COLUMN("b", "double", "true") "," COLUMN("c", "string", "false")));
    struct err e;
    int32_t last_id = 3;
    bool changed;
    (void)state;
    assert_schema(&now, SCHEMA(FIELD(1, "id", "true", "int") "," FIELD(2, "a", "true", "int") "," FIELD(
                            3, "b", "false", "float")));
    assert_true(ice_schema_evolve(&now, span_of(""), &shape, &last_id, &arena, &next, &changed, &e));
    assert_true(changed);
    assert_int_equal(last_id, 4);
    assert_schema(&next, SCHEMA(FIELD(1, "id", "true", "int") "," FIELD(2, "a", "false", "int") "," FIELD(
                             3, "b", "false", "double") "," FIELD(4, "c", "false", "string")));
    // The older form's rows go into it as they are.
    const struct ice_schema wide = next;
    shape = shape_of(BEFORE);
    assert_true(ice_schema_evolve(&wide, span_of(""), &shape, &last_id, &arena, &next, &changed, &e));
    assert_false(changed);
}

static void test_renamed_in_the_table(void **state)
{
    static const char mapping[] = "[{\"field-id\":2,\"names\":[\"a\",\"new\"]}]";
    struct ice_schema now = created(BEFORE), next;
    struct ice_row_shape shape = shape_of(BEFORE);
    struct err e;
    int32_t last_id = 3;
    bool changed;
    int *places;
    (void)state;
    now.fields[1].name = span_of("new");
    assert_true(ice_schema_evolve(&now, span_of(mapping), &shape, &last_id, &arena, &next, &changed, &e));
    assert_false(changed);
    assert_true(ice_row_bind(&shape, &now, span_of(mapping), &arena, &places, &e));
    assert_int_equal(places[1], 1);
    assert_true(ice_row_bind(&shape, &now, span_of(""), &arena, &places, &e));
    assert_int_equal(places[1], -1);
}

static void test_types_that_do_not_fit(void **state)
{
    struct ice_schema now = created(BEFORE), next;
    struct ice_row_shape shape =
        shape_of(ROWS(COLUMN("id", "int32", "false") "," COLUMN("a", "string", "true")));
    struct err e;
    int32_t last_id = 3;
    bool changed;
    (void)state;
    assert_false(ice_schema_evolve(&now, span_of(""), &shape, &last_id, &arena, &next, &changed, &e));
    assert_int_equal(e.status, STATUS_USAGE);
}

static int release(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_added_widened_gone),
                                       cmocka_unit_test(test_renamed_in_the_table),
                                       cmocka_unit_test(test_types_that_do_not_fit)};
    return cmocka_run_group_tests_name("iceberg_evolve", tests, NULL, release);
}
