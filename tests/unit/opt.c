#include "test.h"

#include "base/opt.h"

static struct opt_family mask, hash, hash_v2;
static bool flag;

static const struct opt table[] = {
    {OPT_BOOL, "flag", NULL, 'f', &flag, NULL, "a flag"},
    {OPT_FAMILY, "mask-with-{N}-chars", NULL, 0, &mask, "REGEX", "masks"},
    {OPT_FAMILY, "hash-v2-{ALG}-with-salt-{SALT}", NULL, 0, &hash_v2, "REGEX", "hashes"},
    {OPT_FAMILY, "hash-{ALG}-with-salt-{SALT}", NULL, 0, &hash, "REGEX", "hashes"},
    {.type = OPT_END},
};

static bool parse(struct err *e, const char *const *words)
{
    char *argv[8] = {(char[]){"x"}};
    int argc = 1, operands;
    enum opt_ask ask;
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)words[argc - 1];
    return opt_parse(table, argc, argv, &operands, &ask, e);
}

static void names_with_parts(void **state)
{
    (void)state;
    struct err e;
    assert_true(
        parse(&e, (const char *[]){"--mask-with-8-chars", "a", "-f", "--mask-with-10-chars=b", NULL}));
    assert_int_equal(mask.n, 2);
    assert_span(mask.at[0].part[0], "8");
    assert_string_equal(mask.at[0].value, "a");
    assert_span(mask.at[1].part[0], "10");
    assert_string_equal(mask.at[1].value, "b");

    assert_true(parse(&e, (const char *[]){"--hash-SHA-256-with-salt-a-with-salt-b", "t", NULL}));
    assert_true(parse(&e, (const char *[]){"--hash-v2-MD5-with-salt-x", "t", NULL}));
    assert_int_equal(hash.n, 1);
    assert_span(hash.at[0].part[0], "SHA-256");
    assert_span(hash.at[0].part[1], "a-with-salt-b");
    assert_int_equal(hash_v2.n, 1);
    assert_span(hash_v2.at[0].part[0], "MD5");
    opt_release(table);
    assert_int_equal(mask.n + hash.n + hash_v2.n, 0);
}

static void names_that_do_not_fit(void **state)
{
    (void)state;
    struct err e;
    assert_false(parse(&e, (const char *[]){"--mask-with--chars", "a", NULL}));
    assert_string_equal(e.text, "there is no option --mask-with--chars");
    assert_false(parse(&e, (const char *[]){"--mask-with-8-chars", NULL}));
    assert_false(parse(&e, (const char *[]){"--mask-with-8-char", "a", NULL}));
    assert_false(parse(&e, (const char *[]){"--hash-MD5-with-salt-", "a", NULL}));
    assert_false(parse(&e, (const char *[]){"--flagged", NULL}));
    opt_release(table);
}

static void choices(void **state)
{
    (void)state;
    static const char *const names[] = {"one", "two", "three"};
    struct err e;
    int choice = -1;
    assert_true(opt_choice("number", "two", names, 3, &choice, &e));
    assert_int_equal(choice, 1);
    assert_false(opt_choice("number", "TWO", names, 3, &choice, &e));
    assert_int_equal(e.status, STATUS_USAGE);
    assert_string_equal(e.text, "--number takes one, two or three, not \"TWO\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_with_parts),
        cmocka_unit_test(names_that_do_not_fit),
        cmocka_unit_test(choices),
    };
    return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
