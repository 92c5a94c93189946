// cdc-sink-iceberg: lines to Apache Iceberg tables, each kept equal to its source's.

#include "base/clock.h"
#include "base/cmd.h"
#include "base/log.h"
#include "iceberg/orphans.h"
#include "iceberg/sink.h"
#include "sink/loop.h"

#include <stdio.h>

static const char *times = "time";
static bool quiet, lists_orphans;
static int64_t orphan_age_ms = 86400000;

static struct iceberg_config config = {
    .space = "default",
    .name = "cdc",
    .placeholder = "__debezium_unavailable_value",
    .commit_rows = 1000000,
    .rest.timeout_ms = 60000,
};

static struct loop_options o = {
    .ack_fd = LOOP_NO_ACK,
    .max_line_bytes = LINE_MAX_BYTES,
    .commit_interval_ms = 60000,
    .drain_timeout_ms = 30000,
    .max_rejects = UINT64_MAX,
    .warn = log_warn,
};

static const struct opt options[] = {
    {OPT_HEADING, .help = "Tables"},
    {OPT_STRING, "catalog", NULL, 'c', &config.catalog, "CATALOG",
     "where the tables are: file:DIR or rest:URL"},
    {OPT_STRING, "namespace", NULL, 'n', &config.space, "NAME",
     "the tables' namespace, levels joined by dots; default default"},
    {OPT_STRING, "table", NULL, 'T', &config.table, "TEMPLATE",
     "the table, as ${table}; default the topic, _ for its dots"},
    {OPT_BOOL, "append", NULL, 0, &config.append, NULL,
     "write each change as a row, with its op, position and time"},
    {OPT_STRING, "time-type", NULL, 0, &times, "TYPE",
     "of times of day in new tables: time (default) or long, of microseconds"},
    {OPT_STRING, "unavailable-value-placeholder", NULL, 0, &config.placeholder, "TEXT",
     "what stands for a value that the log does not have"},
    {OPT_STRING, "topic", NULL, 't', &o.topic, "TOPIC", "the topic, in place of each line's own"},
    {OPT_STRING, "reject", NULL, 0, &o.reject, "FILE", "refused lines go there, and the sink goes on"},
    {OPT_COUNT, "max-rejects", NULL, 0, &o.max_rejects, "N", "but not on after so many"},
    {OPT_SIZE, "max-line", NULL, 0, &o.max_line_bytes, "SIZE", "what one line may take; default 64MiB"},
    {OPT_HEADING, .help = "REST catalog"},
    {OPT_STRING, "warehouse", NULL, 0, &config.rest.warehouse, "NAME",
     "which of the server's; default its own"},
    {OPT_STRING, "token-file", NULL, 0, &config.rest.login.token_file, "FILE",
     "log in by a token; or ICEBERG_TOKEN"},
    {OPT_STRING, "credential-file", NULL, 0, &config.rest.login.credential_file, "FILE",
     "log in by OAuth2, with ID:SECRET; or ICEBERG_CREDENTIAL"},
    {OPT_STRING, "oauth2-server-uri", NULL, 0, &config.rest.login.url, "URL",
     "where OAuth2's tokens come from; default the catalog"},
    {OPT_STRING, "scope", NULL, 0, &config.rest.login.scope, "SCOPE", "of these tokens; default catalog"},
    {OPT_STRING, "cacert", NULL, 0, &config.rest.tls.ca_file, "FILE",
     "the authorities that sign the server's certificate"},
    {OPT_STRING, "cert", NULL, 0, &config.rest.tls.certificate, "FILE", "this client's certificate"},
    {OPT_STRING, "cert-key", NULL, 0, &config.rest.tls.key, "FILE", "and its key"},
    {OPT_BOOL, "insecure", NULL, 0, &config.rest.tls.insecure, NULL, "do not check the server's certificate"},
    {OPT_DURATION, "timeout", NULL, 0, &config.rest.timeout_ms, "TIME",
     "how long an answer may take; default 60s"},
    {OPT_HEADING, .help = "Commits"},
    {OPT_STRING, "name", NULL, 0, &config.name, "NAME",
     "the pipeline's, for the property cdc.position.NAME; default cdc"},
    {OPT_DURATION, "commit-interval", NULL, 0, &o.commit_interval_ms, "TIME",
     "how long a change waits for its commit; default 60s"},
    {OPT_COUNT, "commit-rows", NULL, 0, &config.commit_rows, "N",
     "but not longer than for so many; default 1000000"},
    {OPT_HEADING, .help = "Files that no table needs"},
    {OPT_BOOL, "list-orphans", NULL, 0, &lists_orphans, NULL,
     "print them, for all tables of the namespace; nothing is read"},
    {OPT_DURATION, "older-than", NULL, 0, &orphan_age_ms, "TIME",
     "those that have not changed for so long; default 24h"},
    {OPT_HEADING, .help = "Positions"},
    {OPT_COUNT, "ack-fd", NULL, 0, &o.ack_fd, "N",
     "write what is durable to this descriptor, for cdc-offset"},
    {OPT_DURATION, "drain-timeout", NULL, 0, &o.drain_timeout_ms, "TIME",
     "after a stop signal, how long for the rest; default 30s"},
    {OPT_STRING, "stats", NULL, 0, &o.stats, "FILE",
     "keep figures there as Prometheus text; SIGUSR1 prints them"},
    {OPT_BOOL, "quiet", NULL, 'q', &quiet, NULL, "say only what somebody should act on"},
    {.type = OPT_END},
};

