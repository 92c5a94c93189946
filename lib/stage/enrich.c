#include "stage/enrich.h"

#include "base/clock.h"
#include "event/json.h"

#include <stdio.h>
#include <stdlib.h>

// ---- options

static bool check_counts(const struct enrich_options *o, struct err *e)
{
    size_t n = o->lookups.n;
    if (n == 0 || n > ENRICH_LOOKUPS_MAX)
        return err_set(e, STATUS_USAGE,
                       n == 0 ? "no --lookup says what to add" : "there are too many --lookup");
    if (o->as.n != n)
        return err_set(e, STATUS_USAGE, "each --lookup needs an --as, which names what it adds");
    if (o->select.n != 0 && o->select.n != n) {
        err_set(e, STATUS_USAGE, "--select is given for some --lookup only");
        return err_hint(e, "--select '*' selects every column");
    }
    return o->into == NULL || strcmp(o->into, "after") == 0 ||
           err_set(e, STATUS_USAGE, "--into takes after, not \"%s\"", o->into);
}

bool enrich_init(struct enrich *x, const struct enrich_options *o, struct err *e)
{
    *x = (struct enrich){.o = o};
    memo_init(&x->topics);
    buf_init(&x->batch.rows, SIZE_MAX / 4);
    buf_init(&x->out, SIZE_MAX / 4);
    if (!check_counts(o, e))
        return false;
    while (x->n < o->lookups.n) {
        size_t i = x->n++;
        x->as[i] = span_of(o->as.at[i]);
        if (!lookup_init(&x->lookups[i], &o->lookup, &x->batch, o->lookups.at[i],
                         o->select.n != 0 ? o->select.at[i] : NULL, e))
            return false;
    }
    return (o->dimension_topic == NULL ||
            topic_pattern_compile(&x->dimension_topic, span_of(o->dimension_topic), "dimension-topic", e)) &&
           jobs_start(&x->jobs, o->lookup.dimension.workers, e);
}

void enrich_release(struct enrich *x)
{
    jobs_stop(x->jobs);
    for (size_t i = 0; i < x->n; i++)
        lookup_release(&x->lookups[i]);
    topic_pattern_release(&x->dimension_topic);
    memo_release(&x->topics);
    free(x->cells);
    buf_release(&x->batch.rows);
    arena_release(&x->batch.arena);
    buf_release(&x->out);
}

static bool is_dimension(struct enrich *x, const struct line *l)
{
    if (x->dimension_topic.code == NULL || l->topic.n == 0)
        return false;
    struct memo_entry *known = memo_find(&x->topics, l->topic);
    if (!known->known) {
        known->verdict = topic_pattern_matches(&x->dimension_topic, l->topic);
        known->known = true;
    }
    return known->verdict;
}

// ---- writing

// False where the line is refused.
static bool settle(struct enrich *x, const struct lookup *k, struct stage_line *l, struct lookup_cell *cell,
                   bool required)
{
    char why[320];
    lookup_settle(k, cell);
    const char *what = cell->state == CELL_BAD_KEY ? "the line's key for it is no text, number or truth value"
                       : cell->state == CELL_REFUSED ? "the line's key for it is none for its column"
                       : !required                   ? NULL
                       : cell->state == CELL_ABSENT  ? "it has no row with the line's key"
                       : cell->state == CELL_NO_KEY  ? "the line has no key for it"
                                                     : NULL;
    if (what == NULL)
        return true;
    snprintf(why, sizeof why, "dimension \"%.*s\": %s", (int)(k->spec.table.n < 100 ? k->spec.table.n : 100),
             k->spec.table.p, what);
    stage_refuse(l, &x->out, why);
    return false;
}

// Where the members go.
struct gap {
    const char *at;
    bool comma_before;
};

