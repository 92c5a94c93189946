#include "test.h"

#include "base/calendar.h"
#include "postgres/datetime.h"

struct row {
    char kind;               // d date, t time, z timetz, s timestamp, w timestamptz
    int how;                 // a unit; timestamptz: the precision
    const char *text, *want; // NULL: refused
};

static const struct row rows[] = {
    {'d', DATETIME_US, "1970-01-01", "0"},
    {'d', DATETIME_US, "1969-12-31", "-1"},
    {'d', DATETIME_US, "2020-02-29", "18321"},
    {'d', DATETIME_US, "9999-12-31", "2932896"},
    {'d', DATETIME_US, "0001-01-01", "-719162"},
    {'d', DATETIME_US, "0001-12-31 BC", "-719163"},
    {'d', DATETIME_US, "infinity", "2147483647"},
    {'d', DATETIME_US, "-infinity", "-2147483648"},
    {'d', DATETIME_US, "2020-13-01", NULL},
    {'d', DATETIME_US, "2020-1", NULL},
    {'d', DATETIME_US, "2020-01-01x", NULL},
    {'d', DATETIME_US, "", NULL},
    {'t', DATETIME_US, "12:34:56.789", "45296789000"},
    {'t', DATETIME_MS, "12:34:56.789", "45296789"},
    {'t', DATETIME_MS, "23:59:59", "86399000"},
    {'t', DATETIME_US, "24:00:00", "86400000000"},
    {'t', DATETIME_US, "25:00:00", NULL},
    {'t', DATETIME_US, "12:34", NULL},
    {'z', 0, "12:34:56.123456+02", "\"10:34:56.123456Z\""},
    {'z', 0, "12:34:56.100+05:30", "\"07:04:56.1Z\""},
    {'z', 0, "01:00:00+02", "\"23:00:00Z\""},
    {'z', 0, "24:00:00+00", "\"00:00:00Z\""},
    {'z', 0, "23:00:00-08", "\"07:00:00Z\""},
    {'z', 0, "23:00:00-00:00:15", "\"23:00:15Z\""},
    {'z', 0, "23:00:00", NULL},
    {'s', DATETIME_US, "1970-01-01 00:00:00.000001", "1"},
    {'s', DATETIME_US, "1969-12-31 23:59:59.999999", "-1"},
    {'s', DATETIME_MS, "1969-12-31 23:59:59.9999", "-1"},
    {'s', DATETIME_MS, "2020-01-02 03:04:05.678", "1577934245678"},
    {'s', DATETIME_MS, "9999-12-31 23:59:59", "253402300799000"},
    {'s', DATETIME_US, "infinity", "9223372036825200000"},
    {'s', DATETIME_US, "-infinity", "-9223372036832400000"},
    {'s', DATETIME_MS, "infinity", "9223372036825200"},
    {'s', DATETIME_US, "294276-12-31 00:00:00", NULL},
    {'s', DATETIME_US, "4713-01-01 00:00:00 BC", "-210863520000000000"},
    {'s', DATETIME_US, "2020-01-01", NULL},
    {'s', DATETIME_US, "2020-01-01 00:00:00+00", NULL},
    {'w', 6, "2020-01-02 01:04:05+00", "\"2020-01-02T01:04:05.000000Z\""},
    {'w', 0, "2020-01-02 01:04:05+00", "\"2020-01-02T01:04:05Z\""},
    {'w', 3, "2020-01-02 01:04:05.5+00", "\"2020-01-02T01:04:05.500Z\""},
    {'w', 0, "20000-01-01 00:00:00+00", "\"+20000-01-01T00:00:00Z\""},
    {'w', 0, "0044-03-15 00:00:00+00 BC", "\"-0043-03-15T00:00:00Z\""},
    {'d', DATETIME_ISO, "2020-02-29", "\"2020-02-29Z\""},
    {'d', DATETIME_ISO, "20000-01-01", "\"+20000-01-01Z\""},
    {'d', DATETIME_ISO, "0044-03-15 BC", "\"-0043-03-15Z\""},
    {'d', DATETIME_ISO, "-infinity", "\"-infinity\""},
    {'t', DATETIME_NS, "12:34:56.789", "45296789000000"},
    {'t', DATETIME_ISO, "12:34:56.789", "\"12:34:56.789Z\""},
    {'t', DATETIME_ISO, "12:34:56", "\"12:34:56Z\""},
    {'t', DATETIME_ISO, "24:00:00", "\"00:00:00Z\""},
    {'s', DATETIME_ISO, "2020-02-29 12:34:56.789", "\"2020-02-29T12:34:56.789Z\""},
    {'s', DATETIME_ISO, "2020-02-29 12:34:56", "\"2020-02-29T12:34:56Z\""},
    {'s', DATETIME_ISO, "294276-12-31 00:00:00", "\"+294276-12-31T00:00:00Z\""},
    {'s', DATETIME_ISO, "0044-03-15 12:00:00 BC", "\"-0043-03-15T12:00:00Z\""},
    {'s', DATETIME_ISO, "infinity", "\"+294247-01-10T04:00:25.2Z\""},
    {'s', DATETIME_ISO, "-infinity", "\"-290308-12-21T19:59:27.6Z\""},
    {'s', DATETIME_NS, "1970-01-01 00:00:00.000001", "1000"},
    {'s', DATETIME_NS, "2262-04-11 23:47:16.854775", "9223372036854775000"},
    {'s', DATETIME_NS, "2262-04-11 23:47:16.854776", NULL},
    {'s', DATETIME_NS, "infinity", "9223372036854775807"},
    {'s', DATETIME_NS, "-infinity", "-9223372036854775808"},
    {'w', 6, "infinity", "\"infinity\""},
    {'w', 6, "2020-01-02 01:04:05+02", NULL},
};

static bool write_row(const struct row *r, struct buf *out)
{
    struct span text = span_of(r->text);
    switch (r->kind) {
    case 'd':
        return date_write(text, r->how == DATETIME_ISO, out);
    case 't':
        return time_write(text, (enum datetime_unit)r->how, out);
    case 'z':
        return timetz_write(text, out);
    case 's':
        return timestamp_write(text, (enum datetime_unit)r->how, out);
    default:
        return timestamptz_write(text, r->how, out);
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

static void days_become_dates_and_back(void **state)
{
    (void)state;
    struct calendar_date before = calendar_date(-2500000);
    for (int64_t days = -2500000 + 1; days < 4000000; days++) {
        struct calendar_date d = calendar_date(days);
        bool follows = d.day == before.day + 1 ? d.month == before.month && d.year == before.year
                                               : d.day == 1 && d.month == before.month % 12 + 1 &&
                                                     d.year == before.year + (d.month == 1);
        if (!follows || calendar_days(d.year, d.month, d.day) != days)
            fail_msg("%lld: %lld-%d-%d", (long long)days, (long long)d.year, d.month, d.day);
        before = d;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_every_row),
        cmocka_unit_test(days_become_dates_and_back),
    };
    return cmocka_run_group_tests_name("datetime", tests, NULL, NULL);
}
