#include "stage/enrich.h"

#include "base/clock.h"
#include "base/stop.h"
#include "event/json.h"
#include "stage/dimension_file.h"

#include <stdio.h>
#include <stdlib.h>

// Keys that are worth a query of their own.
#define CHUNK_KEYS 64

#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000
#define LOOK_MS 50

struct enrich_worker {
    struct buf out;
    struct err error;
    bool failed;
};

struct enrich_lookup {
    struct dimension_spec spec;
    struct expr keys[DIMENSION_KEYS_MAX];
    struct expr_eval evals[DIMENSION_KEYS_MAX];
    struct span as;
    void *dimension;
    struct cache cache;

    // Of one batch: the keys that are to be fetched, each once.
    struct cache pending;               // a key's number among them
    struct buf keys_joined, keys_split; // struct span: one a key; n_key a key
    size_t n;
    struct dimension_row *rows;
    size_t rows_max, chunk;
    struct enrich_worker *workers;
    const struct enrich *enrich;
};

enum cell_state { CELL_NO_KEY, CELL_BAD_KEY, CELL_FOUND, CELL_ABSENT, CELL_PENDING, CELL_REFUSED };

struct enrich_cell {
    enum cell_state state;
    size_t at, n; // FOUND: in enrich.rows; PENDING: n is the key's number
};

// ---- options

static bool bad_lookup(const char *text, struct err *e)
{
    err_set(e, STATUS_USAGE, "--lookup takes TABLE:PATH=COLUMN, not \"%s\"", text);
    return err_hint(e, "--lookup 'customers:.after.customer_id=id', further PATH=COLUMN behind commas");
}

static bool take_key(struct enrich_lookup *k, struct span part, const char *text, struct err *e)
{
    size_t equals = part.n;
    while (equals != 0 && part.p[equals - 1] != '=')
        equals--;
    if (equals < 2 || equals == part.n || k->spec.n_key == DIMENSION_KEYS_MAX)
        return bad_lookup(text, e);
    size_t i = k->spec.n_key;
    k->spec.key[i] = (struct span){part.p + equals, part.n - equals};
    k->spec.n_key++;
    if (!expr_parse(&k->keys[i], (struct span){part.p, equals - 1}, NULL, 0)) {
        bad_lookup(text, e);
        return err_hint(e, "PATH is a place in the line, as .after.customer_id, or several with // between");
    }
    expr_eval_init(&k->evals[i], &k->keys[i]);
    return true;
}

static bool take_lookup(struct enrich_lookup *k, const char *text, struct err *e)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text)
        return bad_lookup(text, e);
    k->spec.table = (struct span){text, (size_t)(colon - text)};
    for (const char *p = colon + 1;; p++) {
        size_t n = strcspn(p, ",");
        if (!take_key(k, (struct span){p, n}, text, e))
            return false;
        p += n;
        if (*p == '\0')
            return true;
    }
}

static bool take_select(struct enrich_lookup *k, const char *list, struct err *e)
{
    for (const char *p = list; *p != '\0' && strcmp(list, "*") != 0;) {
        size_t n = strcspn(p, ",");
        if (k->spec.n_select == DIMENSION_COLUMNS_MAX)
            return err_set(e, STATUS_USAGE, "--select names more than %d columns", DIMENSION_COLUMNS_MAX);
        k->spec.select[k->spec.n_select] = (struct span){p, n};
        k->spec.n_select += n != 0;
        p += n + (p[n] == ',');
    }
    return true;
}

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

static bool open_lookup(struct enrich *x, size_t i, struct err *e)
{
    const struct enrich_options *o = x->o;
    struct enrich_lookup *k = &x->lookups[i];
    k->enrich = x;
    k->as = span_of(o->as.at[i]);
    buf_init(&k->keys_joined, SIZE_MAX / 4);
    buf_init(&k->keys_split, SIZE_MAX / 4);
    k->workers = calloc(o->dimension.workers, sizeof *k->workers);
    if (k->workers == NULL)
        return err_no_memory(e);
    for (size_t w = 0; w < o->dimension.workers; w++)
        buf_init(&k->workers[w].out, SIZE_MAX / 4);
    return take_lookup(k, o->lookups.at[i], e) && (o->select.n == 0 || take_select(k, o->select.at[i], e)) &&
           cache_init(&k->cache, o->cache_size, e) && cache_init(&k->pending, SIZE_MAX, e) &&
           o->ops->open(&o->dimension, &k->spec, &k->dimension, e);
}

