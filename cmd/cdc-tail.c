// cdc-tail: a database's changes, from its log, as lines.

#include "base/cmd.h"
#include "base/log.h"
#include "base/url.h"
#include "event/source_options.h"
#include "mysql/tail.h"
#include "postgres/tail.h"

#include <stdlib.h>
#include <string.h>

static bool control, quiet;

static struct tail_options o = {SOURCE_OPTIONS_DEFAULT};

static const struct opt options[] = {
    {OPT_HEADING, .help = "Where"},
    {OPT_STRING, "offset", NULL, 'o', &o.offset, "DIR",
     "the offset folder: where to go on, and what was acknowledged"},
    {OPT_STRING, "start", NULL, 's', &o.start, "PLACE",
     "latest, earliest, initial (a snapshot first), initial-only, a token, an LSN or a time; with a new "
     "folder"},
    {OPT_STRING, "until", NULL, 'u', &o.until, "PLACE", "end at now, a token, an LSN or a time"},
    {OPT_DURATION, "idle", NULL, 'i', &o.idle_ms, "TIME", "end after so long without an event"},
    {OPT_COUNT, "count", NULL, 'c', &o.count, "N", "end at the transaction's end after N events"},
    SOURCE_OPTIONS_WHAT(o),
    {OPT_STRING, "skipped-operations", NULL, 0, &o.skipped_operations, "LIST",
     "of c,u,d,t, or none; default t"},
    {OPT_BOOL, "skip-messages-without-change", NULL, 0, &o.skip_unchanged, NULL,
     "no update of which no captured column differs"},
    SHAPE_OPTIONS(o.shape),
    SOURCE_OPTIONS_TOPIC(o),
    {OPT_BOOL, "control", NULL, 0, &control, NULL, "write control lines; --offset does too"},
    {OPT_BOOL, "provide-transaction-metadata", NULL, 0, &o.transactions, NULL,
     "lines where transactions begin and end, and each event's place"},
    {OPT_STRING, "topic-transaction", NULL, 0, &o.topic_transaction, "NAME",
     "their topic, behind the prefix; default transaction"},
    {OPT_COUNT, "heartbeat-interval-ms", NULL, 0, &o.heartbeat_ms, "N", "a heartbeat every N milliseconds"},
    {OPT_STRING, "heartbeat-action-query", NULL, 0, &o.heartbeat_query, "SQL", "run this with each"},
    {OPT_STRING, "topic-heartbeat-prefix", NULL, 0, &o.heartbeat_prefix, "NAME",
     "their topic, in front of the prefix; default __debezium-heartbeat"},
    SOURCE_OPTIONS_SNAPSHOT(o),
    SOURCE_OPTIONS_POSTGRES(o),
    {OPT_LIST, "message-prefix-include-list", NULL, 0, &o.message_prefix, "REGEX",
     "logical messages of these prefixes"},
    {OPT_LIST, "message-prefix-exclude-list", NULL, 0, &o.exclude_message_prefix, "REGEX",
     "all logical messages but these"},
    {OPT_BOOL, "slot-drop-on-stop", NULL, 0, &o.slot_drop_on_stop, NULL,
     "drop slot and publication at the end"},
    SOURCE_OPTIONS_MYSQL(o),
    {OPT_COUNT, "server-id", "database-server-id", 0, &o.server_id, "N",
     "read the log as this server; default at random"},
    {OPT_BOOL, "include-query", NULL, 0, &o.include_query, NULL, "the statements that made the changes"},
    {OPT_LIST, "gtid-source-includes", NULL, 0, &o.gtid_source, "REGEX",
     "changes first committed there: UUIDs, or DOMAIN-SERVER"},
    {OPT_LIST, "gtid-source-excludes", NULL, 0, &o.exclude_gtid_source, "REGEX",
     "all changes but those first committed there"},
    {OPT_STRING, "metadata", NULL, 0, &o.metadata, "WHERE",
     "log (default) or catalog: where columns' names come from"},
    {OPT_STRING, "xa", NULL, 0, &o.xa, "WHEN", "at-prepare: take XA transactions as committed when prepared"},
    {OPT_HEADING, .help = "Running"},
    {OPT_BOOL, "check", NULL, 0, &o.check, NULL, "check that the server is ready, and end"},
    {OPT_DURATION, "retry", NULL, 0, &o.retry_ms, "TIME",
     "how long a lost connection is tried again; default 30s"},
    {OPT_DURATION, "stall-timeout", NULL, 0, &o.stall_ms, "TIME",
     "end if the server is silent for so long; default 60s"},
    {OPT_STRING, "stats", NULL, 0, &o.stats, "FILE", "keep figures there, as Prometheus text"},
    {OPT_BOOL, "quiet", NULL, 'q', &quiet, NULL, "say only what somebody should act on"},
    {.type = OPT_END},
};

static const struct cmd command = {
    .name = "cdc-tail",
    .usage = "cdc-tail [OPTION]... postgres://[USER[:PASSWORD]@][HOST][:PORT]/DATABASE[?PARAMETER=VALUE]\n"
             "       cdc-tail [OPTION]... mysql://[USER[:PASSWORD]@][HOST][:PORT][?PARAMETER=VALUE]\n"
             "       cdc-tail [OPTION]... mariadb://[USER[:PASSWORD]@][HOST][:PORT][?PARAMETER=VALUE]",
    .about = "Writes a database's changes, as they are committed, as lines of Debezium JSON.",
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
    o.url = url;
    bool only = strcmp(o.start, "initial-only") == 0;
    bool ok = only ? source->dump(&o, e) : source->tail(&o, e);
    free(url);
    return ok;
}

int main(int argc, char **argv)
{
    return cmd_main(&command, argc, argv, run);
}
