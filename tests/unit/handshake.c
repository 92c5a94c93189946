#include "test.h"

#include "sink/handshake.h"

struct row {
    const char *own, *identity; // of the sink
    const char *start, *source; // of the start line
    bool begins, snapshot;
    enum handshake answer;
    enum status status;
};

static const struct row rows[] = {
    {"", "", "pg/1/l/100/0/0", "a", false, false, HANDSHAKE_FRESH, 0},
    {"pg/1/l/100/0/0", "a", "pg/1/l/100/0/0", "a", false, false, HANDSHAKE_SKIP, 0},
    {"pg/1/l/200/150/1", "a", "pg/1/l/100/0/0", "a", false, false, HANDSHAKE_SKIP, 0},
    {"pg/1/l/200/150/1", "a", "pg/1/l/100/0/0", "b", false, false, HANDSHAKE_FAIL, STATUS_USAGE},
    {"my/1/l/3/200/1/250", "b", "pg/1/l/100/0/0", "a", false, false, HANDSHAKE_FAIL, STATUS_USAGE},
    {"pg/1/l/200/150/1", "a", "pg/1/l/200/150/2", "a", false, false, HANDSHAKE_FAIL, STATUS_LOST},
    {"pg/1/s/3/9/t/-", "a", "pg/1/l/100/0/0", "a", false, false, HANDSHAKE_FAIL, STATUS_LOST},
    {"pg/1/s/3/9/t/-", "a", "pg/1/s/4/0/-/-", "a", false, false, HANDSHAKE_FAIL, STATUS_LOST},
    {"pg/1/s/3/9/t/-", "a", "pg/1/s/3/9/t/-", "a", false, false, HANDSHAKE_SKIP, 0},
    {"pg/1/s/3/9/t/-", "a", "pg/1/s/3/8/t/-", "a", false, false, HANDSHAKE_REWIND, 0},
    {"pg/1/l/100/0/0", "a", "pg/1/s/3/8/t/-", "a", false, false, HANDSHAKE_REWIND, 0},
    // Tables that were added: behind the log up to now come their rows.
    {"pg/1/l/200/150/1", "a", "pg/1/l/100/0/0", "a", false, true, HANDSHAKE_REWIND, 0},
    {"pg/2/s/3/9/t/-", "a", "pg/1/l/100/0/0", "a", false, true, HANDSHAKE_REWIND, 0},
    {"pg/2/l/200/150/1/v3", "a", "pg/1/l/100/0/0", "a", false, true, HANDSHAKE_REWIND, 0},
    {"pg/1/l/100/0/0", "a", "pg/1/l/100/0/0", "a", false, true, HANDSHAKE_SKIP, 0},
    // A new epoch, that the operator asked for or not.
    {"pg/1/l/200/150/1", "a", "pg/2/l/900/0/0", "a", false, false, HANDSHAKE_FAIL, STATUS_LOST},
    {"pg/1/l/200/150/1", "a", "pg/2/l/900/0/0", "a", true, false, HANDSHAKE_SKIP, 0},
    {"pg/1/l/200/150/1", "a", "pg/1/l/900/0/0", "a", true, false, HANDSHAKE_FAIL, STATUS_LOST},
    {"pg/2/l/950/940/1", "a", "pg/2/l/900/0/0", "a", true, false, HANDSHAKE_SKIP, 0},
    {"rubbish", "a", "pg/1/l/100/0/0", "a", false, false, HANDSHAKE_FAIL, STATUS_DATA},
};

static void answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        struct sink_own own = {.lower_bound = false};
        struct pos start, own_pos;
        struct err e = {.status = 0};
        buf_init(&own.token, POS_MAX_BYTES);
        buf_init(&own.identity, LINE_IDENTITY_MAX);
        buf_str(&own.token, r->own);
        buf_str(&own.identity, r->identity);
        assert_true(pos_parse(span_of(r->start), &start, &e));
        struct line_start line = {
            .identity = span_of(r->source), .begins = r->begins, .snapshot = r->snapshot};
        if (handshake(&own, &start, &line, &own_pos, &e) != r->answer || e.status != r->status)
            fail_msg("row %zu: %s", i, e.text);
        buf_release(&own.token);
        buf_release(&own.identity);
    }
}

// A sink that stores only what changes something in it is not behind for that.
static void a_lower_bound_is_not_behind(void **state)
{
    struct sink_own own = {.lower_bound = true};
    struct pos start, own_pos;
    struct line_start line = {.identity = SPAN_LIT("a")};
    struct err e;
    (void)state;
    buf_init(&own.token, POS_MAX_BYTES), buf_init(&own.identity, LINE_IDENTITY_MAX);
    buf_str(&own.token, "pg/1/l/200/150/1"), buf_str(&own.identity, "a");
    assert_true(pos_parse(span_of("pg/1/l/900/0/0"), &start, &e));
    assert_int_equal(handshake(&own, &start, &line, &own_pos, &e), HANDSHAKE_SKIP);
    buf_release(&own.token), buf_release(&own.identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers),
                                       cmocka_unit_test(a_lower_bound_is_not_behind)};
    return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
