#include "stage/lookup.h"

#include "base/clock.h"
#include "base/stop.h"
#include "event/envelope.h"
#include "event/json.h"
#include "stage/dimension_file.h"

#include <stdlib.h>

// Keys that are worth a query of their own.
#define CHUNK_KEYS 64

#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000
#define LOOK_MS 50

// A commit may be streamed a moment before others see it: what is looked up so soon is not kept for long.
#define UNSURE_MS 1000

struct lookup_worker {
    struct buf out;
    struct err error;
    bool failed;
};

// ---- options

static bool bad_lookup(const char *text, struct err *e)
{
    err_set(e, STATUS_USAGE, "--lookup takes TABLE:PATH=COLUMN, not \"%s\"", text);
    return err_hint(e, "--lookup 'customers:.after.customer_id=id', further PATH=COLUMN behind commas");
}

static bool take_key(struct lookup *k, struct span part, const char *text, struct err *e)
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

static bool take_lookup(struct lookup *k, const char *text, struct err *e)
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

static bool take_select(struct lookup *k, const char *list, struct err *e)
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

// ---- waiting

// Back-pressure: the dimension's server is waited for, for as long as nobody stops the stage.
static bool nap(const struct lookup *k, int64_t ms, int64_t *stopped_ms, struct err *e)
{
    for (int64_t end = clock_mono_ms() + ms; clock_mono_ms() < end;) {
        if (stop_count() != 0 && *stopped_ms == 0)
            *stopped_ms = clock_mono_ms();
        if (*stopped_ms != 0 && clock_mono_ms() - *stopped_ms >= k->o->drain_timeout_ms)
            return err_wrap(e, "stopped before the end of the input: --drain-timeout has passed");
        clock_nap_us(LOOK_MS * 1000);
    }
    return true;
}

// A server that is away is waited for with growing pauses.
struct patience {
    int64_t delay_ms, stopped_ms;
    bool told;
};

// True: once more. False, with e as it is or wrapped, where there is no more waiting.
static bool wait_for_server(const struct lookup *k, struct patience *p, struct err *e)
{
    if (e->status != STATUS_PEER)
        return false;
    if (!p->told && stop_count() == 0)
        k->o->note("%s; waiting for it", e->text);
    p->told = true;
    p->delay_ms = p->delay_ms == 0 ? RETRY_MIN_MS : p->delay_ms * 2;
    p->delay_ms = p->delay_ms < RETRY_MAX_MS ? p->delay_ms : RETRY_MAX_MS;
    return nap(k, p->delay_ms, &p->stopped_ms, e);
}

// What will not pass, as a wrong password or a table that is not there, is an error at once.
static bool open_patiently(struct lookup *k, struct err *e)
{
    struct patience p = {0};
    while (!k->o->ops->open(&k->o->dimension, &k->spec, &k->dimension, e)) {
        if (!wait_for_server(k, &p, e))
            return false;
        k->o->ops->close(k->dimension);
        k->dimension = NULL;
    }
    return true;
}

bool lookup_init(struct lookup *k, const struct lookup_options *o, struct lookup_batch *batch,
                 const char *text, const char *select, struct err *e)
{
    *k = (struct lookup){.o = o, .batch = batch};
    buf_init(&k->keys_joined, SIZE_MAX / 4);
    buf_init(&k->keys_split, SIZE_MAX / 4);
    k->workers = calloc(o->dimension.workers, sizeof *k->workers);
    if (k->workers == NULL)
        return err_no_memory(e);
    for (size_t w = 0; w < o->dimension.workers; w++)
        buf_init(&k->workers[w].out, SIZE_MAX / 4);
    return take_lookup(k, text, e) && (select == NULL || take_select(k, select, e)) &&
           cache_init(&k->cache, o->cache_size, e) && cache_init(&k->pending, SIZE_MAX, e) &&
           open_patiently(k, e);
}

void lookup_release(struct lookup *k)
{
    const struct lookup_options *o = k->o;
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
static enum lookup_state read_key(struct lookup *k, struct span text, struct span *parts)
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
        if (bad || !copy(&k->batch->arena, &parts[i]))
            return CELL_BAD_KEY;
    }
    return CELL_PENDING;
}

