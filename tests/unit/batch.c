#include "test.h"

#include "sink/batch.h"

static void add(struct batch *b, uint64_t number, const char *text)
{
    struct err e;
    assert_true(batch_add(b, number, span_of(text), &e));
}

static void gives(struct batch *b, uint64_t number, const char *text, uint64_t *seq)
{
    uint64_t got;
    struct span line;
    assert_true(batch_next(b, seq, &got, &line));
    assert_int_equal(got, number);
    assert_span(line, text);
}

static void gives_none(struct batch *b)
{
    uint64_t seq, number;
    struct span line;
    assert_false(batch_next(b, &seq, &number, &line));
}

static void lines_wait_until_they_are_complete(void **state)
{
    (void)state;
    struct batch b;
    uint64_t seq;
    batch_init(&b, 1000);
    gives_none(&b);
    add(&b, 3, "a");
    add(&b, 5, "");
    gives_none(&b);
    batch_complete(&b);
    add(&b, 6, "ccc");
    gives(&b, 3, "a", &seq);
    gives(&b, 5, "", &seq);
    gives_none(&b);
    assert_int_equal(b.records, 2);
    batch_release(&b);
}

static void an_aborted_transaction_is_given_again_but_for_the_refused(void **state)
{
    (void)state;
    struct batch b;
    uint64_t first, second, third, number;
    batch_init(&b, 1000);
    add(&b, 1, "a");
    add(&b, 2, "b");
    add(&b, 3, "c");
    batch_complete(&b);
    add(&b, 4, "waits");
    gives(&b, 1, "a", &first);
    gives(&b, 2, "b", &second);
    gives(&b, 3, "c", &third);
    assert_span(batch_line(&b, second, &number), "b");
    assert_int_equal(number, 2);
    batch_refuse(&b, second);
    batch_rewind(&b);
    assert_int_equal(b.records, 0);
    gives(&b, 1, "a", &first);
    gives(&b, 3, "c", &third);
    gives_none(&b);
    batch_commit(&b);
    gives_none(&b);
    batch_complete(&b);
    gives(&b, 4, "waits", &first);
    batch_release(&b);
}

static void has_a_cap(void **state)
{
    (void)state;
    struct batch b;
    struct err e;
    batch_init(&b, 20);
    add(&b, 1, "abc");
    assert_false(batch_add(&b, 1, span_of("abcdefgh"), &e));
    batch_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_wait_until_they_are_complete),
        cmocka_unit_test(an_aborted_transaction_is_given_again_but_for_the_refused),
        cmocka_unit_test(has_a_cap),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
