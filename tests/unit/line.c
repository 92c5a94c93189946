#include "page.h"

#include "event/json.h"
#include "event/line.h"

#define VALUE "\"before\":null,\"after\":{\"id\":1},\"op\":\"c\"}"

struct row {
    const char *text;
    enum line_kind kind;
    const char *pos, *topic, *key, *headers, *control, *header, *value;
    bool not_unique;
};

static const struct row rows[] = {
    {.text = "{\"cdc\":{\"pos\":\"pg/1/l/1/2/3\",\"topic\":\"shop.public.orders\",\"key\":{\"id\":1}}," VALUE,
     .kind = LINE_CHANGE,
     .pos = "pg/1/l/1/2/3",
     .topic = "shop.public.orders",
     .key = "{\"id\":1}",
     .value = VALUE},
    {.text = "{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null},\"a\":1}",
     .kind = LINE_CHANGE,
     .pos = "p",
     .topic = "t",
     .key = "null",
     .value = "\"a\":1}"},
    {.text = "{\"cdc\":{\"topic\":\"t\",\"key\":{\"k\":\"a } "
             "b\"},\"headers\":{\"__debezium.newkey\":{\"id\":2}}},"
             "\"a\":1}",
     .kind = LINE_CHANGE,
     .topic = "t",
     .key = "{\"k\":\"a } b\"}",
     .headers = "{\"__debezium.newkey\":{\"id\":2}}",
     .value = "\"a\":1}"},
    {.text = "{\"cdc\":{\"topic\":\"t\",\"key\":{\"k\":1},\"unique\":false,\"headers\":{}},\"a\":1}",
     .kind = LINE_CHANGE,
     .topic = "t",
     .key = "{\"k\":1}",
     .not_unique = true,
     .headers = "{}",
     .value = "\"a\":1}"},
    {.text = "{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":{\"k\":1},\"headers\":{}}}", // a tombstone
     .kind = LINE_CHANGE,
     .pos = "p",
     .topic = "t",
     .key = "{\"k\":1}",
     .headers = "{}"},
    {.text = "{\"cdc\":{\"topic\":\"t\",\"key\":{\"k\":1},\"unique\":false},\"a\":1}",
     .kind = LINE_CHANGE,
     .topic = "t",
     .key = "{\"k\":1}",
     .not_unique = true,
     .value = "\"a\":1}"},
    {.text = "{\"cdc\":{\"control\":\"progress\",\"pos\":\"pg/1/l/9/0/0\"}}",
     .kind = LINE_CONTROL,
     .control = "progress",
     .pos = "pg/1/l/9/0/0",
     .header = "{\"control\":\"progress\",\"pos\":\"pg/1/l/9/0/0\"}"},
    {.text = "{\"cdc\":{\"control\":\"end\",\"status\":5}}",
     .kind = LINE_CONTROL,
     .control = "end",
     .header = "{\"control\":\"end\",\"status\":5}"},
    {.text = "{\"before\":null,\"op\":\"c\"}", .kind = LINE_BARE, .value = "{\"before\":null,\"op\":\"c\"}"},
    {.text = "{\"id\":1,\"cdc\":\"a column\"}",
     .kind = LINE_BARE,
     .value = "{\"id\":1,\"cdc\":\"a column\"}"},
    {.text = "{\"a\":{\"cdc\":{}}}", .kind = LINE_BARE, .value = "{\"a\":{\"cdc\":{}}}"},
    {.text = "no JSON: for the sink's check", .kind = LINE_BARE, .value = "no JSON: for the sink's check"},
    {.text = "", .kind = LINE_BARE, .value = ""},
};

static void assert_part(const char *text, const char *part, struct span got, const char *want)
{
    if (!span_is(got, want != NULL ? want : ""))
        fail_msg("%s: %s is \"%.*s\"", text, part, SPAN_ARG(got));
}

static void finds_the_parts(void **state)
{
    (void)state;
    struct pages g = pages_map();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        struct line l;
        struct err e;
        if (!line_parse(pages_at_end(g, r->text, strlen(r->text)), &l, &e))
            fail_msg("%s: %s", r->text, e.text);
        assert_int_equal(l.kind, r->kind);
        assert_int_equal(l.not_unique, r->not_unique);
        assert_part(r->text, "text", l.text, r->text);
        assert_part(r->text, "pos", l.pos, r->pos);
        assert_part(r->text, "topic", l.topic, r->topic);
        assert_part(r->text, "key", l.key, r->key);
        assert_part(r->text, "headers", l.headers, r->headers);
        assert_part(r->text, "control", l.control, r->control);
        assert_part(r->text, "header", l.header, r->header);
        assert_part(r->text, "value", l.value, r->value);
    }
    pages_unmap(g);
}

