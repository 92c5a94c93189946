#include "test.h"

#include "base/clock.h"
#include "state/folder.h"
#include "state/position.h"

#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/cdc-position-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char line[128];
    snprintf(line, sizeof line, "rm -rf %s", dir);
    return system(line);
}

static struct span s(const char *text)
{
    return span_of(text);
}

static const char *const sound[] = {
    "{\"version\":1,\n\"sinks\":{\n}}\n",
    "{\"version\":1,\n\"sinks\":{\n\"default\":{\"token\":null,\"time\":null}\n}}\n",
    "{\"version\":1,\n\"sinks\":{\n"
    "\"es\":{\"token\":null,\"time\":null},\n"
    "\"kafka\":{\"token\":\"pg/1/l/26738688/26738600/1\",\"time\":\"2025-11-24T04:02:11.250Z\"}\n}}\n",
    "{\"version\":1,\n\"sinks\":{\n"
    "\"a\":{\"token\":\"my/2/s/1/9/shop.a/%5B1%5D\",\"time\":\"2000-02-29T23:59:59.999Z\"},\n"
    "\"b\":{\"token\":\"my/2/l/1/9/0/0\",\"time\":\"1970-01-01T00:00:00.000Z\"}\n}}\n",
};

static void formats_what_it_parsed(void **state)
{
    (void)state;
    struct position p;
    struct buf b;
    struct err e;
    position_init(&p);
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(sound); i++) {
        if (!position_parse(&p, s(sound[i]), &e))
            fail_msg("%s: %s", sound[i], e.text);
        buf_reset(&b);
        position_format(&p, &b);
        assert_span(buf_view(&b), sound[i]);
    }
    buf_release(&b);
    position_release(&p);
}

static void rejects_what_is_no_position_file(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "[]",
        "1",
        "{\"version\":1}",
        "{\"sinks\":{}}",
        "{\"version\":2,\"sinks\":{}}",
        "{\"version\":\"1\",\"sinks\":{}}",
        "{\"version\":1,\"sinks\":[]}",
        "{\"version\":1,\"sinks\":[{\"token\":null,\"time\":null}]}",
        "{\"version\":1,\"sinks\":null}",
        "{\"version\":1,\"sinks\":{\"a\":null}}",
        "{\"version\":1,\"sinks\":{\"a\":{}}}",
        "{\"version\":1,\"sinks\":{\"a\":{\"token\":null}}}",
        "{\"version\":1,\"sinks\":{\"a\":{\"token\":1,\"time\":null}}}",
        "{\"version\":1,\"sinks\":{\"a\":{\"token\":\"pg/1/l/1/0/0\",\"time\":null}}}",
        "{\"version\":1,\"sinks\":{\"a\":{\"token\":\"pg/1/l/1/0/0\",\"time\":\"yesterday\"}}}",
        "{\"version\":1,\"sinks\":{\"a\":{\"token\":\"\",\"time\":\"2000-02-29T23:59:59.999Z\"}}}",
        "{\"version\":1,\"sinks\":{\"a\":{\"token\":\"pg/1\",\"time\":\"2000-02-29T23:59:59.999Z\"}}}",
        "{\"version\":1,\"sinks\":{\"a/b\":{\"token\":null,\"time\":null}}}",
        "{\"version\":1,\"sinks\":{\"..\":{\"token\":null,\"time\":null}}}",
        "{\"version\":1,\"sinks\":{\"\":{\"token\":null,\"time\":null}}}",
        "{\"version\":1,\"sinks\":{\"a\":{\"token\":null,\"time\":null},\"a\":{\"token\":null,\"time\":null}}"
        "}",
        "{\"version\":1,\"sinks\":{\"a\":{\"token\":\"pg/1/l/1/0/0\",\"time\":\"2000-02-29T23:59:59.999Z\"},"
        "\"b\":{\"token\":\"my/1/l/1/1/0/0\",\"time\":\"2000-02-29T23:59:59.999Z\"}}}",
    };
    struct position p;
    struct err e;
    position_init(&p);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (position_parse(&p, s(bad[i]), &e))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(e.status, STATUS_DATA);
    }
    position_release(&p);
}

static void advance(const char *sink, const char *token, bool want_behind)
{
    struct err e;
    bool behind;
    if (!position_advance(dir, s(sink), s(token), &behind, &e))
        fail_msg("%s %s: %s", sink, token, e.text);
    assert_int_equal(behind, want_behind);
}

// want NULL: there is nothing to resume from.
static void check_resume(const char *want)
{
    struct buf token;
    struct err e;
    bool found;
    struct pos pos;
    buf_init(&token, POS_MAX_BYTES);
    if (!position_resume(dir, &token, &pos, &found, &e))
        fail_msg("%s", e.text);
    assert_int_equal(found, want != NULL);
    if (want != NULL)
        assert_span(buf_view(&token), want);
    buf_release(&token);
}

static void resumes_from_the_lowest(void **state)
{
    (void)state;
    struct err e;
    check_resume(NULL);
    assert_true(position_declare(dir, s("kafka"), &e) && position_declare(dir, s("es"), &e));
    check_resume(NULL);
    advance("kafka", "pg/1/l/100/0/0", false);
    check_resume(NULL);
    advance("es", "pg/1/l/99/50/1", false);
    check_resume("pg/1/l/99/50/1");
    advance("es", "pg/1/l/101/0/0", false);
    check_resume("pg/1/l/100/0/0");
    assert_true(position_declare(dir, s("es"), &e));
    check_resume("pg/1/l/100/0/0");
    assert_true(position_forget(dir, s("kafka"), &e));
    check_resume("pg/1/l/101/0/0");
    assert_false(position_forget(dir, s("kafka"), &e));
    assert_int_equal(e.status, STATUS_USAGE);
}

