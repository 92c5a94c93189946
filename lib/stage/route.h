// What cdc-route decides: each line's topic, and which outputs get it.
//
// The topic is the outbox's, else what --by gives, else what the first rule makes whose expression matches
// the whole topic; else the line is unrouted. With --to an output gets the lines whose topic then matches;
// what none takes is bad data, or dropped, or goes to standard output.
#ifndef CDC_STAGE_ROUTE_H
#define CDC_STAGE_ROUTE_H

#include "base/opt.h"
#include "event/expr_eval.h"
#include "event/libjq.h"
#include "event/pattern.h"
#include "event/template.h"
#include "event/topic_pattern.h"
#include "stage/memo.h"
#include "stage/stage.h"

enum unrouted { UNROUTED_KEEP, UNROUTED_DROP, UNROUTED_REJECT };

// table.op.invalid.behavior: of an update, which is dropped but for the last.
enum outbox_invalid { OUTBOX_WARN, OUTBOX_ERROR, OUTBOX_FATAL };

// Debezium's EventRouter; the names are its properties'.
struct outbox_options {
    bool on;
    struct opt_list table; // which tables are outboxes; all, if empty
    const char *event_id, *event_key, *event_payload, *route_by_field, *topic_regex, *topic_replacement;
    const char *additional; // table.fields.additional.placement, or NULL
    bool error_on_missing;  // of these
    bool expand_json;
    bool tombstone_on_empty; // route.tombstone.on.empty.payload
    enum outbox_invalid invalid;
};

#define OUTBOX_DEFAULTS                                                                                      \
    {                                                                                                        \
        .event_id = "id", .event_key = "aggregateid", .event_payload = "payload",                            \
        .route_by_field = "aggregatetype", .topic_regex = "(?<routedByValue>.*)",                            \
        .topic_replacement = "outbox.event.${routedByValue}", .error_on_missing = true                       \
    }

struct route_options {
    struct opt_list rules; // REGEX=TEMPLATE
    struct opt_list to;    // N=REGEX
    const char *by, *topic, *key;
    enum unrouted unrouted;
    bool keeps; // with --to: a line that no --to takes goes to standard output
    struct outbox_options outbox;
    notice_fn *warn;
};

struct route_rule;

#define OUTBOX_FIELDS_MAX 32

struct outbox_field {
    struct span column, alias;
    bool in_header;
};

struct route {
    const struct route_options *o;
    struct route_rule *rules;
    size_t n_rules;
    struct topic_pattern outbox_regex;
    struct template outbox_topic;
    struct pattern_pair outbox_tables;
    struct outbox_field fields[OUTBOX_FIELDS_MAX];
    size_t n_fields, n_envelope;
    struct topic_pattern branches[STAGE_OUTPUTS_MAX];
    int fds[STAGE_OUTPUTS_MAX];
    size_t n_branches;
    size_t n_outputs; // the branches, and standard output where that is for the rest
    uint64_t rest;    // the output's bit; 0: there is none

    struct expr expr;
    struct expr_eval eval;
    bool native;
    struct libjq jq;

    struct memo topics, outputs;
    struct arena arena;
    struct buf out, name, headers;
    uint64_t not_inserts; // updates of outbox rows
};

// STATUS_USAGE where an option is wrong.
bool route_init(struct route *r, const struct route_options *o, struct err *e) MUST_CHECK;
void route_release(struct route *r);

// The stage_decide of a struct route.
bool route_decide(void *route, struct stage_line **lines, size_t n, struct err *e);

#endif
