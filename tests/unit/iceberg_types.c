// Debezium's Connect schemas to Iceberg types, and its JSON values to typed ones.
#include "test.h"

#include "iceberg/types.h"
#include "iceberg/value.h"

#include <math.h>

static struct arena arena;
static struct err e;

#define ENVELOPE(fields, source)                                                                             \
    "{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"fields\":[" fields                              \
    "],\"optional\":true,\"field\":\"after\"},{\"type\":\"struct\",\"fields\":[],\"name\":\"io.debezium."    \
    "connector." source ".Source\",\"field\":\"source\"}]}"

static struct ice_row_shape shape_of(const char *key, const char *field, const char *source,
                                     enum ice_time_type times)
{
    struct ice_row_shape shape;
    char value[4000];
    snprintf(value, sizeof value, ENVELOPE("%s", "%s"), field, source);
    if (!ice_row_shape_read(span_of(key), span_of(value), times, &arena, &shape, &e))
        fail_msg("%s: %s", field, e.text);
    return shape;
}

static struct ice_row_column column_of(const char *schema)
{
    char field[2000];
    snprintf(field, sizeof field, "{%s,\"optional\":true,\"field\":\"v\"}", schema);
    struct ice_row_shape shape = shape_of("null", field, "postgresql", ICE_TIME_AS_TIME);
    assert_int_equal(shape.n, 1);
    return shape.columns[0];
}

#define TYPE(type) "\"type\":\"" type "\""
#define NAMED(type, name) TYPE(type) ",\"name\":\"io.debezium." name "\""
#define KAFKA(type, name) TYPE(type) ",\"name\":\"org.apache.kafka.connect.data." name "\""
#define DECIMAL(scale, precision)                                                                            \
    KAFKA("bytes", "Decimal")                                                                                \
    ",\"parameters\":{\"scale\":\"" scale "\",\"connect.decimal.precision\":\"" precision "\"}"
#define MONEY KAFKA("bytes", "Decimal") ",\"parameters\":{\"scale\":\"2\"}"
#define VARIABLE NAMED("struct", "data.VariableScaleDecimal") ",\"fields\":[]"
#define LIST(items) "\"type\":\"array\",\"items\":{" items ",\"optional\":true}"
#define MAP(key, value)                                                                                      \
    "\"type\":\"map\",\"keys\":{" key ",\"optional\":false},\"values\":{" value ",\"optional\":true}"
#define POINT                                                                                                \
    NAMED("struct", "data.geometry.Point")                                                                   \
    ",\"fields\":[{\"type\":\"double\",\"optional\":false,\"field\":\"x\"},{\"type\":\"bytes\","             \
    "\"optional\":true,\"field\":\"wkb\"}]"

static void types(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *type;
    } rows[] = {
        {TYPE("int8"), "\"int\""},
        {TYPE("int16"), "\"int\""},
        {TYPE("int32"), "\"int\""},
        {TYPE("int64"), "\"long\""},
        {TYPE("float"), "\"float\""},
        {TYPE("double"), "\"double\""},
        {TYPE("boolean"), "\"boolean\""},
        {TYPE("string"), "\"string\""},
        {TYPE("bytes"), "\"binary\""},
        {DECIMAL("2", "10"), "\"decimal(10, 2)\""},
        {DECIMAL("-2", "5"), "\"decimal(7, 0)\""},
        {DECIMAL("5", "3"), "\"decimal(5, 5)\""},
        {DECIMAL("0", "38"), "\"decimal(38, 0)\""},
        {DECIMAL("2", "39"), "\"string\""},
        {MONEY, "\"decimal(38, 2)\""},
        {VARIABLE, "\"string\""},
        {NAMED("int32", "time.Date"), "\"date\""},
        {KAFKA("int32", "Date"), "\"date\""},
        {NAMED("string", "time.IsoDate"), "\"date\""},
        {NAMED("int32", "time.Time"), "\"time\""},
        {NAMED("int64", "time.MicroTime"), "\"time\""},
        {NAMED("int64", "time.NanoTime"), "\"time\""},
        {KAFKA("int32", "Time"), "\"time\""},
        {NAMED("string", "time.IsoTime"), "\"time\""},
        {NAMED("string", "time.ZonedTime"), "\"string\""},
        {NAMED("int64", "time.Timestamp"), "\"timestamp\""},
        {NAMED("int64", "time.MicroTimestamp"), "\"timestamp\""},
        {NAMED("int64", "time.NanoTimestamp"), "\"timestamp\""},
        {KAFKA("int64", "Timestamp"), "\"timestamp\""},
        {NAMED("string", "time.IsoTimestamp"), "\"timestamp\""},
        {NAMED("string", "time.ZonedTimestamp"), "\"timestamptz\""},
        {NAMED("int64", "time.MicroDuration"), "\"long\""},
        {NAMED("string", "time.Interval"), "\"string\""},
        {NAMED("int32", "time.Year"), "\"int\""},
        {NAMED("string", "data.Uuid"), "\"uuid\""},
        {NAMED("string", "data.Json"), "\"string\""},
        {NAMED("string", "data.Xml"), "\"string\""},
        {NAMED("string", "data.Enum"), "\"string\""},
        {NAMED("string", "data.EnumSet"), "\"string\""},
        {NAMED("string", "data.Ltree"), "\"string\""},
        {NAMED("bytes", "data.Bits"), "\"binary\""},
        {LIST(TYPE("int64")),
         "{\"type\":\"list\",\"element-id\":0,\"element-required\":false,\"element\":\"long\"}"},
        {MAP(TYPE("string"), TYPE("string")),
         "{\"type\":\"map\",\"key-id\":0,\"key\":\"string\",\"value-id\":0,"
         "\"value-required\":false,\"value\":\"string\"}"},
        {POINT, "{\"type\":\"struct\",\"fields\":[{\"id\":0,\"name\":\"x\",\"required\":true,\"type\":"
                "\"double\"},{\"id\":0,\"name\":\"wkb\",\"required\":false,\"type\":\"binary\"}]}"},
    };
    struct buf out;
    buf_init(&out, 10000);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ice_row_column c = column_of(rows[i].schema);
        buf_reset(&out);
        ice_type_write(&c.type, &out);
        assert_span(buf_view(&out), rows[i].type);
        assert_false(c.required);
    }
    buf_release(&out);
    arena_reset(&arena);
}

