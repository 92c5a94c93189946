#include "stage/rewrite.h"

#include "event/envelope.h"
#include "event/json.h"

#include <stdlib.h>

#define MASK_CHARS 8
#define MASK_CHARS_MAX 10000

struct rewrite_mask {
    struct pattern_list pattern;
    uint64_t chars;
};

// A field of the envelope beside the row: its place, and its name there.
struct rewrite_field {
    struct span path[2];
    size_t depth;
    struct buf name;
};

// ---- options

// REGEX or REGEX=N.
static bool take_mask(struct rewrite *w, const char *text, struct err *e)
{
    struct rewrite_mask *mask = &w->masks[w->n_masks];
    const char *equals = strrchr(text, '=');
    mask->chars = MASK_CHARS;
    bool numbered = equals != NULL && opt_count(equals + 1, &mask->chars);
    if (mask->chars > MASK_CHARS_MAX)
        return err_set(e, STATUS_USAGE, "--mask-column %s: more than %d characters", text, MASK_CHARS_MAX);
    char *pattern = strndup(text, numbered ? (size_t)(equals - text) : strlen(text));
    if (pattern == NULL)
        return err_no_memory(e);
    const char *at[] = {pattern};
    struct opt_list list = {at, 1};
    w->n_masks++;
    bool ok = pattern_compile(&mask->pattern, &list, "mask-column", e);
    free(pattern);
    return ok;
}

// As Debezium finds it: a name without a struct is the operation, a time, the transaction's or the source's.
static const char *struct_of(struct span name)
{
    static const char *const of[][2] = {{"op", ""},
                                        {"ts_ms", ""},
                                        {"ts_us", ""},
                                        {"ts_ns", ""},
                                        {"id", "transaction"},
                                        {"total_order", "transaction"},
                                        {"data_collection_order", "transaction"}};
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        if (span_is(name, of[i][0]))
            return of[i][1];
    return "source";
}

// NAME or STRUCT.NAME, and :ALIAS behind.
static bool take_field(struct rewrite *w, struct span text, struct err *e)
{
    struct rewrite_field *f = &w->fields[w->n_fields++];
    const char *colon = memchr(text.p, ':', text.n);
    struct span name = {text.p, colon != NULL ? (size_t)(colon - text.p) : text.n}, outer = {NULL, 0};
    const char *dot = memchr(name.p, '.', name.n);
    buf_init(&f->name, 1 << 16);
    if (dot != NULL) {
        outer = (struct span){name.p, (size_t)(dot - name.p)};
        name = (struct span){dot + 1, name.n - outer.n - 1};
    }
    if (name.n == 0 || (dot != NULL && outer.n == 0) || (colon != NULL && colon + 1 == text.p + text.n))
        return err_set(e, STATUS_USAGE,
                       "--add-fields takes NAME, STRUCT.NAME and :ALIAS behind, not \"%.*s\"",
                       SPAN_ARG(text));
    struct buf alias;
    buf_init(&alias, 1 << 16);
    buf_str(&alias, w->o->add_fields_prefix);
    if (colon != NULL) {
        buf_bytes(&alias, colon + 1, (size_t)(text.p + text.n - colon) - 1);
    } else {
        buf_span(&alias, outer);
        buf_str(&alias, outer.n != 0 ? "_" : "");
        buf_span(&alias, name);
    }
    json_quote(&f->name, buf_view(&alias));
    buf_release(&alias);
    if (outer.n == 0)
        outer = span_of(struct_of(name));
    f->depth = 0;
    if (outer.n != 0)
        f->path[f->depth++] = outer;
    f->path[f->depth++] = name;
    return buf_ok(&f->name, "a field's name", e);
}

static bool take_fields(struct rewrite *w, struct err *e)
{
    size_t max = 1;
    const char *list = w->o->add_fields;
    for (const char *p = list; p != NULL && *p != '\0'; p++)
        max += *p == ',';
    w->fields = calloc(max, sizeof *w->fields);
    if (w->fields == NULL)
        return err_no_memory(e);
    for (const char *p = list; p != NULL && *p != '\0';) {
        size_t n = strcspn(p, ",");
        if (!take_field(w, (struct span){p, n}, e))
            return false;
        p += n + (p[n] == ',');
    }
    return list == NULL || w->o->unwrap || err_set(e, STATUS_USAGE, "--add-fields goes with --unwrap");
}