// Each is one step from a good line. byte: the one the message names, from 1.
static const struct {
    const char *text;
    size_t byte;
    const char *needed;
} bad[] = {
    {"{\"cdc\":{}}", 9, "\"topic\""},
    {"{\"cdc\":{\"pos\":\"p\"},\"a\":1}", 18, "comma"},
    {"{\"cdc\":{\"pos\":\"\",\"topic\":\"t\",\"key\":null},\"a\":1}", 16, "position"},
    {"{\"cdc\":{\"pos\":\"p\\n\",\"topic\":\"t\",\"key\":null},\"a\":1}", 17, "without escapes"},
    {"{\"cdc\":{\"pos\":\"p\tq\",\"topic\":\"t\",\"key\":null},\"a\":1}", 17, "position"},
    {"{\"cdc\":{\"pos\":null,\"topic\":\"t\",\"key\":null},\"a\":1}", 9, "\"topic\""},
    {"{\"cdc\":{\"pos\":\"p\",\"key\":null},\"a\":1}", 19, "\"topic\""},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"\",\"key\":null},\"a\":1}", 28, "\"topic\""},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"a\\u0041\",\"key\":null},\"a\":1}", 29, "without escapes"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"a\x01\",\"key\":null},\"a\":1}", 29, "without escapes"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"a\xc3\xa9\",\"key\":null},\"a\":1}", 29, "ASCII"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\"},\"a\":1}", 30, "\"key\""},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":},\"a\":1}", 37, "JSON value"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\": {}},\"a\":1}", 37, "JSON value"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\": 1", 37, "JSON value"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":nul},\"a\":1}", 40, "JSON value"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":{\"a\":x}},\"a\":1}", 42, "JSON value"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":{\"a\":1", 43, "JSON value"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null,\"headers\":[]},\"a\":1}", 52, "object"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null,\"headers\":{,}},\"a\":1}", 53, "object"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null,\"more\":1},\"a\":1}", 41, "header's end"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null,\"unique\":true},\"a\":1}", 41, "header's end"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null,\"headers\":{},\"unique\":false},\"a\":1}", 54,
     "header's end"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null} }", 41, "header's end"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null},}", 43, "first member"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null},", 43, "first member"},
    {"{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null}, \"a\":1}", 43, "first member"},
    {"{\"cdc\":{\"topic\":\"t\",\"pos\":\"p\",\"key\":null},\"a\":1}", 20, "\"key\""},
    // moved, or spaced out
    {"{\"cdc\": {\"pos\":\"p\",\"topic\":\"t\",\"key\":null},\"a\":1}", 9, "line's beginning"},
    {"{ \"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null},\"a\":1}", 9, "line's beginning"},
    {" {\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null},\"a\":1}", 9, "line's beginning"},
    {"{\"after\":null,\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":null}}", 21, "line's beginning"},
    // control lines
    {"{\"cdc\":{\"control\":\"\"}}", 20, "kind"},
    {"{\"cdc\":{\"control\":\"e\\\"\"}}", 21, "kind"},
    {"{\"cdc\":{\"control\":\"end\",\"pos\":\"\"}}", 32, "position"},
    {"{\"cdc\":{\"control\":\"end\",\"pos\":\"a\\/b\"}}", 33, "position"},
    {"{\"cdc\":{\"control\":\"end\",\"status\":0,\"pos\":\"p\"}}", 42, "right behind"},
    {"{\"cdc\":{\"control\":\"end\",\"pos\":null}}", 31, "right behind"},
    {"{\"cdc\":{\"control\":\"end\",}}", 25, "JSON object"},
    {"{\"cdc\":{\"control\":\"end\"}", 25, "the end of the control line"},
    {"{\"cdc\":{\"control\":\"end\"},\"a\":1}", 25, "the end of the control line"},
    {"{\"cdc\":{\"control\":\"end\"}} ", 26, "the end of the control line"},
    {"{\"cdc\":{\"control\":\"end\"", 24, "JSON object"},
};