static void keys(void **state)
{
    (void)state;
    const char *key =
        "{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"b\"},"
        "{\"type\":\"string\",\"optional\":false,\"field\":\"hidden\"}]}";
    struct ice_row_shape shape =
        shape_of(key,
                 "{\"type\":\"string\",\"optional\":true,\"field\":\"a\\u0062\"},{\"type\":\"int32\","
                 "\"optional\":true,\"field\":\"b\"}",
                 "postgresql", ICE_TIME_AS_TIME);
    assert_int_equal(shape.n, 3);
    assert_int_equal(shape.n_value, 2);
    assert_span(shape.columns[0].name, "ab");
    assert_span(shape.columns[0].quoted, "\"a\\u0062\"");
    assert_false(shape.columns[0].is_key);
    assert_true(shape.columns[1].is_key && shape.columns[1].required);
    assert_span(shape.columns[2].name, "hidden");
    assert_int_equal(shape.n_keys, 2);
    assert_int_equal(shape.keys[0], 1);
    assert_int_equal(shape.keys[1], 2);
    arena_reset(&arena);
}

static void time_of_day(void **state)
{
    (void)state;
    const char *field = "{" NAMED("int64", "time.MicroTime") ",\"optional\":true,\"field\":\"v\"}";
    assert_int_equal(shape_of("null", field, "postgresql", ICE_TIME_AS_LONG).columns[0].type.kind, ICE_LONG);
    assert_int_equal(shape_of("null", field, "mysql", ICE_TIME_AS_TIME).columns[0].type.kind, ICE_LONG);
    assert_int_equal(shape_of("null", field, "mariadb", ICE_TIME_AS_TIME).columns[0].type.kind, ICE_LONG);
    arena_reset(&arena);
}

static void broken_schemas(void **state)
{
    (void)state;
    static const char *const values[] = {
        "{",
        "null",
        "{\"fields\":[]}",
        ENVELOPE("{\"type\":\"int32\"}", "x"),
        ENVELOPE("{\"type\":\"int256\",\"field\":\"v\"}", "x"),
        ENVELOPE("{\"type\":\"array\",\"field\":\"v\"}", "x"),
        ENVELOPE("{\"type\":\"map\",\"keys\":{\"type\":\"string\"},\"field\":\"v\"}", "x"),
        ENVELOPE("{\"type\":\"struct\",\"field\":\"v\"}", "x"),
        ENVELOPE("{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"field\":\"v\"}",
                 "x"),
    };
    struct ice_row_shape shape;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        e.status = STATUS_DONE;
        if (ice_row_shape_read(span_of("null"), span_of(values[i]), ICE_TIME_AS_TIME, &arena, &shape, &e))
            fail_msg("taken: %s", values[i]);
        assert_int_equal(e.status, STATUS_DATA);
    }
    arena_reset(&arena);
}

