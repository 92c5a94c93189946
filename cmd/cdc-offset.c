// The offset folder's own command. The commands but `commit` are a line or two around lib/state.
#include "base/clock.h"
#include "base/cmd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/stop.h"
#include "state/ackline.h"
#include "state/folder.h"
#include "state/position.h"
#include "state/report.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    const char *sink, *sinks;
    int64_t interval_ms, drain_timeout_ms;
    bool force, json;
} o = {.sink = SINK_DEFAULT, .sinks = SINK_DEFAULT, .interval_ms = 1000, .drain_timeout_ms = 30000};

static const struct opt options[] = {
    {OPT_HEADING, .help = "commit, set"},
    {OPT_STRING, "sink", .to = &o.sink, .value = "NAME", .help = "the sink whose position it is [default]"},
    {OPT_HEADING, .help = "commit"},
    {OPT_DURATION, "interval", .to = &o.interval_ms, .value = "TIME",
     .help = "store at most this often [1s]"},
    {OPT_DURATION, "drain-timeout", .to = &o.drain_timeout_ms, .value = "TIME",
     .help = "after a stop signal, wait so long for the end of the input [30s]"},
    {OPT_HEADING, .help = "init"},
    {OPT_STRING, "sinks", .to = &o.sinks, .value = "NAMES", .help = "the sinks to declare [default]"},
    {OPT_HEADING, .help = "set"},
    {OPT_BOOL, "force", .to = &o.force, .help = "move a position back"},
    {OPT_HEADING, .help = "show, lag"},
    {OPT_BOOL, "json", .to = &o.json, .help = "print JSON"},
    {.type = OPT_END},
};

static const struct cmd command = {
    .name = "cdc-offset",
    .usage = "cdc-offset commit DIR [--sink NAME] [--interval 1s] [--drain-timeout 30s]\n"
             "       cdc-offset init DIR [--sinks A,B]\n"
             "       cdc-offset show DIR [--json]\n"
             "       cdc-offset set DIR POSITION [--sink NAME] [--force]\n"
             "       cdc-offset forget DIR NAME\n"
             "       cdc-offset lag DIR [URL] [--json]",
    .about = "Keeps what sinks acknowledge in an offset folder, and shows it.",
    .options = options,
    .min_operands = 2,
    .max_operands = 3,
};

// ---- commit

struct commit {
    const char *dir;
    struct acklines acks;
    struct buf stored;  // the newest token that was stored, or found to be a replay
    int64_t next_ms;    // not to store before
    int64_t give_up_ms; // the drain's deadline; -1 before a stop signal
    bool replay_told;
};

static bool is_dirty(const struct commit *c)
{
    return !span_eq(buf_view(&c->acks.newest), buf_view(&c->stored));
}

// The one place that stores a position: what reaches it was reported durable by the sink (ackline.h), whole.
static bool store(struct commit *c, struct err *e)
{
    bool behind;
    if (!is_dirty(c))
        return true;
    if (!position_advance(c->dir, span_of(o.sink), buf_view(&c->acks.newest), &behind, e))
        return false;
    if (behind && !c->replay_told) {
        log_note("sink %s acknowledges what it had already; its position stays until that is passed", o.sink);
        c->replay_told = true;
    }
    buf_reset(&c->stored);
    buf_span(&c->stored, buf_view(&c->acks.newest));
    c->next_ms = clock_mono_ms() + o.interval_ms;
    return true;
}

static int wait_ms(const struct commit *c)
{
    int64_t now = clock_mono_ms(), until = INT64_MAX;
    if (is_dirty(c))
        until = c->next_ms;
    if (c->give_up_ms >= 0 && c->give_up_ms < until)
        until = c->give_up_ms;
    if (until == INT64_MAX)
        return -1;
    return until <= now ? 0 : until - now > 3600000 ? 3600000 : (int)(until - now);
}

// *end: there is no more input.
static bool take_input(struct commit *c, bool *end, struct err *e)
{
    char bytes[65536];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0)
        return err_errno(e, STATUS_IO, "cannot read standard input");
    *end = n == 0;
    return acklines_take(&c->acks, (struct span){bytes, (size_t)n}, e);
}

static bool follow(struct commit *c, struct err *e)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = stop_fd(), .events = POLLIN}};
    for (bool end = false; !end;) {
        int ready = poll(fds, 2, wait_ms(c));
        if (ready < 0 && errno != EINTR)
            return err_errno(e, STATUS_IO, "cannot wait for standard input");
        if (stop_count() > 0 && c->give_up_ms < 0) {
            fds[1].fd = -1;
            c->give_up_ms = clock_mono_ms() + o.drain_timeout_ms;
        }
        if (ready > 0 && fds[0].revents != 0 && !take_input(c, &end, e))
            return false;
        if (clock_mono_ms() >= c->next_ms && !store(c, e))
            return false;
        if (c->give_up_ms >= 0 && clock_mono_ms() >= c->give_up_ms && !end)
            return err_set(e, STATUS_PEER,
                           "standard input did not end within --drain-timeout of the stop signal");
    }
    return true;
}