static void names_the_byte_and_the_need(void **state)
{
    (void)state;
    struct pages g = pages_map();
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct line l;
        struct err e;
        if (line_parse(pages_at_end(g, bad[i].text, strlen(bad[i].text)), &l, &e))
            fail_msg("%s was taken", bad[i].text);
        assert_int_equal(e.status, STATUS_DATA);
        char want[32];
        snprintf(want, sizeof want, "byte %zu: ", bad[i].byte);
        if (strncmp(e.text, want, strlen(want)) != 0 || strstr(e.text, bad[i].needed) == NULL)
            fail_msg("%s gave: %s; wanted %s…%s", bad[i].text, e.text, want, bad[i].needed);
    }
    pages_unmap(g);
}

// The value is not looked at, so a cut behind its first quote is for the sink to find.
static void a_cut_header_is_broken_at_the_end(void **state)
{
    (void)state;
    struct pages g = pages_map();
    for (size_t i = 0; i < COUNT_OF(rows) && rows[i].kind != LINE_BARE; i++) {
        size_t whole = strlen(rows[i].text);
        size_t header =
            rows[i].value != NULL ? (size_t)(strstr(rows[i].text, rows[i].value) - rows[i].text) : whole - 1;
        for (size_t n = sizeof("{\"cdc\":{") - 1; n <= header; n++) {
            struct line l;
            struct err e;
            if (line_parse(pages_at_end(g, rows[i].text, n), &l, &e))
                fail_msg("%.*s was taken", (int)n, rows[i].text);
            assert_true(atol(e.text + sizeof("byte ") - 1) <= (long)n + 1);
        }
        for (size_t n = header + 1; n < whole; n++) {
            struct line l;
            struct err e;
            assert_true(line_parse(pages_at_end(g, rows[i].text, n), &l, &e));
            assert_int_equal(l.value.n, n - header);
        }
    }
    pages_unmap(g);
}

static void gives_the_value_in_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[256];
        struct line l;
        struct err e;
        size_t n = strlen(rows[i].text), bad_at;
        memcpy(text, rows[i].text, n);
        assert_true(line_parse((struct span){text, n}, &l, &e));
        struct span value = line_value(&l);
        if (rows[i].value == NULL) {
            assert_int_equal(value.n, 0);
        } else if (l.kind == LINE_BARE) {
            assert_span(value, rows[i].text);
        } else {
            assert_true(json_check(value, &bad_at));
            assert_int_equal(value.p[0], '{');
            assert_span((struct span){value.p + 1, value.n - 1}, rows[i].value);
        }
    }
}

static struct line written(struct buf *b)
{
    struct line l;
    struct err e;
    size_t bad_at;
    assert_true(b->n != 0 && b->p[b->n - 1] == '\n');
    struct span text = {b->p, b->n - 1};
    assert_true(json_check(text, &bad_at));
    if (!line_parse(text, &l, &e))
        fail_msg("%s", e.text);
    return l;
}

static void a_tombstone_has_no_value(void **state)
{
    (void)state;
    static const char text[] =
        "{\"cdc\":{\"pos\":\"p\",\"topic\":\"t\",\"key\":1,\"unique\":false,\"headers\":{\"a\":2}}}";
    struct line l;
    struct err e;
    struct buf b;
    assert_true(line_parse(span_of(text), &l, &e));
    assert_true(line_is_tombstone(&l));
    assert_int_equal(line_value(&l).n, 0);
    line_restore(&l);
    // Its front, as it stands and as it would be written.
    buf_init(&b, 1024);
    line_write_front(&b, &l);
    assert_true(span_eq(buf_view(&b), line_front(&l)));
    buf_char(&b, '}');
    assert_true(span_is(buf_view(&b), text));
    buf_release(&b);
    assert_true(line_parse(span_of("{\"cdc\":{\"topic\":\"t\",\"key\":1},\"a\":1}"), &l, &e));
    assert_false(line_is_tombstone(&l));
    assert_true(span_is(line_front(&l), "{\"cdc\":{\"topic\":\"t\",\"key\":1}"));
    assert_false(line_parse(span_of("{\"cdc\":{\"topic\":\"t\",\"key\":1}} "), &l, &e));
    assert_false(line_parse(span_of("{\"cdc\":{\"topic\":\"t\",\"key\":1},}"), &l, &e));
}

