#include "stage/filter.h"

#include "event/envelope.h"
#include "event/json.h"
#include "event/libjq.h"
#include "stage/map.h"

#include <stdlib.h>

// Lines that a thread takes at once.
#define GRAIN 4

struct filter_worker {
    struct libjq expr, map;
    struct buf out; // lines, and reasons
    uint64_t errors;
};

// ---- options

static bool take_operations(struct filter *f, struct err *e)
{
    for (const char *p = f->o->operations; p != NULL && *p != '\0'; p++) {
        bool known = strchr("crudtm", *p) != NULL;
        if (!known || (p[1] != ',' && p[1] != '\0')) {
            err_set(e, STATUS_USAGE, "--op takes letters of c,u,d,r,t,m, joined by commas, not \"%s\"",
                    f->o->operations);
            return err_hint(e, "create, update, delete, read (snapshot), truncate, message");
        }
        f->operations[(unsigned char)*p] = true;
        p += p[1] == ',';
    }
    return true;
}

static bool take_changed(struct filter *f, struct err *e)
{
    for (size_t i = 0; i < f->o->changed.n; i++)
        for (const char *p = f->o->changed.at[i]; *p != '\0';) {
            struct span *grown = realloc(f->changed, (f->n_changed + 1) * sizeof *grown);
            if (grown == NULL)
                return err_no_memory(e);
            f->changed = grown;
            size_t n = strcspn(p, ",");
            f->changed[f->n_changed] = (struct span){p, n};
            f->n_changed += n != 0;
            p += n + (p[n] == ',');
        }
    return true;
}

// One worker's states exist from the start, so that a faulty expression is found then.
static bool take_expressions(struct filter *f, struct err *e)
{
    const struct filter_options *o = f->o;
    if (o->expression != NULL) {
        f->native = expr_parse(&f->expr, span_of(o->expression), o->variables, o->n_variables);
        expr_eval_init(&f->eval, &f->expr);
    }
    if (o->expression != NULL && !f->native &&
        !libjq_init(&f->workers[0].expr, o->expression, LIBJQ_TRUTH, o->variables, o->n_variables, e))
        return false;
    return o->map == NULL ||
           libjq_init(&f->workers[0].map, o->map, LIBJQ_ALL, o->variables, o->n_variables, e);
}

bool filter_init(struct filter *f, const struct filter_options *o, struct err *e)
{
    *f = (struct filter){.o = o};
    memo_init(&f->memo);
    buf_init(&f->rewritten, SIZE_MAX / 4);
    f->by_table = o->table.n != 0 || o->exclude_table.n != 0;
    f->workers = calloc(o->jobs, sizeof *f->workers);
    if (f->workers == NULL)
        return err_no_memory(e);
    for (uint64_t i = 0; i < o->jobs; i++)
        buf_init(&f->workers[i].out, SIZE_MAX / 4);
    return take_operations(f, e) && take_changed(f, e) &&
           pattern_compile(&f->tables.include, &o->table, "table", e) &&
           pattern_compile(&f->tables.exclude, &o->exclude_table, "exclude-table", e) &&
           rewrite_init(&f->rewrite, &o->rewrite, e) && take_expressions(f, e);
}

void filter_release(struct filter *f)
{
    jobs_stop(f->jobs);
    for (uint64_t i = 0; f->workers != NULL && i < f->o->jobs; i++) {
        libjq_release(&f->workers[i].expr);
        libjq_release(&f->workers[i].map);
        buf_release(&f->workers[i].out);
    }
    free(f->workers);
    free(f->changed);
    free(f->asked);
    memo_release(&f->memo);
    arena_release(&f->arena);
    if (f->rewrite.o != NULL)
        rewrite_release(&f->rewrite);
    buf_release(&f->rewritten);
    pattern_release(&f->tables.include);
    pattern_release(&f->tables.exclude);
    expr_eval_release(&f->eval);
    expr_release(&f->expr);
}

void filter_explain(const struct filter *f, struct buf *out)
{
    const struct filter_options *o = f->o;
    if (o->operations != NULL)
        buf_printf(out, "operations %s: native\n", o->operations);
    if (f->by_table)
        buf_lit(out, "tables: native\n");
    if (f->n_changed != 0)
        buf_lit(out, "changed columns: native\n");
    if (o->expression != NULL && f->native)
        buf_printf(out, "expression %s: native; libjq for lines with an error or a doubtful number\n",
                   o->expression);
    else if (o->expression != NULL)
        buf_printf(out, "expression %s: libjq, %llu threads\n", o->expression, (unsigned long long)o->jobs);
    if (rewrite_has(&f->rewrite))
        buf_lit(out, "columns, unwrapping: native\n");
    if (o->map != NULL)
        buf_printf(out, "map %s: libjq, %llu threads\n", o->map, (unsigned long long)o->jobs);
}

