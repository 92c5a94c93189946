#include "test.h"

#include "event/decimal.h"

struct row {
    const char *text;
    int scale;
    const char *want; // NULL: refused
};

static void check(const struct row *rows, size_t n, bool (*write)(const struct row *, struct buf *))
{
    for (size_t i = 0; i < n; i++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        bool ok = write(&rows[i], &out);
        if (ok != (rows[i].want != NULL))
            fail_msg("%s was %s", rows[i].text, ok ? "taken" : "refused");
        if (ok)
            assert_span(buf_view(&out), rows[i].want);
        buf_release(&out);
    }
}

static bool fixed(const struct row *r, struct buf *out)
{
    return decimal_write(span_of(r->text), r->scale, out);
}

static bool variable(const struct row *r, struct buf *out)
{
    return decimal_write_variable(span_of(r->text), out);
}

static bool floating(const struct row *r, struct buf *out)
{
    return float_write(span_of(r->text), r->scale == 1, out);
}

static void fixed_scales(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1.50", 2, "\"AJY=\""},
        {"1.5", 2, "\"AJY=\""},
        {"0", 0, "\"AA==\""},
        {"0.00", 2, "\"AA==\""},
        {"-0", 0, "\"AA==\""},
        {"-1", 0, "\"/w==\""},
        {"127", 0, "\"fw==\""},
        {"128", 0, "\"AIA=\""},
        {"-128", 0, "\"gA==\""},
        {"-129", 0, "\"/38=\""},
        {"255", 0, "\"AP8=\""},
        {"18446744073709551615", 0, "\"AP//////////\""},
        {"9223372036854775807", 0, "\"f/////////8=\""},
        {"-9223372036854775808", 0, "\"gAAAAAAAAAA=\""},
        {"-9223372036854775809", 0, "\"/3//////////\""},
        {"999999999999999999", 0, "\"DeC2s6dj//8=\""},
        {"-999999999999999999", 0, "\"8h9JTFicAAE=\""},
        {"99999999999999999999999999999999999999", 0, "\"SztMqFqGxHoJiiI//////w==\""},
        {"100", -2, "\"AQ==\""},
        {"-100", -2, "\"/w==\""},
        {"0", -2, "\"AA==\""},
        {"123", -2, NULL},
        {"1.234", 2, NULL},
        {"", 0, NULL},
        {"-", 0, NULL},
        {".", 0, NULL},
        {"1e5", 0, NULL},
        {"1 ", 0, NULL},
        {"NaN", 0, NULL},
    };
    check(rows, COUNT_OF(rows), fixed);
}

static void variable_scales(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1.000", 0, "{\"scale\":0,\"value\":\"AQ==\"}"},
        {"1.50", 0, "{\"scale\":1,\"value\":\"Dw==\"}"},
        {"100", 0, "{\"scale\":0,\"value\":\"ZA==\"}"},
        {"0.000", 0, "{\"scale\":0,\"value\":\"AA==\"}"},
        {"-0.5", 0, "{\"scale\":1,\"value\":\"+w==\"}"},
        {"100000000000000000000", 0, "{\"scale\":0,\"value\":\"BWvHXi1jEAAA\"}"},
        {"0.0000000001", 0, "{\"scale\":10,\"value\":\"AQ==\"}"},
        {"x", 0, NULL},
    };
    check(rows, COUNT_OF(rows), variable);
}

static void floats_as_java_spells_them(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1", 0, "1.0"},
        {"0", 0, "0.0"},
        {"-0", 0, "-0.0"},
        {"1.1", 0, "1.1"},
        {"100", 0, "100.0"},
        {"1e+10", 0, "1.0E10"},
        {"1e-05", 0, "1.0E-5"},
        {"0.001", 0, "0.001"},
        {"0.0001", 0, "1.0E-4"},
        {"9999999", 0, "9999999.0"},
        {"10000000", 0, "1.0E7"},
        {"12345678", 0, "1.2345678E7"},
        {"3.4028235e+38", 0, "3.4028235E38"},
        {"-1.5e-07", 0, "-1.5E-7"},
        {"5e-324", 0, "4.9E-324"},
        {"1e-45", 1, "1.4E-45"},
        {"1e+45", 1, "1.0E45"}, // no float4 prints so
        {"3e-45", 1, "2.8E-45"},
        {"0.5", 1, "0.5"},
        {"2e+22", 0, "2.0E22"},
        {"NaN", 0, "\"NaN\""},
        {"-Infinity", 0, "\"-Infinity\""},
        {"1e", 0, NULL},
        {"e5", 0, NULL},
        {"1.2.3", 0, NULL},
        {"", 0, NULL},
    };
    check(rows, COUNT_OF(rows), floating);
}

// The long way (limbs of 32 bits) and the short one (63 bits) must agree: a leading zero forces the long one.
static void long_and_short_ways_agree(void **state)
{
    (void)state;
    srand(3);
    for (int i = 0; i < 20000; i++) {
        char text[64], padded[96];
        long long v = ((long long)rand() << 31 | rand()) % 1000000000000000000;
        v >>= rand() % 60;
        snprintf(text, sizeof text, "%s%lld", rand() % 2 ? "-" : "", v);
        snprintf(padded, sizeof padded, "%s%023lld", text[0] == '-' ? "-" : "", v);
        struct buf a, b;
        buf_init(&a, 1024), buf_init(&b, 1024);
        assert_true(decimal_write(span_of(text), 0, &a) && decimal_write(span_of(padded), 0, &b));
        if (!span_eq(buf_view(&a), buf_view(&b)))
            fail_msg("%s: %.*s, %.*s", text, SPAN_ARG(buf_view(&a)), SPAN_ARG(buf_view(&b)));
        buf_release(&a), buf_release(&b);
    }
}

// Every width that an unscaled value can have, and the values at its edges.
static void integers_and_texts_agree(void **state)
{
    (void)state;
    srand(4);
    for (int i = 0; i < 127 * 200; i++) {
        unsigned long long high = (unsigned long long)rand() << 32 | (unsigned)rand();
        decimal_int v = (decimal_int)1 << i / 200;
        if (i % 200 > 6)
            v += (decimal_int)(high >> 2) << 64 | ((unsigned long long)rand() << 32 | (unsigned)rand());
        else
            v += i % 200 - 3;
        if (v < 0)
            v = -v;
        char text[48], *p = text + sizeof text - 1;
        *p = '\0';
        decimal_int rest = v;
        do
            *--p = (char)('0' + rest % 10);
        while ((rest /= 10) != 0);
        if (i % 2 != 0)
            *--p = '-';
        struct buf a, b;
        buf_init(&a, 1024), buf_init(&b, 1024);
        decimal_write_unscaled(i % 2 != 0 ? -v : v, &a);
        assert_true(decimal_write(span_of(p), 0, &b));
        if (!span_eq(buf_view(&a), buf_view(&b)))
            fail_msg("%s: %.*s, %.*s", p, SPAN_ARG(buf_view(&a)), SPAN_ARG(buf_view(&b)));
        buf_release(&a), buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_scales),
        cmocka_unit_test(variable_scales),
        cmocka_unit_test(floats_as_java_spells_them),
        cmocka_unit_test(long_and_short_ways_agree),
        cmocka_unit_test(integers_and_texts_agree),
    };
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
