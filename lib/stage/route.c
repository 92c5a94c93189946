#include "stage/route.h"

#include "event/json.h"
#include "event/topic.h"
#include "stage/outbox.h"

#include <fcntl.h>
#include <stdlib.h>

#define KEY_DEPTH_MAX 16

struct route_rule {
    struct topic_pattern pattern;
    struct template t;
};

// ---- options

static bool take_rule(struct route *r, const char *text, struct err *e)
{
    struct route_rule *rule = &r->rules[r->n_rules];
    const char *equals = strrchr(text, '=');
    if (equals == NULL || equals == text)
        return err_set(e, STATUS_USAGE, "--rule takes REGEX=TEMPLATE, not \"%s\"", text);
    r->n_rules++; // to be released
    return topic_pattern_compile(&rule->pattern, (struct span){text, (size_t)(equals - text)}, "rule", e) &&
           (template_parse(&rule->t, span_of(equals + 1), rule->pattern.groups, rule->pattern.names, e) ||
            err_wrap(e, "--rule %s", text));
}

// One that bears FD_CLOEXEC was not inherited: it is our own, under a number that the caller left closed.
static bool take_descriptor(struct route *r, const char *text, struct err *e)
{
    uint64_t fd = UINT64_MAX;
    const char *equals = strchr(text, '=');
    char number[16] = "";
    if (equals != NULL && (size_t)(equals - text) < sizeof number)
        memcpy(number, text, (size_t)(equals - text));
    if (!opt_count(number, &fd) || fd == 0 || fd == 2 || fd > 1023)
        return err_set(e, STATUS_USAGE, "--to takes N=REGEX, N a descriptor for output, not \"%s\"", text);
    int flags = fcntl((int)fd, F_GETFL), own = fcntl((int)fd, F_GETFD);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || (own & FD_CLOEXEC) != 0) {
        err_set(e, STATUS_USAGE, "--to %s: descriptor %llu is not open for writing", text,
                (unsigned long long)fd);
        return err_hint(e, "cdc-route --to 3=… --to 4=… 3>one 4>other");
    }
    for (size_t i = 0; i < r->n_branches; i++)
        if (r->fds[i] == (int)fd)
            return err_set(e, STATUS_USAGE, "--to names descriptor %llu twice", (unsigned long long)fd);
    r->fds[r->n_branches] = (int)fd;
    return true;
}

static bool take_branch(struct route *r, const char *text, struct err *e)
{
    if (r->n_branches == STAGE_OUTPUTS_MAX)
        return err_set(e, STATUS_USAGE, "--to can be given %d times", STAGE_OUTPUTS_MAX);
    if (!take_descriptor(r, text, e))
        return false;
    struct topic_pattern *pattern = &r->branches[r->n_branches++];
    return topic_pattern_compile(pattern, span_of(strchr(text, '=') + 1), "to", e);
}

// Standard output is one more of them, unless it is named.
static bool take_rest(struct route *r, struct err *e)
{
    size_t i = 0;
    r->n_outputs = r->n_branches;
    if (r->n_branches == 0 || !r->o->keeps)
        return true;
    while (i < r->n_branches && r->fds[i] != 1)
        i++;
    if (i == STAGE_OUTPUTS_MAX)
        return err_set(e, STATUS_USAGE, "--to can be given %d times with --unrouted keep",
                       STAGE_OUTPUTS_MAX - 1);
    if (i == r->n_branches)
        r->fds[r->n_outputs++] = 1;
    r->rest = UINT64_C(1) << i;
    return true;
}

// Told before their use, for there is one for each descriptor.
static void mark_descriptors(const struct route *r)
{
    for (size_t i = 0; i < r->n_branches; i++)
        if (fcntl(r->fds[i], F_SETFD, FD_CLOEXEC) != 0)
            continue;
}

static bool take_expression(struct route *r, struct err *e)
{
    if (r->o->by == NULL)
        return true;
    r->native = expr_parse(&r->expr, span_of(r->o->by), NULL, 0);
    expr_eval_init(&r->eval, &r->expr);
    return r->native || libjq_init(&r->jq, r->o->by, LIBJQ_FIRST, NULL, 0, e);
}

bool route_init(struct route *r, const struct route_options *o, struct err *e)
{
    *r = (struct route){.o = o};
    memo_init(&r->topics);
    memo_init(&r->outputs);
    buf_init(&r->out, SIZE_MAX / 4);
    buf_init(&r->name, SIZE_MAX / 4);
    buf_init(&r->headers, SIZE_MAX / 4);
    r->rules = calloc(o->rules.n + 1, sizeof *r->rules);
    if (r->rules == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < o->rules.n; i++)
        if (!take_rule(r, o->rules.at[i], e))
            return false;
    for (size_t i = 0; i < o->to.n; i++)
        if (!take_branch(r, o->to.at[i], e))
            return false;
    mark_descriptors(r);
    return take_rest(r, e) && outbox_init(r, e) && take_expression(r, e);
}

