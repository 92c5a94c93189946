#include "test.h"

#include "postgres/datetime.h"

struct row {
    char kind; // d date, t time, z timetz, s timestamp, w timestamptz
    int precision;
    const char *text, *want; // NULL: refused
};

static const struct row rows[] = {
    {'d', 0, "1970-01-01", "0"},
    {'d', 0, "1969-12-31", "-1"},
    {'d', 0, "2020-02-29", "18321"},
    {'d', 0, "9999-12-31", "2932896"},
    {'d', 0, "0001-01-01", "-719162"},
    {'d', 0, "0001-12-31 BC", "-719163"},
    {'d', 0, "infinity", "2147483647"},
    {'d', 0, "-infinity", "-2147483648"},
    {'d', 0, "2020-13-01", NULL},
    {'d', 0, "2020-1", NULL},
    {'d', 0, "2020-01-01x", NULL},
    {'d', 0, "", NULL},
    {'t', 6, "12:34:56.789", "45296789000"},
    {'t', 3, "12:34:56.789", "45296789"},
    {'t', 0, "23:59:59", "86399000"},
    {'t', 6, "24:00:00", "86400000000"},
    {'t', 6, "25:00:00", NULL},
    {'t', 6, "12:34", NULL},
    {'z', 6, "12:34:56.123456+02", "\"10:34:56.123456Z\""},
    {'z', 6, "12:34:56.100+05:30", "\"07:04:56.1Z\""},
    {'z', 6, "01:00:00+02", "\"23:00:00Z\""},
    {'z', 6, "24:00:00+00", "\"00:00:00Z\""},
    {'z', 6, "23:00:00-08", "\"07:00:00Z\""},
    {'z', 6, "23:00:00-00:00:15", "\"23:00:15Z\""},
    {'z', 6, "23:00:00", NULL},
    {'s', 6, "1970-01-01 00:00:00.000001", "1"},
    {'s', 6, "1969-12-31 23:59:59.999999", "-1"},
    {'s', 3, "1969-12-31 23:59:59.9999", "-1"},
    {'s', 3, "2020-01-02 03:04:05.678", "1577934245678"},
    {'s', 0, "9999-12-31 23:59:59", "253402300799000"},
    {'s', 6, "infinity", "9223372036825200000"},
    {'s', 6, "-infinity", "-9223372036832400000"},
    {'s', 3, "infinity", "9223372036825200"},
    {'s', 6, "294276-12-31 00:00:00", NULL},
    {'s', 6, "4713-01-01 00:00:00 BC", "-210863520000000000"},
    {'s', 6, "2020-01-01", NULL},
    {'s', 6, "2020-01-01 00:00:00+00", NULL},
    {'w', 6, "2020-01-02 01:04:05+00", "\"2020-01-02T01:04:05.000000Z\""},
    {'w', 0, "2020-01-02 01:04:05+00", "\"2020-01-02T01:04:05Z\""},
    {'w', 3, "2020-01-02 01:04:05.5+00", "\"2020-01-02T01:04:05.500Z\""},
    {'w', 0, "20000-01-01 00:00:00+00", "\"+20000-01-01T00:00:00Z\""},
    {'w', 0, "0044-03-15 00:00:00+00 BC", "\"-0043-03-15T00:00:00Z\""},
    {'w', 6, "infinity", "\"infinity\""},
    {'w', 6, "2020-01-02 01:04:05+02", NULL},
};

static bool write_row(const struct row *r, struct buf *out)
{
    struct span text = span_of(r->text);
    switch (r->kind) {
    case 'd':
        return date_write(text, out);
    case 't':
        return time_write(text, r->precision, out);
    case 'z':
        return timetz_write(text, out);
    case 's':
        return timestamp_write(text, r->precision, out);
    default:
        return timestamptz_write(text, r->precision, out);
    }
}

static void writes_every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;
        buf_init(&out, 1024);
        bool ok = write_row(&rows[i], &out);
        if (ok != (rows[i].want != NULL))
            fail_msg("%c \"%s\" was %s", rows[i].kind, rows[i].text, ok ? "taken" : "refused");
        if (ok)
            assert_span(buf_view(&out), rows[i].want);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(writes_every_row)};
    return cmocka_run_group_tests_name("datetime", tests, NULL, NULL);
}
