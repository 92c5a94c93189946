#include "test.h"

#include "base/stats.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct stats_figure figures[] = {
    {"t_events_total", "Lines written.", STAT_COUNTER, 1400000, false},
    {"t_lag_seconds", "Behind.", STAT_GAUGE, 62007, true},
    {"t_skew_seconds", "Of the clocks.", STAT_GAUGE, -5, true},
};

static const char text[] = "# HELP t_events_total Lines written.\n"
                           "# TYPE t_events_total counter\n"
                           "t_events_total 1400000\n"
                           "# HELP t_lag_seconds Behind.\n"
                           "# TYPE t_lag_seconds gauge\n"
                           "t_lag_seconds 62.007\n"
                           "# HELP t_skew_seconds Of the clocks.\n"
                           "# TYPE t_skew_seconds gauge\n"
                           "t_skew_seconds -0.005\n";

static int warnings;

static void warn(const char *fmt, ...)
{
    (void)fmt;
    warnings++;
}

static char dir[64], file[128];

static int make_dir(void **state)
{
    (void)state;
    warnings = 0;
    snprintf(dir, sizeof dir, "/tmp/cdc-stats.XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/stats", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(dir); // fails where a temporary file was left
}

static void assert_content(const char *want)
{
    char got[1024] = "";
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    got[fread(got, 1, sizeof got - 1, f)] = '\0';
    fclose(f);
    assert_string_equal(got, want);
}

static void formats(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    stats_format(&out, figures, COUNT_OF(figures));
    assert_span(buf_view(&out), text);
    buf_release(&out);
}

static void keeps_the_file_once_a_second(void **state)
{
    (void)state;
    struct stats s;
    struct err e;
    assert_true(stats_open(&s, file, warn, figures, 0, &e));
    assert_content("");
    stats_keep(&s, 5000, figures, COUNT_OF(figures));
    assert_content(text);
    assert_false(stats_due(&s, 5999));
    assert_true(stats_due(&s, 6000));
    assert_int_equal(warnings, 0);
}

static void replaces_regular_files_alone(void **state)
{
    (void)state;
    struct stats s;
    struct err e;
    assert_false(stats_open(&s, dir, warn, figures, 0, &e));
    assert_int_equal(e.status, STATUS_USAGE);
    assert_false(stats_open(&s, "/no/such/folder/stats", warn, figures, 0, &e));
    assert_int_equal(e.status, STATUS_IO);
}

static void warns_once_of_a_file_that_is_lost(void **state)
{
    (void)state;
    struct stats s;
    struct err e;
    assert_true(stats_open(&s, file, warn, figures, 0, &e));
    unlink(file);
    assert_int_equal(mkdir(file, 0700), 0); // in the way of rename()
    stats_keep(&s, 0, figures, 1);
    stats_keep(&s, 0, figures, 1);
    assert_int_equal(warnings, 1);
    rmdir(file);
    stats_keep(&s, 0, figures, 0);
    assert_content("");
}

static void prints_when_asked(void **state)
{
    (void)state;
    struct stats s;
    struct err e;
    assert_true(stats_open(&s, NULL, warn, figures, 0, &e));
    assert_false(stats_due(&s, INT64_MAX));
    int saved = dup(2);
    assert_non_null(freopen(file, "w", stderr));
    raise(SIGUSR1);
    bool due = stats_due(&s, 0);
    stats_keep(&s, 0, figures, COUNT_OF(figures));
    stats_keep(&s, 0, figures, COUNT_OF(figures));
    dup2(saved, 2);
    close(saved);
    assert_true(due);
    assert_content(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test_setup_teardown(keeps_the_file_once_a_second, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(replaces_regular_files_alone, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(warns_once_of_a_file_that_is_lost, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(prints_when_asked, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
