// cdc-snapshot: a database's rows, as lines; with an offset folder, for cdc-tail to go on behind them.

#include "base/cmd.h"
#include "base/log.h"
#include "base/url.h"
#include "event/source_options.h"
#include "mysql/tail.h"
#include "postgres/tail.h"

#include <stdlib.h>

static bool control, quiet;

static struct tail_options o = {SOURCE_OPTIONS_DEFAULT};

static const struct opt options[] = {
    {OPT_HEADING, .help = "Where"},
    {OPT_STRING, "offset", NULL, 'o', &o.offset, "DIR",
     "the offset folder: go on where it was interrupted, and let cdc-tail follow"},
    SOURCE_OPTIONS_WHAT(o),
    SOURCE_OPTIONS_SNAPSHOT(o),
    SHAPE_OPTIONS(o.shape),
    SOURCE_OPTIONS_TOPIC(o),
    {OPT_BOOL, "control", NULL, 0, &control, NULL, "write control lines; --offset does too"},
    SOURCE_OPTIONS_POSTGRES(o),
    SOURCE_OPTIONS_MYSQL(o),
    {OPT_HEADING, .help = "Running"},
    {OPT_BOOL, "check", NULL, 0, &o.check, NULL,
     "check that the server is ready for a snapshot and cdc-tail behind it, and end"},
    {OPT_DURATION, "retry", NULL, 0, &o.retry_ms, "TIME",
     "how long a lost connection is tried again; default 30s"},
    {OPT_BOOL, "quiet", NULL, 'q', &quiet, NULL, "say only what somebody should act on"},
    {.type = OPT_END},
};

static const struct cmd command = {
    .name = "cdc-snapshot",
    .usage =
        "cdc-snapshot [OPTION]... postgres://[USER[:PASSWORD]@][HOST][:PORT]/DATABASE[?PARAMETER=VALUE]\n"
        "       cdc-snapshot [OPTION]... mysql://[USER[:PASSWORD]@][HOST][:PORT][?PARAMETER=VALUE]\n"
        "       cdc-snapshot [OPTION]... mariadb://[USER[:PASSWORD]@][HOST][:PORT][?PARAMETER=VALUE]",
    .about = "Writes the rows of a database's tables as lines of Debezium JSON.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
};

static const struct source_ops *const sources[] = {&pg_source_ops, &my_source_ops, NULL};

static bool run(int operands, char **operand, int *status, struct err *e)
{
    (void)operands, (void)status;
    const struct source_ops *source = sources_find(sources, operand[0]);
    if (source == NULL) {
        err_set(e, STATUS_USAGE, "the operand is no URL of a source");
        return err_hint(e, "usage: %s", command.usage);
    }
    char *url;
    if (!tail_options_check(&o, e) || !url_take(operand[0], &url, e))
        return false;
    log_quiet(quiet);
    o.progress_ms = log_is_terminal() ? 500 : 30000;
    o.control = control || o.offset != NULL;
    o.snapshot_only = true;
    o.start = "initial";
    o.url = url;
    // Without a folder nobody goes on behind it: no slot is needed.
    bool ok = o.offset == NULL && !o.check ? source->dump(&o, e) : source->tail(&o, e);
    free(url);
    return ok;
}

int main(int argc, char **argv)
{
    return cmd_main(&command, argc, argv, run);
}
