#include "test.h"

// Whatever the cap and however the bytes come: what fits is there, and nothing is beyond the cap.
static void keeps_its_cap(void **state)
{
    (void)state;
    static const char bytes[1024] = {'x'};
    for (size_t max = 0; max < 600; max += 7)
        for (size_t n = 1; n < 300; n += 13) {
            struct buf b;
            buf_init(&b, max);
            while (!b.bad)
                buf_bytes(&b, bytes, n);
            assert_int_equal(b.n, max / n * n);
            assert_true(b.cap <= max);
            buf_reset(&b);
            buf_bytes(&b, bytes, max);
            assert_int_equal(b.n, max);
            assert_false(b.bad);
            buf_release(&b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_its_cap)};
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
