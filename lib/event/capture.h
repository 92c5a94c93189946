// What to capture and in which shape, from the command line.
#ifndef CDC_EVENT_CAPTURE_H
#define CDC_EVENT_CAPTURE_H

#include "event/column_rule.h"
#include "event/pattern.h"
#include "event/shape.h"
#include "event/tail.h"
#include "event/topic.h"

// Names are schema, schema.table, schema.table.column; MySQL calls a schema a database.
struct capture {
    const char *topic_prefix;    // in Kafka's alphabet
    const char *topic_delimiter; // between a topic's parts
    const char *topic_transaction, *heartbeat_prefix;
    struct pattern_pair schema, table, column;
    struct pattern_pair message;     // prefixes of logical messages
    struct pattern_pair gtid_source; // MySQL, MariaDB: where a transaction was first committed
    struct shape shape;
    struct column_rules rules;
    bool skip_unchanged; // updates of which every captured column is as it was
};

// time: the source's default mode. The strings are borrowed. To be released after a failure too.
bool capture_compile(struct capture *c, const struct tail_options *o, enum shape_time time,
                     struct err *e) MUST_CHECK;
void capture_release(struct capture *c);

// --skipped-operations, of c, u, d, t, or none.
bool capture_skipped(const char *list, bool skip[256], struct err *e) MUST_CHECK;

// Whether schema.table is to be captured, and its column.
bool captures(const struct capture *c, struct span schema, struct span table);
bool captures_column(const struct capture *c, struct span table, struct span column);

// What the command line wants of a column's values, or NULL.
const struct column_rule *capture_rule(const struct capture *c, struct span table, struct span column);

// The place of a column in the key that the command line wants of the table, from 1; 0: none.
size_t capture_key(const struct capture *c, struct span table, struct span column);

// Appends the topic a, delimiter, b.
void capture_topic(const struct capture *c, const char *a, const char *b, struct buf *out);

#endif
