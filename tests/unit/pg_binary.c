// Vectors: what PostgreSQL 15 sends for each value, encode(…send(v), 'hex'). tests/live/binary.bats asks a
// server for many more.
#include "pg_type.h"

#include "postgres/binary.h"

static struct shape_options options;

struct row {
    const char *type;
    int32_t typmod;
    const char *hex, *want; // NULL: refused
};

static void unhex(const char *hex, struct buf *bytes)
{
    for (; *hex != '\0'; hex += 2) {
        while (*hex == ' ')
            hex++;
        char two[3] = {hex[0], hex[1]};
        buf_char(bytes, (char)strtoul(two, NULL, 16));
    }
}

static void check_row(const struct row *row, const struct shape *shape, const struct column_rule *rule)
{
    struct err e = {0};
    struct buf bytes, out;
    buf_init(&bytes, 1 << 20), buf_init(&out, 1 << 20);
    unhex(row->hex, &bytes);
    struct pg_type t = resolve(shape, row->type, row->typmod, rule);
    assert_true(pg_binary_takes(&t));
    bool ok = pg_binary_write(&t, buf_view(&bytes), &out, &e);
    if (ok != (row->want != NULL))
        fail_msg("%s %s was %s", row->type, row->hex, ok ? "taken" : "refused");
    if (ok && !span_is(buf_view(&out), row->want))
        fail_msg("%s %s: got %.*s, wanted %s", row->type, row->hex, SPAN_ARG(buf_view(&out)), row->want);
    assert_true(ok || e.status == STATUS_DATA);
    buf_release(&bytes), buf_release(&out);
}

static void check(const struct row *rows, size_t n, const struct column_rule *rule)
{
    struct shape shape;
    struct err e;
    if (!shape_compile(&shape, &options, SHAPE_ADAPTIVE, &e))
        fail_msg("%s", e.text);
    for (size_t i = 0; i < n; i++)
        check_row(&rows[i], &shape, rule);
    options = (struct shape_options)SHAPE_OPTIONS_DEFAULT;
}

#define CHECK_RULED(rule, ...)                                                                               \
    do {                                                                                                     \
        const struct row rows[] = {__VA_ARGS__};                                                             \
        check(rows, COUNT_OF(rows), rule);                                                                   \
    } while (0)
#define CHECK(...) CHECK_RULED(NULL, __VA_ARGS__)

static void integers(void **state)
{
    (void)state;
    CHECK({"21", -1, "8000", "-32768"}, {"23", -1, "7fffffff", "2147483647"}, {"23", -1, "ffffffff", "-1"},
          {"20", -1, "8000000000000000", "-9223372036854775808"}, {"20", -1, "0000000000000007", "7"},
          {"26", -1, "ffffffff", "4294967295"}, {"16", -1, "01", "true"}, {"16", -1, "00", "false"},
          {"21", -1, "00000001", NULL}, {"23", -1, "0001", NULL}, {"23", -1, "", NULL},
          {"20", -1, "00000001", NULL}, {"26", -1, "0000000000000001", NULL}, {"16", -1, "02", NULL},
          {"16", -1, "", NULL});
}

static void texts(void **state)
{
    (void)state;
    CHECK({"25", -1, "612262", "\"a\\\"b\""}, {"25", -1, "", "\"\""}, {"1043", 14, "61", "\"a\""},
          {"1042", 7, "612020", "\"a  \""}, {"19", -1, "61", "\"a\""}, {"114", -1, "7b7d", "\"{}\""},
          {"3802", -1, "017b2261223a20317d", "\"{\\\"a\\\": 1}\""}, {"mood", -1, "6f6b", "\"ok\""},
          {"2950", -1, "a0eebc999c0b4ef8bb6d6bb9bd380a11", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""},
          {"3802", -1, "027b7d", NULL}, {"3802", -1, "", NULL},
          {"2950", -1, "a0eebc999c0b4ef8bb6d6bb9bd380a", NULL});
    const struct column_rule cut = {.kind = RULE_TRUNCATE, .n = 2}, mask = {.kind = RULE_MASK, .n = 3};
    CHECK_RULED(
        &cut, {"25", -1, "616263", "\"ab\""}, {"2950", -1, "a0eebc999c0b4ef8bb6d6bb9bd380a11", "\"a0\""},
        {"3802", -1, "015b315d", "\"[1\""}, {"17", -1, "010203", "\"AQI=\""}, {"23", -1, "00000007", "7"});
    CHECK_RULED(&mask, {"25", -1, "616263", "\"***\""}, {"mood", -1, "6f6b", "\"***\""});
}

