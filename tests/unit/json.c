#include "page.h"

#include "event/json.h"

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
    struct pages g = pages_map();
    struct span op = span_of("op"), whole;
    assert_true(json_member(span_of(sample), op, &whole));
    for (size_t n = 0; n < sizeof sample - 1; n++) {
        struct span cut = pages_at_end(g, sample, n), value;
        size_t bad_at;
        assert_false(json_check(cut, &bad_at));
        assert_int_equal(bad_at, n);
        if (json_member(cut, op, &value))
            assert_true(span_eq(value, whole));
        struct json_walk w;
        for (json_walk_begin(&w, cut); json_walk_next(&w);)
            ;
        assert_true(w.bad);
    }
    size_t bad_at;
    assert_true(json_check(pages_at_end(g, sample, sizeof sample - 1), &bad_at));
    pages_unmap(g);
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

// ---- json_check against another one, written the plain way

struct plain {
    const unsigned char *p, *end;
};

static bool plain_value(struct plain *c, int levels);

static void plain_space(struct plain *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

static bool plain_is(struct plain *c, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
        return false;
    c->p += n;
    return true;
}

// By decoding: a code point that its shortest form would have written otherwise is none.
static bool plain_character(struct plain *c)
{
    unsigned lead = *c->p++, more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (lead < 0x80)
        return lead >= 0x20;
    if (lead < 0xc0 || lead >= 0xf8)
        return false;
    unsigned point = lead & (0x3fu >> more);
    for (unsigned i = 0; i < more; i++) {
        if (c->p == c->end || *c->p >> 6 != 2)
            return false;
        point = point << 6 | (*c->p++ & 0x3fu);
    }
    static const unsigned least[] = {0, 0x80, 0x800, 0x10000};
    return point >= least[more] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

static bool plain_string(struct plain *c)
{
    if (!plain_is(c, "\""))
        return false;
    while (c->p < c->end && *c->p != '"') {
        if (*c->p != '\\') {
            if (!plain_character(c))
                return false;
            continue;
        }
        c->p++;
        if (c->p == c->end || *c->p == '\0' || strchr("\"\\/bfnrtu", *c->p) == NULL)
            return false;
        if (*c->p++ == 'u')
            for (int i = 0; i < 4; i++, c->p++)
                if (c->p == c->end || *c->p == '\0' || strchr("0123456789abcdefABCDEF", *c->p) == NULL)
                    return false;
    }
    return plain_is(c, "\"");
}

static bool plain_digits(struct plain *c)
{
    const unsigned char *start = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
        c->p++;
    return c->p != start;
}

static bool plain_number(struct plain *c)
{
    plain_is(c, "-");
    if (!plain_is(c, "0") && !plain_digits(c))
        return false;
    if (plain_is(c, ".") && !plain_digits(c))
        return false;
    if (!plain_is(c, "e") && !plain_is(c, "E"))
        return true;
    if (!plain_is(c, "+"))
        plain_is(c, "-");
    return plain_digits(c);
}

static bool plain_members(struct plain *c, int levels, bool object)
{
    const char *close = object ? "}" : "]";
    plain_space(c);
    if (plain_is(c, close))
        return true;
    do {
        plain_space(c);
        if (object) {
            if (!plain_string(c))
                return false;
            plain_space(c);
            if (!plain_is(c, ":"))
                return false;
        }
        plain_space(c);
        if (!plain_value(c, levels))
            return false;
        plain_space(c);
    } while (plain_is(c, ","));
    return plain_is(c, close);
}

static bool plain_value(struct plain *c, int levels)
{
    if (plain_is(c, "{"))
        return levels < 512 && plain_members(c, levels + 1, true);
    if (plain_is(c, "["))
        return levels < 512 && plain_members(c, levels + 1, false);
    if (c->p < c->end && *c->p == '"')
        return plain_string(c);
    return plain_is(c, "true") || plain_is(c, "false") || plain_is(c, "null") || plain_number(c);
}

static bool plain_check(struct span text)
{
    struct plain c = {(const unsigned char *)text.p, (const unsigned char *)text.p + text.n};
    plain_space(&c);
    if (!plain_value(&c, 0))
        return false;
    plain_space(&c);
    return c.p == c.end;
}

// Both give the same verdict; what is before the byte blamed is no worse than unfinished.
static void both_agree(struct span text)
{
    size_t at, sooner;
    bool ok = json_check(text, &at);
    if (ok != plain_check(text))
        fail_msg("%s: %.*s", ok ? "taken" : "refused", SPAN_ARG(text));
    assert_true(ok ? at == text.n : at <= text.n);
    if (!ok && !json_check((struct span){text.p, at}, &sooner) && sooner != at)
        fail_msg("byte %zu is blamed, then %zu: %.*s", at, sooner, SPAN_ARG(text));
    if (!ok && at < text.n)
        assert_false(plain_check((struct span){text.p, at + 1}));
}

static void every_short_text(void **state)
{
    (void)state;
    static const char letters[] = "[]{},:\"1 0-.e";
    char text[6];
    for (size_t n = 0; n <= 6; n++) {
        size_t texts = 1;
        for (size_t i = 0; i < n; i++)
            texts *= n < 6 ? 13 : 10;
        for (size_t k = 0; k < texts; k++) {
            for (size_t i = 0, left = k; i < n; i++, left /= n < 6 ? 13 : 10)
                text[i] = letters[left % (n < 6 ? 13 : 10)];
            both_agree((struct span){text, n});
        }
    }
}

static void every_kind_of_utf8(void **state)
{
    (void)state;
    static const char bytes[] = "\"a\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef"
                                "\xf0\xf1\xf3\xf4\xf5\xf8\xff";
    const size_t n = sizeof bytes - 1;
    char text[] = "\"1234\"";
    for (size_t k = 0; k < n * n * n * n; k++) {
        for (size_t i = 0, left = k; i < 4; i++, left /= n)
            text[1 + i] = bytes[left % n];
        both_agree((struct span){text, 6});
    }
}

// Any one byte of a text that has everything becomes any other one.
static void every_single_fault(void **state)
{
    (void)state;
    static const char whole[] =
        " {\"a\":[1,-0.5e+7,true,false,null,\"\\u00E9\\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
        " and so on to the next lane\"],\"\":{},\"c\":[[],{\"d\":\"\"}]}\n";
    char text[sizeof whole];
    both_agree((struct span){whole, sizeof whole - 1});
    for (size_t i = 0; i < sizeof whole - 1; i++)
        for (int c = 0; c < 256; c++) {
            memcpy(text, whole, sizeof whole);
            text[i] = (char)c;
            both_agree((struct span){text, sizeof whole - 1});
        }
}

static void blames_the_byte(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } rows[] = {
        {"", 0},           {"nul", 3},       {"nuk", 2},        {"01", 1},         {"1.x", 2},
        {"[1,]", 3},       {"{\"a\" 1}", 5}, {"{}x", 2},        {"\"\\x\"", 2},    {"\"\\u12g4\"", 5},
        {"\"a\nb\"", 2},   {"\"\xc3(\"", 2}, {"\"\xc0\x80", 1}, {"\"\xe0\x80", 2}, {"\"\xed\xa0\x80", 2},
        {"\"\xe2\x82", 3},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t at;
        assert_false(json_check(span_of(rows[i].text), &at));
        if (at != rows[i].at)
            fail_msg("row %zu: byte %zu", i, at);
    }
}

// ---- unquoting

static void expect_unquoted(const char *quoted, const char *want, size_t n)
{
    struct buf b;
    buf_init(&b, 100);
    assert_true(json_unquote(span_of(quoted), &b));
    if (!span_eq(buf_view(&b), (struct span){want, n}))
        fail_msg("%s became %.*s", quoted, SPAN_ARG(buf_view(&b)));
    buf_release(&b);
}

static void unquotes_every_code_unit(void **state)
{
    (void)state;
    for (unsigned c = 0; c <= 0xffff; c++) {
        char quoted[16], want[4];
        size_t n = 0;
        snprintf(quoted, sizeof quoted, c % 2 ? "\"\\u%04x\"" : "\"\\u%04X\"", c);
        unsigned point = c >= 0xd800 && c <= 0xdfff ? 0xfffd : c;
        if (point < 0x80) {
            want[n++] = (char)point;
        } else {
            if (point >= 0x800)
                want[n++] = (char)(0xe0 | point >> 12);
            want[n++] = (char)(point >= 0x800 ? 0x80 | (point >> 6 & 0x3f) : 0xc0 | point >> 6);
            want[n++] = (char)(0x80 | (point & 0x3f));
        }
        expect_unquoted(quoted, want, n);
    }
}

static void unquotes_surrogates(void **state)
{
    (void)state;
    static const struct {
        const char *quoted, *want;
    } rows[] = {
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"\"\\uD800\\uDC00\"", "\xf0\x90\x80\x80"},
        {"\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf"},
        {"\"\\ud800\"", "\xef\xbf\xbd"},
        {"\"\\udc00\"", "\xef\xbf\xbd"},
        {"\"\\ud800x\"", "\xef\xbf\xbdx"},
        {"\"\\ud800\\n\"", "\xef\xbf\xbd\n"},
        {"\"\\ud800\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"\\ud800\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\udc00\\udc00\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect_unquoted(rows[i].quoted, rows[i].want, strlen(rows[i].want));
}

static void refuses_what_is_no_string(void **state)
{
    (void)state;
    static const char *const rows[] = {"",        "a",         "\"",          "\"a",
                                       "a\"",     "\"a\"b\"",  "\"\\\"",      "\"\n\"",
                                       "\"\\q\"", "\"\\u12\"", "\"\\u12 4\"", "\"\xed\xa0\x80\"",
                                       "null"};
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (json_unquote(span_of(rows[i]), &b))
            fail_msg("%s was taken", rows[i]);
    assert_int_equal(b.n, 0);
    buf_release(&b);
}

// ---- quoting

static void plain_quote(struct buf *b, struct span text)
{
    static const char *const named[32] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
    buf_char(b, '"');
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < 32 && named[c] != NULL)
            buf_str(b, named[c]);
        else if (c < 32)
            buf_printf(b, "\\u%04X", c);
        else if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else
            buf_char(b, text.p[i]);
    }
    buf_char(b, '"');
}

