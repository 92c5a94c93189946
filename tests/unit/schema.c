// The parts of a table's Connect schemas that the golden test has no table for: options, rules, extensions.
#include "test.h"

#include "postgres/schema.h"

static struct tail_options options;

static void add_type(struct catalog *c, uint32_t oid, const char *name, char kind, const char *labels)
{
    struct err e;
    struct pg_type_info info = {.base = oid, .typmod = -1, .kind = kind, .name = name, .labels = labels};
    assert_true(catalog_add_type(c, oid, &info, &e));
}

// The field of a table's one column beside its key.
static void check(uint32_t type, int32_t typmod, const char *expression, const char *want)
{
    struct catalog c = {0};
    struct relations r = {0};
    struct capture capture;
    struct err e;
    struct buf out;
    const struct pos at = {.source = POS_PG, .epoch = 1, .phase = POS_LOG, .n = {9, 9, 1}};
    add_type(&c, 20001, "mood", 'e', "sad,ok");
    add_type(&c, 20002, "geometry", 'b', NULL);
    add_type(&c, 20003, "vector", 'b', NULL);
    add_type(&c, 20004, "sparsevec", 'b', NULL);
    add_type(&c, 20005, "hstore", 'b', NULL);
    assert_true(catalog_add_column(&c, 7, "id", true, NULL, 1, &e));
    assert_true(catalog_add_column(&c, 7, "v", false, expression, 0, &e));
    const struct pgo_column columns[] = {{true, SPAN_LIT("id"), 23, -1},
                                         {false, SPAN_LIT("v"), type, typmod}};
    const struct pgo_relation m = {
        .oid = 7, .schema = SPAN_LIT("s"), .name = SPAN_LIT("t"), .identity = 'd', .n = 2, .column = columns};
    if (!capture_compile(&capture, &options, SHAPE_ADAPTIVE, &e) ||
        !relations_put(&r, &m, &c, &capture, NULL, &e))
        fail_msg("%s", e.text);

    buf_init(&out, 1 << 20);
    schema_write(relations_find(&r, 7), &at, &out);
    const char *head =
        "{\"cdc\":{\"control\":\"schema\",\"pos\":\"pg/1/l/9/9/1\",\"topic\":\"p.s.t\",\"key\":{\"type\":"
        "\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"id\"}],"
        "\"optional\":false,\"name\":\"p.s.t.Key\"},\"value\":{\"type\":\"struct\",\"fields\":[{"
        "\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"id\"},";
    struct span rest = buf_view(&out);
    assert_true(span_starts(rest, head));
    rest.p += strlen(head), rest.n -= strlen(head);
    const char *end =
        strstr(buf_cstr(&out), "],\"optional\":true,\"name\":\"p.s.t.Value\",\"field\":\"before\"}");
    assert_non_null(end);
    rest.n = (size_t)(end - rest.p);
    assert_span(rest, want);
    buf_release(&out);
    relations_release(&r);
    catalog_release(&c);
    capture_release(&capture);
}

static void reset(void)
{
    options =
        (struct tail_options){.topic_prefix = "p", .topic_delimiter = ".", .shape = SHAPE_OPTIONS_DEFAULT};
}

#define FIELD(text) "{" text ",\"optional\":true,\"field\":\"v\"}"
#define NAMED(type, name)                                                                                    \
    "{\"type\":\"" type "\",\"optional\":true,\"name\":\"" name "\",\"version\":1,\"field\":\"v\"}"

static void modes(void **state)
{
    (void)state;
    reset();
    options.shape.decimal = "string";
    check(1700, 4 + (5 << 16 | 2), NULL, FIELD("\"type\":\"string\""));
    options.shape.decimal = "double";
    check(1700, -1, NULL, FIELD("\"type\":\"double\""));
    check(790, -1, NULL, FIELD("\"type\":\"double\""));
    options.shape.time = "connect";
    check(1082, -1, NULL, NAMED("int32", "org.apache.kafka.connect.data.Date"));
    check(1083, -1, NULL, NAMED("int32", "org.apache.kafka.connect.data.Time"));
    check(1114, -1, NULL, NAMED("int64", "org.apache.kafka.connect.data.Timestamp"));
    options.shape.time = "isostring";
    check(1082, -1, NULL, NAMED("string", "io.debezium.time.IsoDate"));
    check(1083, -1, NULL, NAMED("string", "io.debezium.time.IsoTime"));
    check(1114, -1, NULL, NAMED("string", "io.debezium.time.IsoTimestamp"));
    options.shape.time = "nanoseconds";
    check(1083, -1, NULL, NAMED("int64", "io.debezium.time.NanoTime"));
    check(1114, 3, NULL, NAMED("int64", "io.debezium.time.NanoTimestamp"));
    options.shape.time = "adaptive";
    check(1083, 3, NULL, NAMED("int32", "io.debezium.time.Time"));
    check(1114, 3, NULL, NAMED("int64", "io.debezium.time.Timestamp"));
    options.shape.binary = "hex";
    check(17, -1, NULL, FIELD("\"type\":\"string\""));
    options.shape.interval = "string";
    check(1186, -1, NULL, NAMED("string", "io.debezium.time.Interval"));
    options.shape.hstore = "map";
    check(20005, -1, NULL,
          FIELD("\"type\":\"map\",\"keys\":{\"type\":\"string\",\"optional\":false},\"values\":{\"type\":"
                "\"string\",\"optional\":true}"));
    options.shape.unknown = true;
    options.shape.binary = "bytes";
    check(628, -1, NULL, FIELD("\"type\":\"bytes\""));
}

