// Each type in each of its forms: what Debezium's documentation and its own events say of every option's
// value.
#include "pg_type.h"

static struct shape_options options;

struct row {
    const char *type; // a built-in type's oid, or an extension type's name; [] behind it: an array
    int32_t typmod;
    const char *text, *want; // NULL: refused
};

static void check(const struct row *rows, size_t n)
{
    struct shape shape;
    struct err e;
    if (!shape_compile(&shape, &options, SHAPE_ADAPTIVE, &e))
        fail_msg("%s", e.text);
    for (size_t i = 0; i < n; i++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        struct pg_type t = resolve(&shape, rows[i].type, rows[i].typmod, NULL);
        bool ok = pg_type_write(&t, span_of(rows[i].text), &out, &e);
        if (ok != (rows[i].want != NULL))
            fail_msg("%s %s was %s", rows[i].type, rows[i].text, ok ? "taken" : "refused");
        if (ok && !span_is(buf_view(&out), rows[i].want))
            fail_msg("%s %s: got %.*s, wanted %s", rows[i].type, rows[i].text, SPAN_ARG(buf_view(&out)),
                     rows[i].want);
        buf_release(&out);
    }
    options = (struct shape_options)SHAPE_OPTIONS_DEFAULT;
}

#define CHECK(...)                                                                                           \
    do {                                                                                                     \
        const struct row rows[] = {__VA_ARGS__};                                                             \
        check(rows, COUNT_OF(rows));                                                                         \
    } while (0)

static void decimals(void **state)
{
    (void)state;
    CHECK({"1700", numeric(5, 2), "1.50", "\"AJY=\""}, {"1700", numeric(4, -2), "5000", "\"Mg==\""},
          {"1700", -1, "1.000", "{\"scale\":0,\"value\":\"AQ==\"}"}, {"1700", numeric(5, 2), "NaN", "null"},
          {"1700", -1, "-Infinity", "null"}, {"1700[]", numeric(6, 2), "{1.10,NULL}", "[\"bg==\",null]"},
          {"1700", numeric(5, 2), "1.234", NULL}, {"1700", -1, "1e5", NULL}, {"1700", -1, "NaNN", NULL},
          {"790", -1, "$1,234.56", "\"AeJA\""},
          {"790", -1, "-$92,233,720,368,547,758.08", "\"gAAAAAAAAAA=\""}, {"790", -1, "$1.5", NULL},
          {"790", -1, "1.50", NULL}, {"790", -1, "$", NULL});
    options.decimal = "string";
    CHECK({"1700", numeric(5, 2), "1.5", "\"1.50\""}, {"1700", numeric(5, 5), "0.00001", "\"0.00001\""},
          {"1700", numeric(5, 0), "7", "\"7\""}, {"1700", numeric(4, -2), "100", "\"100\""},
          {"1700", -1, "1.000", "\"1.000\""},
          {"1700", -1, "100000000000000000000", "\"100000000000000000000\""}, {"1700", -1, "NaN", "\"NAN\""},
          {"1700", -1, "Infinity", "\"POSITIVE_INFINITY\""},
          {"1700", -1, "-Infinity", "\"NEGATIVE_INFINITY\""}, {"1700[]", -1, "{1.50}", "[\"1.50\"]"},
          {"790", -1, "-$1.50", "\"-1.50\""}, {"1700", -1, "", NULL}, {"1700", -1, "1\"", NULL});
    options.decimal = "double";
    CHECK({"1700", numeric(5, 2), "1.50", "1.5"}, {"1700", -1, "123456789012345680", "1.2345678901234568E17"},
          {"1700", -1, "0.1000000000000000055511151231257827", "0.1"}, {"1700", -1, "0", "0.0"},
          {"1700", -1, "NaN", "\"NaN\""}, {"1700", -1, "-Infinity", "\"-Infinity\""},
          {"790", -1, "$1,234.56", "1234.56"}, {"1700", -1, "x", NULL});
    options.money_digits = 0;
    options.decimal = "string";
    CHECK({"790", -1, "$1.50", "\"2\""}, {"790", -1, "$1.49", "\"1\""}, {"790", -1, "-$1.50", "\"-2\""});
    options.money_digits = 1;
    options.decimal = "string";
    CHECK({"790", -1, "$1.25", "\"1.3\""}, {"790", -1, "$0.04", "\"0.0\""});
    options.money_digits = 4;
    CHECK({"790", -1, "$1.25", "\"MNQ=\""});
}

