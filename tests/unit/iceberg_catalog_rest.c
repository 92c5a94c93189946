// What a REST catalog's server says of itself, of a token, and of a refusal.

#include "iceberg/catalog_config.h"
#include "iceberg/catalog_oauth.h"
#include "test.h"

#define CONFIG                                                                                               \
    "{\"defaults\":{\"prefix\":\"low\",\"a\":\"1\",\"table-default.p\":\"1\",\"table-default.q\":\"1\","     \
    "\"table-override.r\":\"1\"},\"overrides\":{\"prefix\":\"x\\/y\",\"table-override.r\":\"2\","            \
    "\"table-default.q\":\"2\",\"table-override.format-version\":\"3\"}}"

static void test_settings(void **state)
{
    struct buf out;
    struct err e;
    (void)state;
    buf_init(&out, 4096);
    assert_true(ice_config_get(span_of(CONFIG), "a", &out));
    assert_span(buf_view(&out), "1");
    assert_false(ice_config_get(span_of(CONFIG), "b", &out));
    assert_true(ice_config_prefix(span_of(CONFIG), &out, &e));
    assert_span(buf_view(&out), "/x/y");
    assert_true(ice_config_prefix(span_of("{\"defaults\":{},\"overrides\":{}}"), &out, &e));
    assert_int_equal(out.n, 0);
    static const char *const bad[] = {"a b", "a?b", "a#b", "a\\u000ab", "\\\\", "\xc3\xa4"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char config[64];
        snprintf(config, sizeof config, "{\"overrides\":{\"prefix\":\"%s\"}}", bad[i]);
        assert_false(ice_config_prefix(span_of(config), &out, &e));
        assert_int_equal(e.status, STATUS_DATA);
    }
    buf_release(&out);
}

static void test_properties(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    ice_config_properties(span_of(CONFIG), span_of("{\"p\":\"mine\",\"r\":\"mine\",\"s\":\"mine\"}"), &out);
    assert_span(buf_view(&out),
                "{\"format-version\":\"2\",\"r\":\"2\",\"p\":\"mine\",\"s\":\"mine\",\"q\":\"2\"}");
    buf_reset(&out);
    ice_config_properties(span_of("{}"), span_of("{}"), &out);
    assert_span(buf_view(&out), "{\"format-version\":\"2\"}");
    buf_release(&out);
}

static void test_tokens(void **state)
{
    static const struct {
        const char *answer, *header;
        int64_t lasts_ms;
    } cases[] = {
        {"{\"access_token\":\"ab.c\",\"token_type\":\"Bearer\",\"expires_in\":60}",
         "Authorization: Bearer ab.c", 60000},
        {"{\"access_token\":\"a\",\"token_type\":\"bearer\"}", "Authorization: Bearer a", INT64_MAX},
        {"{\"access_token\":\"a\",\"expires_in\":-1}", "Authorization: Bearer a", INT64_MAX},
        {"{\"access_token\":\"a\",\"expires_in\":1e99}", "Authorization: Bearer a", INT64_MAX},
        {"{\"access_token\":\"a\",\"token_type\":\"mac\"}", NULL, 0},
        {"{\"access_token\":\"a\\r\\nX: y\"}", NULL, 0},
        {"{\"access_token\":\"a\\u0000b\"}", NULL, 0},
        {"{\"access_token\":\"\"}", NULL, 0},
        {"{\"access_token\":7}", NULL, 0},
        {"{\"access_token\":\"a\"", NULL, 0},
        {"{}", NULL, 0},
        {"", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *header;
        int64_t lasts_ms;
        struct err e;
        assert_int_equal(ice_login_read(span_of(cases[i].answer), &header, &lasts_ms, &e),
                         cases[i].header != NULL);
        if (cases[i].header == NULL) {
            assert_null(header);
            continue;
        }
        assert_string_equal(header, cases[i].header);
        assert_true(lasts_ms == cases[i].lasts_ms);
        http_free_secret(header);
    }
}

static void test_words(void **state)
{
    static const struct {
        const char *answer, *type, *message;
    } cases[] = {
        {"{\"error\":{\"message\":\"a\\nb\",\"type\":\"T\",\"code\":404}}", "T", "a\\nb"},
        {"{\"error\":{\"message\":7,\"type\":\"T\"}}", "T", ""},
        {"{\"error\":\"invalid_client\",\"error_description\":\"who\"}", "invalid_client", "who"},
        {"{\"error\":{}}", NULL, NULL},
        {"{\"error\":null}", NULL, NULL},
        {"<html>", NULL, NULL},
        {"", NULL, NULL},
    };
    struct span type, message;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(ice_call_words(span_of(cases[i].answer), &type, &message), cases[i].type != NULL);
        assert_span(type, cases[i].type != NULL ? cases[i].type : "");
        assert_span(message, cases[i].type != NULL ? cases[i].message : "");
    }
    // A long message is cut, but not within a character.
    char answer[1024] = "{\"error\":{\"message\":\"x";
    while (strlen(answer) < 900)
        strcat(answer, "\xc3\xa4");
    strcat(answer, "\"}}");
    assert_true(ice_call_words(span_of(answer), &type, &message));
    assert_int_equal(message.n, 399);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