static void extensions(void **state)
{
    (void)state;
    reset();
    check(20001, -1, "'ok'::s.mood",
          "{\"type\":\"string\",\"optional\":true,\"name\":\"io.debezium.data.Enum\",\"version\":1,"
          "\"parameters\":{"
          "\"allowed\":\"sad,ok\"},\"default\":\"ok\",\"field\":\"v\"}");
    check(20002, -1, NULL,
          "{\"type\":\"struct\",\"fields\":[{\"type\":\"bytes\",\"optional\":false,\"field\":\"wkb\"},{"
          "\"type\":"
          "\"int32\",\"optional\":true,\"field\":\"srid\"}],\"optional\":true,\"name\":"
          "\"io.debezium.data.geometry.Geometry\",\"version\":1,\"doc\":\"Geometry\",\"field\":\"v\"}");
    check(20003, -1, NULL,
          "{\"type\":\"array\",\"items\":{\"type\":\"double\",\"optional\":false},\"optional\":true,\"name\":"
          "\"io.debezium.data.DoubleVector\",\"version\":1,\"field\":\"v\"}");
    check(
        20004, -1, NULL,
        "{\"type\":\"struct\",\"fields\":[{\"type\":\"int16\",\"optional\":false,\"field\":\"dimensions\"},"
        "{\"type\":\"map\",\"keys\":{\"type\":\"int16\",\"optional\":false},\"values\":{\"type\":\"double\","
        "\"optional\":false},\"optional\":false,\"field\":\"vector\"}],\"optional\":true,\"name\":"
        "\"io.debezium.data.SparseVector\",\"version\":1,\"doc\":\"Sparse vector\",\"field\":\"v\"}");
}

static void defaults(void **state)
{
    (void)state;
    reset();
    check(23, -1, "42", "{\"type\":\"int32\",\"optional\":true,\"default\":42,\"field\":\"v\"}");
    check(23, -1, "nextval('s'::regclass)",
          "{\"type\":\"int32\",\"optional\":true,\"default\":0,\"field\":\"v\"}");
    check(23, -1, "(1 + 2)", "{\"type\":\"int32\",\"optional\":true,\"field\":\"v\"}");
    check(25, -1, "NULL::text", "{\"type\":\"string\",\"optional\":true,\"field\":\"v\"}");
    check(17, -1, "'\\x01'::bytea", "{\"type\":\"bytes\",\"optional\":true,\"field\":\"v\"}");
}

static void ruled(void **state)
{
    (void)state;
    reset();
    struct opt_member mask = {{SPAN_LIT("3"), SPAN_LIT("")}, "s\\.t\\.v"};
    options.shape.mask = (struct opt_family){&mask, 1};
    check(25, -1, NULL,
          "{\"type\":\"string\",\"optional\":true,\"parameters\":{\"masked\":\"true\"},\"field\":\"v\"}");
    check(23, -1, NULL, FIELD("\"type\":\"int32\""));
    reset();
    options.shape.truncate = (struct opt_family){&mask, 1};
    check(
        1043, 14, NULL,
        "{\"type\":\"string\",\"optional\":true,\"parameters\":{\"truncateLength\":\"3\"},\"field\":\"v\"}");
    check(1043, 6, NULL, FIELD("\"type\":\"string\""));
}

static int notices;
static char last[256];

static void notice(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(last, sizeof last, fmt, ap);
    va_end(ap);
    notices++;
}

// A table is described again after each DDL, and for each connection; what is left out of it is said once.
static void said_once(void **state)
{
    (void)state;
    struct catalog c = {0};
    struct relations r = {0};
    struct capture capture;
    struct err e;
    reset();
    struct pgo_column columns[] = {{true, SPAN_LIT("id"), 23, -1}, {false, SPAN_LIT("v"), 628, -1}};
    const struct pgo_relation m = {
        .oid = 7, .schema = SPAN_LIT("s"), .name = SPAN_LIT("t"), .identity = 'd', .n = 2, .column = columns};
    assert_true(capture_compile(&capture, &options, SHAPE_ADAPTIVE, &e));
    assert_true(relations_put(&r, &m, &c, &capture, notice, &e) &&
                relations_put(&r, &m, &c, &capture, notice, &e));
    relations_clear(&r);
    assert_null(relations_find(&r, 7));
    assert_true(relations_put(&r, &m, &c, &capture, notice, &e));
    assert_int_equal(notices, 1);
    assert_string_equal(last, "table s.t: columns of types that are not supported are left out: v (unknown)");
    columns[1].type = 718;
    columns[1].name = (struct span)SPAN_LIT("w");
    assert_true(relations_put(&r, &m, &c, &capture, notice, &e));
    assert_int_equal(notices, 2);
    relations_release(&r);
    capture_release(&capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes), cmocka_unit_test(extensions), cmocka_unit_test(defaults),
        cmocka_unit_test(ruled), cmocka_unit_test(said_once),
    };
    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