static void times(void **state)
{
    (void)state;
    CHECK({"1083", 3, "12:34:56.789", "45296789"}, {"1083", 6, "12:34:56.789", "45296789000"},
          {"1083", -1, "12:34:56.789", "45296789000"}, {"1114", 0, "1970-01-01 00:00:01", "1000"},
          {"1114", 4, "1970-01-01 00:00:01", "1000000"}, {"1082", -1, "1970-01-02", "1"},
          {"1184", 3, "2020-01-02 01:04:05.5+00", "\"2020-01-02T01:04:05.500Z\""});
    options.time = "adaptive_time_microseconds";
    CHECK({"1083", 0, "00:00:01", "1000000"}, {"1114", 3, "1970-01-01 00:00:01", "1000"},
          {"1114", 6, "1970-01-01 00:00:01", "1000000"});
    options.time = "connect";
    CHECK({"1083", 6, "00:00:01.9999", "1999"}, {"1114", 6, "1969-12-31 23:59:59.999999", "-1"},
          {"1114", 6, "infinity", "9223372036825200"}, {"1082", -1, "1970-01-02", "1"});
    options.time = "microseconds";
    CHECK({"1083", 0, "00:00:01", "1000000"}, {"1114", 0, "1970-01-01 00:00:01", "1000000"});
    options.time = "nanoseconds";
    CHECK({"1083", 0, "00:00:01", "1000000000"}, {"1114", 0, "1970-01-01 00:00:01", "1000000000"},
          {"1114", 0, "9999-12-31 00:00:00", NULL}, {"1114[]", 0, "{infinity}", "[9223372036854775807]"});
    options.time = "isostring";
    CHECK({"1082", -1, "2020-02-29", "\"2020-02-29Z\""}, {"1083", 0, "12:34:56", "\"12:34:56Z\""},
          {"1114", 3, "2020-02-29 12:34:56.78", "\"2020-02-29T12:34:56.78Z\""},
          {"1266", -1, "12:34:56.5+02", "\"10:34:56.5Z\""}, {"1082[]", -1, "{infinity}", "[\"infinity\"]"});
}

static void intervals(void **state)
{
    (void)state;
    CHECK({"1186", -1, "1 year 2 mons 3 days 04:05:06.789", "37091106789000"},
          {"1186", -1, "-1 days", "-86400000000"}, {"1186", -1, "178000000 years", "9223372036854775807"},
          {"1186", -1, "999999999999999999 years", "9223372036854775807"},
          {"1186", -1, "-infinity", "-9223372036854775808"}, {"1186", -1, "1 fortnight", NULL},
          {"1186", -1, "", NULL}, {"1186", -1, "1 day ", NULL});
    options.interval = "string";
    CHECK({"1186", -1, "1 year 2 mons 3 days 04:05:06.789", "\"P1Y2M3DT4H5M6.789S\""},
          {"1186", -1, "1 day", "\"P0Y0M1DT0H0M0S\""},
          {"1186", -1, "-1 years -2 mons +3 days -04:05:06", "\"P-1Y-2M3DT-4H-5M-6S\""},
          {"1186", -1, "-00:00:00.5", "\"P0Y0M0DT0H0M-0.5S\""},
          {"1186", -1, "00:00:00.000001", "\"P0Y0M0DT0H0M0.000001S\""},
          {"1186", -1, "infinity", "\"infinity\""});
}

static void binaries(void **state)
{
    (void)state;
    CHECK({"17", -1, "\\x3e3f", "\"Pj8=\""}, {"17", -1, "\\xfbff", "\"+/8=\""}, {"17", -1, "\\x", "\"\""},
          {"17[]", -1, "{\"\\\\x01ff\",NULL}", "[\"Af8=\",null]"}, {"17", -1, "\\x0", NULL},
          {"17", -1, "\\x0g", NULL}, {"17", -1, "abc", NULL});
    options.binary = "base64";
    CHECK({"17", -1, "\\xfbff", "\"+/8=\""});
    options.binary = "base64-url-safe";
    CHECK({"17", -1, "\\xfbff", "\"-_8=\""}, {"1560", 9, "100000001", "\"AQE=\""});
    options.binary = "hex";
    CHECK({"17", -1, "\\xFBff", "\"fbff\""}, {"17[]", -1, "{\"\\\\x01ff\"}", "[\"01ff\"]"},
          {"1700", numeric(3, 0), "128", "\"AIA=\""}, {"1560", 8, "10000001", "\"gQ==\""});
}

