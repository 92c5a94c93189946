// cdc-enrich: lines with the row of a dimension that they name.

#include "base/cmd.h"
#include "base/log.h"
#include "base/url.h"
#include "mysql/dimension.h"
#include "postgres/dimension.h"
#include "stage/dimension_file.h"
#include "stage/enrich.h"

#include <stdlib.h>
#include <string.h>

static const char *from, *bigint_unsigned;
static bool quiet;
static uint64_t jobs = 2;

static struct shape_options shape = SHAPE_OPTIONS_DEFAULT;
static struct enrich_options x = {
    .lookup = {
        .dimension = {.adjust_years = true}, .cache_size = 100000, .cache_ttl_ms = 600000, .note = log_note}};
static struct stage_options o = {STAGE_DEFAULTS, .linger_ms = 5, .warn = log_warn};

static const struct opt options[] = {
    {OPT_HEADING, .help = "What to add"},
    {OPT_STRING, "from", NULL, 'f', &from, "URL",
     "postgres://…, mysql://…, mariadb://…, csv:FILE or ndjson:FILE"},
    {OPT_LIST, "lookup", NULL, 'l', &x.lookups, "TABLE:PATH=COLUMN",
     "the row whose COLUMN is the line's PATH; further pairs behind commas"},
    {OPT_LIST, "as", NULL, 'a', &x.as, "NAME", "the member that the row becomes; one for each --lookup"},
    {OPT_LIST, "select", NULL, 's', &x.select, "COLUMN,…", "these columns; default all, as is '*'"},
    {OPT_STRING, "into", NULL, 0, &x.into, "after", "inside after, not beside it"},
    {OPT_BOOL, "required", NULL, 0, &x.required, NULL, "a key without a row is bad data"},
    {OPT_HEADING, .help = "Values of a database, as cdc-tail has them"},
    {OPT_STRING, "preset", NULL, 0, &shape.preset, "NAME", "plain: decimals and times as people write them"},
    {OPT_STRING, "decimal-handling-mode", NULL, 0, &shape.decimal, "MODE",
     "precise (default), string, double"},
    {OPT_STRING, "time-precision-mode", NULL, 0, &shape.time, "MODE",
     "adaptive (MySQL: adaptive_time_microseconds; default), connect, isostring, …"},
    {OPT_STRING, "binary-handling-mode", NULL, 0, &shape.binary, "MODE",
     "bytes (default), base64, base64-url-safe, hex"},
    SHAPE_OPTIONS_POSTGRES(shape),
    {OPT_STRING, "bigint-unsigned-handling-mode", NULL, 0, &bigint_unsigned, "MODE",
     "long (default), precise"},
    {OPT_BOOL, "enable-time-adjuster", NULL, 0, &x.lookup.dimension.adjust_years, NULL,
     "years of two digits are 1970 to 2069; default true"},
    {OPT_HEADING, .help = "MySQL, MariaDB"},
    {OPT_STRING, "password-file", NULL, 0, &x.lookup.dimension.password_file, "FILE",
     "its first line is the password"},
    {OPT_STRING, "defaults-file", NULL, 0, &x.lookup.dimension.defaults_file, "FILE",
     "instead of the option files; groups client and cdc"},
    {OPT_HEADING, .help = "Looking up"},
    {OPT_COUNT, "batch", NULL, 0, &o.batch_lines, "N", "lines that are looked up at once; default 1024"},
    {OPT_DURATION, "linger", NULL, 0, &o.linger_ms, "TIME",
     "how long a line may wait for others; default 5ms"},
    {OPT_COUNT, "jobs", NULL, 'j', &jobs, "N", "connections; default 2"},
    {OPT_COUNT, "cache-size", NULL, 0, &x.lookup.cache_size, "N", "keys that are remembered; default 100000"},
    {OPT_DURATION, "cache-ttl", NULL, 0, &x.lookup.cache_ttl_ms, "TIME", "for how long; default 10m"},
    {OPT_STRING, "dimension-topic", NULL, 0, &x.dimension_topic, "REGEX",
     "changes of the dimension itself, which are forgotten at once"},
    STAGE_OPTIONS(o),
    {OPT_BOOL, "quiet", NULL, 'q', &quiet, NULL, "say only what somebody should act on"},
    {.type = OPT_END},
};

static const struct cmd command = {
    .name = "cdc-enrich",
    .usage = "cdc-enrich --from URL --lookup TABLE:PATH=COLUMN --as NAME [OPTION]...",
    .about = "Adds to each line the row of a table or file that the line's key names.",
    .options = options,
};

static const struct dimension_ops *const dimensions[] = {&pg_dimension_ops, &my_dimension_ops,
                                                         &file_dimension_ops};

static bool find_dimension(const char *url, struct err *e)
{
    for (size_t i = 0; i < sizeof dimensions / sizeof dimensions[0]; i++)
        for (const char *const *scheme = dimensions[i]->schemes; *scheme != NULL; scheme++)
            if (strncmp(url, *scheme, strlen(*scheme)) == 0) {
                x.lookup.ops = dimensions[i];
                return true;
            }
    err_set(e, STATUS_USAGE, "--from is no URL of a dimension");
    return err_hint(e, "--from postgres://…, mysql://…, mariadb://…, csv:FILE or ndjson:FILE");
}

static bool take_options(struct err *e)
{
    if (from == NULL) {
        err_set(e, STATUS_USAGE, "no --from says where the rows are");
        return err_hint(e, "usage: %s", command.usage);
    }
    if (o.batch_lines == 0 || o.batch_lines > 1000000 || jobs == 0 || jobs > 64)
        return err_set(e, STATUS_USAGE, "--batch is 1 to 1000000, --jobs 1 to 64");
    static const char *const modes[] = {"long", "precise"};
    int mode = 0;
    if (bigint_unsigned != NULL &&
        !opt_choice("bigint-unsigned-handling-mode", bigint_unsigned, modes, 2, &mode, e))
        return false;
    x.lookup.dimension.precise_unsigned = mode == 1;
    if (!find_dimension(from, e) || !shape_compile(&x.lookup.dimension.shape, &shape, x.lookup.ops->time, e))
        return false;
    // A file's rows are in memory.
    x.lookup.dimension.workers = x.lookup.ops == &file_dimension_ops ? 1 : jobs;
    x.lookup.dimension.warn = log_warn;
    x.lookup.drain_timeout_ms = o.drain_timeout_ms;
    return true;
}

static bool run(int operands, char **operand, int *status, struct err *e)
{
    (void)operands, (void)operand;
    struct enrich enrich;
    char *url;
    log_quiet(quiet);
    if (!take_options(e) || !url_take((char *)from, &url, e))
        return false;
    x.lookup.dimension.url = url;
    bool ok = enrich_init(&enrich, &x, e) && stage_run(&o, enrich_decide, &enrich, status, e);
    enrich_release(&enrich);
    free(url);
    return ok;
}

int main(int argc, char **argv)
{
    return cmd_main(&command, argc, argv, run);
}
