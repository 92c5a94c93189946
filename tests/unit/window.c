#include "test.h"

#include "state/window.h"

#include <string.h>

#define PLACES 8

static void open_window(struct window *w)
{
    struct err e;
    assert_true(window_init(w, PLACES, &e));
}

// Reads the token and gives it a place.
static uint64_t add(struct window *w, const char *token, uint32_t pending)
{
    struct pos pos;
    bool higher;
    struct err e;
    uint64_t seq = 0;
    static uint64_t line;
    if (!window_read(w, span_of(token), &pos, &higher, &e) || !window_add(w, ++line, pending, &seq, &e))
        fail_msg("%s: %s", token, e.text);
    return seq;
}

// What can be acknowledged now; "" for nothing.
static void takes(struct window *w, const char *token)
{
    struct buf got;
    buf_init(&got, POS_MAX_BYTES);
    assert_true(window_take(w, &got) == (token[0] != '\0'));
    assert_span(buf_view(&got), token);
    buf_release(&got);
}

static void finished_out_of_order_is_acknowledged_in_order(void **state)
{
    (void)state;
    struct window w;
    open_window(&w);
    uint64_t a = add(&w, "pg/1/l/10/5/1", 1), b = add(&w, "pg/1/l/10/6/1", 2),
             c = add(&w, "pg/1/l/10/7/1", 1);
    add(&w, "pg/1/l/11/0/0", 0);
    takes(&w, "");
    window_done(&w, c);
    window_done(&w, b);
    takes(&w, "");
    window_done(&w, a);
    takes(&w, "pg/1/l/10/5/1");
    assert_int_equal(window_pending(&w), 1);
    window_done(&w, b); // its second part
    takes(&w, "pg/1/l/11/0/0");
    takes(&w, "");
    assert_true(window_is_empty(&w));
    window_release(&w);
}

static void a_token_is_complete_when_a_higher_one_was_read(void **state)
{
    (void)state;
    struct window w;
    struct pos pos;
    struct err e;
    bool higher;
    open_window(&w);
    window_done(&w, add(&w, "pg/1/l/10/5/1", 1));
    window_done(&w, add(&w, "pg/1/l/10/5/1", 1));
    takes(&w, "");
    // Read, though it has no place yet.
    assert_true(window_read(&w, span_of("pg/1/l/10/6/1"), &pos, &higher, &e) && higher);
    takes(&w, "pg/1/l/10/5/1");
    window_release(&w);
}

static void progress_is_complete_at_once(void **state)
{
    (void)state;
    struct window w;
    open_window(&w);
    add(&w, "pg/1/l/10/0/0", 0);
    takes(&w, "pg/1/l/10/0/0");
    window_release(&w);
}

static void knows_its_lines(void **state)
{
    (void)state;
    struct window w;
    uint64_t line;
    open_window(&w);
    uint64_t seq = add(&w, "pg/1/s/1/5/t/%5B1%5D", 1);
    add(&w, "pg/1/s/1/6/t/%5B2%5D", 1);
    assert_span(window_token(&w, seq, &line), "pg/1/s/1/5/t/%5B1%5D");
    assert_true(line != 0);
    window_release(&w);
}

static void refuses_what_goes_back(void **state)
{
    (void)state;
    static const char *const back[][2] = {
        {"pg/1/l/10/5/2", "pg/1/l/10/5/1"},  {"pg/1/l/10/5/1", "pg/1/s/9/9/t/-"},
        {"pg/2/s/1/1/t/-", "pg/1/l/10/5/1"}, {"pg/1/l/10/5/1", "my/1/l/11/5/1/1"},
        {"pg/1/l/10/5/1", "rubbish"},
    };
    for (size_t i = 0; i < COUNT_OF(back); i++) {
        struct window w;
        struct pos pos;
        struct err e;
        bool higher;
        open_window(&w);
        assert_true(window_read(&w, span_of(back[i][0]), &pos, &higher, &e) && higher);
        assert_false(window_read(&w, span_of(back[i][1]), &pos, &higher, &e));
        assert_int_equal(e.status, STATUS_DATA);
        window_release(&w);
    }
}

static void no_token_is_acknowledged_before_its_last_line(void **state)
{
    (void)state;
    struct window w;
    open_window(&w);
    uint64_t a = add(&w, "pg/1/l/10/5/1", 1), b = add(&w, "pg/1/l/10/5/1", 1);
    add(&w, "pg/1/l/11/0/0", 0);
    window_done(&w, a);
    takes(&w, "");
    window_done(&w, b);
    takes(&w, "pg/1/l/11/0/0");
    window_release(&w);
}

static void one_token_may_have_more_lines_than_there_are_places(void **state)
{
    (void)state;
    struct window w;
    open_window(&w);
    window_done(&w, add(&w, "pg/1/l/9/5/1", 1));
    for (int i = 0; i < 3 * PLACES; i++) {
        window_done(&w, add(&w, "pg/1/l/10/5/1", 1));
        takes(&w, i == 0 ? "pg/1/l/9/5/1" : "");
        assert_true(window_is_empty(&w));
    }
    uint64_t last = add(&w, "pg/1/l/10/6/1", 1);
    takes(&w, "pg/1/l/10/5/1");
    takes(&w, "");
    window_done(&w, last);
    takes(&w, "");
    add(&w, "pg/1/l/11/0/0", 0);
    takes(&w, "pg/1/l/11/0/0");
    window_release(&w);
}

// Random life against a plain model: acknowledged is the highest token below the last read with nothing
// unfinished up to it, and it never goes back.
static void random_life(void **state)
{
    (void)state;
    struct window w;
    uint64_t parts[4096] = {0}, tokens[4096] = {0}, next = 0, token = 1, acknowledged = 0;
    open_window(&w);
    srand(3);
    for (int step = 0; step < 60000; step++) {
        if (!window_is_full(&w) && next < COUNT_OF(parts) && rand() % 2 == 0) {
            char text[64];
            token += (uint64_t)rand() % 2;
            snprintf(text, sizeof text, "pg/1/l/%llu/1/1", (unsigned long long)token);
            parts[next] = (uint64_t)rand() % 3;
            tokens[next] = token;
            assert_int_equal(add(&w, text, (uint32_t)parts[next]), next);
            next++;
        } else if (next != 0) {
            uint64_t seq = w.first + (uint64_t)rand() % PLACES;
            if (seq < next && parts[seq] != 0)
                window_done(&w, seq), parts[seq]--;
        }
        uint64_t wanted = 0;
        for (uint64_t i = 0; i < next && parts[i] == 0 && tokens[i] < token; i++)
            if (i + 1 == next || tokens[i + 1] > tokens[i])
                wanted = tokens[i];
        struct buf got;
        buf_init(&got, POS_MAX_BYTES);
        if (window_take(&w, &got))
            acknowledged = strtoull(buf_cstr(&got) + strlen("pg/1/l/"), NULL, 10);
        buf_release(&got);
        assert_int_equal(acknowledged, wanted);
    }
    assert_true(acknowledged > 1000);
    window_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finished_out_of_order_is_acknowledged_in_order),
        cmocka_unit_test(a_token_is_complete_when_a_higher_one_was_read),
        cmocka_unit_test(progress_is_complete_at_once),
        cmocka_unit_test(knows_its_lines),
        cmocka_unit_test(refuses_what_goes_back),
        cmocka_unit_test(no_token_is_acknowledged_before_its_last_line),
        cmocka_unit_test(one_token_may_have_more_lines_than_there_are_places),
        cmocka_unit_test(random_life),
    };
    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