static bool finish(const struct commit *c, int *status, struct err *e)
{
    if (!c->acks.ended) {
        err_set(e, STATUS_PEER, "standard input ended without the source's exit status");
        return err_hint(
            e, "a stage before this one died; what was acknowledged is stored, start the pipeline again");
    }
    if (c->acks.status != STATUS_DONE)
        log_note("the source ended with status %d", c->acks.status);
    *status = c->acks.status;
    return true;
}

// Whatever went wrong, what was acknowledged before is stored.
static bool run_commit(struct commit *c, int *status, struct err *e)
{
    struct err other;
    bool ok = follow(c, e);
    if (!store(c, &other)) {
        if (ok)
            *e = other;
        ok = false;
    }
    ok = ok && finish(c, status, e);
    if (!ok)
        e->status = (enum status)status_worst((int)e->status, c->acks.status);
    return ok;
}

static bool commit(char **operand, int *status, struct err *e)
{
    struct folder_lock hold;
    struct commit c = {.dir = operand[0], .give_up_ms = -1};
    if (!folder_create(c.dir, e) || !position_require(c.dir, span_of(o.sink), e) ||
        !position_hold(c.dir, span_of(o.sink), &hold, e))
        return false;
    acklines_init(&c.acks);
    buf_init(&c.stored, POS_MAX_BYTES);
    bool ok = run_commit(&c, status, e);
    acklines_release(&c.acks);
    buf_release(&c.stored);
    folder_unlock(&hold);
    return ok;
}

// ---- the others

static bool must_exist(const char *dir, struct err *e)
{
    struct stat st;
    if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    return err_set(e, STATUS_USAGE, "%s is not an offset folder", dir);
}

static bool print_show(const char *dir, const struct position *p, struct buf *source, struct buf *out,
                       struct err *e)
{
    bool found;
    int64_t now_ms = clock_wall_ns() / 1000000;
    if (!folder_read(dir, "source", source, &found, e))
        return false;
    (o.json ? report_json : report_text)(p, buf_view(source), now_ms, out);
    if (!buf_ok(out, "the report", e))
        return false;
    fwrite(out->p, 1, out->n, stdout);
    return true;
}

static bool show(char **operand, int *status, struct err *e)
{
    struct position p;
    struct buf source, out;
    (void)status;
    position_init(&p);
    buf_init(&source, FOLDER_FILE_MAX_BYTES);
    buf_init(&out, FOLDER_FILE_MAX_BYTES);
    bool ok = must_exist(operand[0], e) && position_load(&p, operand[0], e) &&
              print_show(operand[0], &p, &source, &out, e);
    position_release(&p);
    buf_release(&source);
    buf_release(&out);
    return ok;
}

static bool init(char **operand, int *status, struct err *e)
{
    (void)status;
    if (!folder_create(operand[0], e))
        return false;
    for (const char *name = o.sinks;; name++) {
        size_t n = strcspn(name, ",");
        if (!position_declare(operand[0], (struct span){name, n}, e))
            return false;
        name += n;
        if (*name == '\0')
            return true;
    }
}

// By hand a position is changed only while nobody works with it: the source would tell the server to drop the
// log below a position that no sink has acknowledged.
static bool set(char **operand, int *status, struct err *e)
{
    struct folder_lock source = {-1}, sink = {-1};
    const char *dir = operand[0];
    struct span name = span_of(o.sink);
    (void)status;
    bool ok = folder_create(dir, e) && position_require(dir, name, e) &&
              folder_hold(dir, "source", &source, e) && position_hold(dir, name, &sink, e) &&
              position_set(dir, name, span_of(operand[1]), o.force, e);
    folder_unlock(&sink);
    folder_unlock(&source);
    return ok;
}

static bool forget(char **operand, int *status, struct err *e)
{
    struct folder_lock sink = {-1};
    struct span name = span_of(operand[1]);
    (void)status;
    bool ok = must_exist(operand[0], e) && position_require(operand[0], name, e) &&
              position_hold(operand[0], name, &sink, e) && position_forget(operand[0], name, e);
    folder_unlock(&sink);
    return ok;
}

static const struct {
    const char *name;
    int min_operands, max_operands; // behind the name
    bool (*run)(char **operand, int *status, struct err *e);
} commands[] = {
    {"commit", 1, 1, commit}, {"init", 1, 1, init},     {"show", 1, 1, show},
    {"set", 2, 2, set},       {"forget", 2, 2, forget},
};

static bool run(int operands, char **operand, int *status, struct err *e)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(operand[0], commands[i].name) != 0)
            continue;
        if (operands - 1 >= commands[i].min_operands && operands - 1 <= commands[i].max_operands)
            return commands[i].run(operand + 1, status, e);
        err_set(e, STATUS_USAGE, "%s: %s", operand[0],
                operands < 3 ? "an operand is missing" : "too many operands");
        return err_hint(e, "--help shows each command's operands");
    }
    err_set(e, STATUS_USAGE, "there is no command \"%s\"", operand[0]);
    return err_hint(e, "--help lists the commands");
}

int main(int argc, char **argv)
{
    return cmd_main(&command, argc, argv, run);
}