void route_release(struct route *r)
{
    for (size_t i = 0; i < r->n_rules; i++)
        topic_pattern_release(&r->rules[i].pattern);
    free(r->rules);
    for (size_t i = 0; i < r->n_branches; i++)
        topic_pattern_release(&r->branches[i]);
    outbox_release(r);
    expr_eval_release(&r->eval);
    expr_release(&r->expr);
    libjq_release(&r->jq);
    memo_release(&r->topics);
    memo_release(&r->outputs);
    arena_release(&r->arena);
    buf_release(&r->out);
    buf_release(&r->name);
    buf_release(&r->headers);
}

// ---- the topic

enum routed { ROUTED, NOT_ROUTED, REFUSED };

static enum routed expand(struct route *r, const struct route_rule *rule, struct stage_line *l)
{
    struct span groups[TOPIC_GROUPS_MAX];
    struct err e;
    topic_pattern_groups(&rule->pattern, l->line.topic, groups);
    buf_reset(&r->name);
    if (template_expand(&rule->t, &l->line, groups, &r->arena, &r->name, &e))
        return ROUTED;
    stage_refuse(l, &r->out, e.text);
    return REFUSED;
}

// What is remembered of a topic: that no rule is for it; its name; or the rule that makes it by the line.
#define NO_RULE 0
#define BY_NAME 1
#define BY_RULE 2

static enum routed by_rules(struct route *r, struct stage_line *l)
{
    struct memo_entry *known = memo_find(&r->topics, l->line.topic);
    if (known->known && known->verdict == NO_RULE)
        return NOT_ROUTED;
    if (known->known && known->verdict == BY_NAME) {
        buf_reset(&r->name);
        buf_span(&r->name, buf_view(&known->text));
        return ROUTED;
    }
    size_t i = known->known ? known->verdict - BY_RULE : 0;
    while (i < r->n_rules && !topic_pattern_matches(&r->rules[i].pattern, l->line.topic))
        i++;
    known->known = true;
    known->verdict = i == r->n_rules ? NO_RULE : BY_RULE + i;
    if (i == r->n_rules)
        return NOT_ROUTED;
    enum routed routed = expand(r, &r->rules[i], l);
    if (routed == ROUTED && !r->rules[i].t.by_line) {
        known->verdict = BY_NAME;
        buf_span(&known->text, buf_view(&r->name));
    }
    return routed;
}

static enum routed by_value(struct route *r, struct stage_line *l, struct span name, bool is_string, bool is)
{
    if (!is)
        return NOT_ROUTED;
    buf_reset(&r->name);
    topic_write(&r->name, name);
    if (is_string && name.n != 0)
        return ROUTED;
    stage_refuse(l, &r->out, "--by gives a topic that is no text");
    return REFUSED;
}

static enum routed by_libjq(struct route *r, struct stage_line *l)
{
    struct err e;
    jv output;
    if (r->jq.jq == NULL && !libjq_init(&r->jq, r->o->by, LIBJQ_FIRST, NULL, 0, &e)) {
        stage_refuse(l, &r->out, e.text);
        return REFUSED;
    }
    enum libjq_got got = libjq_start(&r->jq, l->line.text) ? libjq_next(&r->jq, &output) : LIBJQ_FAILED;
    if (got == LIBJQ_FAILED) {
        stage_refuse(l, &r->out, buf_cstr(&r->jq.message));
        return REFUSED;
    }
    if (got == LIBJQ_END)
        return NOT_ROUTED;
    jv_kind kind = jv_get_kind(output);
    struct span name = {NULL, 0};
    if (kind == JV_KIND_STRING)
        name = (struct span){jv_string_value(output), (size_t)jv_string_length_bytes(jv_copy(output))};
    enum routed routed =
        by_value(r, l, name, kind == JV_KIND_STRING, kind != JV_KIND_NULL && kind != JV_KIND_FALSE);
    jv_free(output);
    return routed;
}

static enum routed by_expression(struct route *r, struct stage_line *l)
{
    struct value v;
    enum expr_got got = r->native ? expr_eval(&r->eval, l->line.text, &v) : EXPR_ASK;
    if (got == EXPR_ASK)
        return by_libjq(r, l);
    if (got == EXPR_EMPTY)
        return NOT_ROUTED;
    return by_value(r, l, v.text, v.kind == VALUE_STRING, value_is_true(&v));
}

static enum routed route(struct route *r, struct stage_line *l)
{
    enum routed routed = r->o->by != NULL ? by_expression(r, l) : NOT_ROUTED;
    if (routed == NOT_ROUTED && l->line.topic.n != 0)
        routed = by_rules(r, l);
    return routed;
}