// ---- the native tests

static bool admits_table(struct filter *f, struct span text)
{
    struct span schema, table;
    arena_reset(&f->arena);
    if (!envelope_table(text, &f->arena, &schema, &table))
        return f->tables.include.n == 0;
    char *name = arena_take(&f->arena, schema.n + 1 + table.n);
    if (name == NULL)
        return true;
    memcpy(name, schema.p, schema.n);
    name[schema.n] = '.';
    memcpy(name + schema.n + 1, table.p, table.n);
    struct span whole = {name, schema.n + 1 + table.n};
    struct memo_entry *known = memo_find(&f->memo, whole);
    if (!known->known) {
        known->verdict = pattern_admits(&f->tables, whole);
        known->known = true;
    }
    return known->verdict;
}

// What a source prints for a large value that an update left alone.
static bool is_unchanged(struct span before, struct span after)
{
    static const struct span placeholder = SPAN_LIT("\"__debezium_unavailable_value\"");
    return span_eq(before, after) || span_eq(after, placeholder);
}

// Only an update whose two rows are there can be one that changed nothing.
static bool has_changed(const struct filter *f, struct span text)
{
    static const struct span names[] = {SPAN_LIT("before"), SPAN_LIT("after")};
    struct span before, after;
    if (!json_member(text, names[0], &before) || !json_member(text, names[1], &after) || before.p[0] != '{' ||
        after.p[0] != '{')
        return true;
    for (size_t i = 0; i < f->n_changed; i++) {
        struct span old = {NULL, 0}, new = {NULL, 0};
        bool had = json_member(before, f->changed[i], &old), has = json_member(after, f->changed[i], &new);
        if (had != has || !is_unchanged(old, new))
            return true;
    }
    return false;
}

static bool stays(struct filter *f, struct span text)
{
    return (f->o->operations == NULL || f->operations[(unsigned char)envelope_op(text) & 127]) &&
           (!f->by_table || admits_table(f, text)) && (f->n_changed == 0 || has_changed(f, text));
}

// ---- libjq

// To keep a line is to keep it as the steps before have made it.
static void fail(struct filter *f, struct filter_worker *w, struct libjq *q, struct stage_line *l)
{
    if (f->o->on_error == ON_ERROR_REFUSE) {
        stage_refuse(l, &w->out, buf_cstr(&q->message));
        return;
    }
    w->errors++;
    if (f->o->on_error == ON_ERROR_DROP)
        l->fate = STAGE_DROP;
}

static bool ready(struct filter *f, struct libjq *q, const char *text, struct stage_line *l, struct buf *out)
{
    struct err e;
    if (q->jq != NULL || libjq_init(q, text, text == f->o->map ? LIBJQ_ALL : LIBJQ_TRUTH, f->o->variables,
                                    f->o->n_variables, &e))
        return true;
    stage_refuse(l, out, e.text);
    return false;
}

static void judge(struct filter *f, struct filter_worker *w, struct stage_line *l)
{
    jv output;
    if (!ready(f, &w->expr, f->o->expression, l, &w->out))
        return;
    enum libjq_got got = libjq_start(&w->expr, l->line.text) ? libjq_next(&w->expr, &output) : LIBJQ_FAILED;
    if (got == LIBJQ_FAILED) {
        fail(f, w, &w->expr, l);
        return;
    }
    bool is = false;
    if (got == LIBJQ_OUTPUT) {
        jv_kind kind = jv_get_kind(output);
        is = kind != JV_KIND_FALSE && kind != JV_KIND_NULL;
        jv_free(output);
    }
    if (!is)
        l->fate = STAGE_DROP;
}

// The lines that the steps before have made of one.
static bool map_lines(struct libjq *q, struct span text, struct buf *out)
{
    struct line l;
    struct err e;
    while (text.n != 0) {
        const char *newline = memchr(text.p, '\n', text.n);
        size_t n = newline != NULL ? (size_t)(newline - text.p) : text.n;
        if (!line_parse((struct span){text.p, n}, &l, &e)) {
            buf_reset(&q->message);
            buf_str(&q->message, e.text);
            return false;
        }
        if (!map_line(q, &l, out))
            return false;
        text.p += n + (newline != NULL), text.n -= n + (newline != NULL);
    }
    return true;
}