static void quotes_any_bytes(void **state)
{
    (void)state;
    struct pages g = pages_map();
    struct buf fast, slow;
    buf_init(&fast, 4096);
    buf_init(&slow, 4096);
    srand(5);
    for (int round = 0; round < 100000; round++) {
        char text[100];
        size_t n = (size_t)rand() % sizeof text;
        int density = rand() % 30 + 1;
        for (size_t i = 0; i < n; i++)
            text[i] = (char)(rand() % density ? 'a' + rand() % 26 : rand() % 256);
        struct span s = pages_at_end(g, text, n);
        buf_reset(&fast);
        buf_reset(&slow);
        json_quote(&fast, s);
        plain_quote(&slow, s);
        if (!span_eq(buf_view(&fast), buf_view(&slow)))
            fail_msg("%.*s became %.*s", SPAN_ARG(s), SPAN_ARG(buf_view(&fast)));
    }
    buf_release(&fast);
    buf_release(&slow);
    pages_unmap(g);
}

static void quotes_up_to_the_cap(void **state)
{
    (void)state;
    char text[300];
    struct buf b;
    buf_init(&b, sizeof text + 3); // the quotes, and the escape's second byte
    memset(text, 'x', sizeof text);
    text[200] = '\n';
    json_quote(&b, (struct span){text, sizeof text});
    assert_false(b.bad);
    assert_int_equal(b.n, sizeof text + 3);
    buf_reset(&b);
    text[100] = '"';
    json_quote(&b, (struct span){text, sizeof text});
    assert_true(b.bad);
    buf_release(&b);
}