// ---- the line

static struct span key_of(const struct route *r, const struct line *l)
{
    static const struct span null = SPAN_LIT("null");
    struct span names[KEY_DEPTH_MAX], value;
    size_t n = 0;
    if (r->o->key == NULL)
        return null;
    for (const char *p = r->o->key + (r->o->key[0] == '.'); n < KEY_DEPTH_MAX; p += names[n - 1].n + 1) {
        names[n] = (struct span){p, strcspn(p, ".")};
        if (p[names[n++].n] == '\0')
            break;
    }
    return json_path(l->text, names, n, &value) ? value : null;
}

// A line without a header gets one.
static void write_bare(struct route *r, struct stage_line *l, struct span topic)
{
    struct json_walk w;
    size_t at = r->out.n;
    json_walk_begin(&w, l->line.text);
    if (!json_walk_next(&w)) {
        stage_refuse(l, &r->out, "the line has no members, so it can have no header");
        return;
    }
    buf_lit(&r->out, "{\"cdc\":{\"topic\":\"");
    buf_span(&r->out, topic);
    buf_lit(&r->out, "\",\"key\":");
    buf_span(&r->out, key_of(r, &l->line));
    buf_lit(&r->out, "},");
    buf_bytes(&r->out, l->line.text.p + 1, l->line.text.n - 1);
    buf_char(&r->out, '\n');
    stage_write(l, &r->out, at);
}

static void write_topic(struct route *r, struct stage_line *l, struct span topic)
{
    const struct line *line = &l->line;
    if (line->kind == LINE_BARE && topic.n != 0)
        write_bare(r, l, topic);
    if (line->kind == LINE_BARE || span_eq(topic, line->topic))
        return;
    size_t at = r->out.n;
    const char *behind = line->topic.p + line->topic.n;
    buf_bytes(&r->out, line->text.p, (size_t)(line->topic.p - line->text.p));
    buf_span(&r->out, topic);
    buf_bytes(&r->out, behind, (size_t)(line->text.p + line->text.n - behind));
    buf_char(&r->out, '\n');
    stage_write(l, &r->out, at);
}

static void unrouted(struct route *r, struct stage_line *l, const char *why)
{
    if (r->o->unrouted == UNROUTED_DROP) {
        l->fate = STAGE_DROP;
    } else if (r->o->unrouted == UNROUTED_REJECT) {
        char text[512];
        snprintf(text, sizeof text, "topic \"%.*s\": %s",
                 (int)(l->line.topic.n < 300 ? l->line.topic.n : 300),
                 l->line.topic.n != 0 ? l->line.topic.p : "", why);
        stage_refuse(l, &r->out, text);
    }
}

static void branch(struct route *r, struct stage_line *l, struct span topic)
{
    struct memo_entry *known = memo_find(&r->outputs, topic);
    if (!known->known) {
        known->verdict = 0;
        for (size_t i = 0; i < r->n_branches; i++)
            known->verdict |= (uint64_t)topic_pattern_matches(&r->branches[i], topic) << i;
        known->known = true;
    }
    l->outputs = known->verdict;
    if (l->outputs != 0)
        return;
    if (r->o->unrouted == UNROUTED_DROP)
        l->fate = STAGE_DROP;
    else if (r->rest != 0)
        l->outputs = r->rest;
    else
        stage_refuse(l, &r->out,
                     "no --to takes the line's topic; --unrouted drop leaves such lines out, "
                     "--unrouted keep hands them on to standard output");
}

static void decide(struct route *r, struct stage_line *l)
{
    struct span topic = l->line.topic;
    arena_reset(&r->arena);
    bool routes = r->n_rules != 0 || r->o->by != NULL;
    if (l->line.kind == LINE_BARE && r->o->topic != NULL)
        topic = l->line.topic = span_of(r->o->topic);
    if (outbox_has(r, &l->line)) {
        outbox_route(r, l, &topic);
    } else if (routes) {
        enum routed routed = route(r, l);
        if (routed == ROUTED)
            topic = buf_view(&r->name);
        else if (routed == NOT_ROUTED)
            unrouted(r, l, "no rule is for it");
    }
    if (l->fate == STAGE_KEEP)
        write_topic(r, l, topic);
    if (r->n_branches != 0 && (l->fate == STAGE_KEEP || l->fate == STAGE_WRITE))
        branch(r, l, topic);
}

bool route_decide(void *self, struct stage_line **lines, size_t n, struct err *e)
{
    struct route *r = self;
    buf_reset(&r->out);
    for (size_t i = 0; i < n; i++)
        decide(r, lines[i]);
    return !r->out.bad || err_no_memory(e);
}