bool enrich_init(struct enrich *x, const struct enrich_options *o, struct err *e)
{
    *x = (struct enrich){.o = o};
    memo_init(&x->topics);
    buf_init(&x->rows, SIZE_MAX / 4);
    buf_init(&x->out, SIZE_MAX / 4);
    if (!check_counts(o, e))
        return false;
    x->lookups = calloc(o->lookups.n, sizeof *x->lookups);
    if (x->lookups == NULL)
        return err_no_memory(e);
    for (x->n = 0; x->n < o->lookups.n;)
        if (!open_lookup(x, x->n++, e))
            return false;
    return (o->dimension_topic == NULL ||
            topic_pattern_compile(&x->dimension_topic, span_of(o->dimension_topic), "dimension-topic", e)) &&
           jobs_start(&x->jobs, o->dimension.workers, e);
}

static void release_lookup(struct enrich_lookup *k, const struct enrich_options *o)
{
    o->ops->close(k->dimension);
    for (size_t i = 0; i < k->spec.n_key; i++) {
        expr_eval_release(&k->evals[i]);
        expr_release(&k->keys[i]);
    }
    cache_release(&k->cache);
    cache_release(&k->pending);
    buf_release(&k->keys_joined);
    buf_release(&k->keys_split);
    free(k->rows);
    for (size_t w = 0; k->workers != NULL && w < o->dimension.workers; w++)
        buf_release(&k->workers[w].out);
    free(k->workers);
}

void enrich_release(struct enrich *x)
{
    jobs_stop(x->jobs);
    for (size_t i = 0; i < x->n; i++)
        release_lookup(&x->lookups[i], x->o);
    free(x->lookups);
    topic_pattern_release(&x->dimension_topic);
    memo_release(&x->topics);
    free(x->cells);
    buf_release(&x->rows);
    buf_release(&x->out);
    arena_release(&x->arena);
}

// ---- keys

static bool copy(struct arena *a, struct span *s)
{
    char *p = arena_take(a, s->n);
    if (p == NULL)
        return false;
    if (s->n != 0)
        memcpy(p, s->p, s->n);
    s->p = p;
    return true;
}

// The key's texts, in the batch's memory. Any that is null: there is none.
static enum cell_state read_key(struct enrich *x, struct enrich_lookup *k, struct span text,
                                struct span *parts)
{
    for (size_t i = 0; i < k->spec.n_key; i++) {
        struct value v;
        switch (expr_eval(&k->evals[i], text, &v)) {
        case EXPR_VALUE:
            break;
        case EXPR_EMPTY:
            return CELL_NO_KEY;
        default:
            return CELL_BAD_KEY;
        }
        if (v.kind == VALUE_NULL)
            return CELL_NO_KEY;
        if (v.kind == VALUE_FALSE || v.kind == VALUE_TRUE)
            v.text = span_of(v.kind == VALUE_TRUE ? "true" : "false");
        bool bad = v.kind >= VALUE_ARRAY || v.text.p == NULL ||
                   (v.text.n != 0 && memchr(v.text.p, '\0', v.text.n) != NULL);
        parts[i] = v.text;
        if (bad || !copy(&x->arena, &parts[i]))
            return CELL_BAD_KEY;
    }
    return CELL_PENDING;
}

static bool join(struct enrich *x, const struct span *parts, size_t n, struct span *joined)
{
    size_t room = n;
    for (size_t i = 0; i < n; i++)
        room += parts[i].n;
    struct buf b = {.p = arena_take(&x->arena, room), .cap = room, .max_bytes = room};
    if (b.p != NULL)
        dimension_join(&b, parts, n);
    *joined = buf_view(&b);
    return b.p != NULL;
}

