// The offset folder's own command. The commands but `commit` are a line or two around lib/state.
#include "base/clock.h"
#include "base/cmd.h"
#include "base/log.h"
#include "base/url.h"
#include "event/line.h"
#include "mysql/lag.h"
#include "postgres/lag.h"
#include "postgres/state.h"
#include "sink/kafka_pull.h"
#include "state/commit.h"
#include "state/folder.h"
#include "state/position.h"
#include "state/pull.h"
#include "state/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    const char *sink, *sinks;
    int64_t interval_ms, drain_timeout_ms;
    bool force, json;
} o = {.sink = SINK_DEFAULT, .sinks = SINK_DEFAULT, .interval_ms = 1000, .drain_timeout_ms = 30000};

static struct kafka_config kafka = {.offsets_topic = "cdc-offsets"};

static const struct opt options[] = {
    {OPT_HEADING, .help = "commit, set, pull"},
    {OPT_STRING, "sink", .to = &o.sink, .value = "NAME", .help = "the sink whose position it is [default]"},
    {OPT_HEADING, .help = "commit"},
    {OPT_DURATION, "interval", .to = &o.interval_ms, .value = "TIME",
     .help = "store at most this often [1s]"},
    {OPT_DURATION, "drain-timeout", .to = &o.drain_timeout_ms, .value = "TIME",
     .help = "after a stop signal, wait so long for the end of the input [30s]"},
    {OPT_HEADING, .help = "init"},
    {OPT_STRING, "sinks", .to = &o.sinks, .value = "NAMES", .help = "the sinks to declare [default]"},
    {OPT_HEADING, .help = "set, pull"},
    {OPT_BOOL, "force", .to = &o.force, .help = "move a position back"},
    {OPT_HEADING, .help = "pull (as cdc-sink-kafka)"},
    {OPT_STRING, "brokers", .letter = 'b', .to = &kafka.brokers, .value = "HOST:PORT,…",
     .help = "the brokers"},
    {OPT_LIST, "property", .letter = 'X', .to = &kafka.properties, .value = "NAME=VALUE",
     .help = "a property of librdkafka"},
    {OPT_STRING, "properties", .letter = 'F', .to = &kafka.file, .value = "FILE",
     .help = "a file of such lines; the place for passwords"},
    {OPT_STRING, "offsets-topic", .to = &kafka.offsets_topic, .value = "TOPIC",
     .help = "where the positions are [cdc-offsets]"},
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
             "       cdc-offset pull -b BROKERS ID DIR [--sink NAME] [--force]\n"
             "       cdc-offset lag DIR [URL] [--json]",
    .about = "Keeps what sinks acknowledge in an offset folder, and shows it.",
    .options = options,
    .min_operands = 2,
    .max_operands = 3,
};

static bool commit(char **operand, int *status, struct err *e)
{
    const struct commit_options options_of = {operand[0], o.sink, o.interval_ms, o.drain_timeout_ms,
                                              log_note};
    return commit_run(&options_of, STDIN_FILENO, status, e);
}

static bool must_exist(const char *dir, struct err *e)
{
    struct stat st;
    if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    return err_set(e, STATUS_USAGE, "%s is not an offset folder", dir);
}

// Prints what `report` appends to out, of the folder operand[0] and its positions.
static bool print_report(char **operand, int *status, struct err *e,
                         bool (*report)(char **, const struct position *, struct buf *out, int *,
                                        struct err *))
{
    struct position p;
    struct buf out;
    position_init(&p);
    buf_init(&out, FOLDER_FILE_MAX_BYTES);
    bool ok = must_exist(operand[0], e) && position_load(&p, operand[0], e) &&
              report(operand, &p, &out, status, e) && buf_ok(&out, "the report", e);
    if (ok)
        fwrite(out.p, 1, out.n, stdout);
    position_release(&p);
    buf_release(&out);
    return ok;
}

static bool report_show(char **operand, const struct position *p, struct buf *out, int *status, struct err *e)
{
    struct buf source;
    bool found;
    (void)status;
    buf_init(&source, FOLDER_FILE_MAX_BYTES);
    bool ok = folder_read(operand[0], "source", &source, &found, e);
    if (ok)
        (o.json ? report_json : report_text)(p, buf_view(&source), clock_wall_ns() / 1000000, out);
    buf_release(&source);
    return ok;
}

static bool show(char **operand, int *status, struct err *e)
{
    return print_report(operand, status, e, report_show);
}

