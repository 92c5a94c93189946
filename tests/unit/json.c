#define _DEFAULT_SOURCE // MAP_ANONYMOUS

#include "test.h"

#include "event/json.h"
#include "event/json_scan.h"

#include <sys/mman.h>
#include <unistd.h>

// text at the end of a page that nothing may be read behind.
static struct span at_page_end(const char *text, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (n / page + 2) * page;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED && mprotect(p + size - page, page, PROT_NONE) == 0);
    char *to = p + size - page - n;
    memcpy(to, text, n);
    return (struct span){to, n};
}

static void release_page(struct span s)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (s.n / page + 2) * page;
    munmap((void *)(s.p + s.n + page - size), size);
}

static const char sample[] = "{\"cdc\":{\"pos\":\"pg/1/l/1/2/"
                             "3\",\"topic\":\"a.b\",\"key\":{\"id\":1}},\"before\":null,\"after\":{\"id\":1,"
                             "\"t\":\"a } \\\" ] \\\\\",\"deep\":[[{\"x\":[]}],{}],\"e\":\"\"},\"source\" : "
                             "{ \"lsn\" : 12 , \"s\":\"[\\\"1\\\"]\"},"
                             "\"op\":\"c\",\"n\":-1.5e3}";

static void finds_members(void **state)
{
    (void)state;
    static const struct {
        const char *path[3], *want;
    } rows[] = {
        {{"op"}, "\"c\""},
        {{"n"}, "-1.5e3"},
        {{"before"}, "null"},
        {{"source", "lsn"}, "12"},
        {{"source", "s"}, "\"[\\\"1\\\"]\""},
        {{"after", "t"}, "\"a } \\\" ] \\\\\""},
        {{"after", "deep"}, "[[{\"x\":[]}],{}]"},
        {{"after", "e"}, "\"\""},
        {{"cdc", "key", "id"}, "1"},
        {{"none"}, NULL},
        {{"after", "none"}, NULL},
        {{"before", "x"}, NULL},
        {{"op", "x"}, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span names[3], value;
        size_t n = 0;
        for (; n < 3 && rows[i].path[n] != NULL; n++)
            names[n] = span_of(rows[i].path[n]);
        bool found = json_path(span_of(sample), names, n, &value);
        if (found != (rows[i].want != NULL))
            fail_msg("row %zu", i);
        if (found)
            assert_span(value, rows[i].want);
    }
}

// Whatever is cut off, nothing is read behind the end, and what is found is what the whole has.
static void survives_every_truncation(void **state)
{
    (void)state;
    struct span op = span_of("op"), whole;
    assert_true(json_member(span_of(sample), op, &whole));
    for (size_t n = 0; n < sizeof sample - 1; n++) {
        struct span cut = at_page_end(sample, n), value;
        size_t bad_at;
        assert_false(json_check(cut, &bad_at));
        assert_true(bad_at <= n);
        if (json_member(cut, op, &value))
            assert_true(span_eq(value, whole));
        struct json_walk w;
        for (json_walk_begin(&w, cut); json_walk_next(&w);)
            ;
        release_page(cut);
    }
}

static void checks_by_the_rfc(void **state)
{
    (void)state;
    static const char *const good[] = {
        "null",
        "true",
        " 1 ",
        "-0",
        "0.5",
        "1e5",
        "1E+5",
        "\"\"",
        "\"\\u00e9\\ud83d\\ude00\"",
        "[]",
        "{}",
        "[1,2]",
        "{\"a\":[{}, null]}",
        "\"\xc3\xa9\"",
        "\"\xf0\x9f\x98\x80\"",
        "\"\x7f\"",
        "[[[[]]]]",
        "{\"a\":{\"b\":{}},\"c\":1}",
    };
    static const char *const bad[] = {
        "",
        " ",
        "nul",
        "tru",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        "-",
        "\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\t\"",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1]",
        "[1}",
        "1 2",
        "{}x",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xe2\x82\"",
        "]",
        "}",
        "\"\\",
    };
    size_t at;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (!json_check(span_of(good[i]), &at))
            fail_msg("%s was refused at %zu", good[i], at);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (json_check(span_of(bad[i]), &at))
            fail_msg("%s was taken", bad[i]);
    char deep[1026];
    for (int levels = 511; levels <= 513; levels++) {
        memset(deep, '[', (size_t)levels);
        memset(deep + levels, ']', (size_t)levels);
        assert_int_equal(json_check((struct span){deep, (size_t)levels * 2}, &at), levels <= 512);
    }
}