static void map(struct filter *f, struct filter_worker *w, struct stage_line *l)
{
    if (!ready(f, &w->map, f->o->map, l, &w->out))
        return;
    size_t at = w->out.n;
    bool ok = l->fate == STAGE_WRITE ? map_lines(&w->map, (struct span){l->in->p + l->at, l->n}, &w->out)
                                     : map_line(&w->map, &l->line, &w->out);
    if (ok) {
        stage_write(l, &w->out, at);
        return;
    }
    w->out.n = at;
    fail(f, w, &w->map, l);
}

static void judge_item(void *context, size_t worker, size_t item)
{
    struct filter *f = context;
    judge(f, &f->workers[worker], f->asked[item]);
}

static void map_item(void *context, size_t worker, size_t item)
{
    struct filter *f = context;
    map(f, &f->workers[worker], f->asked[item]);
}

// ---- a batch

static bool make_room(struct filter *f, size_t n, struct err *e)
{
    if (n <= f->asked_max)
        return true;
    free(f->asked);
    f->asked = calloc(n, sizeof(struct stage_line *));
    f->asked_max = f->asked != NULL ? n : 0;
    return f->asked != NULL || err_no_memory(e);
}

static bool run_jobs(struct filter *f, jobs_work *work, struct err *e)
{
    if (f->n_asked == 0)
        return true;
    if (f->jobs == NULL && !jobs_start(&f->jobs, f->o->jobs, e))
        return false;
    jobs_run(f->jobs, work, f, f->n_asked, GRAIN);
    return true;
}

// The tests that need no libjq. What is left to it is in f->asked.
static void decide(struct filter *f, struct stage_line *l)
{
    if (!stays(f, l->line.text)) {
        l->fate = STAGE_DROP;
        return;
    }
    if (f->o->expression == NULL)
        return;
    struct value v;
    enum expr_got got = f->native ? expr_eval(&f->eval, l->line.text, &v) : EXPR_ASK;
    if (got == EXPR_ASK)
        f->asked[f->n_asked++] = l;
    else if (got == EXPR_EMPTY || !value_is_true(&v))
        l->fate = STAGE_DROP;
}

static void rewrite(struct filter *f, struct stage_line *l)
{
    size_t at = f->rewritten.n;
    switch (rewrite_line(&f->rewrite, &l->line, &f->rewritten)) {
    case REWRITE_SAME:
        break;
    case REWRITE_DONE:
        stage_write(l, &f->rewritten, at);
        break;
    case REWRITE_DROP:
        l->fate = STAGE_DROP;
        break;
    case REWRITE_REFUSE:
        stage_write(l, &f->rewritten, at);
        l->fate = STAGE_REFUSE;
    }
}

// Which lines stay is decided for all of them first.
static bool select_lines(struct filter *f, struct stage_line **lines, size_t n, struct err *e)
{
    f->n_asked = 0;
    for (size_t i = 0; i < n; i++)
        decide(f, lines[i]);
    return run_jobs(f, judge_item, e);
}

static bool change_lines(struct filter *f, struct stage_line **lines, size_t n, struct err *e)
{
    f->n_asked = 0;
    for (size_t i = 0; i < n; i++) {
        if (lines[i]->fate == STAGE_KEEP && rewrite_has(&f->rewrite))
            rewrite(f, lines[i]);
        if (f->o->map != NULL && (lines[i]->fate == STAGE_KEEP || lines[i]->fate == STAGE_WRITE))
            f->asked[f->n_asked++] = lines[i];
    }
    return run_jobs(f, map_item, e);
}

static bool gather_errors(struct filter *f, struct err *e)
{
    bool bad = f->rewritten.bad;
    for (uint64_t i = 0; i < f->o->jobs; i++) {
        f->errors += f->workers[i].errors;
        f->workers[i].errors = 0;
        bad = bad || f->workers[i].out.bad;
    }
    return !bad || err_no_memory(e);
}

bool filter_decide(void *self, struct stage_line **lines, size_t n, struct err *e)
{
    struct filter *f = self;
    buf_reset(&f->rewritten);
    for (uint64_t i = 0; i < f->o->jobs; i++)
        buf_reset(&f->workers[i].out);
    if (!make_room(f, n, e) || !select_lines(f, lines, n, e))
        return false;
    if ((rewrite_has(&f->rewrite) || f->o->map != NULL) && !change_lines(f, lines, n, e))
        return false;
    return gather_errors(f, e);
}
