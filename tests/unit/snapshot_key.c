#include "test.h"

#include "snapshot/key.h"

static int order_of(enum key_kind kind, const char *a, const char *b)
{
    struct key x = {1, {span_of(a)}}, y = {1, {span_of(b)}};
    int order;
    if (!key_compare(&kind, &x, &y, &order))
        fail_msg("\"%s\" or \"%s\" has no order", a, b);
    return (order > 0) - (order < 0);
}

static void check_order(enum key_kind kind, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (order_of(kind, texts[i], texts[j]) != (i > j) - (i < j))
                fail_msg("%s and %s", texts[i], texts[j]);
}

static void orders_as_the_server(void **state)
{
    (void)state;
    static const char *const integers[] = {"-9223372036854775808", "-10", "-9", "0", "9", "10",
                                           "9223372036854775807"};
    static const char *const uuids[] = {
        "00000000-0000-0000-0000-000000000000", "0f8fad5b-d9cb-469f-a165-70867728950e",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "ffffffff-ffff-ffff-ffff-ffffffffffff"};
    static const char *const bytes[] = {"\\x", "\\x00", "\\x0000", "\\x01", "\\x7f", "\\xff", "\\xff00"};
    static const char *const moments[] = {"-infinity",
                                          "4713-11-24 BC",
                                          "0044-03-15 00:00:00 BC",
                                          "0001-01-01",
                                          "1969-12-31 23:59:59.999999",
                                          "1970-01-01",
                                          "1970-01-01 00:00:00.000001",
                                          "1970-01-01 00:00:01",
                                          "2020-02-29 12:00:00+00",
                                          "2020-02-29 12:00:00.5+00",
                                          "2020-03-01 00:00:00+00",
                                          "20000-01-01",
                                          "5874897-12-31",
                                          "infinity"};
    check_order(KEY_INTEGER, integers, COUNT_OF(integers));
    check_order(KEY_BYTES, uuids, COUNT_OF(uuids));
    check_order(KEY_BYTES, bytes, COUNT_OF(bytes));
    check_order(KEY_MOMENT, moments, COUNT_OF(moments));
}

static void composites_from_the_left(void **state)
{
    (void)state;
    static const enum key_kind kinds[] = {KEY_INTEGER, KEY_BYTES};
    struct key a = {2, {span_of("9"), span_of("z")}}, b = {2, {span_of("10"), span_of("a")}};
    struct key c = {2, {span_of("10"), span_of("b")}};
    int order;
    assert_true(key_compare(kinds, &a, &b, &order) && order < 0);
    assert_true(key_compare(kinds, &b, &c, &order) && order < 0);
    assert_true(key_compare(kinds, &c, &c, &order) && order == 0);
}

static void what_is_not_of_its_kind_has_no_order(void **state)
{
    (void)state;
    static const struct {
        enum key_kind kind;
        const char *text;
    } cases[] = {{KEY_INTEGER, "1.5"},
                 {KEY_INTEGER, ""},
                 {KEY_INTEGER, "9223372036854775808"},
                 {KEY_MOMENT, "tomorrow"},
                 {KEY_MOMENT, "2020-13-01"},
                 {KEY_MOMENT, "2020-01-01 12:00"},
                 {KEY_MOMENT, "2020-01-01x"},
                 {KEY_NONE, "a"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct key k = {1, {span_of(cases[i].text)}};
        int order;
        if (key_compare(&cases[i].kind, &k, &k, &order))
            fail_msg("\"%s\" has an order", cases[i].text);
    }
    struct key one = {1, {span_of("1")}}, two = {2, {span_of("1"), span_of("2")}};
    enum key_kind kinds[] = {KEY_INTEGER, KEY_INTEGER};
    int order;
    assert_false(key_compare(kinds, &one, &two, &order));
}

static void reads_what_it_writes(void **state)
{
    (void)state;
    static const enum key_kind kinds[] = {KEY_INTEGER, KEY_BYTES, KEY_MOMENT};
    struct key k = {3, {span_of("-7"), span_of("a\"b\\\n"), span_of("2020-01-31")}}, again;
    struct buf json, word, plain, text;
    buf_init(&json, KEY_MAX_BYTES);
    buf_init(&word, KEY_MAX_BYTES);
    buf_init(&plain, KEY_MAX_BYTES);
    buf_init(&text, KEY_MAX_BYTES);
    key_write(kinds, &k, &json);
    assert_span(buf_view(&json), "[-7,\"a\\\"b\\\\\\n\",\"2020-01-31\"]");
    percent_write(&word, buf_view(&json));
    assert_null(memchr(word.p, '/', word.n));
    assert_true(percent_read(&plain, buf_view(&word)));
    assert_true(span_eq(buf_view(&plain), buf_view(&json)));
    assert_true(key_read(buf_view(&plain), &text, &again));
    assert_int_equal(again.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(span_eq(again.at[i], k.at[i]));
    buf_release(&json);
    buf_release(&word);
    buf_release(&plain);
    buf_release(&text);
}

static void refuses_what_is_no_key(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "1", "{}", "[1", "[1.5]", "[null]", "[[1]]", "[\"a\" \"b\"]"};
    struct buf text;
    struct key k;
    buf_init(&text, KEY_MAX_BYTES);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (key_read(span_of(cases[i]), &text, &k))
            fail_msg("%s was read", cases[i]);
    assert_true(key_read(span_of("[]"), &text, &k) && k.n == 0);
    static const char *const words[] = {"%", "%4", "%4G", "a%"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        buf_reset(&text);
        assert_false(percent_read(&text, span_of(words[i])));
    }
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_as_the_server),
        cmocka_unit_test(composites_from_the_left),
        cmocka_unit_test(what_is_not_of_its_kind_has_no_order),
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(refuses_what_is_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