static size_t pend(struct enrich_lookup *k, const struct span *parts, struct span joined)
{
    size_t number = k->n;
    const struct cache_entry *known = cache_find(&k->pending, joined, 0);
    if (known != NULL) {
        memcpy(&number, cache_value(known).p, sizeof number);
        return number;
    }
    cache_put(&k->pending, joined, true, (struct span){(const char *)&number, sizeof number}, INT64_MAX);
    buf_bytes(&k->keys_joined, &joined, sizeof joined);
    buf_bytes(&k->keys_split, parts, k->spec.n_key * sizeof *parts);
    k->n++;
    return number;
}

// Of the row's key alone, one part is enough.
static struct enrich_cell look_up(struct enrich *x, struct enrich_lookup *k, struct span text)
{
    struct span parts[DIMENSION_KEYS_MAX], joined;
    struct enrich_cell cell = {.state = read_key(x, k, text, parts)};
    if (cell.state != CELL_PENDING)
        return cell;
    joined = parts[0];
    if (k->spec.n_key > 1 && !join(x, parts, k->spec.n_key, &joined)) {
        cell.state = CELL_BAD_KEY;
        return cell;
    }
    const struct cache_entry *known = cache_find(&k->cache, joined, x->now_ms);
    if (known == NULL) {
        cell.n = pend(k, parts, joined);
        return cell;
    }
    cell = (struct enrich_cell){known->found ? CELL_FOUND : CELL_ABSENT, x->rows.n, known->n};
    buf_span(&x->rows, cache_value(known));
    return cell;
}

// ---- a change of the dimension itself

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

// The row was this one or becomes it. True where it has the lookup's columns.
static bool forget_row(struct enrich *x, struct enrich_lookup *k, struct span row)
{
    struct span parts[DIMENSION_KEYS_MAX], joined;
    for (size_t i = 0; i < k->spec.n_key; i++) {
        struct span json;
        struct value v;
        if (row.p[0] != '{' || !json_member(row, k->spec.key[i], &json) || !value_of(json, &x->arena, &v))
            return false;
        parts[i] = v.text;
    }
    joined = parts[0];
    if (k->spec.n_key > 1 && !join(x, parts, k->spec.n_key, &joined))
        return false;
    cache_drop(&k->cache, joined);
    return true;
}

// An update's old key is known from its row before, or did not change. What cannot be told, as a truncate,
// makes all be forgotten.
static void forget(struct enrich *x, const struct line *l)
{
    static const struct span names[] = {SPAN_LIT("before"), SPAN_LIT("after")};
    for (size_t i = 0; i < x->n; i++) {
        bool known = false;
        for (size_t j = 0; j < 2; j++) {
            struct span row;
            known = (json_member(l->text, names[j], &row) && forget_row(x, &x->lookups[i], row)) || known;
        }
        if (!known)
            cache_clear(&x->lookups[i].cache);
    }
}

// ---- fetching

// Back-pressure: the dimension's server is waited for, for as long as nobody stops the stage.
static bool nap(const struct enrich *x, int64_t ms, int64_t *stopped_ms, struct err *e)
{
    for (int64_t end = clock_mono_ms() + ms; clock_mono_ms() < end;) {
        if (stop_count() != 0 && *stopped_ms == 0)
            *stopped_ms = clock_mono_ms();
        if (*stopped_ms != 0 && clock_mono_ms() - *stopped_ms >= x->o->drain_timeout_ms)
            return err_wrap(e, "stopped before the end of the input: --drain-timeout has passed");
        clock_nap_us(LOOK_MS * 1000);
    }
    return true;
}

static bool fetch_once(const struct enrich_lookup *k, size_t worker, size_t at, size_t n, struct err *e)
{
    const struct span *keys = (const struct span *)(const void *)k->keys_split.p + at * k->spec.n_key;
    return k->enrich->o->ops->fetch(k->dimension, worker, keys, n, &k->workers[worker].out, &k->rows[at], e);
}