static void bits(void **state)
{
    (void)state;
    CHECK({"1560", 1, "1", "true"}, {"1560", 1, "0", "false"}, {"1560", 2, "01", "\"AQ==\""},
          {"1560", 8, "00000000", "\"\""}, {"1562", -1, "", "\"\""}, {"1562", 1, "", "false"},
          {"1562", 1, "1", "true"}, {"1560", 3, "102", NULL}, {"1560", 1, "", "false"});
}

static void texts(void **state)
{
    (void)state;
    CHECK({"25", -1, "a\"b", "\"a\\\"b\""}, {"114", -1, "{\"a\": 1}", "\"{\\\"a\\\": 1}\""},
          {"mood", -1, "ok", "\"ok\""}, {"mood[]", -1, "{ok,\"a, b\"}", "[\"ok\",\"a, b\"]"},
          {"3910", -1, "[\"2019-12-31 22:00:00+00\",)", "\"[\\\"2019-12-31 22:00:00+00\\\",)\""},
          {"citext", -1, "Ab", "\"Ab\""}, {"ltree[]", -1, "{a.b}", "[\"a.b\"]"},
          {"2950[]", -1, "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
           "[\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"]"},
          {"isbn", -1, "0-393-04002-X", "\"0-393-04002-X\""});
}

static void hstores(void **state)
{
    (void)state;
    CHECK({"hstore", -1, "\"a\"=>\"1\", \"b c\"=>NULL", "\"{\\\"a\\\":\\\"1\\\",\\\"b c\\\":null}\""},
          {"hstore", -1, "\"b\"=>\"1\", \"a\"=>\"2\"", "\"{\\\"a\\\":\\\"2\\\",\\\"b\\\":\\\"1\\\"}\""},
          {"hstore", -1, "", "\"{}\""}, {"hstore", -1, "\"a\"=>", NULL}, {"hstore", -1, "\"a", NULL},
          {"hstore[]", -1, "{\"\\\"a\\\"=>\\\"1\\\"\"}", "[\"{\\\"a\\\":\\\"1\\\"}\"]"});
    options.hstore = "map";
    CHECK({"hstore", -1, "\"a\"=>\"1\", \"b c\"=>NULL", "{\"a\":\"1\",\"b c\":null}"},
          {"hstore", -1, "", "{}"}, {"hstore[]", -1, "{\"\\\"a\\\"=>\\\"1\\\"\"}", "[{\"a\":\"1\"}]"});
}

static void geometries(void **state)
{
    (void)state;
    // PostGIS prints POINT(1 2), and the same with SRID 4326.
    CHECK({"geometry", -1, "0101000000000000000000F03F0000000000000040",
           "{\"wkb\":\"AQEAAAAAAAAAAADwPwAAAAAAAABA\",\"srid\":null}"},
          {"geography", -1, "0101000020E6100000000000000000F03F0000000000000040",
           "{\"wkb\":\"AQEAACDmEAAAAAAAAAAA8D8AAAAAAAAAQA==\",\"srid\":4326}"},
          {"geometry", -1, "0020000001000010E63FF00000000000004000000000000000",
           "{\"wkb\":\"ACAAAAEAABDmP/AAAAAAAABAAAAAAAAAAA==\",\"srid\":4326}"},
          {"geometry[]", -1, "{010700000000000000:010700000000000000}",
           "[{\"wkb\":\"AQcAAAAAAAAA\",\"srid\":null},{\"wkb\":\"AQcAAAAAAAAA\",\"srid\":null}]"},
          {"geometry", -1, "01", NULL}, {"geometry", -1, "07010700000000000000", NULL},
          {"geometry", -1, "POINT(1 2)", NULL},
          {"600", -1, "(1.5,-2.25)",
           "{\"x\":1.5,\"y\":-2.25,\"wkb\":\"AQEAAAAAAAAAAAD4PwAAAAAAAALA\",\"srid\":null}"},
          {"600", -1, "(1,2", NULL}, {"600", -1, "1,2", NULL});
}

