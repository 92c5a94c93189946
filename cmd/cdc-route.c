// cdc-route: other topics for lines, and several outputs.

#include "base/cmd.h"
#include "base/log.h"
#include "event/line.h"
#include "stage/route.h"

#include <string.h>

static const char *unrouted, *invalid;
static bool quiet;

static struct route_options r = {.outbox = OUTBOX_DEFAULTS, .warn = log_warn};
static struct stage_options o = {STAGE_DEFAULTS, .warn = log_warn};

static const struct opt options[] = {
    {OPT_HEADING, .help = "Topics"},
    {OPT_LIST, "rule", NULL, 'r', &r.rules, "REGEX=TEMPLATE",
     "topics that match whole get this name; the first rule counts"},
    {OPT_STRING, "by", NULL, 'b', &r.by, "EXPRESSION", "the topic that this jq expression gives"},
    {OPT_STRING, "unrouted", NULL, 'u', &unrouted, "WHAT",
     "keep (default), drop or reject what no rule, or no --to, is for"},
    {OPT_STRING, "topic", NULL, 't', &r.topic, "TOPIC", "the topic of lines without a header"},
    {OPT_STRING, "key", NULL, 'k', &r.key, "PATH", "the key of lines without a header, as after.id"},
    {OPT_HEADING, .help = "Outputs"},
    {OPT_LIST, "to", NULL, 0, &r.to, "N=REGEX", "topics that match whole go to descriptor N"},
    {OPT_HEADING, .help = "Debezium's outbox event router"},
    {OPT_BOOL, "outbox", NULL, 0, &r.outbox.on, NULL, "rows inserted into outbox tables are events"},
    {OPT_LIST, "outbox-table", NULL, 0, &r.outbox.table, "REGEX",
     "the outbox tables, as schema.table; default all"},
    {OPT_STRING, "table-field-event-id", NULL, 0, &r.outbox.event_id, "COLUMN",
     "the header \"id\"; default id"},
    {OPT_STRING, "table-field-event-key", NULL, 0, &r.outbox.event_key, "COLUMN",
     "the key; default aggregateid"},
    {OPT_STRING, "table-field-event-payload", NULL, 0, &r.outbox.event_payload, "COLUMN",
     "the value; default payload"},
    {OPT_STRING, "table-fields-additional-placement", NULL, 0, &r.outbox.additional, "LIST",
     "COLUMN:header:NAME, COLUMN:envelope:NAME"},
    {OPT_BOOL, "table-fields-additional-error-on-missing", NULL, 0, &r.outbox.error_on_missing, NULL,
     "a row without such a column is bad data; default true"},
    {OPT_BOOL, "table-expand-json-payload", NULL, 0, &r.outbox.expand_json, NULL,
     "beside columns in the envelope too, a payload's text is its JSON"},
    {OPT_STRING, "route-by-field", NULL, 0, &r.outbox.route_by_field, "COLUMN",
     "what the topic is made of; default aggregatetype"},
    {OPT_STRING, "table-op-invalid-behavior", NULL, 0, &invalid, "WHAT",
     "updates are dropped: warn (default) tells their number, error each; fatal: bad data"},
    {OPT_STRING, "route-topic-regex", NULL, 0, &r.outbox.topic_regex, "REGEX",
     "what the topic is made by; default (?<routedByValue>.*)"},
    {OPT_STRING, "route-topic-replacement", NULL, 0, &r.outbox.topic_replacement, "TEMPLATE",
     "the topic; default outbox.event.${routedByValue}"},
    {OPT_BOOL, "route-tombstone-on-empty-payload", NULL, 0, &r.outbox.tombstone_on_empty, NULL,
     "an empty payload is a tombstone"},
    STAGE_OPTIONS(o),
    {OPT_BOOL, "quiet", NULL, 'q', &quiet, NULL, "say only what somebody should act on"},
    {.type = OPT_END},
};

static const struct cmd command = {
    .name = "cdc-route",
    .usage = "cdc-route [OPTION]...",
    .about = "Gives lines other topics, and hands them on to one or several outputs.",
    .options = options,
};

static bool take_options(struct err *e)
{
    static const char *const names[] = {"keep", "drop", "reject"};
    static const char *const behaviors[] = {"warn", "error", "fatal"};
    int choice = UNROUTED_KEEP, behavior = OUTBOX_WARN;
    if (unrouted != NULL && !opt_choice("unrouted", unrouted, names, 3, &choice, e))
        return false;
    r.unrouted = (enum unrouted)choice;
    r.keeps = unrouted != NULL && r.unrouted == UNROUTED_KEEP;
    if (invalid != NULL && !opt_choice("table-op-invalid-behavior", invalid, behaviors, 3, &behavior, e))
        return false;
    r.outbox.invalid = (enum outbox_invalid)behavior;
    for (const char *p = r.topic; p != NULL && *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\')
            return err_set(e, STATUS_USAGE, "--topic \"%s\" is no topic's name", r.topic);
    return true;
}

static bool run(int operands, char **operand, int *status, struct err *e)
{
    (void)operands, (void)operand;
    struct route route;
    log_quiet(quiet);
    if (!take_options(e))
        return false;
    bool ok = route_init(&route, &r, e);
    if (ok && route.n_branches != 0) {
        memcpy(o.fds, route.fds, sizeof o.fds);
        o.outputs = route.n_outputs;
    }
    ok = ok && stage_run(&o, route_decide, &route, status, e);
    if (route.not_inserts != 0)
        log_warn("%llu updates of outbox rows were dropped: an event is an insert",
                 (unsigned long long)route.not_inserts);
    route_release(&route);
    return ok;
}

int main(int argc, char **argv)
{
    return cmd_main(&command, argc, argv, run);
}
