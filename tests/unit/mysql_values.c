// MySQL's packed values, statements, GTID sets and URLs, from bytes.
#include "test.h"

#include "mysql/charset.h"
#include "mysql/decimal.h"
#include "mysql/gtid.h"
#include "mysql/inflate.h"
#include "mysql/jsonb.h"
#include "mysql/statement.h"
#include "mysql/temporal.h"
#include "mysql/url.h"

static struct span hex(const char *text)
{
    static char bytes[512];
    size_t n = 0;
    for (unsigned v; sscanf(text, "%2x", &v) == 1; text += 2)
        bytes[n++] = (char)v;
    return (struct span){bytes, n};
}

static void decimals(void **state)
{
    (void)state;
    // MySQL's own example: 1234567890.1234 is decimal(14,4).
    static const struct {
        const char *bytes;
        unsigned precision, scale;
        const char *want;
    } rows[] = {
        {"810dfb38d204d2", 14, 4, "1234567890.1234"},
        {"7ef204c72dfb2d", 14, 4, "-1234567890.1234"},
        {"8000", 4, 2, "0.00"},
        {"7fff", 4, 2, "-0.00"},
        {"80", 1, 0, "0"},
        {"8132", 4, 2, "1.50"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[DECIMAL_TEXT_BYTES];
        size_t n;
        assert_true(my_decimal_text(hex(rows[i].bytes), rows[i].precision, rows[i].scale, text, &n));
        assert_span((struct span){text, n}, rows[i].want);
    }
    char text[DECIMAL_TEXT_BYTES];
    size_t n;
    int64_t unscaled;
    assert_true(my_decimal_unscaled(hex("7ef204c72dfb2d"), 14, 4, &unscaled));
    assert_int_equal(unscaled, -12345678901234);
    assert_false(my_decimal_text(hex("810dfb38d2"), 14, 4, text, &n));
    assert_false(my_decimal_text(hex("ffffffffffffff"), 14, 4, text, &n)); // a group of more than nine digits
}

static void times(void **state)
{
    (void)state;
    int64_t us;
    struct my_moment m;
    struct my_date d;
    assert_true(my_time2_read(hex("7fffffff"), 2, &us) && us == -10000); // -00:00:00.01
    assert_true(my_time2_read(hex("800000"), 0, &us) && us == 0);
    assert_true(my_time2_read(hex("4b91050f4240"), 6, &us) && us < 0);
    assert_true(my_datetime2_read(hex("99a57ab238"), 0, &m));
    assert_int_equal(m.date.year, 2020);
    assert_true(my_date_read(hex("5dc80f"), &d) && d.year == 2020 && d.month == 2 && d.day == 29);
    assert_false(my_date_read(hex("5dc8"), &d));
    assert_false(my_datetime2_read(hex("99a57ab2"), 0, &m));
}

static void differences(void **state)
{
    (void)state;
    static const struct {
        const char *document, *difference, *want; // NULL: refused
    } rows[] = {
        {"{\"a\":1,\"bb\":[1,2,3]}", "0007242e62625b315d03050700", "{\"a\":1,\"bb\":[1,7,3]}"},
        {"{\"a\":1,\"bb\":[1]}", "0203242e61", "{\"bb\":[1]}"},
        {"{\"a\":1,\"bb\":[1]}", "0204242e6262", "{\"a\":1}"},
        {"{\"a\":1}", "0203242e61", "{}"},
        // Members go by length, then bytes; elements by their place, or behind the last.
        {"{\"b\":1,\"ccc\":2}", "0103242e61020400", "{\"a\":null,\"b\":1,\"ccc\":2}"},
        {"{\"b\":1,\"ccc\":2}", "0104242e6161020400", "{\"b\":1,\"aa\":null,\"ccc\":2}"},
        {"{}", "0103242e61020401", "{\"a\":true}"},
        {"[1,2]", "0104245b315d020402", "[1,false,2]"},
        {"[1]", "0104245b395d020402", "[1,false]"},
        {"{\"x y\":{\"z\":1}}", "0008242e22782079222e7a", NULL},
        {"{\"a\":1}", "0203242e62", NULL},
        {"{\"a\":1}", "0903242e61", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;
        struct err e;
        buf_init(&out, 4096);
        bool ok = jsonb_apply(span_of(rows[i].document), hex(rows[i].difference), &out, &e);
        if (ok != (rows[i].want != NULL))
            fail_msg("%zu: %s", i, ok ? "taken" : e.text);
        if (ok)
            assert_span(buf_view(&out), rows[i].want);
        buf_release(&out);
    }
}

static void sets(void **state)
{
    (void)state;
    static const char a[] = "a893b7fb-e784-11f1-a6e7-02fc00000001";
    static const struct {
        const char *text, *want;
    } rows[] = {
        {":1-5:7", ":1-5:7"},       {":7:1-5", ":1-5:7"}, {":1-5:6", ":1-6"},
        {":1-5:3-9:20", ":1-9:20"}, {":TAG:1", ":tag:1"}, {":1:9:2-8", ":1-9"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct gtid_set set = {0};
        struct buf text, out;
        struct err e;
        buf_init(&text, 1024), buf_init(&out, 1024);
        buf_printf(&text, " %s%s,\n", a, rows[i].text);
        assert_true(gtid_set_parse(&set, buf_view(&text), &e));
        gtid_set_format(&set, &out);
        buf_reset(&text);
        buf_printf(&text, "%s%s", a, rows[i].want);
        assert_span(buf_view(&out), buf_cstr(&text));
        gtid_set_release(&set);
        buf_release(&text), buf_release(&out);
    }
    assert_true(gtid_list_check(span_of("0-1-5, 1-2-7")));
    assert_false(gtid_list_check(span_of("0-1")));
}

static void statements(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        enum statement_kind want;
    } rows[] = {
        {"BEGIN", STATEMENT_BEGIN},
        {"COMMIT", STATEMENT_COMMIT},
        {"ROLLBACK", STATEMENT_COMMIT},
        {"ROLLBACK TO `a`", STATEMENT_WITHIN},
        {"XA START X'61',X'',1", STATEMENT_XA_START},
        {"XA COMMIT X'61'", STATEMENT_XA_END},
        {"/* a */ create OR replace table t(a int)", STATEMENT_SCHEMA},
        {"/*!40000 ALTER TABLE t */", STATEMENT_SCHEMA},
        {"-- a\nDROP DATABASE d", STATEMENT_SCHEMA},
        {"DROP TEMPORARY TABLE t", STATEMENT_OTHER},
        {"CREATE USER u", STATEMENT_OTHER},
        {"TRUNCATE TABLE t", STATEMENT_TRUNCATE},
        {"insert into t values(1)", STATEMENT_DATA},
        {"GRANT ALL ON *.* TO u", STATEMENT_OTHER},
        {"", STATEMENT_OTHER},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (statement_kind(span_of(rows[i].sql)) != rows[i].want)
            fail_msg("%s: %d", rows[i].sql, (int)statement_kind(span_of(rows[i].sql)));
    struct buf db, table;
    buf_init(&db, 256), buf_init(&table, 256);
    assert_true(
        statement_truncated(span_of("truncate /* x */ table `a``b` . t1"), span_of("d"), &db, &table));
    assert_span(buf_view(&db), "a`b");
    assert_span(buf_view(&table), "t1");
    buf_release(&db), buf_release(&table);
}

static void urls(void **state)
{
    (void)state;
    struct my_url u;
    struct err e;
    assert_true(my_url_parse("mysql://us%40er:p%3Aw@h.example:3307/d%C3%A9?ssl-mode=VERIFY-CA&socket=/tmp/s",
                             &u, &e));
    assert_string_equal(u.user, "us@er");
    assert_string_equal(u.password, "p:w");
    assert_string_equal(u.host, "h.example");
    assert_int_equal(u.port, 3307);
    assert_string_equal(u.database, "d\xc3\xa9");
    assert_string_equal(u.socket, "/tmp/s");
    assert_int_equal(u.ssl_mode, MY_SSL_VERIFY_CA);
    assert_true(my_url_parse("mariadb://[::1]:1", &u, &e) && strcmp(u.host, "::1") == 0 && u.port == 1);
    assert_true(my_url_parse("mysql://", &u, &e) && u.host[0] == '\0' && !u.has_password);
    static const char *const bad[] = {"mysql:/h",        "mysql://h:x",   "mysql://h:70000",
                                      "mysql://h%2",     "mysql://h?a=b", "mysql://h?ssl-mode=some",
                                      "mysql://h?socket"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (my_url_parse(bad[i], &u, &e))
            fail_msg("%s was taken", bad[i]);
}

static void texts(void **state)
{
    (void)state;
    static const struct {
        uint32_t collation;
        const char *bytes, *want;
    } rows[] = {
        {45, "c3a9", "é"},  {8, "e980", "é€"},     {8, "81", "\xc2\x81"}, {13, "93fa", "日"},
        {28, "baba", "汉"}, {54, "d834dd1e", "𝄞"}, {35, "0436", "ж"},     {60, "0001d11e", "𝄞"},
        {37, "80", "Č"},    {1032, "e9", "é"},
    };
    struct charsets *c;
    struct err e;
    assert_true(charsets_make(&c, &e));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span utf8;
        if (!charset_convert(c, rows[i].collation, hex(rows[i].bytes), &utf8, &e))
            fail_msg("%u: %s", (unsigned)rows[i].collation, e.text);
        assert_span(utf8, rows[i].want);
    }
    struct span utf8;
    assert_false(charset_convert(c, 28, hex("ff"), &utf8, &e));
    assert_false(charset_convert(c, 999, hex("41"), &utf8, &e));
    charsets_free(c);
}

static void inflating(void **state)
{
    (void)state;
    struct buf out;
    struct err e;
    buf_init(&out, 64);
    assert_true(inflate_value(hex("006162"), &out, &e));
    assert_span(buf_view(&out), "ab");
    assert_true(inflate_event(hex("8103789c4b4c4a0600024d0127"), &out, &e));
    assert_span(buf_view(&out), "abc");
    assert_false(inflate_event(hex("84ffffffff789c"), &out, &e)); // larger than the limit
    assert_false(inflate_event(hex("01"), &out, &e));
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals), cmocka_unit_test(times),      cmocka_unit_test(differences),
        cmocka_unit_test(sets),     cmocka_unit_test(statements), cmocka_unit_test(urls),
        cmocka_unit_test(texts),    cmocka_unit_test(inflating),
    };
    return cmocka_run_group_tests_name("mysql_values", tests, NULL, NULL);
}
