#include "test.h"

#include "event/column_rule.h"

static struct opt_member members[4];

static struct opt_family family(size_t i, const char *a, const char *b, const char *regex)
{
    members[i] = (struct opt_member){{span_of(a), span_of(b)}, regex};
    return (struct opt_family){&members[i], 1};
}

static void check(const struct column_rules *r, const char *column, const char *text, size_t max_chars,
                  const char *want)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    const struct column_rule *rule = column_rules_find(r, span_of(column));
    assert_non_null(rule);
    assert_true(column_rule_write(rule, span_of(text), max_chars, &out));
    assert_span(buf_view(&out), want);
    buf_release(&out);
}

static void rules(void **state)
{
    (void)state;
    struct shape_options o = SHAPE_OPTIONS_DEFAULT;
    struct column_rules r;
    struct err e;
    o.truncate = family(0, "3", "", "public\\.t\\.cut, public\\.t\\.first");
    o.mask = family(1, "4", "", "public\\.t\\.(mask|first)");
    o.hash = family(2, "SHA-256", "CzQMA0cB5K", ".*\\.hash");
    o.hash_v2 = family(3, "SHA-256", "CzQMA0cB5K", ".*\\.hash2");
    assert_true(column_rules_compile(&r, &o, &e));

    check(&r, "public.t.cut", "abcdef", 0, "\"abc\"");
    check(&r, "public.t.cut", "ab", 0, "\"ab\"");
    check(&r, "public.t.cut", "日本語文", 0, "\"日本語\"");
    check(&r, "public.t.cut", "ab😀c", 0, "\"ab\""); // the fourth unit would be half of a character
    check(&r, "public.t.cut", "a😀c", 0, "\"a😀\"");
    check(&r, "PUBLIC.T.first", "abcdef", 0, "\"abc\"");
    check(&r, "public.t.mask", "abcdef", 0, "\"****\"");
    check(&r, "public.t.mask", "", 0, "\"****\"");
    // sha256(salt + AC ED 00 05 74 00 02 + "hi"), sha256(salt + "hi")
    check(&r, "public.t.hash", "hi", 0,
          "\"5c4881f3540b4a929f72c0194f6e6eb2d270e3290cabc97f730b7be349205170\"");
    check(&r, "public.t.hash", "a😀", 0,
          "\"f4c4a4542ed0a3218859c7605e43d86325c7bdb0d0f850ca3ef1da21c21bdcb3\"");
    check(&r, "public.t.hash2", "hi", 0,
          "\"428820d877724446ccef3f2ede3cde407a101148898d337f36c82c05836cf632\"");
    check(&r, "public.t.hash2", "hi", 12, "\"428820d87772\"");
    assert_null(column_rules_find(&r, span_of("public.t.other")));
    column_rules_release(&r);
}

// Debezium's own words: salt, then the string as ObjectOutputStream writes it.
static void long_strings(void **state)
{
    (void)state;
    struct shape_options o = SHAPE_OPTIONS_DEFAULT;
    struct column_rules r;
    struct err e;
    char *text = malloc(70001);
    memset(text, 'x', 70000);
    text[70000] = '\0';
    o.hash = family(0, "SHA-1", "s", ".*");
    assert_true(column_rules_compile(&r, &o, &e));
    check(&r, "a.b.c", text, 0, "\"7ef8eff3c8017462f546e9f0cb9f9a065a9c162b\"");
    column_rules_release(&r);
    free(text);
}

static void keys(void **state)
{
    (void)state;
    struct shape_options o = SHAPE_OPTIONS_DEFAULT;
    struct column_rules r;
    struct err e;
    o.key_columns = "inventory.customers:pk1, pk2 ;(.*).purchaseorders:pk3;";
    assert_true(column_rules_compile(&r, &o, &e));
    assert_int_equal(r.n_key, 3);
    assert_true(pattern_matches(&r.key[1], span_of("inventory.customers.pk2")));
    assert_false(pattern_matches(&r.key[0], span_of("inventory.customers.pk2")));
    assert_true(pattern_matches(&r.key[2], span_of("shop.purchaseorders.pk3")));
    column_rules_release(&r);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *truncate, *mask, *hash, *keys, *want;
    } rows[] = {
        {"0", NULL, NULL, NULL, "--column-truncate-to-0-chars: \"0\" is no count of characters"},
        {"x", NULL, NULL, NULL, "--column-truncate-to-x-chars: \"x\" is no count of characters"},
        {NULL, "99999999999999999999999999", NULL, NULL,
         "--column-mask-with-99999999999999999999999999-chars: "
         "\"99999999999999999999999999\" is no count of characters"},
        {NULL, NULL, "MD99", NULL, "--column-mask-hash-MD99-with-salt-…: there is no hash \"MD99\""},
        {NULL, NULL, NULL, "a.b", "--message-key-columns takes TABLE-REGEX:COLUMN,COLUMN;…, not \"a.b\""},
        {NULL, NULL, NULL, ":a", "--message-key-columns takes TABLE-REGEX:COLUMN,COLUMN;…, not \":a\""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct shape_options o = SHAPE_OPTIONS_DEFAULT;
        struct column_rules r;
        struct err e;
        if (rows[i].truncate != NULL)
            o.truncate = family(0, rows[i].truncate, "", ".*");
        if (rows[i].mask != NULL)
            o.mask = family(1, rows[i].mask, "", ".*");
        if (rows[i].hash != NULL)
            o.hash = family(2, rows[i].hash, "s", ".*");
        o.key_columns = rows[i].keys;
        assert_false(column_rules_compile(&r, &o, &e));
        assert_int_equal(e.status, STATUS_USAGE);
        assert_string_equal(e.text, rows[i].want);
        column_rules_release(&r);
    }
}

static void modes(void **state)
{
    (void)state;
    struct shape s;
    struct err e;
    struct shape_options o = SHAPE_OPTIONS_DEFAULT;
    assert_true(shape_compile(&s, &o, SHAPE_ADAPTIVE, &e));
    assert_true(s.decimal == SHAPE_PRECISE && s.time == SHAPE_ADAPTIVE && s.binary == SHAPE_BYTES);
    o.preset = "plain";
    o.time = "connect";
    assert_true(shape_compile(&s, &o, SHAPE_ADAPTIVE, &e));
    assert_true(s.decimal == SHAPE_DECIMAL_STRING && s.time == SHAPE_CONNECT && s.binary == SHAPE_BASE64);
    o.binary = "octal";
    assert_false(shape_compile(&s, &o, SHAPE_ADAPTIVE, &e));
    assert_string_equal(e.text,
                        "--binary-handling-mode takes bytes, base64, base64-url-safe or hex, not \"octal\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),   cmocka_unit_test(long_strings), cmocka_unit_test(keys),
        cmocka_unit_test(refused), cmocka_unit_test(modes),
    };
    return cmocka_run_group_tests_name("column_rule", tests, NULL, NULL);
}