// Whose binary form is not their text.
static void others_are_not_taken(void **state)
{
    (void)state;
    static const char *const types[] = {
        "18",     "142",   "600",  "650",      "700",    "701",   "774",   "790",      "829",  "869",
        "1186",   "1266",  "1560", "1562",     "3614",   "3904",  "3906",  "3908",     "3910", "hstore",
        "citext", "ltree", "isbn", "geometry", "vector", "869[]", "701[]", "citext[]", "22"};
    const struct column_rule cut = {.kind = RULE_TRUNCATE, .n = 2};
    struct shape shape;
    struct err e;
    options.unknown = true;
    assert_true(shape_compile(&shape, &options, SHAPE_ADAPTIVE, &e));
    for (size_t i = 0; i < COUNT_OF(types); i++)
        for (int ruled = 0; ruled < 2; ruled++) {
            struct pg_type t = resolve(&shape, types[i], -1, ruled ? &cut : NULL);
            if (pg_binary_takes(&t))
                fail_msg("%s is taken", types[i]);
        }
    options = (struct shape_options)SHAPE_OPTIONS_DEFAULT;
}

static void bytes(void **state)
{
    (void)state;
    CHECK({"17", -1, "fbff", "\"+/8=\""}, {"17", -1, "", "\"\""});
    options.binary = "hex";
    CHECK({"17", -1, "fbff", "\"fbff\""});
    options.binary = "base64-url-safe";
    CHECK({"17", -1, "fbff", "\"-_8=\""});
}

static void times(void **state)
{
    (void)state;
    CHECK({"1082", -1, "00001c89", "18262"}, {"1082", -1, "7fffffff", "2147483647"},
          {"1082", -1, "80000000", "-2147483648"}, {"1082", -1, "ffda97cd", "-2440550"},
          {"1083", -1, "0000000a8be62608", "45296789000"}, {"1083", 3, "0000000a8be62608", "45296789"},
          {"1083", -1, "000000141dd76000", "86400000000"},
          {"1114", -1, "0000000000000000", "946684800000000"},
          {"1114", 3, "ffffffffffffffff", "946684799999"},
          {"1114", -1, "7fffffffffffffff", "9223372036825200000"},
          {"1184", -1, "00023e1c89c7cb40", "\"2020-01-02T01:04:05.000000Z\""},
          {"1184", 0, "00023e1c89c7cb40", "\"2020-01-02T01:04:05Z\""},
          {"1184", -1, "ffffffffffffffff", "\"1999-12-31T23:59:59.999999Z\""},
          {"1184", 0, "7fffffffffffffff", "\"infinity\""}, {"1184", 0, "8000000000000000", "\"-infinity\""},
          {"1184", 0, "07e207da06c5e000", "\"+20000-01-01T00:00:00Z\""},
          {"1184", 0, "ff1af9deec5b2000", "\"-0043-03-15T00:00:00Z\""}, {"1082", -1, "00", NULL},
          {"1083", -1, "ffffffffffffffff", NULL}, {"1083", -1, "000000141dd76001", NULL},
          {"1114", -1, "00000000", NULL}, {"1114", -1, "7fffffffffffff00", NULL}, {"1184", -1, "", NULL});
    options.time = "isostring";
    CHECK({"1082", -1, "00001c89", "\"2020-01-01Z\""}, {"1082", -1, "7fffffff", "\"infinity\""},
          {"1083", -1, "000000141dd76000", "\"00:00:00Z\""},
          {"1114", -1, "00000000000f4240", "\"2000-01-01T00:00:01Z\""});
    options.time = "nanoseconds";
    CHECK({"1114", -1, "0000000000000000", "946684800000000000"}, {"1114", -1, "07e207da06c5e000", NULL});
}