static bool join(struct lookup *k, const struct span *parts, size_t n, struct span *joined)
{
    size_t room = n;
    for (size_t i = 0; i < n; i++)
        room += parts[i].n;
    struct buf b = {.p = arena_take(&k->batch->arena, room), .cap = room, .max_bytes = room};
    if (b.p != NULL)
        dimension_join(&b, parts, n);
    *joined = buf_view(&b);
    return b.p != NULL;
}

static size_t pend(struct lookup *k, const struct span *parts, struct span joined)
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
struct lookup_cell lookup_ask(struct lookup *k, struct span text)
{
    struct span parts[DIMENSION_KEYS_MAX] = {{0}}, joined;
    struct lookup_cell cell = {.state = read_key(k, text, parts)};
    if (cell.state != CELL_PENDING)
        return cell;
    joined = parts[0];
    if (k->spec.n_key > 1 && !join(k, parts, k->spec.n_key, &joined)) {
        cell.state = CELL_BAD_KEY;
        return cell;
    }
    const struct cache_entry *known = cache_find(&k->cache, joined, k->batch->now_ms);
    if (known == NULL) {
        cell.n = pend(k, parts, joined);
        return cell;
    }
    cell = (struct lookup_cell){known->found ? CELL_FOUND : CELL_ABSENT, k->batch->rows.n, known->n};
    buf_span(&k->batch->rows, cache_value(known));
    return cell;
}

// ---- a change of the dimension itself

// A whole number without a sign, as every column that holds it prints it, and of two such texts only equal
// ones are equal to a server. Of longer ones and of other texts it cannot be told: '07' may be 7, 'Ada'
// 'ADA'.
static bool is_canonical(struct span text)
{
    if (text.n == 0 || text.n > 18 || (text.p[0] == '0' && text.n != 1))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    return true;
}

// A key that the cache gets. One with a sign is equal to no canonical one.
static bool is_odd(const struct lookup *k, const struct span *parts)
{
    for (size_t i = 0; i < k->spec.n_key; i++) {
        bool sign = parts[i].n > 1 && parts[i].p[0] == '-' && parts[i].p[1] != '0';
        if (!is_canonical((struct span){parts[i].p + sign, parts[i].n - sign}))
            return true;
    }
    return false;
}

// Forgets the key that the object has in the look-up's columns. False where that is not certain to be all.
static bool forget_key(struct lookup *k, struct span object)
{
    struct span parts[DIMENSION_KEYS_MAX] = {{0}}, joined;
    for (size_t i = 0; i < k->spec.n_key; i++)
        if (object.n == 0 || object.p[0] != '{' || !json_member(object, k->spec.key[i], &parts[i]) ||
            !is_canonical(parts[i]))
            return false;
    joined = parts[0];
    if (k->spec.n_key > 1 && !join(k, parts, k->spec.n_key, &joined))
        return false;
    cache_drop(&k->cache, joined);
    return true;
}

// Which keys a change touched is told by the event's own key, if the look-up's columns are in it: a change of
// it is a delete and a create. Else by the rows of a create or an update that has both; the row before of a
// delete may be made up, but for its key. Anything else, a truncate too, may have touched any.
static bool forget_touched(struct lookup *k, const struct line *l)
{
    static const struct span names[] = {SPAN_LIT("before"), SPAN_LIT("after")};
    struct span row[2];
    char op = envelope_op(l->text);
    if (k->odd || op == '\0' || op == 't')
        return false;
    if (!l->not_unique && forget_key(k, l->key))
        return true;
    if ((op != 'c' && op != 'u') || !json_member(l->text, names[1], &row[1]) ||
        (op == 'u' && !json_member(l->text, names[0], &row[0])))
        return false;
    return (op == 'c' || forget_key(k, row[0])) && forget_key(k, row[1]);
}

static void forget_all(struct lookup *k)
{
    cache_clear(&k->cache);
    k->odd = false;
}

static void look_for_renewal(struct lookup *k)
{
    if (k->o->ops->renewed != NULL && k->o->ops->renewed(k->dimension))
        forget_all(k);
}

void lookup_forget(struct lookup *k, const struct line *l)
{
    k->forgotten_ms = k->batch->now_ms;
    if (!forget_touched(k, l))
        forget_all(k);
    look_for_renewal(k);
}

