// Base64 both ways.
#include "test.h"

#include "base/base64.h"

static void there_and_back(void **state)
{
    (void)state;
    unsigned char bytes[64], got[BASE64_BYTES(88)];
    struct buf text;
    buf_init(&text, 1000);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        size_t read;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)(i * 37 + n * 11);
        buf_reset(&text);
        base64_write(&text, bytes, n);
        assert_true(base64_read(buf_view(&text), got, &read));
        assert_int_equal(read, n);
        assert_memory_equal(got, bytes, n);
    }
    buf_release(&text);
}

static void broken(void **state)
{
    (void)state;
    static const char *const texts[] = {"A",    "AB",       "ABC",      "=AAA", "A===", "AA=A",
                                        "AB==", "AAAB=AAA", "AA==AAAA", "A-_A", "AAB=", "AAA A"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        unsigned char got[16];
        size_t n;
        if (base64_read(span_of(texts[i]), got, &n))
            fail_msg("\"%s\" was read", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(broken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