static void numerics(void **state)
{
    (void)state;
    const int32_t n52 = numeric(5, 2);
    CHECK({"1700", n52, "0002 0000 0000 0002 0001 1388", "\"AJY=\""}, // 1.50
          {"1700", n52, "0002 0000 4000 0002 0001 1388", "\"/2o=\""},
          {"1700", n52, "0000 0000 0000 0002", "\"AA==\""},
          {"1700", n52, "0001 ffff 0000 0002 0064", "\"AQ==\""},
          {"1700", numeric(5, 4), "0001 0000 0000 0002 0001", "\"JxA=\""}, // another scale than the column's
          {"1700", -1, "0002 0000 0000 0002 0001 1388", "{\"scale\":1,\"value\":\"Dw==\"}"},
          {"1700", -1, "0001 0001 0000 0003 0001", "{\"scale\":0,\"value\":\"JxA=\"}"}, // 10000.000
          {"1700", -1, "0000 0000 c000 0000", "null"}, {"1700", -1, "0000 0000 d000 0000", "null"},
          {"1700", numeric(4, -2), "0001 0000 0000 0000 1388", "\"Mg==\""}, // 5000
          // 10^38 - 1 fits 128 bits' short way, 10^38 and 10^40 do not.
          {"1700", numeric(38, 0), "000a 0009 0000 0000 0063 270f270f270f270f270f270f270f270f270f",
           "\"SztMqFqGxHoJiiI//////w==\""},
          {"1700", numeric(39, 0), "0001 0009 0000 0000 0064", "\"SztMqFqGxHoJiiJAAAAAAA==\""},
          {"1700", numeric(41, 0), "0001 000a 0000 0000 0001", "\"HWMp8cNcpL+rufVhAAAAAAA=\""},
          {"1700", n52, "0002 0000 0000 0002 0001", NULL}, {"1700", n52, "0001 0000 0000 0002 2710", NULL},
          {"1700", n52, "0000 0000 1000 0002", NULL}, {"1700", n52, "0000 0000 0000", NULL},
          {"1700", n52, "0002 0000 0000 0003 0001 1388", NULL}, {"1700", -1, "0000 0000 0000 4000", NULL});
    options.decimal = "string";
    CHECK({"1700", n52, "0001 0000 4000 0000 0001", "\"-1.00\""},
          {"1700", -1, "0002 0001 0000 0006 0001 0002", "\"10002.000000\""},
          {"1700", -1, "0001 fffe 0000 0006 0064", "\"0.000001\""},
          {"1700", -1, "0000 0000 0000 0000", "\"0\""},
          {"1700", -1, "0000 0000 f000 0000", "\"NEGATIVE_INFINITY\""});
    options.decimal = "double";
    CHECK({"1700", n52, "0002 0000 0000 0002 0001 1388", "1.5"},
          {"1700", n52, "0000 0000 c000 0000", "\"NaN\""});
}

static void arrays(void **state)
{
    (void)state;
    // {1,NULL}; [0:0][5:6]={{1,2}}; {}; {{1},{2}}
    CHECK(
        {"23[]", -1, "00000001 00000001 00000017 00000002 00000001 00000004 00000001 ffffffff", "[1,null]"},
        {"23[]", -1,
         "00000002 00000000 00000017 00000001 00000000 00000002 00000005 00000004 00000001 00000004 00000002",
         "[[1,2]]"},
        {"23[]", -1, "00000000 00000000 00000017", "[]"},
        {"23[]", -1,
         "00000002 00000000 00000017 00000002 00000001 00000001 00000001 00000004 00000001 00000004 00000002",
         "[[1],[2]]"},
        {"25[]", -1, "00000001 00000000 00000019 00000001 00000001 00000004 4e554c4c", "[\"NULL\"]"},
        {"1700[]", -1, "00000001 00000000 000006a4 00000001 00000001 00000008 0000 0000 c000 0000", "[null]"},
        {"23[]", -1, "00000001 00000000 00000017 7fffffff 00000001", NULL},
        {"23[]", -1, "00000002 00000000 00000017 7fffffff 00000001 00000000 00000001", "[]"},
        {"23[]", -1, "00000007 00000000 00000017", NULL}, {"23[]", -1, "", NULL},
        {"23[]", -1, "00000000 00000000 00000017 00", NULL},
        {"23[]", -1, "00000001 00000000 00000017 00000001 00000001 00000005 0000000001", NULL},
        {"23[]", -1, "00000001 00000000 00000017 00000001 00000001 fffffffe 00000001", NULL});
}

int main(void)
{
    options = (struct shape_options)SHAPE_OPTIONS_DEFAULT;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers), cmocka_unit_test(texts), cmocka_unit_test(others_are_not_taken),
        cmocka_unit_test(bytes),    cmocka_unit_test(times), cmocka_unit_test(numerics),
        cmocka_unit_test(arrays),
    };
    return cmocka_run_group_tests_name("pg_binary", tests, NULL, NULL);
}
