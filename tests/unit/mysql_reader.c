// What a log can have beside changes: what ends the run and what is passed over.
#include "test.h"

#include "mysql/reader.h"

enum { QUERY = 2, TABLE_MAP = 19, INCIDENT = 26, PARTIAL_UPDATE = 39, UNKNOWN = 200 };

struct event {
    uint8_t type;
    uint16_t flags;
    struct span body;
};

// Feeds them until one is refused; the lines are appended.
static bool feed(const struct event *events, size_t n, struct buf *lines, struct err *e)
{
    struct capture capture = {
        .topic_prefix = "my", .topic_delimiter = ".", .topic_transaction = "transaction"};
    struct my_catalog catalog = {0};
    struct my_reader r;
    bool ok = true;
    assert_true(my_reader_init(&r, &capture, &catalog, lines, "mysql", 1u << 20, e));
    assert_true(my_reader_begin(&r, (struct span)SPAN_LIT("binlog.000001"), 1234, false, e));
    memset(r.format.fixed_bytes, 8, sizeof r.format.fixed_bytes);
    r.epoch = 1;
    for (size_t i = 0; ok && i < n; i++) {
        unsigned char event[BINLOG_HEADER_BYTES + 128] = {0};
        size_t size = BINLOG_HEADER_BYTES + events[i].body.n;
        event[4] = events[i].type;
        event[9] = (unsigned char)size;
        event[17] = (unsigned char)(events[i].flags & 0xff);
        memcpy(event + BINLOG_HEADER_BYTES, events[i].body.p, events[i].body.n);
        ok = my_reader_event(&r, (struct span){(const char *)event, size}, e);
    }
    my_reader_release(&r);
    my_catalog_release(&catalog);
    return ok;
}

static bool feed_one(uint8_t type, uint16_t flags, struct span body, struct err *e)
{
    struct buf lines;
    buf_init(&lines, 1u << 20);
    bool ok = feed(&(struct event){type, flags, body}, 1, &lines, e);
    buf_release(&lines);
    return ok;
}

static void incidents(void **state)
{
    (void)state;
    struct err e;
    assert_false(feed_one(INCIDENT, 0, (struct span)SPAN_LIT("\1\0\4LOST"), &e));
    assert_int_equal(e.status, STATUS_DATA);
    assert_string_equal(e.text,
                        "binlog.000001, position 1234: the server notes an incident (1): changes were made "
                        "that its log does not have: LOST");
    assert_false(feed_one(INCIDENT, 0, (struct span)SPAN_LIT("\1\0\5LOST"), &e)); // cut short
    assert_int_equal(e.status, STATUS_DATA);
}

static void unknown(void **state)
{
    (void)state;
    struct err e;
    assert_false(feed_one(UNKNOWN, 0, (struct span)SPAN_LIT("x"), &e));
    assert_int_equal(e.status, STATUS_DATA);
    assert_string_equal(e.text, "binlog.000001, position 1234: an event of type 200 is not known");
    assert_true(feed_one(UNKNOWN, BINLOG_FLAG_IGNORABLE, (struct span)SPAN_LIT("x"), &e));
}

// Table d.t (id int, j json), an update of j by the difference that removes $.a: {"a":1} to {}.
static void partial_updates(void **state)
{
    (void)state;
    static const struct event begin = {QUERY, 0, SPAN_LIT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0BEGIN")};
    static const struct event map = {
        TABLE_MAP, 0, SPAN_LIT("\1\0\0\0\0\0\1\0\1d\0\1t\0\2\3\xf5\1\4\2\1\1\0\4\5\2id\1j\x8\1\0")};
    // Rows of both columns before; then of the key alone.
    static const struct event whole = {PARTIAL_UPDATE, 0,
                                       SPAN_LIT("\1\0\0\0\0\0\1\0\2\0\2\3\3"
                                                "\0\7\0\0\0\xd\0\0\0\0\1\0\xc\0\xb\0\1\0\5\1\0a"
                                                "\1\1\0\7\0\0\0\5\0\0\0\2\3$.a")};
    static const struct event key_alone = {
        PARTIAL_UPDATE, 0, SPAN_LIT("\1\0\0\0\0\0\1\0\2\0\2\1\2\0\7\0\0\0\1\1\0\5\0\0\0\2\3$.a")};
    struct buf lines;
    struct err e;
    buf_init(&lines, 1u << 20);
    if (!feed((struct event[]){begin, map, whole}, 3, &lines, &e))
        fail_msg("%s", e.text);
    assert_non_null(strstr(
        buf_cstr(&lines), "\"before\":{\"id\":7,\"j\":\"{\\\"a\\\":1}\"},\"after\":{\"id\":7,\"j\":\"{}\"}"));
    assert_false(feed((struct event[]){begin, map, key_alone}, 3, &lines, &e));
    assert_int_equal(e.status, STATUS_DATA);
    if (strstr(e.text, "column \"j\": the log has a difference to the old value, but not that value") == NULL)
        fail_msg("%s", e.text);
    buf_release(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(incidents), cmocka_unit_test(unknown),
                                       cmocka_unit_test(partial_updates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
