// The options that shape an event's values, by Debezium's names, with its values and defaults: as the command
// line has them, and compiled.
#ifndef CDC_EVENT_SHAPE_H
#define CDC_EVENT_SHAPE_H

#include "base/err.h"
#include "base/opt.h"
#include "base/span.h"

enum shape_decimal { SHAPE_PRECISE, SHAPE_DECIMAL_STRING, SHAPE_DOUBLE };
enum shape_time {
    SHAPE_ADAPTIVE,
    SHAPE_ADAPTIVE_MICROSECONDS, // adaptive but for a time of day, which counts microseconds
    SHAPE_CONNECT,
    SHAPE_ISOSTRING,
    SHAPE_MICROSECONDS,
    SHAPE_NANOSECONDS
};
enum shape_binary { SHAPE_BYTES, SHAPE_BASE64, SHAPE_BASE64_URL, SHAPE_HEX };

struct shape {
    enum shape_decimal decimal;
    enum shape_time time;
    enum shape_binary binary;
    bool interval_string, hstore_map;
    int money_scale;
    bool unknown;            // types that are not known are there, as bytes
    struct span placeholder; // of a value that the log left out
};

// NULL: not given. The lists and families of columns are column_rule.h's.
struct shape_options {
    const char *preset;
    const char *decimal, *time, *binary, *interval, *hstore;
    uint64_t money_digits;
    bool unknown;
    const char *placeholder;
    const char *key_columns;
    struct opt_family mask, hash, hash_v2, truncate;
};

#define SHAPE_OPTIONS_DEFAULT                                                                                \
    {                                                                                                        \
        .money_digits = 2, .placeholder = "__debezium_unavailable_value"                                     \
    }

// What every source has of them, for a command's table. s: a struct shape_options.
#define SHAPE_OPTIONS(s)                                                                                     \
    {OPT_HEADING, .help = "Values"}, {OPT_STRING,                                                            \
                                      "preset",                                                              \
                                      NULL,                                                                  \
                                      0,                                                                     \
                                      &(s).preset,                                                           \
                                      "NAME",                                                                \
                                      "plain: decimals and times as people write them"},                     \
        {OPT_STRING,                                                                                         \
         "decimal-handling-mode",                                                                            \
         NULL,                                                                                               \
         0,                                                                                                  \
         &(s).decimal,                                                                                       \
         "MODE",                                                                                             \
         "precise (default), string, double"},                                                               \
        {OPT_STRING,                                                                                         \
         "time-precision-mode",                                                                              \
         NULL,                                                                                               \
         0,                                                                                                  \
         &(s).time,                                                                                          \
         "MODE",                                                                                             \
         "adaptive, adaptive_time_microseconds, connect, isostring, microseconds, nanoseconds"},             \
        {OPT_STRING,                                                                                         \
         "binary-handling-mode",                                                                             \
         NULL,                                                                                               \
         0,                                                                                                  \
         &(s).binary,                                                                                        \
         "MODE",                                                                                             \
         "bytes (default), base64, base64-url-safe, hex"},                                                   \
        {OPT_STRING, "unavailable-value-placeholder",           NULL, 0, &(s).placeholder,                   \
         "TEXT",     "instead of a value that the log left out"},                                            \
        {OPT_STRING,                                                                                         \
         "message-key-columns",                                                                              \
         NULL,                                                                                               \
         0,                                                                                                  \
         &(s).key_columns,                                                                                   \
         "LIST",                                                                                             \
         "other keys: TABLE-REGEX:COLUMN,COLUMN;…"},                                                         \
        {OPT_FAMILY, "column-truncate-to-{N}-chars",     NULL, 0, &(s).truncate,                             \
         "REGEX",    "cut these columns to N characters"},                                                   \
        {OPT_FAMILY, "column-mask-with-{N}-chars",          NULL, 0, &(s).mask,                              \
         "REGEX",    "N asterisks instead of these columns"},                                                \
        {OPT_FAMILY,                                                                                         \
         "column-mask-hash-v2-{ALG}-with-salt-{SALT}",                                                       \
         NULL,                                                                                               \
         0,                                                                                                  \
         &(s).hash_v2,                                                                                       \
         "REGEX",                                                                                            \
         "a hash instead of these columns"},                                                                 \
    {                                                                                                        \
        OPT_FAMILY, "column-mask-hash-{ALG}-with-salt-{SALT}", NULL, 0, &(s).hash, "REGEX",                  \
            "the same, of Java's serialised string"                                                          \
    }

// The same of PostgreSQL's.
#define SHAPE_OPTIONS_POSTGRES(s)                                                                            \
    {OPT_STRING, "interval-handling-mode", NULL, 0, &(s).interval, "MODE", "numeric (default), string"},     \
        {OPT_STRING, "hstore-handling-mode", NULL, 0, &(s).hstore, "MODE", "json (default), map"},           \
        {OPT_COUNT, "money-fraction-digits",        NULL, 0, &(s).money_digits,                              \
         "N",       "the scale of money; default 2"},                                                        \
    {                                                                                                        \
        OPT_BOOL, "include-unknown-datatypes", NULL, 0, &(s).unknown, NULL,                                  \
            "columns of unknown types too, their text as bytes"                                              \
    }

// The strings are borrowed. time: the source's default. STATUS_USAGE names the option and what it takes.
bool shape_compile(struct shape *s, const struct shape_options *o, enum shape_time time,
                   struct err *e) MUST_CHECK;

#endif
