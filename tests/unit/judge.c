#include "test.h"

#include "postgres/judge.h"

// Tables 1 (id int, v text; two ranges, split behind 100), 2 (one range), 3 (later, epoch 2).
static const char record_text[] =
    "{\"epoch\":1,\"done\":true,\"output\":[0,0],"
    "\"tables\":[{\"id\":1,\"epoch\":1,\"name\":\"public.a\"},{\"id\":2,\"epoch\":1,\"name\":\"public.b\"},"
    "{\"id\":3,\"epoch\":2,\"name\":\"public.c\"}],"
    "\"ranges\":[{\"view\":1,\"parent\":0,\"table\":0,\"after\":null,\"columns\":null,\"seen\":\"100:110:"
    "105\",\"past\":"
    "1000},"
    "{\"view\":2,\"parent\":1,\"table\":0,\"after\":\"[100]\",\"columns\":\"[\\\"id\\\"]\",\"seen\":\"120:"
    "120:\",\"past\":"
    "2000}]}";

struct fixture {
    struct record record;
    struct judge judge;
};

static int set_up(void **state)
{
    static struct fixture f;
    struct err e;
    struct catalog catalog = {0};
    struct pgo_column columns[] = {{true, span_of("id"), 23, -1}, {false, span_of("v"), 25, -1}};
    struct pgo_relation m = {1, span_of("public"), span_of("a"), 'd', 2, columns};
    f = (struct fixture){0};
    if (!record_parse(&f.record, span_of(record_text), &e) || !judge_load(&f.judge, &f.record, true, &e) ||
        !judge_describe(&f.judge, &m, &catalog, &e))
        fail_msg("%s", e.text);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    judge_release(&f->judge);
    record_release(&f->record);
    return 0;
}

static bool seen(struct fixture *f, uint32_t oid, uint32_t xid, uint64_t commit, const char *id)
{
    struct pgo_value values[] = {{PGO_TEXT, span_of(id)}, {PGO_NULL, {"", 0}}};
    struct pgo_tuple tuple = {2, values};
    struct judge_change c = {oid, xid, commit, commit - 10};
    struct err e;
    bool result;
    if (!judge_row(&f->judge, &c, &tuple, NULL, &result, &e))
        fail_msg("%s", e.text);
    return result;
}

static bool truncation_seen(struct fixture *f, uint32_t oid, uint32_t xid, uint64_t commit)
{
    struct judge_change c = {oid, xid, commit, commit - 10};
    bool result;
    judge_truncate(&f->judge, &c, &result);
    return result;
}

static void by_the_view_that_read_the_key(void **state)
{
    struct fixture *f = *state;
    assert_true(seen(f, 1, 99, 500, "100"));   // below xmin of the first view
    assert_true(seen(f, 1, 104, 500, "-5"));   // within, not in progress
    assert_false(seen(f, 1, 105, 500, "100")); // in progress
    assert_false(seen(f, 1, 110, 500, "100")); // begun later
    assert_true(seen(f, 1, 105, 500, "101"));  // the second view's key
    assert_true(seen(f, 1, 119, 1500, "101"));
    assert_false(seen(f, 1, 120, 1500, "101"));
    assert_true(seen(f, 2, 119, 1500, "1")); // the second range goes on into the next table
    assert_false(seen(f, 9, 1, 500, "1"));   // a table that nobody read
}

// A sink that may hold rows of an older view gets all that the log brought since.
static void by_the_older_view_where_it_counts(void **state)
{
    struct fixture *f = *state;
    struct record_range *range = &f->record.range[1];
    struct err e;
    struct judge_key key = f->judge.key[0];
    range->has_older = true;
    range->older_seen = strdup("90:90:");
    range->older_past = 800;
    assert_true(judge_load(&f->judge, &f->record, false, &e));
    f->judge.key[0] = key;
    assert_true(seen(f, 1, 89, 700, "101"));
    assert_false(seen(f, 1, 99, 700, "101"));
    assert_false(seen(f, 1, 89, 800, "101"));
    assert_true(seen(f, 1, 99, 700, "100")); // the first range has none
}

static void nothing_is_seen_past_the_views_end_of_log(void **state)
{
    struct fixture *f = *state;
    assert_false(seen(f, 1, 99, 1000, "100"));
    assert_true(seen(f, 1, 99, 1000, "101"));
    assert_false(seen(f, 1, 99, 2000, "101"));
    assert_false(judge_is_asked(&f->judge, 2000));
}

