#include "test.h"

#include "state/ackline.h"

static const char whole[] = "pg/1/l/10/5/1\npg/1/l/10/5/2\npg/1/l/20/0/0\nend 0\n";

// The same bytes cut in every two places give the same answer.
static void takes_bytes_cut_anywhere(void **state)
{
    (void)state;
    size_t n = sizeof whole - 1;
    for (size_t i = 0; i <= n; i++)
        for (size_t j = i; j <= n; j++) {
            struct acklines a;
            struct err e;
            acklines_init(&a);
            if (!acklines_take(&a, (struct span){whole, i}, &e) ||
                !acklines_take(&a, (struct span){whole + i, j - i}, &e) ||
                !acklines_take(&a, (struct span){whole + j, n - j}, &e))
                fail_msg("cut at %zu and %zu: %s", i, j, e.text);
            assert_span(buf_view(&a.newest), "pg/1/l/20/0/0");
            assert_true(a.ended);
            assert_int_equal(a.lines, 4);
            acklines_release(&a);
        }
}

struct row {
    const char *input;
    const char *newest;
    bool ok, ended;
    int status;
    const char *error; // what it must say
};

static const struct row rows[] = {
    {"", "", true, false, 0, NULL},
    {"pg/1/l/10/5/1", "", true, false, 0, NULL},
    {"pg/1/l/10/5/1\npg/1/l/11/5/1", "pg/1/l/10/5/1", true, false, 0, NULL},
    {"pg/1/l/10/5/1\npg/1/l/10/5/1\n", "pg/1/l/10/5/1", true, false, 0, NULL},
    {"end 0\n", "", true, true, 0, NULL},
    {"end 0", "", true, false, 0, NULL},
    {"pg/1/l/10/5/1\nend 5\n", "pg/1/l/10/5/1", true, true, 5, NULL},
    {"end 5\nend 4\n", "", true, true, 5, NULL},
    {"end 4\nend 2\n", "", true, true, 2, NULL},
    {"end 1\nend 4\nend 0\n", "", true, true, 4, NULL},
    {"end 0\npg/1/l/10/5/1\n", "pg/1/l/10/5/1", true, false, 0, NULL},
    {"end\n", "", false, false, 0, "line 1"},
    {"end \n", "", false, false, 0, "line 1"},
    {"end x\n", "", false, false, 0, "line 1"},
    {"end -1\n", "", false, false, 0, "line 1"},
    {"end 256\n", "", false, false, 0, "line 1"},
    {"end 0000\n", "", false, false, 0, "line 1"},
    {"pg/1/l/10/5/1\n\n", "pg/1/l/10/5/1", false, false, 0, "line 2"},
    {"pg/1/l/10/5/1\r\n", "", false, false, 0, "line 1"},
    {"pg/1/l/10/5/1\npg/1/l/9/5/1\npg/1/l/12/5/1\n", "pg/1/l/10/5/1", false, false, 0, "line 2"},
    {"pg/1/l/10/5/1\nmy/1/l/11/5/1/1\n", "pg/1/l/10/5/1", false, false, 0, "another kind"},
    {"pg/1/l/10/5/1\nrubbish\npg/1/l/12/5/1\n", "pg/1/l/10/5/1", false, false, 0, "line 2"},
};

static void reads_what_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct acklines a;
        struct err e;
        acklines_init(&a);
        if (acklines_take(&a, span_of(rows[i].input), &e) != rows[i].ok)
            fail_msg("%s: wrongly %s", rows[i].input, rows[i].ok ? e.text : "taken");
        assert_span(buf_view(&a.newest), rows[i].newest);
        assert_int_equal(a.ended, rows[i].ended);
        assert_int_equal(a.status, rows[i].status);
        if (!rows[i].ok) {
            assert_int_equal(e.status, STATUS_DATA);
            if (strstr(e.text, rows[i].error) == NULL)
                fail_msg("\"%s\" does not say \"%s\"", e.text, rows[i].error);
        }
        acklines_release(&a);
    }
}

static void a_line_without_end_is_an_error(void **state)
{
    (void)state;
    static char many[4096];
    struct acklines a;
    struct err e;
    memset(many, '1', sizeof many);
    acklines_init(&a);
    for (int i = 0; i < POS_MAX_BYTES / (int)sizeof many; i++)
        assert_true(acklines_take(&a, (struct span){many, sizeof many}, &e));
    assert_false(acklines_take(&a, (struct span){many, 1}, &e));
    assert_int_equal(e.status, STATUS_DATA);
    acklines_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_bytes_cut_anywhere),
        cmocka_unit_test(reads_what_it_should),
        cmocka_unit_test(a_line_without_end_is_an_error),
    };
    return cmocka_run_group_tests_name("ackline", tests, NULL, NULL);
}