// The walk that finds the place sees every name, too.
static bool find_gap(struct enrich *x, struct stage_line *l, struct span object, bool is_line,
                     struct gap *gap)
{
    static const struct span after = SPAN_LIT("\"after\"");
    struct json_walk w;
    bool any = false, has_after = false;
    gap->at = object.p + object.n - 1;
    for (json_walk_begin(&w, object); json_walk_next(&w); any = true) {
        for (size_t i = 0; i < x->n; i++)
            if (w.name.n == x->as[i].n + 2 && memcmp(w.name.p + 1, x->as[i].p, w.name.n - 2) == 0) {
                stage_refuse(l, &x->out, "the line has a member of --as already");
                return false;
            }
        if (is_line && !has_after && span_eq(w.name, after)) {
            has_after = true;
            gap->at = w.value.p + w.value.n;
        }
    }
    if (w.bad || w.in_array) {
        stage_refuse(l, &x->out, "the line is no JSON object");
        return false;
    }
    gap->comma_before = any || has_after;
    return true;
}

static void put_members(struct enrich *x, const struct lookup_cell *cells, bool comma)
{
    for (size_t i = 0; i < x->n; i++) {
        if (comma || i != 0)
            buf_char(&x->out, ',');
        json_quote(&x->out, x->as[i]);
        buf_char(&x->out, ':');
        if (cells[i].state == CELL_FOUND)
            buf_bytes(&x->out, x->batch.rows.p + cells[i].at, cells[i].n);
        else
            buf_lit(&x->out, "null");
    }
}

static void write_line(struct enrich *x, struct stage_line *l, struct lookup_cell *cells)
{
    static const struct span after = SPAN_LIT("after");
    struct span text = l->line.text, object, row;
    struct gap gap = {0};
    bool any_key = false, has_after = json_member(text, after, &row);
    if (line_is_tombstone(&l->line)) // which a member would make a value
        return;
    for (size_t i = 0; i < x->n; i++)
        any_key = any_key || cells[i].state != CELL_NO_KEY;
    // Heartbeats and the like; and lines without a row, where that is what gets the member.
    bool stays = x->o->into != NULL ? !has_after || row.p[0] != '{' : !any_key && !has_after;
    for (size_t i = 0; i < x->n; i++)
        if (!settle(x, &x->lookups[i], l, &cells[i], x->o->required && !stays))
            return;
    if (stays)
        return;
    object = x->o->into != NULL ? row : text;
    if (!find_gap(x, l, object, x->o->into == NULL, &gap))
        return;
    size_t at = x->out.n;
    buf_bytes(&x->out, text.p, (size_t)(gap.at - text.p));
    put_members(x, cells, gap.comma_before);
    buf_bytes(&x->out, gap.at, (size_t)(text.p + text.n - gap.at));
    buf_char(&x->out, '\n');
    stage_write(l, &x->out, at);
}

// ---- a batch

static void begin(struct enrich *x)
{
    buf_reset(&x->batch.rows);
    arena_reset(&x->batch.arena);
    x->batch.now_ms = clock_mono_ms();
    buf_reset(&x->out);
    for (size_t i = 0; i < x->n; i++)
        lookup_begin(&x->lookups[i]);
}

static bool make_cells(struct enrich *x, size_t n, struct err *e)
{
    if (n <= x->cells_max)
        return true;
    free(x->cells);
    x->cells = calloc(n, sizeof *x->cells);
    x->cells_max = x->cells != NULL ? n : 0;
    return x->cells != NULL || err_no_memory(e);
}

bool enrich_decide(void *self, struct stage_line **lines, size_t n, struct err *e)
{
    struct enrich *x = self;
    begin(x);
    if (!make_cells(x, n * x->n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool dimension = is_dimension(x, &lines[i]->line);
        for (size_t j = 0; j < x->n; j++)
            if (dimension)
                lookup_forget(&x->lookups[j], &lines[i]->line);
            else
                x->cells[i * x->n + j] = lookup_ask(&x->lookups[j], lines[i]->line.text);
    }
    for (size_t j = 0; j < x->n; j++)
        if (!lookup_fetch(&x->lookups[j], x->jobs, e))
            return false;
    for (size_t i = 0; i < n; i++)
        if (!is_dimension(x, &lines[i]->line))
            write_line(x, lines[i], &x->cells[i * x->n]);
    return (!x->batch.rows.bad && !x->out.bad) || err_no_memory(e);
}