static void a_sink_must_be_declared(void **state)
{
    (void)state;
    struct err e;
    bool behind;
    assert_true(position_require(dir, s("default"), &e));
    assert_false(position_require(dir, s("kafka"), &e));
    assert_false(position_advance(dir, s("kafka"), s("pg/1/l/1/0/0"), &behind, &e));
    assert_int_equal(e.status, STATUS_USAGE);
    check_resume(NULL);
    advance("default", "pg/1/l/1/0/0", false);
    assert_true(position_declare(dir, s("kafka"), &e) && position_forget(dir, s("default"), &e));
    assert_false(position_require(dir, s("default"), &e));
    assert_non_null(strstr(e.hint, "kafka"));
    static const char *const bad[] = {"",
                                      "a/b",
                                      "..",
                                      ".a",
                                      "a b",
                                      "ü",
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(position_declare(dir, s(bad[i]), &e));
        assert_int_equal(e.status, STATUS_USAGE);
    }
}

static void does_not_move_back(void **state)
{
    (void)state;
    struct err e;
    bool behind;
    advance("default", "pg/1/l/100/50/2", false);
    advance("default", "pg/1/l/100/50/2", false);
    advance("default", "pg/1/l/100/50/1", true);
    advance("default", "pg/1/s/9/9/a/b", true);
    check_resume("pg/1/l/100/50/2");
    assert_false(position_set(dir, s("default"), s("pg/1/l/7/0/0"), false, &e));
    assert_int_equal(e.status, STATUS_USAGE);
    assert_non_null(strstr(e.hint, "--force"));
    check_resume("pg/1/l/100/50/2");
    assert_true(position_set(dir, s("default"), s("pg/1/l/7/0/0"), true, &e));
    check_resume("pg/1/l/7/0/0");
    assert_true(position_set(dir, s("default"), s("pg/2/l/1/0/0"), false, &e));
    check_resume("pg/2/l/1/0/0");
    assert_false(position_advance(dir, s("default"), s("my/3/l/1/1/0/0"), &behind, &e));
    assert_int_equal(e.status, STATUS_USAGE);
    assert_false(position_advance(dir, s("default"), s("pg/3/l/1"), &behind, &e));
    assert_int_equal(e.status, STATUS_DATA);
    check_resume("pg/2/l/1/0/0");
}

static ino_t inode(const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static void writes_only_what_is_new(void **state)
{
    (void)state;
    advance("default", "pg/1/l/100/0/0", false);
    ino_t before = inode(POSITION_FILE);
    advance("default", "pg/1/l/100/0/0", false);
    advance("default", "pg/1/l/99/0/0", true);
    assert_true(inode(POSITION_FILE) == before);
    advance("default", "pg/1/l/101/0/0", false);
    assert_true(inode(POSITION_FILE) != before && inode("position.bak") == before);
}

static void a_damaged_file_is_not_written_over(void **state)
{
    (void)state;
    struct err e;
    bool behind, found;
    struct buf token;
    struct pos pos;
    advance("default", "pg/1/l/100/0/0", false);
    advance("default", "pg/1/l/200/0/0", false);
    char path[256];
    snprintf(path, sizeof path, "%s/position", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("{\"version\":1,\"sinks\":{\"default\":{\"token\":\"pg\"}}}", f);
    fclose(f);
    buf_init(&token, POS_MAX_BYTES);
    assert_false(position_resume(dir, &token, &pos, &found, &e));
    assert_int_equal(e.status, STATUS_DATA);
    assert_non_null(strstr(e.text, path));
    assert_non_null(strstr(e.hint, "position.bak"));
    assert_false(position_advance(dir, s("default"), s("pg/1/l/300/0/0"), &behind, &e));
    assert_false(position_declare(dir, s("x"), &e));
    snprintf(path, sizeof path, "mv %s/position.bak %s/position", dir, dir);
    assert_int_equal(system(path), 0);
    check_resume("pg/1/l/100/0/0");
    buf_release(&token);
}

static void times_of_every_kind(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_BYTES];
    int64_t back;
    srand(11);
    for (int i = 0; i < 100000; i++) {
        // From the year 1 to 9999.
        int64_t ms = -62135596800000 + (int64_t)((double)rand() / RAND_MAX * 315537897599000.0);
        clock_format(ms, text);
        assert_true(clock_parse(span_of(text), &back));
        assert_true(back == ms);
    }
    clock_format(1763956931250, text);
    assert_string_equal(text, "2025-11-24T04:02:11.250Z");
    assert_false(clock_parse(span_of("2025-11-24T04:02:11.250"), &back));
    assert_false(clock_parse(span_of("2025-11-24 04:02:11.250Z"), &back));
    assert_false(clock_parse(span_of("2025-13-24T04:02:11.250Z"), &back));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_what_it_parsed),
        cmocka_unit_test(rejects_what_is_no_position_file),
        TEST(resumes_from_the_lowest),
        TEST(a_sink_must_be_declared),
        TEST(does_not_move_back),
        TEST(writes_only_what_is_new),
        TEST(a_damaged_file_is_not_written_over),
        cmocka_unit_test(times_of_every_kind),
    };
    return cmocka_run_group_tests_name("position", tests, NULL, NULL);
}
