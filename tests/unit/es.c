// cdc-sink-es's pure parts: ids, names, unavailable values, batches, answers.
#include "test.h"

#include "sink/es_answer.h"
#include "sink/es_batch.h"
#include "sink/es_document.h"
#include "sink/es_id.h"
#include "sink/es_index.h"
#include "sink/gaps.h"

#define PH "__debezium_unavailable_value"
#define PH64 "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="

static void ids(void **state)
{
    static const char *const rows[][2] = {
        {"{\"id\":1}", "1"},
        {"{\"id\":-1.50e3}", "-1.50e3"},
        {"{\"id\":\"a b\"}", "a b"},
        {"{\"id\":\"\\u00e9\\n\"}", "\xc3\xa9\n"},
        {"{\"id\":\"\"}", "\"\""},
        {"{\"id\":\"\\\"\"}", "\"\\\"\""},
        {"{\"id\":\"[1]\"}", "\"[1]\""},
        {"{\"id\":\"{\"}", "\"{\""},
        {"{\"id\":true}", "true"},
        {"{\"id\":{ \"scale\" : 0, \"value\":\"AQ==\" }}", "{\"scale\":0,\"value\":\"AQ==\"}"},
        {"{\"a\":1,\"b\":\"x\\u0041\"}", "[1,\"xA\"]"},
        {"{ \"a\" : null , \"b\" : [ 1 , 2 ] }", "[null,[1,2]]"},
        {"7", "7"},
        {"\"x\"", "x"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf b;
        struct err e;
        buf_init(&b, 65536);
        assert_true(es_id(span_of(rows[i][0]), &b, &e));
        assert_span(buf_view(&b), rows[i][1]);
        buf_release(&b);
    }
}

static void no_ids(void **state)
{
    char text[ES_ID_MAX + 10];
    struct buf b;
    struct err e;
    (void)state;
    buf_init(&b, 65536);
    assert_false(es_id(span_of("null"), &b, &e));
    assert_false(es_id(span_of("{}"), &b, &e));
    snprintf(text, sizeof text, "{\"a\":\"%0*d\"}", ES_ID_MAX, 1);
    assert_true(es_id(span_of(text), &b, &e));
    assert_int_equal(b.n, ES_ID_MAX);
    snprintf(text, sizeof text, "{\"a\":\"%0*d\"}", ES_ID_MAX + 1, 1);
    assert_false(es_id(span_of(text), &b, &e));
    assert_int_equal(b.n, ES_ID_MAX); // nothing of it stays
    buf_release(&b);
}

static void names(void **state)
{
    static const char *const rows[][2] = {{"shop.public.Orders", "shop.public.orders"},
                                          {"a-b_c.9", "a-b_c.9"},
                                          {"_a", NULL},
                                          {"-a", NULL},
                                          {".", NULL},
                                          {"..", NULL},
                                          {"", NULL},
                                          {"a b", NULL},
                                          {"a*", NULL},
                                          {"a\"", NULL},
                                          {"a/b", NULL},
                                          {"\xc3\xa9", NULL}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf b;
        struct err e;
        buf_init(&b, 1024);
        assert_int_equal(es_index_name(span_of(rows[i][0]), &b, &e), rows[i][1] != NULL);
        assert_span(buf_view(&b), rows[i][1] != NULL ? rows[i][1] : "");
        buf_release(&b);
    }
}

struct gap_row {
    const char *row, *base, *want;
    size_t left;
};

static const struct gap_row gap_rows[] = {
    {"{\"id\":1,\"t\":\"" PH "\"}", "{\"t\":\"big\",\"id\":0}", "{\"id\":1,\"t\":\"big\"}", 0},
    {"{\"id\":1,\"t\":\"" PH "\"}", "", "{\"id\":1}", 1},
    {"{\"t\":\"" PH "\"}", "{}", "{}", 1},
    {"{\"t\":\"" PH "\"}", "{\"t\":null}", "{\"t\":null}", 0},
    {"{\"t\":\"" PH "\"}", "{\"t\":\"" PH "\"}", "{}", 1},
    {"{\"b\":\"" PH64 "\",\"x\":2}", "{\"b\":\"AA==\"}", "{\"b\":\"AA==\",\"x\":2}", 0},
    {"{\"h\":\"{\\\"" PH "\\\":\\\"" PH "\\\"}\"}", "{\"h\":\"{}\"}", "{\"h\":\"{}\"}", 0},
    {"{\"h\":{\"" PH "\":\"" PH "\"}}", "{\"h\":{}}", "{\"h\":{}}", 0},
    {"{\"a\":[\"" PH "\"]}", "{\"a\":[]}", "{\"a\":[]}", 0},
    {"{\"g\":{\"wkb\":\"" PH64 "\",\"srid\":null}}", "{\"g\":1}", "{\"g\":1}", 0},
    {"{\"n\":[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,"
     "117,101]"
     "}",
     "{\"n\":[1]}", "{\"n\":[1]}", 0},
    {"{\"n\":[95.0,95.0,100.0,101.0,98.0,101.0,122.0,105.0,117.0,109.0,95.0,117.0,110.0,97.0,118.0,97.0,105."
     "0,108.0,"
     "97.0,98.0,108.0,101.0,95.0,118.0,97.0,108.0,117.0,101.0]}",
     "{\"n\":[1]}", "{\"n\":[1]}", 0},
};

static void fills_gaps(void **state)
{
    struct gaps g;
    struct err e;
    (void)state;
    assert_true(gaps_init(&g, PH, &e));
    for (size_t i = 0; i < COUNT_OF(gap_rows); i++) {
        const struct gap_row *r = &gap_rows[i];
        struct buf b;
        buf_init(&b, 65536);
        assert_true(gaps_has(&g, span_of(r->row)));
        assert_int_equal(gaps_fill(&g, span_of(r->row), span_of(r->base), &b), r->left);
        assert_span(buf_view(&b), r->want);
        buf_release(&b);
    }
    // A value that only holds it is a value.
    assert_false(gaps_has(&g, span_of("{\"t\":\"x" PH "\",\"u\":[1,\"" PH "\"]}")));
    assert_false(gaps_has(&g, span_of("{\"" PH "\":1}")));
    gaps_release(&g);
    assert_false(gaps_init(&g, "", &e));
}

static void makes_documents(void **state)
{
    struct gaps g;
    struct err e;
    struct buf b;
    (void)state;
    buf_init(&b, 65536);
    assert_true(gaps_init(&g, PH, &e));
    es_document_fill(&g, true, span_of("{\"before\":null,\"after\":{\"t\":\"" PH "\"},\"op\":\"u\"}"),
                     span_of("{\"after\":{\"t\":1},\"op\":\"c\"}"), &b);
    assert_span(buf_view(&b), "{\"before\":null,\"after\":{\"t\":1},\"op\":\"u\"}");
    buf_reset(&b);
    es_document_mark(span_of("{\"a\":1,\"gone\":false,\"gon\":2}"), "gone", &b);
    assert_span(buf_view(&b), "{\"a\":1,\"gon\":2,\"gone\":true}");
    buf_reset(&b);
    es_document_mark(span_of("{}"), "gone", &b);
    assert_span(buf_view(&b), "{\"gone\":true}");
    buf_release(&b);
    gaps_release(&g);
}

static struct es_new line_of(uint64_t seq, const char *id, enum es_action action, bool needs,
                             const char *value)
{
    struct es_new line = {.seq = seq,
                          .version = seq,
                          .action = action,
                          .needs_base = needs,
                          .index = span_of("i"),
                          .id = span_of(id),
                          .topic = span_of("t"),
                          .key = span_of("{}"),
                          .value = span_of(value),
                          .row = span_of(value)};
    line.hash = es_hash(line.index, line.id);
    return line;
}

static void add(struct es_batch *b, struct es_new line)
{
    struct err e;
    assert_true(es_batch_add(b, &line, &e));
}

static void the_last_line_of_an_id_is_sent(void **state)
{
    struct es_batch b;
    struct err e;
    struct buf out;
    (void)state;
    assert_true(es_batch_init(&b, 65536, &e));
    buf_init(&out, 65536);
    add(&b, line_of(1, "a", ES_INDEX, false, "{\"n\":1}"));
    add(&b, line_of(2, "b", ES_DELETE, false, "{\"n\":2}"));
    add(&b, line_of(3, "a", ES_INDEX, true, "{\"n\":3}"));
    add(&b, line_of(4, "c", ES_INDEX, true, "{\"n\":4}"));
    add(&b, line_of(5, "c", ES_INDEX, true, "{\"n\":5}"));
    assert_int_equal(b.to_send, 3);
    assert_int_equal(b.lines[0].state, ES_WAITS);
    assert_int_equal(b.lines[2].before, 0);
    // The base of a is in the batch; that of c must be fetched, for its first line.
    assert_int_equal(es_batch_root(&b, 2), ES_NONE);
    assert_int_equal(es_batch_root(&b, 4), 3);
    es_batch_put(&b, &b.lines[1], (struct span){"", 0}, &out);
    es_batch_put(&b, &b.lines[2], span_of("{\"x\":1}"), &out);
    assert_span(
        buf_view(&out),
        "{\"delete\":{\"_index\":\"i\",\"_id\":\"b\",\"version\":2,\"version_type\":\"external_gte\"}}\n"
        "{\"index\":{\"_index\":\"i\",\"_id\":\"a\",\"version\":3,\"version_type\":\"external_gte\"}}\n"
        "{\"x\":1}\n");
    // A refused line makes room for the one before it.
    es_batch_refuse(&b, 2);
    assert_int_equal(b.lines[0].state, ES_TO_SEND);
    assert_int_equal(b.to_send, 3);
    es_batch_refuse(&b, 1);
    assert_int_equal(b.to_send, 2);
    es_batch_reset(&b);
    add(&b, line_of(6, "a", ES_INDEX, false, "{}"));
    assert_int_equal(b.lines[0].before, ES_NONE);
    es_batch_release(&b);
    buf_release(&out);
}

static void reads_items(void **state)
{
    struct es_item items[3];
    const char *body = "{\"items\":[{\"index\":{\"status\":201}},{\"delete\":{\"status\":404}},"
                       "{\"index\":{\"status\":400,\"error\":{\"type\":\"t\",\"reason\":\"r\"}}}]}";
    (void)state;
    assert_true(es_answer_items(span_of(body), items, 3));
    assert_int_equal(items[0].status, 201);
    assert_false(items[1].error);
    assert_int_equal(items[2].status, 400);
    assert_span(items[2].type, "t");
    assert_span(items[2].reason, "r");
    assert_false(es_answer_items(span_of(body), items, 2));
    assert_false(es_answer_items((struct span){body, strlen(body) - 1}, items, 3));
    struct es_item four[4];
    assert_false(es_answer_items(span_of(body), four, 4));
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "{\"items\":{}}",
                                      "{\"items\":[{}]}",
                                      "{\"items\":[{\"index\":{}}]}",
                                      "{\"items\":[{\"index\":{\"status\":\"200\"}}]}",
                                      "{\"items\":[{\"index\":{\"status\":20}}]}",
                                      "{\"items\":[{\"index\":{\"status\":200}}]}x",
                                      "{\"items\":[[{\"status\":200}]]}"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(es_answer_items(span_of(bad[i]), items, 1));
}

static void reads_documents(void **state)
{
    struct es_found d[3];
    (void)state;
    assert_true(es_answer_docs(
        span_of("{\"docs\":[{\"_version\":5,\"found\":true,\"_source\":{\"a\":1}},{\"found\":false},"
                "{\"error\":{\"type\":\"index_not_found_exception\"}}]}"),
        d, 3));
    assert_true(d[0].found);
    assert_int_equal(d[0].version, 5);
    assert_span(d[0].source, "{\"a\":1}");
    assert_false(d[1].found || d[2].found);
    // What could not be read is no missing document.
    assert_false(es_answer_docs(span_of("{\"docs\":[{\"error\":{\"type\":\"other\"}}]}"), d, 1));
    assert_false(es_answer_docs(span_of("{\"docs\":[]}"), d, 1));
    assert_span(es_answer_error(span_of("{\"error\":\"no\",\"status\":405}")).reason, "no");
    assert_span(es_answer_error(span_of("<html>")).reason, "");
}

static void reads_indices(void **state)
{
    struct es_index_info info;
    (void)state;
    assert_true(es_index_read(
        span_of("{\"i\":{\"mappings\":{\"_meta\":{\"cdc\":{\"source\":\"s\",\"epoch\":2,\"base\":1}}},"
                "\"settings\":{\"index.gc_deletes\":\"30m\"}}}"),
        &info));
    assert_span(info.source, "s");
    assert_int_equal(info.epoch, 2);
    assert_int_equal(info.base, 1);
    assert_int_equal(info.gc_deletes_ms, 1800000);
    assert_true(es_index_read(span_of("{\"i\":{}}"), &info));
    assert_int_equal(info.epoch, 0);
    assert_int_equal(info.gc_deletes_ms, 60000);
    assert_false(es_index_read(span_of("{\"i\":{},\"j\":{}}"), &info));
    assert_false(es_index_read(span_of("{}"), &info));
    assert_false(es_index_read(span_of("{\"i\":"), &info));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids),
        cmocka_unit_test(no_ids),
        cmocka_unit_test(names),
        cmocka_unit_test(fills_gaps),
        cmocka_unit_test(makes_documents),
        cmocka_unit_test(the_last_line_of_an_id_is_sent),
        cmocka_unit_test(reads_items),
        cmocka_unit_test(reads_documents),
        cmocka_unit_test(reads_indices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