static void vectors(void **state)
{
    (void)state;
    CHECK({"vector", -1, "[1,2.5,-3]", "[1.0,2.5,-3.0]"}, {"halfvec", -1, "[0.1,1e-05]", "[0.1,1.0E-5]"},
          {"vector", -1, "[]", "[]"}, {"vector[]", -1, "{\"[1]\",NULL}", "[[1.0],null]"},
          {"sparsevec", -1, "{1:1.5,3:2}/5", "{\"dimensions\":5,\"vector\":[[1,1.5],[3,2.0]]}"},
          {"sparsevec", -1, "{}/5", "{\"dimensions\":5,\"vector\":[]}"}, {"vector", -1, "[1,]", NULL},
          {"vector", -1, "[,1]", NULL}, {"vector", -1, "[1", NULL}, {"vector", -1, "1", NULL},
          {"vector", -1, "[1]2", NULL}, {"sparsevec", -1, "{1:1.5}", NULL}, {"sparsevec", -1, "{1}/2", NULL},
          {"sparsevec", -1, "{1:1,}/2", NULL}, {"sparsevec", -1, "{1:1}x/2", NULL},
          {"sparsevec", -1, "/", NULL});
}

static void unknown_types(void **state)
{
    (void)state;
    CHECK({"628", -1, "{1,2,3}", NULL}, {"790[]", -1, "{$1.00}", NULL}, {"mytype", -1, "x", NULL});
    options.unknown = true;
    CHECK({"628", -1, "{1,2,3}", "\"ezEsMiwzfQ==\""}, {"1186[]", -1, "{\"1 day\"}", "[\"MSBkYXk=\"]"},
          {"603[]", -1, "{(1,1),(0,0);(2,2),(0,0)}", "[\"KDEsMSksKDAsMCk=\",\"KDIsMiksKDAsMCk=\"]"});
    options.unknown = true;
    options.binary = "hex";
    CHECK({"mytype", -1, "x", "\"78\""});
}

static void arrays(void **state)
{
    (void)state;
    CHECK({"23[]", -1, "{1,NULL,-3}", "[1,null,-3]"}, {"23[]", -1, "{}", "[]"},
          {"23[]", -1, "{{1,2},{3,4}}", "[[1,2],[3,4]]"}, {"23[]", -1, "[0:1]={1,2}", "[1,2]"},
          {"16[]", -1, "{t,f}", "[true,false]"},
          {"25[]", -1, "{\"a\\\"b\",\"NULL\",NULL}", "[\"a\\\"b\",\"NULL\",null]"}, {"23[]", -1, "{1,", NULL},
          {"23[]", -1, "{1}}", NULL}, {"23[]", -1, "1", NULL}, {"23[]", -1, "{,}", NULL},
          {"23[]", -1, "{1,}", NULL}, {"23[]", -1, "{{{{{{{1}}}}}}}", NULL}, {"25[]", -1, "{\"a", NULL});
}

// ---- what the log does not have

struct absent {
    const char *type;
    int32_t typmod;
    const char *zero, *unavailable; // unavailable NULL: refused
};

static void check_absent(const struct absent *rows, size_t n)
{
    struct shape shape;
    struct err e;
    assert_true(shape_compile(&shape, &options, SHAPE_ADAPTIVE, &e));
    for (size_t i = 0; i < n; i++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        struct pg_type t = resolve(&shape, rows[i].type, rows[i].typmod, NULL);
        assert_true(pg_type_write_zero(&t, &out, &e));
        assert_span(buf_view(&out), rows[i].zero);
        buf_reset(&out);
        assert_true(pg_type_write_unavailable(&t, &out, &e) == (rows[i].unavailable != NULL));
        if (rows[i].unavailable != NULL)
            assert_span(buf_view(&out), rows[i].unavailable);
        else
            assert_true(e.status == STATUS_DATA && e.hint[0] != '\0');
        buf_release(&out);
    }
    options = (struct shape_options)SHAPE_OPTIONS_DEFAULT;
}