static struct ice_value read(const char *schema, const char *json)
{
    struct ice_value v;
    struct ice_row_column c = column_of(schema);
    if (!ice_value_read(&c, &c.type, span_of(json), &arena, &v, &e))
        fail_msg("%s: %s", json, e.text);
    return v;
}

static void numbers(void **state)
{
    (void)state;
    assert_true(read(TYPE("int32"), "null").is_null);
    assert_true(read(TYPE("boolean"), "true").boolean);
    assert_int_equal(read(TYPE("int32"), "-2147483648").i64, INT32_MIN);
    assert_int_equal(read(TYPE("int64"), "9223372036854775807").i64, INT64_MAX);
    assert_true(read(TYPE("float"), "3.4028235E38").f32 == 3.4028235e38f);
    assert_true(read(TYPE("float"), "1.1").f32 == 1.1f);
    assert_true(read(TYPE("double"), "-1.5E-300").f64 == -1.5e-300);
    assert_true(isnan(read(TYPE("double"), "\"NaN\"").f64));
    assert_true(isinf(read(TYPE("float"), "\"-Infinity\"").f32));
    assert_true(read(DECIMAL("2", "5"), "\"AJY=\"").decimal == 150);
    assert_true(read(DECIMAL("2", "5"), "\"/w==\"").decimal == -1);
    assert_true(read(DECIMAL("0", "20"), "\"AP//////////\"").decimal == (ice_decimal)UINT64_MAX);
    assert_true(read(DECIMAL("-2", "5"), "\"Bw==\"").decimal == 700);
    arena_reset(&arena);
}

static void texts(void **state)
{
    (void)state;
    assert_span(read(TYPE("string"), "\"plain\"").bytes, "plain");
    assert_span(read(TYPE("string"), "\"a\\n\\u00e9\"").bytes, "a\n\xc3\xa9");
    assert_span(read(TYPE("bytes"), "\"YWJj\"").bytes, "abc");
    assert_span(read(TYPE("bytes"), "\"\"").bytes, "");
    assert_span(read(DECIMAL("2", "39"), "\"AJY=\"").bytes, "1.50");
    assert_span(read(VARIABLE, "{\"scale\":3,\"value\":\"+w==\"}").bytes, "-0.005");
    assert_span(read(VARIABLE, "{\"scale\":-3,\"value\":\"Bw==\"}").bytes, "7000");
    assert_span(read(VARIABLE, "{\"scale\":0,\"value\":\"AA==\"}").bytes, "0");
    assert_span(read(VARIABLE, "{\"scale\":0,\"value\":\"O5rKAA==\"}").bytes, "1000000000");
    // 10^39
    assert_span(read(VARIABLE, "{\"scale\":1,\"value\":\"AvBQ/pOJQ6zEX2VWgAAAAAA=\"}").bytes,
                "100000000000000000000000000000000000000.0");
    struct span uuid = read(NAMED("string", "data.Uuid"), "\"00112233-4455-6677-8899-aabbccddeeff\"").bytes;
    assert_int_equal(uuid.n, 16);
    for (int i = 0; i < 16; i++)
        assert_int_equal((unsigned char)uuid.p[i], i * 0x11);
    arena_reset(&arena);
}

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *json;
        int64_t want;
    } rows[] = {
        {NAMED("int32", "time.Date"), "-719162", -719162},
        {NAMED("string", "time.IsoDate"), "\"2020-02-29Z\"", 18321},
        {NAMED("string", "time.IsoDate"), "\"+20000-01-01Z\"", 6585322},
        {NAMED("string", "time.IsoDate"), "\"-0043-03-15Z\"", -735160},
        {NAMED("int32", "time.Time"), "45296789", 45296789000},
        {NAMED("int64", "time.NanoTime"), "45296789123000", 45296789123},
        {NAMED("string", "time.IsoTime"), "\"12:34:56.789Z\"", 45296789000},
        {NAMED("int64", "time.Timestamp"), "-1", -1000},
        {NAMED("int64", "time.MicroTimestamp"), "1582979696000000", 1582979696000000},
        {NAMED("int64", "time.NanoTimestamp"), "1582979696000001000", 1582979696000001},
        {NAMED("int64", "time.NanoTimestamp"), "9223372036854775807", ICE_TIMESTAMP_INFINITY},
        {NAMED("string", "time.IsoTimestamp"), "\"+294247-01-10T04:00:25.2Z\"", ICE_TIMESTAMP_INFINITY},
        {NAMED("string", "time.IsoTimestamp"), "\"-290308-12-21T19:59:27.6Z\"", ICE_TIMESTAMP_MINUS_INFINITY},
        {NAMED("string", "time.ZonedTimestamp"), "\"2020-01-02T01:04:05.000000Z\"", 1577927045000000},
        {NAMED("string", "time.ZonedTimestamp"), "\"2020-01-02T03:04:05+02:00\"", 1577927045000000},
        {NAMED("string", "time.ZonedTimestamp"), "\"infinity\"", ICE_TIMESTAMP_INFINITY},
        {NAMED("string", "time.ZonedTimestamp"), "\"-infinity\"", ICE_TIMESTAMP_MINUS_INFINITY},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (read(rows[i].schema, rows[i].json).i64 != rows[i].want)
            fail_msg("%s: got %lld", rows[i].json, (long long)read(rows[i].schema, rows[i].json).i64);
    arena_reset(&arena);
}