bool rewrite_init(struct rewrite *w, const struct rewrite_options *o, struct err *e)
{
    *w = (struct rewrite){.o = o};
    memo_init(&w->columns);
    buf_init(&w->name, 1 << 16);
    w->masks = calloc(o->mask.n + 1, sizeof *w->masks);
    if (w->masks == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < o->mask.n; i++)
        if (!take_mask(w, o->mask.at[i], e))
            return false;
    return take_fields(w, e) && pattern_compile(&w->drop, &o->drop, "drop-column", e);
}

void rewrite_release(struct rewrite *w)
{
    for (size_t i = 0; i < w->n_masks; i++)
        pattern_release(&w->masks[i].pattern);
    free(w->masks);
    for (size_t i = 0; i < w->n_fields; i++)
        buf_release(&w->fields[i].name);
    free(w->fields);
    pattern_release(&w->drop);
    memo_release(&w->columns);
    arena_release(&w->arena);
    buf_release(&w->name);
}

bool rewrite_has(const struct rewrite *w)
{
    return w->o->unwrap || w->drop.n != 0 || w->n_masks != 0;
}

// ---- columns

// What happens to a column, as it is remembered: kept, left out, or masked by the rule behind.
enum { COLUMN_KEEP, COLUMN_DROP, COLUMN_MASK };

static uint64_t judge(const struct rewrite *w, struct span column)
{
    if (pattern_matches(&w->drop, column))
        return COLUMN_DROP;
    for (size_t i = 0; i < w->n_masks; i++)
        if (pattern_matches(&w->masks[i].pattern, column))
            return COLUMN_MASK + i;
    return COLUMN_KEEP;
}

// w->name holds "schema.table." up to prefix.
static uint64_t fate_of(struct rewrite *w, size_t prefix, struct span quoted)
{
    struct span name = {quoted.p + 1, quoted.n - 2};
    struct value v;
    if (memchr(name.p, '\\', name.n) != NULL && value_of(quoted, &w->arena, &v))
        name = v.text;
    w->name.n = prefix;
    buf_span(&w->name, name);
    struct memo_entry *known = memo_find(&w->columns, buf_view(&w->name));
    if (!known->known) {
        known->verdict = judge(w, buf_view(&w->name));
        known->known = true;
    }
    return known->verdict;
}

// A text becomes asterisks, null stays; a number or a truth value would tell something, so it becomes null.
static void put_masked(struct span json, uint64_t chars, struct buf *out)
{
    if (json.p[0] != '"') {
        buf_lit(out, "null");
        return;
    }
    buf_char(out, '"');
    for (uint64_t i = 0; i < chars; i++)
        buf_char(out, '*');
    buf_char(out, '"');
}

// The row's members, without its braces. *changed: they are not as they were.
static bool put_members(struct rewrite *w, size_t prefix, struct span row, struct buf *out, bool *changed)
{
    struct json_walk m;
    bool first = true;
    for (json_walk_begin(&m, row); json_walk_next(&m);) {
        uint64_t fate = prefix != 0 ? fate_of(w, prefix, m.name) : COLUMN_KEEP;
        *changed = *changed || fate != COLUMN_KEEP;
        if (fate == COLUMN_DROP)
            continue;
        if (!first)
            buf_char(out, ',');
        first = false;
        buf_span(out, m.name);
        buf_char(out, ':');
        if (fate >= COLUMN_MASK)
            put_masked(m.value, w->masks[fate - COLUMN_MASK].chars, out);
        else
            buf_span(out, m.value);
    }
    return !m.bad;
}

