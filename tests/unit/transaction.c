#include "test.h"

#include "event/transaction.h"

static const struct pos at = {.source = POS_PG, .epoch = 1, .phase = POS_LOG, .n = {9, 9, 1}};

static void counts(void **state)
{
    (void)state;
    struct transaction t;
    struct transaction_place place;
    struct err e;
    struct buf out;
    transaction_init(&t);
    buf_init(&out, 1 << 16);
    buf_str(&t.topic, "pg.transaction");
    transaction_begin(&t);
    static const struct {
        uint64_t table;
        const char *name;
        uint64_t total, in_table;
    } rows[] = {{5, "s.a", 1, 1}, {7, "s.b", 2, 1}, {5, "s.a", 3, 2}, {7, "s.b", 4, 2}, {7, "s.b", 5, 3}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(transaction_count(&t, rows[i].table, span_of(rows[i].name), &place, &e));
        assert_int_equal(place.total, rows[i].total);
        assert_int_equal(place.in_table, rows[i].in_table);
    }
    transaction_write_place(span_of("7:9"), place, &out);
    assert_span(buf_view(&out), "{\"id\":\"7:9\",\"total_order\":5,\"data_collection_order\":3}");
    buf_reset(&out);
    transaction_write_begin(&t, &at, span_of("7:8"), 1000, &out);
    assert_span(buf_view(&out),
                "{\"cdc\":{\"pos\":\"pg/1/l/9/9/1\",\"topic\":\"pg.transaction\",\"key\":{\"id\":\"7:8\"}},"
                "\"status\":\"BEGIN\",\"id\":\"7:8\",\"event_count\":null,\"data_collections\":null,"
                "\"ts_ms\":1000}\n");
    buf_reset(&out);
    transaction_write_end(&t, &at, span_of("7:9"), 1000, &out);
    assert_span(
        buf_view(&out),
        "{\"cdc\":{\"pos\":\"pg/1/l/9/9/1\",\"topic\":\"pg.transaction\",\"key\":{\"id\":\"7:9\"}},"
        "\"status\":\"END\",\"id\":\"7:9\",\"event_count\":5,\"data_collections\":["
        "{\"data_collection\":\"s.b\",\"event_count\":3},{\"data_collection\":\"s.a\",\"event_count\":2}],"
        "\"ts_ms\":1000}\n");
    transaction_begin(&t);
    assert_true(transaction_count(&t, 5, span_of("s.a"), &place, &e));
    assert_int_equal(place.total, 1);
    transaction_release(&t);
    buf_release(&out);
}

// What a java.util.HashMap of these names lists, in the order in which they were put.
static void listed_as_java(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "public.t0 public.t1",
        "public.t8 public.t7 public.t9 public.t4 public.t3 public.t6 public.t5 public.t0 public.t10 "
        "public.t11 "
        "public.t2 public.t1",
        "public.t12 public.t8 public.t7 public.t9 public.t4 public.t3 public.t6 public.t5 public.t0 "
        "public.t10 "
        "public.t11 public.t2 public.t1",
        "public.t23 public.t24 public.t8 public.t7 public.t9 public.t4 public.t3 public.t6 public.t5 "
        "public.t0 "
        "public.t21 public.t22 public.t2 public.t1 public.t20 public.t14 public.t15 public.t12 public.t13 "
        "public.t18 public.t19 public.t16 public.t17 public.t10 public.t11",
        "s.日本 s.b s.a s.😀 s.é",
    };
    static const size_t sizes[] = {2, 12, 13, 25, 5};
    static const char *const others[] = {"s.日本", "s.é", "s.😀", "s.a", "s.b"};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct transaction t;
        struct transaction_place place;
        struct err e;
        struct buf out, names;
        transaction_init(&t);
        buf_init(&out, 1 << 16);
        buf_init(&names, 1 << 16);
        for (size_t k = 0; k < sizes[i]; k++) {
            char name[32];
            snprintf(name, sizeof name, "public.t%zu", k);
            struct span table = span_of(i == 4 ? others[k] : name);
            assert_true(transaction_count(&t, k + 1, table, &place, &e));
        }
        transaction_write_end(&t, &at, span_of("7:9"), 1000, &out);
        for (size_t k = 0; k < t.n; k++) {
            buf_str(&names, k == 0 ? "" : " ");
            const struct transaction_table *table = &t.table[t.key[k].index];
            buf_bytes(&names, t.names.p + table->name_at, table->name_n);
        }
        assert_span(buf_view(&names), wanted[i]);
        transaction_release(&t);
        buf_release(&out);
        buf_release(&names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts), cmocka_unit_test(listed_as_java)};
    return cmocka_run_group_tests_name("transaction", tests, NULL, NULL);
}
