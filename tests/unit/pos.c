#include "test.h"

#include "event/pos.h"

static const char *const ordered[] = {
    "pg/1/s/1/1/public.a/%5B1%5D",
    "pg/1/s/1/2/public.a/%5B9%5D",
    "pg/1/s/2/1/public.a/%5B1%5D",
    "pg/1/l/0/0/0",
    "pg/1/l/100/0/0",
    "pg/1/l/100/50/1",
    "pg/1/l/100/50/2/v7",
    "pg/1/l/100/51/1",
    "pg/1/l/101/0/0",
    "pg/1/l/101/12/1",
    "pg/1/l/18446744073709551615/0/0",
    "pg/2/s/1/1/a/b",
    "pg/2/l/1/0/0",
    "pg/127/l/1/0/0",
};

static const char *const ordered_my[] = {
    "my/1/s/1/1/shop.a/%5B1%5D", "my/1/l/9/900/0/0",   "my/1/l/9/900/1/1200", "my/1/l/9/900/2/1200/v2",
    "my/1/l/9/1300/0/0",         "my/1/l/10/4/1/2000", "my/2/s/1/1/a/b",
};

static struct pos parsed(const char *text)
{
    struct pos p;
    struct err e;
    if (!pos_parse(span_of(text), &p, &e))
        fail_msg("%s", e.text);
    return p;
}

static void check_order(const char *const *tokens, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            struct pos a = parsed(tokens[i]), b = parsed(tokens[j]);
            int order = pos_compare(&a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static void compares_every_pair(void **state)
{
    (void)state;
    check_order(ordered, COUNT_OF(ordered));
    check_order(ordered_my, COUNT_OF(ordered_my));
}

static void ignores_offset_table_and_key(void **state)
{
    (void)state;
    struct pos a = parsed("my/1/l/9/900/1/1200"), b = parsed("my/1/l/9/900/1/7");
    assert_int_equal(pos_compare(&a, &b), 0);
    a = parsed("pg/1/l/9/0/0/v2"), b = parsed("pg/1/l/9/0/0/v3");
    assert_int_equal(pos_compare(&a, &b), 0);
    assert_int_equal(a.view, 2);
    a = parsed("pg/1/s/3/4/a/b"), b = parsed("pg/1/s/3/4/c/d");
    assert_int_equal(pos_compare(&a, &b), 0);
}

static void formats_what_it_parsed(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, POS_MAX_BYTES);
    for (size_t i = 0; i < COUNT_OF(ordered); i++) {
        struct pos p = parsed(ordered[i]);
        buf_reset(&b);
        pos_format(&b, &p);
        assert_span(buf_view(&b), ordered[i]);
    }
    for (size_t i = 0; i < COUNT_OF(ordered_my); i++) {
        struct pos p = parsed(ordered_my[i]);
        buf_reset(&b);
        pos_format(&b, &p);
        assert_span(buf_view(&b), ordered_my[i]);
    }
    buf_release(&b);
}

static void rejects_what_is_no_position(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "pg",
        "pg/1/l",
        "pg/1/l/1/2",
        "pg/1/l/1/2/3/4",
        "pg/1/l/1/2/3/",
        "pg/01/l/1/2/3",
        "pg/0/l/1/2/3",
        "pg/128/l/1/2/3",
        "pg/1/l/-1/2/3",
        "pg/1/l/1/2/+3",
        "pg/1/l/18446744073709551616/0/0",
        "pg/1/l/1/5/0",
        "pg/1/x/1/2/3",
        "mysql/1/l/1/2/3/4",
        "my/1/l/1/2/3",
        "my/1/l/1/2/0/9",
        "pg/1/s/1/2/t",
        "pg/1/s/1/2//k",
        "pg/1/s/1/2/t/",
        "pg/1/s/1/2/t/a b",
        "pg/1/s/1/2/t/k/x",
        "pg/1/s/1/2/t/\"",
        "pg/1/l/1/2/3\n",
        "pg/1/l/1/0/0/v",
        "pg/1/l/1/0/0/v0",
        "pg/1/l/1/0/0/3",
        "pg/1/l/1/0/0/v3/4",
        "pg/1/s/3/4/a/b/v2",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct pos p;
        struct err e;
        if (pos_parse(span_of(bad[i]), &p, &e))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(e.status, STATUS_DATA);
    }
}

static uint64_t version(const char *text)
{
    struct pos p = parsed(text);
    uint64_t v;
    struct err e;
    if (!pos_version(&p, &v, &e))
        fail_msg("%s", e.text);
    return v;
}

static void versions_of_known_positions(void **state)
{
    (void)state;
    assert_true(version("pg/1/l/100/50/1") == (UINT64_C(1) << 56 | 50));
    assert_true(version("pg/127/l/100/50/1") == (UINT64_C(127) << 56 | 50));
    assert_true(version("pg/2/s/7/1/a/b") == (UINT64_C(2) << 56 | 7));
    assert_true(version("my/1/l/3/900/1/1200") == (UINT64_C(1) << 56 | UINT64_C(3) << 32 | 1200));
    assert_true(version("my/1/l/16777215/9/1/4294967295") >> 63 == 0);
}

static void an_overflow_is_an_error(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "pg/1/l/1/72057594037927936/1",
        "pg/1/s/1048576/1/a/b",
        "my/1/l/16777216/9/1/1",
        "my/1/l/1/9/1/4294967296",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct pos p = parsed(bad[i]);
        uint64_t v;
        struct err e;
        assert_false(pos_version(&p, &v, &e));
        assert_int_equal(e.status, STATUS_DATA);
    }
}

// One key's history: snapshot rows in rising views, then log changes at rising places. Both orders must
// agree.
static void a_later_position_of_a_key_has_a_higher_version(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 20000; round++) {
        bool my = rand() % 2;
        struct pos last = {0};
        uint64_t epoch = 1, view = 1, place = 1;
        bool log = false;
        for (int step = 0; step < 8; step++) {
            if (rand() % 5 == 0 && epoch < POS_MAX_EPOCH)
                epoch += 1, view = 1, place = (uint64_t)(rand() % 1000) + 1, log = false;
            log = log || rand() % 3 == 0;
            struct pos p = {
                .source = my ? POS_MY : POS_PG, .phase = log ? POS_LOG : POS_SNAPSHOT, .epoch = epoch};
            if (!log) {
                p.n[0] = view += (uint64_t)rand() % 5 + 1, p.n[1] = (uint64_t)rand();
            } else if (my) {
                place += (uint64_t)rand() % 100000 + 1;
                p.n[0] = 1 + place / 500000, p.n[1] = place % 500000, p.n[2] = 1,
                p.n[3] = place % 500000 + 50;
            } else {
                place += (uint64_t)rand() % 100000 + 1;
                p.n[0] = place + 7, p.n[1] = place, p.n[2] = 1;
            }
            struct err e;
            uint64_t before = 0, after = 0;
            if (step > 0) {
                assert_true(pos_compare(&last, &p) < 0);
                assert_true(pos_version(&last, &before, &e) && pos_version(&p, &after, &e));
                assert_true(before < after);
            }
            last = p;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_every_pair),
        cmocka_unit_test(ignores_offset_table_and_key),
        cmocka_unit_test(formats_what_it_parsed),
        cmocka_unit_test(rejects_what_is_no_position),
        cmocka_unit_test(versions_of_known_positions),
        cmocka_unit_test(an_overflow_is_an_error),
        cmocka_unit_test(a_later_position_of_a_key_has_a_higher_version),
    };
    return cmocka_run_group_tests_name("pos", tests, NULL, NULL);
}
