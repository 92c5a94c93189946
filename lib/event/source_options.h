// The options that cdc-tail and cdc-snapshot share, for their tables. o: a struct tail_options.
#ifndef CDC_EVENT_SOURCE_OPTIONS_H
#define CDC_EVENT_SOURCE_OPTIONS_H

#include "event/line.h"
#include "event/tail.h"

// clang-format off
#define SOURCE_OPTIONS_DEFAULT                                                                                     \
    .start = "latest", .topic_delimiter = ".", .topic_transaction = "transaction",                                 \
    .heartbeat_prefix = "__debezium-heartbeat", .shape = SHAPE_OPTIONS_DEFAULT, .skipped_operations = "t",         \
    .publication_mode = "filtered", .retry_ms = 30000, .stall_ms = 60000, .max_line_bytes = LINE_MAX_BYTES,        \
    .adjust_years = true, .schema_changes = true, .jobs = 1, .chunk_rows = CHUNK_ROWS_AUTO, .view_ms = 600000, .lock_ms = 60000, .note = log_note, .warn = log_warn,                          \
    .progress = log_progress

#define SOURCE_OPTIONS_WHAT(o)                                                                                     \
    {OPT_HEADING, .help = "What (regular expressions on whole names, joined by commas)"},                          \
    {OPT_LIST, "table", "table-include-list", 't', &(o).table, "REGEX", "tables, as schema.table"},                \
    {OPT_LIST, "exclude-table", "table-exclude-list", 'T', &(o).exclude_table, "REGEX", "all tables but these"},   \
    {OPT_LIST, "schema", "schema-include-list", 0, &(o).schema, "REGEX", "schemas"},                               \
    {OPT_LIST, "exclude-schema", "schema-exclude-list", 0, &(o).exclude_schema, "REGEX",                           \
     "all schemas but these"},                                                                                     \
    {OPT_LIST, "column", "column-include-list", 0, &(o).column, "REGEX", "columns, as schema.table.column"},       \
    {OPT_LIST, "exclude-column", "column-exclude-list", 0, &(o).exclude_column, "REGEX", "all columns but these"}

#define SOURCE_OPTIONS_SNAPSHOT(o)                                                                                 \
    {OPT_HEADING, .help = "Snapshot"},                                                                             \
    {OPT_COUNT, "jobs", NULL, 'j', &(o).jobs, "N", "connections that read; default 1"},                            \
    {OPT_COUNT, "chunk-rows", NULL, 0, &(o).chunk_rows, "N", "rows that one of them reads at a time"},\
    {OPT_DURATION, "view-time", NULL, 0, &(o).view_ms, "TIME",                                                     \
     "how long one view holds back vacuum; default 10m"},                                                          \
    {OPT_DURATION, "lock-timeout", NULL, 0, &(o).lock_ms, "TIME",                                                  \
     "how long to wait for a table that somebody holds; default 60s"},                                             \
    {OPT_LIST, "where", NULL, 'w', &(o).where, "TABLE:CONDITION", "rows of the table that fulfil SQL's condition"}

#define SOURCE_OPTIONS_TOPIC(o)                                                                                    \
    {OPT_HEADING, .help = "Output"},                                                                               \
    {OPT_STRING, "topic-prefix", NULL, 0, &(o).topic_prefix, "NAME",                                               \
     "first part of the topics; default the database"},                                                            \
    {OPT_STRING, "topic-delimiter", NULL, 0, &(o).topic_delimiter, "TEXT", "between a topic's parts; default ."},  \
    {OPT_BOOL, "with-schema", NULL, 0, &(o).schemas, NULL, "write Connect's schemas as control lines"},            \
    {OPT_SIZE, "max-line", NULL, 0, &(o).max_line_bytes, "SIZE", "what one line may take; default 64MiB"}

#define SOURCE_OPTIONS_POSTGRES(o)                                                                                 \
    {OPT_HEADING, .help = "PostgreSQL"},                                                                           \
    SHAPE_OPTIONS_POSTGRES((o).shape),                                                                              \
    {OPT_STRING, "slot-name", NULL, 0, &(o).slot_name, "NAME", "the replication slot"},                            \
    {OPT_BOOL, "slot-failover", NULL, 0, &(o).slot_failover, NULL,                                                 \
     "synchronise the slot to standbys (PostgreSQL 17)"},                                                          \
    {OPT_STRING, "publication-name", NULL, 0, &(o).publication_name, "NAME",                                       \
     "the publication; default as the slot"},                                                                      \
    {OPT_STRING, "publication-autocreate-mode", NULL, 0, &(o).publication_mode, "MODE",                            \
     "filtered (default), all_tables, disabled, no_tables"},                                                       \
    {OPT_BOOL, "publish-via-partition-root", NULL, 0, &(o).via_root, NULL,                                         \
     "the rows of partitions as the partitioned table's"},                                                         \
    {OPT_BOOL, "allow-insert-only", NULL, 0, &(o).allow_insert_only, NULL,                                         \
     "capture the inserts of tables without a replica identity"}

#define SOURCE_OPTIONS_MYSQL(o)                                                                                    \
    {OPT_HEADING, .help = "MySQL, MariaDB"},                                                                       \
    {OPT_LIST, "database", "database-include-list", 0, &(o).schema, "REGEX", "databases"},                         \
    {OPT_LIST, "exclude-database", "database-exclude-list", 0, &(o).exclude_schema, "REGEX",                       \
     "all databases but these"},                                                                                   \
    {OPT_STRING, "password-file", NULL, 0, &(o).password_file, "FILE", "its first line is the password"},          \
    {OPT_STRING, "defaults-file", NULL, 0, &(o).defaults_file, "FILE",                                             \
     "instead of the option files; groups client and cdc"},                                                        \
    {OPT_STRING, "ssl-mode", NULL, 0, &(o).ssl_mode, "MODE",                                                       \
     "disabled, preferred (default), required, verify_ca, verify_identity"},                                       \
    {OPT_STRING, "lock", NULL, 0, &(o).lock, "WHAT",                                                 \
     "locked for a moment as a snapshot begins: global (default), tables, none"},                                  \
    {OPT_STRING, "bigint-unsigned-handling-mode", NULL, 0, &(o).bigint_unsigned, "MODE",                           \
     "long (default), precise"},                                                                                   \
    {OPT_BOOL, "enable-time-adjuster", NULL, 0, &(o).adjust_years, NULL,                                           \
     "years of two digits are 1970 to 2069; default true"},                                                        \
    {OPT_BOOL, "include-schema-changes", NULL, 0, &(o).schema_changes, NULL,                                       \
     "DDL statements as lines of the topic prefix; default true"},                                                 \
    {OPT_BOOL, "store-only-captured-tables-ddl", "schema-history-internal-store-only-captured-tables-ddl", 0,      \
     &(o).only_captured_tables, NULL, "of them those of captured tables"},                                         \
    {OPT_BOOL, "store-only-captured-databases-ddl", "schema-history-internal-store-only-captured-databases-ddl",   \
     0, &(o).only_captured_databases, NULL, "of them those of captured databases"}
// clang-format on

#endif
