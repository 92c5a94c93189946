// The sink loop with a sink that keeps its own token: which records are in which of its transactions.
#include "test.h"

#include "sink/loop.h"

#include <unistd.h>

// Writes what happens as words: a record's key, a schema's topic with a colon, a commit's token in brackets.
struct log_sink {
    struct buf log;
    int refusals; // so many commits are answered with SINK_COMMIT_AGAIN
};

static bool sink_open(void *self, struct loop *loop, struct sink_own *own, struct err *e)
{
    (void)self, (void)loop, (void)own, (void)e;
    return true;
}

static void sink_identify(void *self, struct span identity)
{
    (void)self, (void)identity;
}

static bool sink_submit(void *self, const struct record *r, uint32_t *parts, struct err *e)
{
    struct log_sink *s = self;
    (void)e;
    buf_printf(&s->log, "%.*s ", SPAN_ARG(r->key));
    *parts = 1;
    return true;
}

static bool sink_wait(void *self, struct pollfd *fds, nfds_t n, int timeout_ms, struct err *e)
{
    (void)self, (void)e;
    poll(fds, n, timeout_ms);
    return true;
}

static bool sink_schema(void *self, const struct line_schema *schema, struct err *e)
{
    struct log_sink *s = self;
    (void)e;
    buf_printf(&s->log, "%.*s: ", SPAN_ARG(schema->topic));
    return true;
}

static enum sink_commit sink_commit(void *self, struct span token, struct err *e)
{
    struct log_sink *s = self;
    (void)e;
    if (s->refusals != 0) {
        s->refusals--;
        buf_lit(&s->log, "again ");
        return SINK_COMMIT_AGAIN;
    }
    buf_printf(&s->log, "[%.*s] ", SPAN_ARG(token));
    return SINK_COMMIT_DONE;
}

static void sink_close(void *self)
{
    (void)self;
}

static void note(const char *fmt, ...)
{
    (void)fmt;
}

static const struct sink_ops ops = {.open = sink_open,
                                    .identify = sink_identify,
                                    .schema = sink_schema,
                                    .submit = sink_submit,
                                    .wait = sink_wait,
                                    .commit = sink_commit,
                                    .close = sink_close};

static void feed(const char *lines)
{
    char path[] = "/tmp/cdc-unit.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && unlink(path) == 0);
    assert_int_equal(write(fd, lines, strlen(lines)), (ssize_t)strlen(lines));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(dup2(fd, 0), 0);
    close(fd);
}

static void assert_refused_run(int refusals, const char *lines, const char *want)
{
    struct loop_options o = {.ack_fd = LOOP_NO_ACK,
                             .max_line_bytes = 1 << 20,
                             .drain_timeout_ms = 1000,
                             .commit_interval_ms = 60000,
                             .warn = note};
    struct log_sink s = {.refusals = refusals};
    struct err e;
    int status;
    buf_init(&s.log, 1 << 20);
    feed(lines);
    if (!loop_run(&o, &ops, &s, &status, &e))
        fail_msg("%s", e.text);
    assert_string_equal(buf_cstr(&s.log), want);
    buf_release(&s.log);
}

static void assert_run(const char *lines, const char *want)
{
    assert_refused_run(0, lines, want);
}

#define START "{\"cdc\":{\"control\":\"start\",\"pos\":\"pg/1/l/1/0/0\",\"source\":\"s\"}}\n"
#define PROGRESS(pos) "{\"cdc\":{\"control\":\"progress\",\"pos\":\"" pos "\"}}\n"
#define CHANGE(pos, key) "{\"cdc\":{\"pos\":\"" pos "\",\"topic\":\"t\",\"key\":" key "},\"op\":\"c\"}\n"
#define SCHEMA(pos, topic)                                                                                   \
    "{\"cdc\":{\"control\":\"schema\",\"pos\":\"" pos "\",\"topic\":\"" topic                                \
    "\",\"key\":null,\"value\":{}}}\n"
#define END "{\"cdc\":{\"control\":\"end\",\"status\":0}}\n"

static void the_sources_progress_completes(void **state)
{
    (void)state;
    assert_run(START CHANGE("pg/1/l/9/2/1", "1") PROGRESS("pg/1/l/10/0/0") END, "1 [pg/1/l/10/0/0] ");
}

static void the_newest_event_stays_out(void **state)
{
    (void)state;
    assert_run(START CHANGE("pg/1/l/9/2/1", "1") CHANGE("pg/1/l/9/2/2", "2") END, "1 [pg/1/l/9/2/1] ");
}

// A filter dropped the first of two lines with one token and told it; the second came later.
static void a_stages_progress_completes_only_what_is_before(void **state)
{
    (void)state;
    assert_run(START CHANGE("pg/1/l/9/2/1", "1") PROGRESS("pg/1/l/9/2/2") END, "1 [pg/1/l/9/2/1] ");
    assert_run(START PROGRESS("pg/1/l/9/2/2") CHANGE("pg/1/l/9/2/2", "2") END, "");
    assert_run(START PROGRESS("pg/1/l/9/2/2") CHANGE("pg/1/l/9/2/2", "2") CHANGE("pg/1/l/9/2/3", "3") END,
               "2 [pg/1/l/9/2/2] ");
    assert_run(START CHANGE("pg/1/l/9/2/2", "2") PROGRESS("pg/1/l/9/2/2") CHANGE("pg/1/l/9/2/2", "2") END,
               "");
    assert_run(START PROGRESS("pg/1/l/9/2/2") PROGRESS("pg/1/l/9/2/3") END, "[pg/1/l/9/2/2] ");
}

// A schema completes nothing, and comes again with the records.
static void schemas_keep_their_places(void **state)
{
    (void)state;
    const char *lines =
        START SCHEMA("pg/1/l/9/2/1", "a") CHANGE("pg/1/l/9/2/1", "1") SCHEMA("pg/1/l/9/2/2", "b")
            CHANGE("pg/1/l/9/2/2", "2") SCHEMA("pg/1/l/9/2/3", "a") CHANGE("pg/1/l/9/2/3", "3") END;
    assert_run(lines, "a: 1 b: 2 a: [pg/1/l/9/2/2] ");
    assert_refused_run(1, lines, "a: 1 b: 2 a: again a: 1 b: 2 a: [pg/1/l/9/2/2] ");
    assert_run(START SCHEMA("pg/1/l/9/2/1", "a") PROGRESS("pg/1/l/10/0/0") CHANGE("pg/1/l/11/10/1", "1")
                   PROGRESS("pg/1/l/12/0/0") END,
               "a: 1 [pg/1/l/12/0/0] ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sources_progress_completes),
        cmocka_unit_test(the_newest_event_stays_out),
        cmocka_unit_test(a_stages_progress_completes_only_what_is_before),
        cmocka_unit_test(schemas_keep_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