// 0: there are no rules, or the line is of no table.
static size_t put_table(struct rewrite *w, struct span text)
{
    struct span schema, table;
    buf_reset(&w->name);
    if ((w->drop.n == 0 && w->n_masks == 0) || !envelope_table(text, &w->arena, &schema, &table))
        return 0;
    buf_span(&w->name, schema);
    buf_char(&w->name, '.');
    buf_span(&w->name, table);
    buf_char(&w->name, '.');
    return w->name.n;
}

static enum rewritten refuse(struct buf *out, size_t at, const char *why)
{
    out->n = at;
    buf_str(out, why);
    return REWRITE_REFUSE;
}

// ---- the line with its envelope

// The rows stand among other members, which are copied with all between them.
static enum rewritten rewrite_rows(struct rewrite *w, const struct line *l, size_t prefix, struct buf *out)
{
    struct json_walk m;
    size_t at = out->n;
    const char *copied = l->text.p;
    bool changed = false;
    for (json_walk_begin(&m, l->text); json_walk_next(&m);) {
        if ((!span_is(m.name, "\"before\"") && !span_is(m.name, "\"after\"")) || m.value.p[0] != '{')
            continue;
        buf_bytes(out, copied, (size_t)(m.value.p - copied));
        buf_char(out, '{');
        if (!put_members(w, prefix, m.value, out, &changed))
            return refuse(out, at, "the line's row is no JSON object");
        buf_char(out, '}');
        copied = m.value.p + m.value.n;
    }
    if (m.bad)
        return refuse(out, at, "the line is no JSON object");
    if (!changed) {
        out->n = at;
        return REWRITE_SAME;
    }
    buf_bytes(out, copied, (size_t)(l->text.p + l->text.n - copied));
    buf_char(out, '\n');
    return REWRITE_DONE;
}

// ---- the row alone

// As Debezium finds it: in its struct, else in the envelope itself; what is in neither is left out. Of a
// struct that is null each field is.
static bool find_field(const struct rewrite_field *f, struct span text, struct span *json)
{
    if (json_path(text, f->path, f->depth, json))
        return true;
    if (f->depth == 2 && json_member(text, f->path[0], json) && span_is(*json, "null"))
        return true;
    return json_member(text, f->path[f->depth - 1], json);
}

static void put_fields(const struct rewrite *w, struct span text, struct buf *out)
{
    for (size_t i = 0; i < w->n_fields; i++) {
        const struct rewrite_field *f = &w->fields[i];
        struct span json;
        if (!find_field(f, text, &json))
            continue;
        buf_char(out, ',');
        buf_span(out, buf_view(&f->name));
        buf_char(out, ':');
        buf_span(out, json);
    }
}

static enum rewritten unwrap(struct rewrite *w, const struct line *l, size_t prefix, struct buf *out)
{
    static const struct span names[] = {SPAN_LIT("after"), SPAN_LIT("before")};
    char op = envelope_op(l->text);
    size_t at = out->n;
    bool deleted = op == 'd', changed = false;
    struct span row;
    if (op == 't' || (deleted && w->o->drop_deletes))
        return REWRITE_DROP;
    if (op != 'c' && op != 'u' && op != 'r' && op != 'd')
        return REWRITE_SAME;
    if (!json_member(l->text, names[deleted], &row) || row.p[0] != '{')
        return refuse(out, at, "the line has no row to unwrap");
    buf_bytes(out, l->text.p, l->kind == LINE_CHANGE ? (size_t)(l->value.p - l->text.p) : 1);
    size_t members = out->n;
    if (!put_members(w, prefix, row, out, &changed))
        return refuse(out, at, "the line's row is no JSON object");
    if (out->n != members)
        buf_char(out, ',');
    buf_lit(out, "\"__deleted\":");
    buf_str(out, deleted ? "\"true\"" : "\"false\"");
    put_fields(w, l->text, out);
    buf_lit(out, "}\n");
    return REWRITE_DONE;
}

enum rewritten rewrite_line(struct rewrite *w, const struct line *l, struct buf *out)
{
    arena_reset(&w->arena);
    size_t prefix = put_table(w, l->text);
    if (w->o->unwrap)
        return unwrap(w, l, prefix, out);
    return prefix != 0 ? rewrite_rows(w, l, prefix, out) : REWRITE_SAME;
}