// Asks the server at operand[1]; it must be the folder's source.
static bool read_lag(char **operand, struct pg_lag *l, struct pg_state *source, struct err *e)
{
    char *url;
    if (strncmp(operand[1], "postgres://", 11) != 0 && strncmp(operand[1], "postgresql://", 13) != 0) {
        err_set(e, STATUS_USAGE, "the second operand is no URL of a source");
        return err_hint(e, "postgres://…, mysql://… or mariadb://…");
    }
    if (!pg_state_load(source, operand[0], e) || !url_take(operand[1], &url, e))
        return false;
    bool ok = pg_lag_read(l, url, source->slot, e);
    free(url);
    const struct pg_epoch *newest = pg_state_newest(source);
    if (ok && newest != NULL && strcmp(newest->system, l->system) != 0)
        return err_set(e, STATUS_USAGE, "%s belongs to another server: system identifier %s, not %s",
                       operand[0], newest->system, l->system);
    return ok;
}

static bool report_my_lag(char **operand, const struct position *p, struct buf *out, int *status,
                          struct err *e)
{
    struct my_lag l = {0};
    struct my_state source;
    char *url;
    my_state_init(&source);
    bool ok = my_state_load(&source, operand[0], e) && url_take(operand[1], &url, e);
    if (ok) {
        ok = my_lag_read(&l, url, &source, operand[0], e);
        free(url);
    }
    if (ok)
        (o.json ? my_lag_json : my_lag_text)(&l, p, clock_wall_ns() / 1000000, out);
    if (ok && my_lag_is_lost(&l, p))
        *status = STATUS_LOST;
    my_lag_release(&l);
    my_state_release(&source);
    return ok;
}

static bool is_my(const char *url)
{
    return url != NULL && (strncmp(url, "mysql://", 8) == 0 || strncmp(url, "mariadb://", 10) == 0);
}

static bool report_lag(char **operand, const struct position *p, struct buf *out, int *status, struct err *e)
{
    struct pg_lag l;
    struct pg_state source = {0};
    if (is_my(operand[1]))
        return report_my_lag(operand, p, out, status, e);
    bool asked = operand[1] != NULL;
    if (asked && !read_lag(operand, &l, &source, e)) {
        pg_state_release(&source);
        return false;
    }
    (o.json ? pg_lag_json : pg_lag_text)(asked ? &l : NULL, source.slot, p, clock_wall_ns() / 1000000, out);
    if (asked && source.slot[0] != '\0' && pg_lag_is_lost(&l))
        *status = STATUS_LOST;
    pg_state_release(&source);
    return true;
}

static bool lag(char **operand, int *status, struct err *e)
{
    return print_report(operand, status, e, report_lag);
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

static bool pull_from(const char *id, const char *dir, struct err *e)
{
    struct sink_own own;
    struct buf state;
    buf_init(&own.token, POS_MAX_BYTES);
    buf_init(&own.identity, LINE_IDENTITY_MAX);
    buf_init(&state, FOLDER_FILE_MAX_BYTES);
    bool ok = kafka_pull(&kafka, id, log_warn, &own, &state, e);
    if (ok && own.token.n == 0)
        ok = err_set(e, STATUS_USAGE, "topic \"%s\" has no position of transactional.id \"%s\"",
                     kafka.offsets_topic, id);
    struct pulled pulled = {buf_view(&own.token), buf_view(&own.identity), buf_view(&state)};
    ok = ok && pull_store(dir, o.sink, &pulled, o.force, e);
    buf_release(&own.token);
    buf_release(&own.identity);
    buf_release(&state);
    return ok;
}

static bool pull(char **operand, int *status, struct err *e)
{
    struct buf secrets;
    (void)status;
    if (kafka.brokers == NULL && kafka.file == NULL && kafka.properties.n == 0)
        return err_set(e, STATUS_USAGE, "no brokers are given");
    buf_init(&secrets, 1u << 20);
    bool ok = kafka_conf_hide(&kafka.properties, &secrets, e) && pull_from(operand[0], operand[1], e);
    buf_release(&secrets);
    return ok;
}

static const struct {
    const char *name;
    int min_operands, max_operands; // behind the name
    bool (*run)(char **operand, int *status, struct err *e);
} commands[] = {
    {"commit", 1, 1, commit}, {"init", 1, 1, init}, {"show", 1, 1, show}, {"set", 2, 2, set},
    {"forget", 2, 2, forget}, {"lag", 1, 2, lag},   {"pull", 2, 2, pull},
};

static bool run(int operands, char **operand, int *status, struct err *e)
{
    operand[operands] = NULL; // there may stand an option
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