static void walks_in_order(void **state)
{
    (void)state;
    struct json_walk w;
    struct buf seen;
    buf_init(&seen, 1000);
    for (json_walk_begin(&w, span_of(" { \"a\" : 1 , \"b\":[2] , \"c\":{} } ")); json_walk_next(&w);)
        buf_span(&seen, w.name), buf_span(&seen, w.value);
    assert_false(w.bad);
    for (json_walk_begin(&w, span_of("[1, \"x\",[] ]")); json_walk_next(&w);)
        buf_span(&seen, w.value), buf_char(&seen, ';');
    assert_false(w.bad);
    for (json_walk_begin(&w, span_of("{}")); json_walk_next(&w);)
        fail();
    assert_false(w.bad);
    assert_span(buf_view(&seen), "\"a\"1\"b\"[2]\"c\"{}1;\"x\";[];");
    for (json_walk_begin(&w, span_of("{\"a\":1 \"b\":2}")); json_walk_next(&w);)
        ;
    assert_true(w.bad);
    json_walk_begin(&w, span_of("12"));
    assert_true(w.bad && !json_walk_next(&w));
    buf_release(&seen);
}

static void quotes_and_unquotes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *quoted;
    } rows[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001F\x7f\""},
        {"\xc3\xa9/\xf0\x9f\x98\x80", "\"\xc3\xa9/\xf0\x9f\x98\x80\""},
        {"0123456789abcdef0123456789abcdef\n0123456789abcdef",
         "\"0123456789abcdef0123456789abcdef\\n0123456789abcdef\""},
    };
    struct buf b;
    buf_init(&b, 1000);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_reset(&b);
        json_quote(&b, span_of(rows[i].text));
        assert_span(buf_view(&b), rows[i].quoted);
        buf_reset(&b);
        assert_true(json_unquote(span_of(rows[i].quoted), &b));
        assert_span(buf_view(&b), rows[i].text);
    }
    buf_reset(&b);
    assert_true(json_unquote(span_of("\"\\ud83d\\ude00\\u00e9\\/\\ud800x\""), &b));
    assert_span(buf_view(&b), "\xf0\x9f\x98\x80\xc3\xa9/\xef\xbf\xbdx");
    assert_false(json_unquote(span_of("\"a"), &b));
    assert_false(json_unquote(span_of("a"), &b));
    assert_false(json_unquote(span_of("\"a\"b\""), &b));
    buf_release(&b);
}

static void reads_numbers(void **state)
{
    (void)state;
    uint64_t u;
    int64_t i;
    assert_true(json_u64(span_of("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_false(json_u64(span_of("18446744073709551616"), &u));
    assert_false(json_u64(span_of("01"), &u));
    assert_false(json_u64(span_of("1.0"), &u));
    assert_false(json_u64(span_of(""), &u));
    assert_true(json_i64(span_of("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_false(json_i64(span_of("9223372036854775808"), &i));
}

// The quick way over 64 bytes at a time against one byte at a time.
static const char *slow_container(const char *p, const char *end)
{
    long level = 1;
    bool in_string = false;
    for (; p < end; p++) {
        if (in_string) {
            if (*p == '\\')
                p++;
            else if (*p == '"')
                in_string = false;
        } else if (*p == '"') {
            in_string = true;
        } else if (*p == '{' || *p == '[') {
            level++;
        } else if ((*p == '}' || *p == ']') && --level == 0) {
            return p + 1;
        }
    }
    return NULL;
}

static void skips_as_the_slow_way_does(void **state)
{
    (void)state;
    srand(11);
    static const char letters[] = "{}[]\"\\ ab,:\"xyz01";
    for (int round = 0; round < 50000; round++) {
        char text[300];
        size_t n = (size_t)rand() % sizeof text;
        for (size_t i = 0; i < n; i++)
            text[i] = rand() % 3 ? 'x' : letters[(size_t)rand() % (sizeof letters - 1)];
        // A backslash outside a string escapes nothing; the quick way does not mind, valid JSON has none
        // there.
        bool in_string = false;
        for (size_t i = 0; i < n; i++) {
            if (text[i] == '\\' && !in_string)
                text[i] = 'x';
            else if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = !in_string;
        }
        assert_ptr_equal(json_skip_container(text, text + n), slow_container(text, text + n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_members),
        cmocka_unit_test(survives_every_truncation),
        cmocka_unit_test(checks_by_the_rfc),
        cmocka_unit_test(walks_in_order),
        cmocka_unit_test(quotes_and_unquotes),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(skips_as_the_slow_way_does),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
