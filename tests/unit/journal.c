#include "test.h"

#include "mysql/journal.h"

#include <unistd.h>

static char dir[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/cdc-journal-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char line[128];
    snprintf(line, sizeof line, "rm -rf %s", dir);
    return system(line);
}

#define UUID "3e11fa47-71ca-11e1-9e33-c80aa9429562"

static struct pos at(uint64_t epoch, uint64_t file, uint64_t pos, uint64_t n)
{
    return (struct pos){.source = POS_MY, .phase = POS_LOG, .epoch = epoch, .n = {file, pos, n, 0}};
}

// The GTIDs before a place, and the line that comes behind them.
static void assert_walk(struct my_journal *j, struct pos p, const char *before, const char *next)
{
    struct my_gtids g = {.mariadb = j->mariadb};
    struct my_journal_walk w;
    struct buf text;
    struct err e;
    buf_init(&text, 4096);
    assert_true(my_journal_flush(j, &e));
    assert_true(my_journal_walk(j, &p, &g, &w, &e));
    my_gtids_format(&g, &text);
    assert_string_equal(buf_cstr(&text), before);
    assert_int_equal(my_journal_next(&w), next != NULL);
    if (next != NULL)
        assert_true(span_is(w.gtids, next));
    my_journal_walk_end(&w);
    my_gtids_release(&g);
    buf_release(&text);
}

static void open_journal(struct my_journal *j, bool mariadb)
{
    struct err e;
    my_journal_init(j);
    assert_true(my_journal_open(j, dir, mariadb, &e));
}

static void fill(struct my_journal *j)
{
    struct my_gtids none = {.mariadb = false};
    struct pos start = at(1, 3, 100, 0), p;
    struct err e;
    assert_true(my_gtids_add(&none, span_of(UUID ":1-7"), &e));
    assert_true(my_journal_begin(j, &start, &none, &e));
    p = at(1, 3, 100, 0);
    my_journal_add(j, &p, span_of(UUID ":8"));
    p = at(1, 3, 200, 0);
    my_journal_mark(j, &p);
    my_journal_add(j, &p, span_of(UUID ":10"));
    my_journal_add(j, &p, span_of(UUID ":10")); // known
    p = at(1, 4, 4, 0);
    my_journal_add(j, &p, span_of(UUID ":9"));
    my_gtids_release(&none);
}

static void test_walk(void **state)
{
    (void)state;
    struct my_journal j;
    open_journal(&j, false);
    struct pos p = at(1, 3, 100, 0);
    assert_false(my_journal_covers(&j, &p));
    fill(&j);
    assert_walk(&j, at(1, 3, 100, 0), UUID ":1-7", UUID ":8");
    assert_walk(&j, at(1, 3, 100, 2), UUID ":1-7", UUID ":8");
    assert_walk(&j, at(1, 3, 200, 0), UUID ":1-8", "");
    assert_walk(&j, at(1, 4, 4, 5), UUID ":1-8:10", UUID ":9");
    assert_walk(&j, at(1, 4, 90, 0), UUID ":1-10", NULL);
    p = at(1, 4, 4, 3);
    assert_true(my_journal_covers(&j, &p));
    p = at(1, 4, 5, 0);
    assert_false(my_journal_covers(&j, &p));
    p = at(1, 3, 99, 0);
    assert_false(my_journal_covers(&j, &p));
    my_journal_release(&j);
}

// At every place: what lies behind it stays, also when it is read anew.
static void test_tidy(void **state)
{
    (void)state;
    const struct pos places[] = {at(1, 3, 100, 0), at(1, 3, 100, 1), at(1, 3, 200, 0), at(1, 3, 200, 4),
                                 at(1, 4, 4, 0)};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct my_journal j;
        struct err e;
        open_journal(&j, false);
        fill(&j);
        assert_true(my_journal_tidy(&j, &places[i], true, &e));
        assert_walk(&j, at(1, 4, 4, 1), UUID ":1-8:10", UUID ":9");
        struct my_gtids all = {.mariadb = false};
        assert_true(my_gtids_add(&all, span_of(UUID ":1-10"), &e));
        assert_true(my_journal_begin_epoch(&j, 2, &all, &e));
        my_gtids_release(&all);
        my_journal_release(&j);
        open_journal(&j, false);
        assert_walk(&j, at(1, 4, 4, 1), UUID ":1-8:10", UUID ":9");
        assert_walk(&j, at(2, 1, 4, 1), UUID ":1-10", NULL);
        assert_true(my_journal_covers(&j, &places[i]));
        my_journal_release(&j);
    }
}

static void test_torn(void **state)
{
    (void)state;
    struct my_journal j;
    char path[128];
    open_journal(&j, false);
    fill(&j);
    struct err e;
    assert_true(my_journal_flush(&j, &e));
    my_journal_release(&j);
    snprintf(path, sizeof path, "%s/" MY_JOURNAL_FILE, dir);
    FILE *f = fopen(path, "ae");
    fputs("4 900 " UUID ":1", f);
    fclose(f);
    open_journal(&j, false);
    struct pos p = at(1, 4, 700, 0);
    my_journal_add(&j, &p, span_of(UUID ":12"));
    assert_walk(&j, at(1, 4, 900, 0), UUID ":1-10:12", NULL);
    my_journal_release(&j);
}

static void test_mariadb(void **state)
{
    (void)state;
    struct my_gtids g = {.mariadb = true};
    struct buf text;
    struct err e;
    buf_init(&text, 4096);
    assert_true(my_gtids_add(&g, span_of("0-1-5,7-1-2"), &e));
    assert_true(my_gtids_add(&g, span_of("0-2-6"), &e));
    my_gtids_format(&g, &text);
    assert_string_equal(buf_cstr(&text), "0-2-6,7-1-2");
    buf_reset(&text);
    my_gtids_missing(&g, span_of("0-1-9,0-2-5,7-1-2"), &text);
    assert_string_equal(buf_cstr(&text), "0-2-6");
    assert_true(my_gtids_touches(&g, span_of("7-9-9")));
    assert_false(my_gtids_touches(&g, span_of("3-9-9")));
    assert_false(my_gtids_add(&g, span_of("0-2-"), &e));
    my_gtids_release(&g);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_tidy),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_mariadb),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