static void absent_values(void **state)
{
    (void)state;
    static const struct absent defaults[] = {
        {"23", -1, "0", NULL},
        {"1700", 4 + (5 << 16 | 2), "\"AA==\"", NULL},
        {"1700", -1, "{\"scale\":0,\"value\":\"AA==\"}", NULL},
        {"25", -1, "\"\"", "\"__debezium_unavailable_value\""},
        {"17", -1, "\"\"", "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\""},
        {"1184", 6, "\"1970-01-01T00:00:00Z\"", NULL},
        {"1266", 6, "\"00:00:00Z\"", NULL},
        {"1186", -1, "0", NULL},
        {"790", -1, "\"AA==\"", NULL},
        {"hstore", -1, "\"{}\"",
         "\"{\\\"__debezium_unavailable_value\\\":\\\"__debezium_unavailable_value\\\"}\""},
        {"25[]", -1, "[]", "[\"__debezium_unavailable_value\"]"},
        {"600", -1, "{\"x\":0.0,\"y\":0.0,\"wkb\":\"AQEAAAAAAAAAAAAAAAAAAAAAAAAA\",\"srid\":null}", NULL},
        {"1700[]", -1, "[]", NULL},
        {"628", -1, "null", NULL},
    };
    check_absent(defaults, COUNT_OF(defaults));
    options.placeholder = "n/a";
    options.decimal = "string";
    options.time = "isostring";
    options.interval = "string";
    options.binary = "hex";
    options.hstore = "map";
    static const struct absent others[] = {
        {"1700", 4 + (5 << 16 | 2), "\"0.00\"", NULL},
        {"1114", -1, "\"1970-01-01T00:00:00Z\"", NULL},
        {"1082", -1, "\"1970-01-01Z\"", NULL},
        {"1186", -1, "\"P0Y0M0DT0H0M0S\"", NULL},
        {"17", -1, "\"\"", "\"n/a\""},
        {"hstore", -1, "{}", "{\"n/a\":\"n/a\"}"},
        {"23[]", -1, "[]", "[110,47,97]"},
        {"701[]", -1, "[]", "[110.0,47.0,97.0]"},
        {"vector", -1, "[]", "[110.0,47.0,97.0]"},
        {"geometry", -1, "{\"wkb\":\"AQcAAAAAAAAA\",\"srid\":null}", "{\"wkb\":\"bi9h\",\"srid\":null}"},
    };
    check_absent(others, COUNT_OF(others));
}

static void ruled_columns(void **state)
{
    (void)state;
    struct shape shape;
    struct err e;
    struct buf out;
    struct column_rule mask = {.kind = RULE_MASK, .n = 3}, cut = {.kind = RULE_TRUNCATE, .n = 2};
    buf_init(&out, 1024);
    assert_true(shape_compile(&shape, &options, SHAPE_ADAPTIVE, &e));

    struct pg_type t = resolve(&shape, "1043", 14, &mask);
    assert_true(pg_type_write(&t, span_of("secret"), &out, &e) && pg_type_write_null(&t, &out, &e) &&
                pg_type_write_unavailable(&t, &out, &e));
    assert_span(buf_view(&out), "\"***\"\"***\"\"***\"");

    // Debezium masks text alone.
    buf_reset(&out);
    t = resolve(&shape, "23", -1, &mask);
    assert_null(t.rule);
    assert_true(pg_type_write(&t, span_of("7"), &out, &e) && pg_type_write_null(&t, &out, &e));
    assert_span(buf_view(&out), "7null");

    buf_reset(&out);
    t = resolve(&shape, "25", -1, &cut);
    assert_true(pg_type_write(&t, span_of("secret"), &out, &e));
    t = resolve(&shape, "17", -1, &cut);
    assert_true(pg_type_write(&t, span_of("\\x010203"), &out, &e) &&
                pg_type_write(&t, span_of("\\x01"), &out, &e));
    assert_span(buf_view(&out), "\"se\"\"AQI=\"\"AQ==\"");

    buf_reset(&out);
    shape.binary = SHAPE_HEX;
    assert_true(pg_type_write(&t, span_of("\\x010203"), &out, &e));
    assert_span(buf_view(&out), "\"01\"");
    buf_release(&out);
}

int main(void)
{
    options = (struct shape_options)SHAPE_OPTIONS_DEFAULT;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals),      cmocka_unit_test(times),      cmocka_unit_test(intervals),
        cmocka_unit_test(binaries),      cmocka_unit_test(bits),       cmocka_unit_test(texts),
        cmocka_unit_test(hstores),       cmocka_unit_test(geometries), cmocka_unit_test(vectors),
        cmocka_unit_test(unknown_types), cmocka_unit_test(arrays),     cmocka_unit_test(absent_values),
        cmocka_unit_test(ruled_columns),
    };
    return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