// An empty span need not have an address.
static void takes_nothing_at_all(void **state)
{
    (void)state;
    struct span none = {NULL, 0}, value;
    struct json_walk w;
    struct buf b;
    size_t at;
    uint64_t v;
    buf_init(&b, 10);
    assert_false(json_check(none, &at));
    assert_int_equal(at, 0);
    assert_false(json_first(none, &value));
    assert_false(json_member(none, span_of("a"), &value));
    assert_true(json_member(span_of("{\"\":1}"), none, &value));
    json_walk_begin(&w, none);
    assert_true(w.bad && !json_walk_next(&w));
    assert_false(json_unquote(none, &b));
    assert_false(json_u64(none, &v));
    json_quote(&b, none);
    assert_span(buf_view(&b), "\"\"");
    buf_release(&b);
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
        cmocka_unit_test(every_short_text),
        cmocka_unit_test(every_kind_of_utf8),
        cmocka_unit_test(every_single_fault),
        cmocka_unit_test(blames_the_byte),
        cmocka_unit_test(unquotes_every_code_unit),
        cmocka_unit_test(unquotes_surrogates),
        cmocka_unit_test(refuses_what_is_no_string),
        cmocka_unit_test(quotes_any_bytes),
        cmocka_unit_test(quotes_up_to_the_cap),
        cmocka_unit_test(takes_nothing_at_all),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
