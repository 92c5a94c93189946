// cdc-tail: a database's changes, from its log, as lines.

#include "base/cmd.h"
#include "base/log.h"
#include "base/url.h"
#include "event/line.h"
#include "event/tail.h"
#include "postgres/tail.h"

#include <stdlib.h>
#include <string.h>

static bool control, quiet;

static struct tail_options o = {
    .start = "latest",
    .topic_delimiter = ".",
    .topic_transaction = "transaction",
    .heartbeat_prefix = "__debezium-heartbeat",
    .shape = SHAPE_OPTIONS_DEFAULT,
    .skipped_operations = "t",
    .publication_mode = "filtered",
    .retry_ms = 30000,
    .stall_ms = 60000,
    .max_line_bytes = LINE_MAX_BYTES,
    .note = log_note,
    .warn = log_warn,
};

static const struct opt options[] = {
    {OPT_HEADING, .help = "Where"},
    {OPT_STRING, "offset", NULL, 'o', &o.offset, "DIR",
     "the offset folder: where to go on, and what was acknowledged"},
    {OPT_STRING, "start", NULL, 's', &o.start, "PLACE",
     "latest, earliest, a token, an LSN or a time; with a new folder"},
    {OPT_STRING, "until", NULL, 'u', &o.until, "PLACE", "end at now, a token, an LSN or a time"},
    {OPT_DURATION, "idle", NULL, 'i', &o.idle_ms, "TIME", "end after so long without an event"},
    {OPT_COUNT, "count", NULL, 'c', &o.count, "N", "end at the transaction's end after N events"},
    {OPT_HEADING, .help = "What (regular expressions on whole names, joined by commas)"},
    {OPT_LIST, "table", "table-include-list", 't', &o.table, "REGEX", "tables, as schema.table"},
    {OPT_LIST, "exclude-table", "table-exclude-list", 'T', &o.exclude_table, "REGEX", "all tables but these"},
    {OPT_LIST, "schema", "schema-include-list", 0, &o.schema, "REGEX", "schemas"},
    {OPT_LIST, "exclude-schema", "schema-exclude-list", 0, &o.exclude_schema, "REGEX",
     "all schemas but these"},
    {OPT_LIST, "column", "column-include-list", 0, &o.column, "REGEX", "columns, as schema.table.column"},
    {OPT_LIST, "exclude-column", "column-exclude-list", 0, &o.exclude_column, "REGEX",
     "all columns but these"},
    {OPT_STRING, "skipped-operations", NULL, 0, &o.skipped_operations, "LIST",
     "of c,u,d,t, or none; default t"},
    {OPT_BOOL, "skip-messages-without-change", NULL, 0, &o.skip_unchanged, NULL,
     "no update of which no captured column differs"},
    SHAPE_OPTIONS(o.shape),
    {OPT_HEADING, .help = "Output"},
    {OPT_STRING, "topic-prefix", NULL, 0, &o.topic_prefix, "NAME",
     "first part of the topics; default the database"},
    {OPT_STRING, "topic-delimiter", NULL, 0, &o.topic_delimiter, "TEXT",
     "between a topic's parts; default ."},
    {OPT_BOOL, "provide-transaction-metadata", NULL, 0, &o.transactions, NULL,
     "lines where transactions begin and end, and each event's place"},
    {OPT_STRING, "topic-transaction", NULL, 0, &o.topic_transaction, "NAME",
     "their topic, behind the prefix; default transaction"},
    {OPT_COUNT, "heartbeat-interval-ms", NULL, 0, &o.heartbeat_ms, "N", "a heartbeat every N milliseconds"},
    {OPT_STRING, "heartbeat-action-query", NULL, 0, &o.heartbeat_query, "SQL", "run this with each"},
    {OPT_STRING, "topic-heartbeat-prefix", NULL, 0, &o.heartbeat_prefix, "NAME",
     "their topic, in front of the prefix; default __debezium-heartbeat"},
    {OPT_BOOL, "control", NULL, 0, &control, NULL, "write control lines; --offset does too"},
    {OPT_BOOL, "with-schema", NULL, 0, &o.schemas, NULL, "write Connect's schemas as control lines"},
    {OPT_SIZE, "max-line", NULL, 0, &o.max_line_bytes, "SIZE", "what one line may take; default 64MiB"},
    {OPT_HEADING, .help = "PostgreSQL"},
    {OPT_STRING, "interval-handling-mode", NULL, 0, &o.shape.interval, "MODE", "numeric (default), string"},
    {OPT_STRING, "hstore-handling-mode", NULL, 0, &o.shape.hstore, "MODE", "json (default), map"},
    {OPT_COUNT, "money-fraction-digits", NULL, 0, &o.shape.money_digits, "N",
     "the scale of money; default 2"},
    {OPT_BOOL, "include-unknown-datatypes", NULL, 0, &o.shape.unknown, NULL,
     "columns of unknown types too, their text as bytes"},
    {OPT_LIST, "message-prefix-include-list", NULL, 0, &o.message_prefix, "REGEX",
     "logical messages of these prefixes"},
    {OPT_LIST, "message-prefix-exclude-list", NULL, 0, &o.exclude_message_prefix, "REGEX",
     "all logical messages but these"},
    {OPT_STRING, "slot-name", NULL, 0, &o.slot_name, "NAME", "the replication slot"},
    {OPT_BOOL, "slot-drop-on-stop", NULL, 0, &o.slot_drop_on_stop, NULL,
     "drop slot and publication at the end"},
    {OPT_BOOL, "slot-failover", NULL, 0, &o.slot_failover, NULL,
     "synchronise the slot to standbys (PostgreSQL 17)"},
    {OPT_STRING, "publication-name", NULL, 0, &o.publication_name, "NAME",
     "the publication; default as the slot"},
    {OPT_STRING, "publication-autocreate-mode", NULL, 0, &o.publication_mode, "MODE",
     "filtered (default), all_tables, disabled, no_tables"},
    {OPT_BOOL, "publish-via-partition-root", NULL, 0, &o.via_root, NULL,
     "the rows of partitions as the partitioned table's"},
    {OPT_BOOL, "allow-insert-only", NULL, 0, &o.allow_insert_only, NULL,
     "capture the inserts of tables without a replica identity"},
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
    .usage = "cdc-tail [OPTION]... postgres://[USER[:PASSWORD]@][HOST][:PORT]/DATABASE[?PARAMETER=VALUE]",
    .about = "Writes a database's changes, as they are committed, as lines of Debezium JSON.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
};

static const struct source_ops *const sources[] = {&pg_source_ops};

static const struct source_ops *source_of(const char *url)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        for (const char *const *scheme = sources[i]->schemes; *scheme != NULL; scheme++)
            if (strncmp(url, *scheme, strlen(*scheme)) == 0)
                return sources[i];
    return NULL;
}

static bool run(int operands, char **operand, int *status, struct err *e)
{
    (void)operands, (void)status;
    const struct source_ops *source = source_of(operand[0]);
    if (source == NULL) {
        err_set(e, STATUS_USAGE, "the operand is no URL of a source");
        return err_hint(e, "usage: %s", command.usage);
    }
    char *url;
    if (!url_take(operand[0], &url, e))
        return false;
    log_quiet(quiet);
    o.control = control || o.offset != NULL;
    o.url = url;
    bool ok = source->tail(&o, e);
    free(url);
    return ok;
}

int main(int argc, char **argv)
{
    return cmd_main(&command, argc, argv, run);
}