static bool fetch_patiently(const struct enrich_lookup *k, size_t worker, size_t at, size_t n, struct err *e)
{
    int64_t delay_ms = RETRY_MIN_MS, stopped_ms = 0;
    bool told = false;
    while (!fetch_once(k, worker, at, n, e)) {
        if (e->status != STATUS_PEER)
            return false;
        if (!told && stop_count() == 0)
            k->enrich->o->note("%s; waiting for it", e->text);
        told = true;
        if (!nap(k->enrich, delay_ms, &stopped_ms, e))
            return false;
        delay_ms = delay_ms * 2 < RETRY_MAX_MS ? delay_ms * 2 : RETRY_MAX_MS;
    }
    return true;
}

// One key that is none fails all of a query's: which one it is, halves find out.
static bool fetch_all(const struct enrich_lookup *k, size_t worker, size_t at, size_t n, struct err *e)
{
    if (fetch_patiently(k, worker, at, n, e))
        return true;
    if (e->status != STATUS_DATA)
        return false;
    if (n == 1) {
        k->rows[at] = (struct dimension_row){.refused = true};
        return true;
    }
    return fetch_all(k, worker, at, n / 2, e) && fetch_all(k, worker, at + n / 2, n - n / 2, e);
}

// A chunk has a connection and a buffer of its own, whichever thread works on it.
static void work(void *context, size_t worker, size_t item)
{
    struct enrich_lookup *k = context;
    (void)worker;
    struct enrich_worker *w = &k->workers[item];
    size_t at = item * k->chunk, n = k->n - at < k->chunk ? k->n - at : k->chunk;
    w->failed = !fetch_all(k, item, at, n, &w->error);
}

static void take_rows(struct enrich *x, struct enrich_lookup *k, size_t item)
{
    const struct span *joined = (const struct span *)(const void *)k->keys_joined.p;
    size_t at = item * k->chunk, end = at + k->chunk < k->n ? at + k->chunk : k->n;
    for (; at < end; at++) {
        struct dimension_row *row = &k->rows[at];
        struct span json = {row->found ? k->workers[item].out.p + row->at : NULL, row->n};
        if (row->refused)
            continue;
        cache_put(&k->cache, joined[at], row->found, json, x->now_ms + x->o->cache_ttl_ms);
        row->at = x->rows.n;
        buf_span(&x->rows, json);
    }
}

static bool make_room(struct enrich_lookup *k, struct err *e)
{
    if (k->n <= k->rows_max)
        return true;
    free(k->rows);
    k->rows = calloc(k->n, sizeof *k->rows);
    k->rows_max = k->rows != NULL ? k->n : 0;
    return k->rows != NULL || err_no_memory(e);
}

static bool fetch(struct enrich *x, struct enrich_lookup *k, struct err *e)
{
    if (k->n == 0)
        return true;
    if (k->keys_joined.bad || k->keys_split.bad || !make_room(k, e))
        return err_no_memory(e);
    size_t workers = x->o->dimension.workers, chunks = (k->n + CHUNK_KEYS - 1) / CHUNK_KEYS;
    chunks = chunks < workers ? chunks : workers;
    k->chunk = (k->n + chunks - 1) / chunks;
    chunks = (k->n + k->chunk - 1) / k->chunk;
    for (size_t i = 0; i < chunks; i++)
        buf_reset(&k->workers[i].out);
    jobs_run(x->jobs, work, k, chunks, 1);
    for (size_t i = 0; i < chunks; i++) {
        if (k->workers[i].failed) {
            *e = k->workers[i].error;
            return err_wrap(e, "the dimension \"%.*s\"", SPAN_ARG(k->spec.table));
        }
        take_rows(x, k, i);
    }
    return true;
}

// ---- writing

