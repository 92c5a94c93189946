#include "event/capture.h"

#include <stdio.h>

static bool compile_pair(struct pattern_pair *p, const struct opt_list *include,
                         const struct opt_list *exclude, const char *names[2], struct err *e)
{
    return pattern_compile(&p->include, include, names[0], e) &&
           pattern_compile(&p->exclude, exclude, names[1], e);
}

bool capture_compile(struct capture *c, const struct tail_options *o, enum shape_time time, struct err *e)
{
    *c = (struct capture){
        .topic_prefix = o->topic_prefix,
        .topic_delimiter = o->topic_delimiter,
        .topic_transaction = o->topic_transaction,
        .heartbeat_prefix = o->heartbeat_prefix,
        .skip_unchanged = o->skip_unchanged,
    };
    return shape_compile(&c->shape, &o->shape, time, e) && column_rules_compile(&c->rules, &o->shape, e) &&
           compile_pair(&c->schema, &o->schema, &o->exclude_schema,
                        (const char *[]){"schema", "exclude-schema"}, e) &&
           compile_pair(&c->table, &o->table, &o->exclude_table, (const char *[]){"table", "exclude-table"},
                        e) &&
           compile_pair(&c->column, &o->column, &o->exclude_column,
                        (const char *[]){"column", "exclude-column"}, e) &&
           compile_pair(&c->gtid_source, &o->gtid_source, &o->exclude_gtid_source,
                        (const char *[]){"gtid-source-includes", "gtid-source-excludes"}, e) &&
           compile_pair(&c->message, &o->message_prefix, &o->exclude_message_prefix,
                        (const char *[]){"message-prefix-include-list", "message-prefix-exclude-list"}, e);
}

bool capture_skipped(const char *list, bool skip[256], struct err *e)
{
    if (strcmp(list, "none") == 0)
        return true;
    for (const char *p = list; *p != '\0'; p++) {
        if (strchr("cudt", *p) == NULL || (p[1] != ',' && p[1] != '\0'))
            return err_set(e, STATUS_USAGE, "--skipped-operations takes none, or some of c,u,d,t, not \"%s\"",
                           list);
        skip[(unsigned char)*p] = true;
        p += p[1] == ',';
    }
    return true;
}

void capture_release(struct capture *c)
{
    struct pattern_pair *pairs[] = {&c->schema, &c->table, &c->column, &c->message, &c->gtid_source};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        pattern_release(&pairs[i]->include);
        pattern_release(&pairs[i]->exclude);
    }
    column_rules_release(&c->rules);
}

#define NAME_MAX_BYTES 1024

// a.b in out, cut where a hostile peer sends names longer than a server allows.
static struct span join(char out[NAME_MAX_BYTES], struct span a, struct span b)
{
    int n = snprintf(out, NAME_MAX_BYTES, "%.*s.%.*s", SPAN_ARG(a), SPAN_ARG(b));
    return (struct span){out, n < 0 ? 0 : n < NAME_MAX_BYTES ? (size_t)n : NAME_MAX_BYTES - 1};
}

bool captures(const struct capture *c, struct span schema, struct span table)
{
    char name[NAME_MAX_BYTES];
    return pattern_admits(&c->schema, schema) && pattern_admits(&c->table, join(name, schema, table));
}

bool captures_column(const struct capture *c, struct span table, struct span column)
{
    char name[NAME_MAX_BYTES];
    return pattern_admits(&c->column, join(name, table, column));
}

const struct column_rule *capture_rule(const struct capture *c, struct span table, struct span column)
{
    char name[NAME_MAX_BYTES];
    return c->rules.n == 0 ? NULL : column_rules_find(&c->rules, join(name, table, column));
}

size_t capture_key(const struct capture *c, struct span table, struct span column)
{
    char name[NAME_MAX_BYTES];
    for (size_t i = 0; i < c->rules.n_key; i++)
        if (pattern_matches(&c->rules.key[i], join(name, table, column)))
            return i + 1;
    return 0;
}

void capture_topic(const struct capture *c, const char *a, const char *b, struct buf *out)
{
    topic_write(out, span_of(a));
    topic_write(out, span_of(c->topic_delimiter));
    topic_write(out, span_of(b));
}
