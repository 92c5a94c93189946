#include "stage/columns.h"

#include "event/envelope.h"
#include "event/json.h"
#include "event/value.h"

#include <stdlib.h>

#define MASK_CHARS 8
#define MASK_CHARS_MAX 10000

struct columns_mask {
    struct pattern_list pattern;
    uint64_t chars;
};

// REGEX or REGEX=N.
static bool take_mask(struct columns *c, const char *text, struct err *e)
{
    struct columns_mask *mask = &c->masks[c->n_masks];
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
    c->n_masks++;
    bool ok = pattern_compile(&mask->pattern, &list, "mask-column", e);
    free(pattern);
    return ok;
}

bool columns_init(struct columns *c, const struct opt_list *drop, const struct opt_list *mask, struct err *e)
{
    *c = (struct columns){0};
    memo_init(&c->known);
    buf_init(&c->name, 1 << 16);
    c->masks = calloc(mask->n + 1, sizeof *c->masks);
    if (c->masks == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < mask->n; i++)
        if (!take_mask(c, mask->at[i], e))
            return false;
    return pattern_compile(&c->drop, drop, "drop-column", e);
}

void columns_release(struct columns *c)
{
    for (size_t i = 0; i < c->n_masks; i++)
        pattern_release(&c->masks[i].pattern);
    free(c->masks);
    pattern_release(&c->drop);
    memo_release(&c->known);
    arena_release(&c->arena);
    buf_release(&c->name);
}

// What happens to a column, as it is remembered: kept, left out, or masked by the rule behind.
enum { COLUMN_KEEP, COLUMN_DROP, COLUMN_MASK };

static uint64_t judge(const struct columns *c, struct span column)
{
    if (pattern_matches(&c->drop, column))
        return COLUMN_DROP;
    for (size_t i = 0; i < c->n_masks; i++)
        if (pattern_matches(&c->masks[i].pattern, column))
            return COLUMN_MASK + i;
    return COLUMN_KEEP;
}

static uint64_t fate_of(struct columns *c, struct span quoted)
{
    struct span name = {quoted.p + 1, quoted.n - 2};
    struct value v;
    if (c->table_n == 0)
        return COLUMN_KEEP;
    if (memchr(name.p, '\\', name.n) != NULL && value_of(quoted, &c->arena, &v))
        name = v.text;
    c->name.n = c->table_n;
    buf_span(&c->name, name);
    struct memo_entry *known = memo_find(&c->known, buf_view(&c->name));
    if (!known->known) {
        known->verdict = judge(c, buf_view(&c->name));
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

bool columns_begin(struct columns *c, struct span line)
{
    struct span schema, table;
    c->table_n = 0;
    if (!columns_has(c))
        return false;
    arena_reset(&c->arena);
    if (!envelope_table(line, &c->arena, &schema, &table))
        return false;
    buf_reset(&c->name);
    buf_span(&c->name, schema);
    buf_char(&c->name, '.');
    buf_span(&c->name, table);
    buf_char(&c->name, '.');
    c->table_n = c->name.n;
    return true;
}

bool columns_put(struct columns *c, struct span row, struct buf *out, bool *changed)
{
    struct json_walk m;
    bool first = true;
    for (json_walk_begin(&m, row); json_walk_next(&m);) {
        uint64_t fate = fate_of(c, m.name);
        *changed = *changed || fate != COLUMN_KEEP;
        if (fate == COLUMN_DROP)
            continue;
        if (!first)
            buf_char(out, ',');
        first = false;
        buf_span(out, m.name);
        buf_char(out, ':');
        if (fate >= COLUMN_MASK)
            put_masked(m.value, c->masks[fate - COLUMN_MASK].chars, out);
        else
            buf_span(out, m.value);
    }
    return !m.bad;
}
