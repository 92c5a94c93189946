#include "test.h"

#include "snapshot/record.h"

// A range of table `table`, behind key; NULL: from its beginning.
static void add(struct record *r, uint64_t view, uint64_t parent, size_t table, const char *key)
{
    struct err e;
    struct record_range range = {.view = view, .parent = parent, .table = table, .after = (char *)key};
    range.columns = key != NULL ? "[\"id\"]" : NULL;
    if (!record_add_range(r, &range, &e))
        fail_msg("%s", e.text);
}

static struct record with_tables(size_t n)
{
    struct record r = {.epoch = 1};
    struct err e;
    for (size_t i = 0; i < n; i++)
        assert_true(record_add_table(&r, i + 1, "t", 1, &e));
    return r;
}

// views: of the chain's ranges, as text.
static void check_chain(const struct record *r, uint64_t view, const char *views)
{
    size_t chain[32];
    char got[128] = "";
    size_t n = record_chain(r, view, chain);
    for (size_t i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%llu ",
                 (unsigned long long)r->range[chain[i]].view);
    assert_string_equal(got, views);
}

static void views_follow_one_another(void **state)
{
    (void)state;
    struct record r = with_tables(3);
    add(&r, 1, 0, 0, NULL);
    add(&r, 2, 1, 0, "[100]");
    add(&r, 3, 2, 2, NULL);
    check_chain(&r, 3, "1 2 3 ");
    check_chain(&r, 2, "1 2 ");
    check_chain(&r, 9, "");
    record_release(&r);
}

static void a_sink_that_was_further_finds_its_chain(void **state)
{
    (void)state;
    struct record r = with_tables(1);
    struct err e;
    add(&r, 1, 0, 0, NULL);
    add(&r, 2, 1, 0, "[100]");
    add(&r, 3, 1, 0, "[50]"); // gone on from what was acknowledged …
    check_chain(&r, 3, "1 3 ");
    check_chain(&r, 2, "1 2 ");
    add(&r, 4, 2, 0, "[150]"); // … but the sink had rows of view 2
    check_chain(&r, 4, "1 2 4 ");
    assert_true(record_prune(&r, 2, &e)); // the sink may still be in view 3
    assert_int_equal(r.ranges, 4);
    assert_true(record_prune(&r, 4, &e));
    assert_int_equal(r.ranges, 3);
    check_chain(&r, 4, "1 2 4 ");
    record_end_with(&r, 0);
    assert_int_equal(r.ranges, 0);
    record_release(&r);
}

static void a_table_that_is_begun_again_has_one_range(void **state)
{
    (void)state;
    struct record r = with_tables(4);
    add(&r, 1, 0, 0, NULL);
    add(&r, 2, 1, 1, NULL); // table 1 again
    add(&r, 2, 2, 2, NULL); // and those behind it, by the view itself
    check_chain(&r, 2, "1 2 2 ");
    add(&r, 3, 2, 1, NULL); // and once more
    check_chain(&r, 3, "1 3 ");
    add(&r, 4, 2, 3, "[7]"); // or from within table 3
    check_chain(&r, 4, "1 2 2 4 ");
    record_release(&r);
}

static void what_is_pruned_leaves_no_gap_in_a_chain(void **state)
{
    (void)state;
    struct err e;
    struct record r = with_tables(4);
    add(&r, 1, 0, 0, NULL);
    add(&r, 2, 1, 1, NULL);
    add(&r, 3, 2, 1, NULL); // table 1 again, so that nothing of view 2 counts
    add(&r, 4, 3, 1, NULL); // and again
    assert_true(record_prune(&r, 4, &e));
    assert_int_equal(r.ranges, 2);
    check_chain(&r, 4, "1 4 ");
    record_release(&r);
}

// A run wrote all rows, and the sink has what came behind them in the log; one that was killed before the
// sink said so began to read them again.
static void the_log_goes_on_by_the_views_that_it_follows(void **state)
{
    (void)state;
    struct record r = with_tables(1);
    add(&r, 1, 0, 0, NULL);
    add(&r, 2, 1, 0, "[9]");
    add(&r, 3, 1, 0, "[7]");
    record_end_with(&r, 2);
    assert_true(r.done);
    assert_int_equal(record_last_view(&r), 2);
    check_chain(&r, 2, "1 2 ");
    record_end_with(&r, 0);
    assert_int_equal(r.ranges, 0);
    record_release(&r);
}

static void a_loop_of_parents_ends(void **state)
{
    (void)state;
    struct record r = with_tables(1);
    add(&r, 1, 2, 0, NULL);
    add(&r, 2, 1, 0, "[1]");
    check_chain(&r, 2, "1 2 ");
    record_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_follow_one_another),
        cmocka_unit_test(a_sink_that_was_further_finds_its_chain),
        cmocka_unit_test(a_table_that_is_begun_again_has_one_range),
        cmocka_unit_test(what_is_pruned_leaves_no_gap_in_a_chain),
        cmocka_unit_test(the_log_goes_on_by_the_views_that_it_follows),
        cmocka_unit_test(a_loop_of_parents_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