void lookup_begin(struct lookup *k)
{
    if (k->n != 0)
        cache_clear(&k->pending);
    buf_reset(&k->keys_joined);
    buf_reset(&k->keys_split);
    k->n = 0;
    look_for_renewal(k);
}

// ---- fetching

static bool fetch_once(const struct lookup *k, size_t worker, size_t at, size_t n, struct err *e)
{
    const struct span *keys = (const struct span *)(const void *)k->keys_split.p + at * k->spec.n_key;
    return k->o->ops->fetch(k->dimension, worker, keys, n, &k->workers[worker].out, &k->rows[at], e);
}

static bool fetch_patiently(const struct lookup *k, size_t worker, size_t at, size_t n, struct err *e)
{
    struct patience p = {0};
    while (!fetch_once(k, worker, at, n, e))
        if (!wait_for_server(k, &p, e))
            return false;
    return true;
}

// One key that is none fails all of a query's: which one it is, halves find out.
static bool fetch_all(const struct lookup *k, size_t worker, size_t at, size_t n, struct err *e)
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
    struct lookup *k = context;
    (void)worker;
    struct lookup_worker *w = &k->workers[item];
    size_t at = item * k->chunk, n = k->n - at < k->chunk ? k->n - at : k->chunk;
    w->failed = !fetch_all(k, item, at, n, &w->error);
}

static void take_rows(struct lookup *k, size_t item)
{
    const struct span *joined = (const struct span *)(const void *)k->keys_joined.p;
    const struct span *parts = (const struct span *)(const void *)k->keys_split.p;
    size_t at = item * k->chunk, end = at + k->chunk < k->n ? at + k->chunk : k->n;
    int64_t now_ms = k->batch->now_ms, ttl_ms = k->o->cache_ttl_ms;
    bool unsure = k->forgotten_ms != 0 && now_ms - k->forgotten_ms < UNSURE_MS && ttl_ms > UNSURE_MS;
    int64_t until_ms = now_ms + (unsure ? UNSURE_MS : ttl_ms);
    for (; at < end; at++) {
        struct dimension_row *row = &k->rows[at];
        struct span json = {row->found ? k->workers[item].out.p + row->at : NULL, row->n};
        if (row->refused)
            continue;
        k->odd = k->odd || is_odd(k, parts + at * k->spec.n_key);
        cache_put(&k->cache, joined[at], row->found, json, until_ms);
        row->at = k->batch->rows.n;
        buf_span(&k->batch->rows, json);
    }
}

static bool make_room(struct lookup *k, struct err *e)
{
    if (k->n <= k->rows_max)
        return true;
    free(k->rows);
    k->rows = calloc(k->n, sizeof *k->rows);
    k->rows_max = k->rows != NULL ? k->n : 0;
    return k->rows != NULL || err_no_memory(e);
}

bool lookup_fetch(struct lookup *k, struct jobs *jobs, struct err *e)
{
    if (k->n == 0)
        return true;
    if (k->keys_joined.bad || k->keys_split.bad || !make_room(k, e))
        return err_no_memory(e);
    size_t workers = k->o->dimension.workers, chunks = (k->n + CHUNK_KEYS - 1) / CHUNK_KEYS;
    chunks = chunks < workers ? chunks : workers;
    k->chunk = (k->n + chunks - 1) / chunks;
    chunks = (k->n + k->chunk - 1) / k->chunk;
    for (size_t i = 0; i < chunks; i++)
        buf_reset(&k->workers[i].out);
    jobs_run(jobs, work, k, chunks, 1);
    for (size_t i = 0; i < chunks; i++) {
        if (k->workers[i].failed) {
            *e = k->workers[i].error;
            return err_wrap(e, "the dimension \"%.*s\"", SPAN_ARG(k->spec.table));
        }
        take_rows(k, i);
    }
    return true;
}

void lookup_settle(const struct lookup *k, struct lookup_cell *cell)
{
    if (cell->state != CELL_PENDING)
        return;
    const struct dimension_row *row = &k->rows[cell->n];
    *cell = (struct lookup_cell){row->refused ? CELL_REFUSED
                                 : row->found ? CELL_FOUND
                                              : CELL_ABSENT,
                                 row->at, row->n};
}