static void nested(void **state)
{
    (void)state;
    struct ice_value list = read(LIST(TYPE("int64")), "[1,null,3]");
    assert_int_equal(list.nested.n, 3);
    assert_int_equal(list.nested.items[2].i64, 3);
    assert_true(list.nested.items[1].is_null);
    struct ice_value map = read(MAP(TYPE("string"), TYPE("string")), "{\"a\":\"1\",\"b c\":null}");
    assert_int_equal(map.nested.n, 4);
    assert_span(map.nested.items[2].bytes, "b c");
    assert_true(map.nested.items[3].is_null);
    struct ice_value pairs = read(MAP(TYPE("int16"), TYPE("double")), "[[1,0.5],[3,1.0]]");
    assert_int_equal(pairs.nested.n, 4);
    assert_int_equal(pairs.nested.items[2].i64, 3);
    assert_true(pairs.nested.items[1].f64 == 0.5);
    struct ice_value point = read(POINT, "{\"x\":1.5,\"y\":2.0,\"wkb\":null}");
    assert_int_equal(point.nested.n, 2);
    assert_true(point.nested.items[0].f64 == 1.5 && point.nested.items[1].is_null);
    arena_reset(&arena);
}

static void misfits(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *json;
    } rows[] = {
        {TYPE("int32"), "2147483648"},
        {TYPE("int64"), "1.0"},
        {TYPE("int64"), "9223372036854775808"},
        {TYPE("float"), "1e39"},
        {TYPE("double"), "\"nan\""},
        {TYPE("boolean"), "1"},
        {TYPE("string"), "{\"a\":1}"},
        {TYPE("bytes"), "\"a\""},
        {DECIMAL("2", "4"), "\"AYag\""},
        {DECIMAL("2", "4"), "\"\""},
        {NAMED("int32", "time.Date"), "2147483648"},
        {NAMED("string", "time.IsoDate"), "\"2019-02-29Z\""},
        {NAMED("int64", "time.MicroTime"), "86400000000"},
        {NAMED("int64", "time.MicroTime"), "-1"},
        {NAMED("int64", "time.Timestamp"), "9223372036854775807"},
        {NAMED("int64", "time.NanoTimestamp"), "1"},
        {NAMED("string", "time.ZonedTimestamp"), "\"2020-01-02T01:04:05.0000001Z\""},
        {NAMED("string", "data.Uuid"), "\"00112233-4455-6677-8899-aabbccddeef\""},
        {NAMED("string", "data.Uuid"), "\"00112233-4455-6677-8899-aabbccddeexx\""},
        {LIST(TYPE("int32")), "[[1,2],[3,4]]"},
        {LIST(TYPE("int32")), "{}"},
        {MAP(TYPE("string"), TYPE("string")), "[]"},
        {MAP(TYPE("int16"), TYPE("double")), "[[1]]"},
        {POINT, "{\"x\":null}"},
        {VARIABLE, "\"AA==\""},
    };
    struct ice_value v;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ice_row_column c = column_of(rows[i].schema);
        e = (struct err){0};
        if (ice_value_read(&c, &c.type, span_of(rows[i].json), &arena, &v, &e))
            fail_msg("taken: %s", rows[i].json);
        assert_int_equal(e.status, STATUS_DATA);
        assert_non_null(strstr(e.text, "column 'v': found "));
    }
    arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),          cmocka_unit_test(keys),    cmocka_unit_test(time_of_day),
        cmocka_unit_test(broken_schemas), cmocka_unit_test(numbers), cmocka_unit_test(texts),
        cmocka_unit_test(times),          cmocka_unit_test(nested),  cmocka_unit_test(misfits),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_release(&arena);
    return failed;
}
