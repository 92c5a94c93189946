// A batch's rows: the last of a key counts, however many keys there are.

#include "iceberg/rows.h"
#include "test.h"

#include <stdio.h>

#define KEYS 5000

static struct span key_of(char text[32], int i)
{
    return (struct span){text, (size_t)snprintf(text, 32, "{\"id\":%d}", i)};
}

static void test_last_wins(void **state)
{
    struct ice_rows r;
    struct err e;
    char text[32];
    (void)state;
    ice_rows_init(&r);
    // Twice, for the memory stays from batch to batch.
    for (int batch = 0; batch < 2; batch++) {
        assert_null(ice_rows_find(&r, key_of(text, 1)));
        for (int i = 0; i < 2 * KEYS; i++) {
            struct ice_row *row = ice_rows_put(&r, key_of(text, i % KEYS), &e);
            assert_non_null(row);
            row->time_us = i;
        }
        assert_int_equal(r.n, KEYS);
        for (int i = 0; i < KEYS; i++) {
            const struct ice_row *row = ice_rows_find(&r, key_of(text, i));
            assert_non_null(row);
            assert_int_equal(row->time_us, i + KEYS);
            assert_true(span_eq(ice_rows_text(&r, row->key_at, row->key_n), key_of(text, i)));
        }
        assert_null(ice_rows_find(&r, key_of(text, KEYS)));
        ice_rows_reset(&r);
    }
    ice_rows_release(&r);
}

static void test_add_then_put(void **state)
{
    struct ice_rows r;
    struct err e;
    char text[32];
    (void)state;
    ice_rows_init(&r);
    for (int i = 0; i < KEYS; i++)
        assert_non_null(ice_rows_add(&r, key_of(text, i), &e));
    assert_int_equal(r.n, KEYS);
    ice_rows_reset(&r);
    for (int i = 0; i < KEYS; i++)
        assert_non_null(ice_rows_put(&r, key_of(text, i % 7), &e));
    assert_int_equal(r.n, 7);
    ice_rows_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_last_wins), cmocka_unit_test(test_add_then_put)};
    return cmocka_run_group_tests_name("iceberg_rows", tests, NULL, NULL);
}