static const struct cmd command = {
    .name = "cdc-sink-iceberg",
    .usage = "cdc-sink-iceberg --catalog CATALOG [OPTION]...",
    .about = "Keeps Apache Iceberg tables equal to their sources, by the lines on standard input.",
    .options = options,
};

static bool check_options(struct err *e)
{
    static const char *const types[] = {"time", "long"};
    int type;
    if (config.catalog == NULL)
        return err_set(e, STATUS_USAGE, "--catalog says where the tables are: file:DIR or rest:URL");
    if (!loop_check(&o, e))
        return false;
    if (config.rest.tls.key != NULL && config.rest.tls.certificate == NULL)
        return err_set(e, STATUS_USAGE, "--cert-key needs --cert FILE");
    if (config.commit_rows == 0)
        return err_set(e, STATUS_USAGE, "--commit-rows takes 1 and more");
    if (!opt_choice("time-type", times, types, 2, &type, e))
        return false;
    config.times = type == 1 ? ICE_TIME_AS_LONG : ICE_TIME_AS_TIME;
    config.checks = o.reject != NULL;
    return true;
}

static bool print_orphan(struct span path, struct err *e)
{
    // Lost output shows when it is flushed.
    printf("%.*s\n", SPAN_ARG(path));
    (void)e;
    return true;
}

static bool list_orphans(struct iceberg *sink, int *status, struct err *e)
{
    int64_t before_ms = clock_wall_ns() / 1000000 - orphan_age_ms;
    bool ok = iceberg_open_catalog(sink, e) &&
              ice_orphans_list(sink->writer.catalog, span_of(config.space), before_ms, print_orphan, e);
    iceberg_ops.close(sink);
    *status = STATUS_DONE;
    return ok;
}

static bool run(int operands, char **operand, int *status, struct err *e)
{
    static struct iceberg sink; // it holds a template of some size
    (void)operands, (void)operand;
    log_quiet(quiet);
    if (!check_options(e))
        return false;
    iceberg_init(&sink, &config, log_warn);
    if (lists_orphans)
        return list_orphans(&sink, status, e);
    return loop_run(&o, &iceberg_ops, &sink, status, e);
}

int main(int argc, char **argv)
{
    return cmd_main(&command, argc, argv, run);
}
