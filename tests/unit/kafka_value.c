// What a record is in Kafka: with its schemas, unwrapped, both.
#include "test.h"

#include "sink/kafka_topics.h"

#define ENVELOPE(op, before, after)                                                                          \
    "{\"before\":" before ",\"after\":" after ",\"source\":{},\"op\":\"" op                                  \
    "\",\"ts_ms\":1,\"ts_us\":1,\"ts_ns\":1}"

static const struct line_schema schema = {
    .topic = SPAN_LIT("t"),
    .key = SPAN_LIT("{\"type\":\"struct\",\"name\":\"t.Key\"}"),
    .value =
        SPAN_LIT("{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\","
                 "\"optional\":false,\"field\":\"after\"}],\"optional\":true,\"name\":\"t.Value\","
                 "\"field\":\"before\"},{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":"
                 "false,\"field\":\"id\"}],\"optional\":true,\"name\":\"t.Value\",\"field\":\"after\"}],"
                 "\"optional\":false,\"name\":\"t.Envelope\",\"version\":2}"),
};

// What a record becomes: key|value, with | and NULL behind for a tombstone; "-" where it is dropped.
static void assert_made(const struct kafka_shape *shape, const char *key, const char *value, const char *want)
{
    struct kafka_value v;
    struct kafka_schema s;
    struct err e;
    struct record r = {.key = span_of(key), .value = span_of(value)};
    char got[2048];
    kafka_value_init(&v);
    kafka_schema_init(&s);
    assert_true(kafka_schema_read(&s, &schema, &e));
    assert_true(kafka_value_make(&v, &r, shape, shape->schemas ? &s : NULL, &e));
    snprintf(got, sizeof got, "%.*s|%.*s%s", v.key.p != NULL ? (int)v.key.n : 4,
             v.key.p != NULL ? v.key.p : "NULL", v.value.p != NULL ? (int)v.value.n : 4,
             v.value.p != NULL ? v.value.p : "NULL", v.tombstone ? "|NULL" : "");
    assert_string_equal(v.dropped ? "-" : got, want);
    kafka_schema_release(&s);
    kafka_value_release(&v);
}

static void as_the_line_has_it(void **state)
{
    (void)state;
    const struct kafka_shape shape = {.tombstones = true}, bare = {0};
    assert_made(&shape, "1", ENVELOPE("c", "null", "{\"id\":1}"), "1|" ENVELOPE("c", "null", "{\"id\":1}"));
    assert_made(&shape, "null", "{\"op\":\"d\"}", "NULL|{\"op\":\"d\"}|NULL");
    assert_made(&bare, "1", "{\"op\":\"d\"}", "1|{\"op\":\"d\"}");
    assert_made(&shape, "1", "", "1|NULL");
}

static void the_row_alone(void **state)
{
    (void)state;
    const struct kafka_shape shape = {.unwrap = true, .tombstones = true}, bare = {.unwrap = true};
    assert_made(&shape, "1", ENVELOPE("u", "{\"id\":0}", "{\"id\":1}"), "1|{\"id\":1}");
    assert_made(&shape, "1", ENVELOPE("d", "{\"id\":1}", "null"), "1|NULL");
    assert_made(&bare, "1", ENVELOPE("d", "{\"id\":1}", "null"), "-");
    assert_made(&shape, "null", ENVELOPE("t", "null", "null"), "-");
    // No envelopes.
    assert_made(&shape, "1", "{\"ts_ms\":7}", "1|{\"ts_ms\":7}");
    assert_made(&shape, "1", "{\"op\":\"m\",\"message\":{}}", "1|{\"op\":\"m\",\"message\":{}}");
    assert_made(&shape, "1", "{\"after\":{\"id\":1}}", "1|{\"after\":{\"id\":1}}");
    assert_made(&shape, "1", "", "1|NULL");
}

#define KEY "{\"schema\":{\"type\":\"struct\",\"name\":\"t.Key\"},\"payload\":1}"
#define ROW(row)                                                                                             \
    "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"id\"}]" \
    ","                                                                                                      \
    "\"optional\":true,\"name\":\"t.Value\"},\"payload\":" row "}"

static void with_schemas(void **state)
{
    (void)state;
    const struct kafka_shape shape = {.schemas = true, .tombstones = true};
    const struct kafka_shape both = {.schemas = true, .unwrap = true, .tombstones = true};
    char want[2048];
    snprintf(want, sizeof want, "%s|{\"schema\":%.*s,\"payload\":%s}|NULL", KEY, SPAN_ARG(schema.value),
             "{\"op\":\"d\"}");
    assert_made(&shape, "1", "{\"op\":\"d\"}", want);
    assert_made(&shape, "1", "", KEY "|NULL");
    assert_made(&both, "1", ENVELOPE("c", "null", "{\"id\":1}"), KEY "|" ROW("{\"id\":1}"));
    assert_made(&both, "1", ENVELOPE("d", "{\"id\":1}", "null"), KEY "|NULL");
}

static void a_schema_that_nobody_told_is_an_error(void **state)
{
    (void)state;
    const struct kafka_shape shape = {.schemas = true};
    struct record r = {.key = SPAN_LIT("1"), .value = SPAN_LIT("{}")};
    struct kafka_value v;
    struct kafka_schema s;
    struct err e;
    kafka_value_init(&v);
    kafka_schema_init(&s);
    assert_false(kafka_value_make(&v, &r, &shape, &s, &e));
    assert_int_equal(e.status, STATUS_USAGE);
    kafka_value_release(&v);
}

static struct span schema_of(struct kafka_topics *t, const char *name)
{
    struct err e;
    struct kafka_topic *topic = kafka_topics_find(t, span_of(name), &e);
    assert_non_null(topic);
    return buf_view(&topic->schema.value);
}

static void tell(struct kafka_topics *t, const char *topic, const char *value)
{
    const struct line_schema s = {span_of(topic), SPAN_LIT("null"), span_of(value)};
    struct err e;
    assert_true(kafka_topics_describe(t, &s, &e));
}

static void an_aborted_transaction_takes_its_schemas_back(void **state)
{
    (void)state;
    struct kafka_topics t = {0};
    char name[16];
    tell(&t, "a", "1");
    kafka_topics_keep(&t);
    tell(&t, "a", "2");
    tell(&t, "a", "3");
    tell(&t, "b", "4");
    for (int i = 0; i < 100; i++) { // the table grows meanwhile
        snprintf(name, sizeof name, "t%d", i);
        assert_int_equal(schema_of(&t, name).n, 0);
    }
    kafka_topics_undo(&t);
    assert_true(span_is(schema_of(&t, "a"), "{\"schema\":1,\"payload\":"));
    assert_int_equal(schema_of(&t, "b").n, 0);
    tell(&t, "a", "5");
    kafka_topics_keep(&t);
    kafka_topics_undo(&t);
    assert_true(span_is(schema_of(&t, "a"), "{\"schema\":5,\"payload\":"));
    kafka_topics_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_line_has_it),
        cmocka_unit_test(the_row_alone),
        cmocka_unit_test(with_schemas),
        cmocka_unit_test(a_schema_that_nobody_told_is_an_error),
        cmocka_unit_test(an_aborted_transaction_takes_its_schemas_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