static void a_number_is_the_one_nearest_to_the_views(void **state)
{
    struct fixture *f = *state;
    free(f->record.range[1].seen);
    f->record.range[1].seen = strdup("8589934595:8589934600:"); // 2^33 + 3 … 8
    struct err e;
    struct judge_key key = f->judge.key[0];
    assert_true(judge_load(&f->judge, &f->record, true, &e));
    f->judge.key[0] = key;
    assert_true(seen(f, 1, 2, 1500, "101"));          // 2^33 + 2
    assert_false(seen(f, 1, 9, 1500, "101"));         // 2^33 + 9
    assert_true(seen(f, 1, UINT32_MAX, 1500, "101")); // 2^33 - 1
}

static void a_truncation_is_seen_by_all_or_kept(void **state)
{
    struct fixture *f = *state;
    assert_true(truncation_seen(f, 1, 99, 500));
    assert_false(truncation_seen(f, 1, 105, 500)); // the first range had the rows still
    struct judge_change cut = {1, 105, 500, 490};
    assert_true(judge_cut(&f->judge, &cut));
    assert_false(judge_cut(&f->judge, &cut)); // noted already
    // From there on nothing of the table is left out.
    assert_false(seen(f, 1, 105, 600, "101"));
    assert_true(seen(f, 1, 99, 499, "101"));
    assert_true(seen(f, 2, 105, 600, "1"));
}

static void deferred_tables_wait_for_their_view(void **state)
{
    struct fixture *f = *state;
    f->judge.deferring = 2;
    assert_true(seen(f, 3, 130, 3000, "1"));
    assert_true(truncation_seen(f, 3, 131, 3000));
    assert_true(judge_misses_deferred(&f->judge, "130:132:130"));
    assert_true(judge_misses_deferred(&f->judge, "131:131:"));
    assert_false(judge_misses_deferred(&f->judge, "132:132:"));
    assert_false(judge_misses_deferred(&f->judge, "100:140:101"));
}

static void a_key_that_is_gone_is_a_lost_position(void **state)
{
    struct fixture *f = *state;
    struct err e;
    struct catalog catalog = {0};
    struct pgo_column columns[] = {{true, span_of("new_id"), 23, -1}};
    struct pgo_relation m = {1, span_of("public"), span_of("a"), 'd', 1, columns};
    assert_false(judge_describe(&f->judge, &m, &catalog, &e));
    assert_int_equal(e.status, STATUS_LOST);
    assert_non_null(strstr(e.text, "public.a"));
}

static void a_row_without_its_key_is_bad_data(void **state)
{
    struct fixture *f = *state;
    struct pgo_value values[] = {{PGO_UNCHANGED, {"", 0}}, {PGO_NULL, {"", 0}}};
    struct pgo_value old[] = {{PGO_TEXT, span_of("101")}, {PGO_NULL, {"", 0}}};
    struct pgo_tuple tuple = {2, values}, fallback = {2, old}, narrow = {0, values};
    struct judge_change c = {1, 105, 500, 490};
    struct err e;
    bool result;
    assert_false(judge_row(&f->judge, &c, &tuple, NULL, &result, &e));
    assert_int_equal(e.status, STATUS_DATA);
    assert_false(judge_row(&f->judge, &c, &narrow, NULL, &result, &e));
    assert_true(judge_row(&f->judge, &c, &tuple, &fallback, &result, &e) && result);
}

static void the_record_is_read_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct buf text, again;
    struct record r;
    struct err e;
    buf_init(&text, 1u << 16);
    buf_init(&again, 1u << 16);
    f->record.table[0].cut[0] = 500, f->record.table[0].cut[1] = 490;
    f->record.range[0].has_older = f->record.range[1].has_older = true;
    f->record.range[1].older_seen = strdup("1:2:1");
    f->record.range[1].older_past = 7;
    record_format(&f->record, &text);
    assert_true(record_parse(&r, buf_view(&text), &e));
    record_format(&r, &again);
    assert_true(span_eq(buf_view(&text), buf_view(&again)));
    record_release(&r);
    // Cut anywhere, it is damaged and never another record.
    for (size_t n = 0; n + 1 < text.n; n++)
        if (record_parse(&r, (struct span){text.p, n}, &e))
            fail_msg("%.*s was read", (int)n, text.p);
    buf_release(&text);
    buf_release(&again);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(by_the_view_that_read_the_key),
        TEST(by_the_older_view_where_it_counts),
        TEST(nothing_is_seen_past_the_views_end_of_log),
        TEST(a_number_is_the_one_nearest_to_the_views),
        TEST(a_truncation_is_seen_by_all_or_kept),
        TEST(deferred_tables_wait_for_their_view),
        TEST(a_key_that_is_gone_is_a_lost_position),
        TEST(a_row_without_its_key_is_bad_data),
        TEST(the_record_is_read_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