// False where the line is refused.
static bool settle(struct enrich *x, const struct enrich_lookup *k, struct stage_line *l,
                   struct enrich_cell *cell)
{
    char why[320];
    if (cell->state == CELL_PENDING) {
        const struct dimension_row *row = &k->rows[cell->n];
        *cell = (struct enrich_cell){row->refused ? CELL_REFUSED
                                     : row->found ? CELL_FOUND
                                                  : CELL_ABSENT,
                                     row->at, row->n};
    }
    const char *what = cell->state == CELL_BAD_KEY ? "the line's key for it is no text, number or truth value"
                       : cell->state == CELL_REFUSED ? "the line's key for it is none for its column"
                       : cell->state == CELL_ABSENT && x->o->required ? "it has no row with the line's key"
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
                     struct gap *gap, bool *has_after)
{
    static const struct span after = SPAN_LIT("\"after\"");
    struct json_walk w;
    bool any = false;
    *has_after = false;
    gap->at = object.p + object.n - 1;
    for (json_walk_begin(&w, object); json_walk_next(&w); any = true) {
        for (size_t i = 0; i < x->n; i++)
            if (w.name.n == x->lookups[i].as.n + 2 &&
                memcmp(w.name.p + 1, x->lookups[i].as.p, w.name.n - 2) == 0) {
                stage_refuse(l, &x->out, "the line has a member of --as already");
                return false;
            }
        if (is_line && !*has_after && span_eq(w.name, after)) {
            *has_after = true;
            gap->at = w.value.p + w.value.n;
        }
    }
    if (w.bad || w.in_array) {
        stage_refuse(l, &x->out, "the line is no JSON object");
        return false;
    }
    gap->comma_before = any || *has_after;
    return true;
}

static void put_members(struct enrich *x, const struct enrich_cell *cells, bool comma)
{
    for (size_t i = 0; i < x->n; i++) {
        if (comma || i != 0)
            buf_char(&x->out, ',');
        json_quote(&x->out, x->lookups[i].as);
        buf_char(&x->out, ':');
        if (cells[i].state == CELL_FOUND)
            buf_bytes(&x->out, x->rows.p + cells[i].at, cells[i].n);
        else
            buf_lit(&x->out, "null");
    }
}

static void write_line(struct enrich *x, struct stage_line *l, struct enrich_cell *cells)
{
    static const struct span after = SPAN_LIT("after");
    struct span text = l->line.text, object = text;
    struct gap gap = {0};
    bool has_after, any_key = false;
    if (line_is_tombstone(&l->line)) // which a member would make a value
        return;
    for (size_t i = 0; i < x->n; i++) {
        any_key = any_key || cells[i].state != CELL_NO_KEY;
        if (!settle(x, &x->lookups[i], l, &cells[i]))
            return;
    }
    if (x->o->into != NULL && (!json_member(text, after, &object) || object.p[0] != '{'))
        return;
    if (!find_gap(x, l, object, x->o->into == NULL, &gap, &has_after))
        return;
    // Heartbeats and the like.
    if (!any_key && x->o->into == NULL && !has_after)
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
    buf_reset(&x->rows);
    buf_reset(&x->out);
    arena_reset(&x->arena);
    x->now_ms = clock_mono_ms();
    for (size_t i = 0; i < x->n; i++) {
        struct enrich_lookup *k = &x->lookups[i];
        if (k->n != 0)
            cache_clear(&k->pending);
        buf_reset(&k->keys_joined);
        buf_reset(&k->keys_split);
        k->n = 0;
        if (x->o->ops->renewed != NULL && x->o->ops->renewed(k->dimension))
            cache_clear(&k->cache);
    }
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
        if (dimension)
            forget(x, &lines[i]->line);
        for (size_t j = 0; j < x->n && !dimension; j++)
            x->cells[i * x->n + j] = look_up(x, &x->lookups[j], lines[i]->line.text);
    }
    for (size_t j = 0; j < x->n; j++)
        if (!fetch(x, &x->lookups[j], e))
            return false;
    for (size_t i = 0; i < n; i++)
        if (!is_dimension(x, &lines[i]->line))
            write_line(x, lines[i], &x->cells[i * x->n]);
    return (!x->rows.bad && !x->out.bad) || err_no_memory(e);
}