static void writes_control_lines(void **state)
{
    (void)state;
    struct pos p;
    struct err e;
    struct line_start start;
    struct line l;
    struct buf b;
    int status;
    buf_init(&b, 1000);
    assert_true(pos_parse(span_of("pg/1/l/7/0/0"), &p, &e));

    line_write_start(&b, &p, &(struct line_start){.identity = span_of("7301-ab12")});
    assert_span(buf_view(&b),
                "{\"cdc\":{\"control\":\"start\",\"pos\":\"pg/1/l/7/0/0\",\"source\":\"7301-ab12\"}}\n");
    l = written(&b);
    assert_true(line_read_start(&l, &start, &e));
    assert_span(start.identity, "7301-ab12");
    assert_false(start.begins);

    buf_reset(&b);
    line_write_start(&b, NULL, &(struct line_start){span_of("7301-ab12"), true, true});
    assert_span(
        buf_view(&b),
        "{\"cdc\":{\"control\":\"start\",\"source\":\"7301-ab12\",\"begins\":true,\"snapshot\":true}}\n");
    l = written(&b);
    assert_true(line_read_start(&l, &start, &e) && start.begins && start.snapshot && l.pos.n == 0);

    struct span state_of;
    assert_false(line_read_state(&l, &state_of));
    line_add_state(&b, span_of("{\"a\":1,\n\"b\":[2]}\n"));
    assert_span(buf_view(&b), "{\"cdc\":{\"control\":\"start\",\"source\":\"7301-ab12\",\"begins\":true,"
                              "\"snapshot\":true,\"state\":{"
                              "\"a\":1,\"b\":[2]}}}\n");
    l = written(&b);
    assert_true(line_read_state(&l, &state_of));
    assert_span(state_of, "{\"a\":1,\"b\":[2]}");

    buf_reset(&b);
    line_write_progress(&b, &p);
    assert_span(buf_view(&b), "{\"cdc\":{\"control\":\"progress\",\"pos\":\"pg/1/l/7/0/0\"}}\n");
    assert_span(written(&b).pos, "pg/1/l/7/0/0");

    buf_reset(&b);
    line_write_end(&b, &p, 5);
    assert_span(buf_view(&b), "{\"cdc\":{\"control\":\"end\",\"pos\":\"pg/1/l/7/0/0\",\"status\":5}}\n");
    l = written(&b);
    assert_true(line_read_end(&l, &status, &e) && status == 5);

    buf_reset(&b);
    line_write_end(&b, NULL, 0);
    assert_span(buf_view(&b), "{\"cdc\":{\"control\":\"end\",\"status\":0}}\n");
    l = written(&b);
    assert_true(line_read_end(&l, &status, &e) && status == 0 && l.pos.n == 0);
    buf_release(&b);
}

static struct line control(const char *text)
{
    struct line l;
    struct err e;
    if (!line_parse(span_of(text), &l, &e))
        fail_msg("%s", e.text);
    return l;
}

static void refuses_broken_start_and_end(void **state)
{
    (void)state;
    static const char *const starts[] = {
        "{\"cdc\":{\"control\":\"start\",\"pos\":\"p\"}}",
        "{\"cdc\":{\"control\":\"start\",\"pos\":\"p\",\"source\":\"\"}}",
        "{\"cdc\":{\"control\":\"start\",\"pos\":\"p\",\"source\":12345}}",
        "{\"cdc\":{\"control\":\"start\",\"pos\":\"p\",\"source\":\"a\\u0041\"}}",
        "{\"cdc\":{\"control\":\"start\",\"pos\":\"p\",\"source\":\"a\",\"begins\":1}}",
        "{\"cdc\":{\"control\":\"start\",\"pos\":\"p\",\"source\":\"a\",\"snapshot\":null}}",
    };
    static const char *const ends[] = {
        "{\"cdc\":{\"control\":\"end\"}}",
        "{\"cdc\":{\"control\":\"end\",\"status\":\"0\"}}",
        "{\"cdc\":{\"control\":\"end\",\"status\":-1}}",
        "{\"cdc\":{\"control\":\"end\",\"status\":256}}",
        "{\"cdc\":{\"control\":\"end\",\"status\":1.0}}",
    };
    struct err e;
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        struct line l = control(starts[i]);
        struct line_start s;
        if (line_read_start(&l, &s, &e))
            fail_msg("%s was taken", starts[i]);
        assert_int_equal(e.status, STATUS_DATA);
    }
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct line l = control(ends[i]);
        int status;
        if (line_read_end(&l, &status, &e))
            fail_msg("%s was taken", ends[i]);
        assert_int_equal(e.status, STATUS_DATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_parts),
        cmocka_unit_test(names_the_byte_and_the_need),
        cmocka_unit_test(a_cut_header_is_broken_at_the_end),
        cmocka_unit_test(gives_the_value_in_place),
        cmocka_unit_test(a_tombstone_has_no_value),
        cmocka_unit_test(writes_control_lines),
        cmocka_unit_test(refuses_broken_start_and_end),
    };
    return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
