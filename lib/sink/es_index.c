#include "sink/es_index.h"

#include "event/json.h"
#include "sink/es_answer.h"

#include <stdlib.h>

#define GC_DELETES_MS 60000 // Elasticsearch's default
#define GC_LEAST_MS 3600000 // below this we warn
#define EPOCH_SHIFT 56      // of pos_version()

// ---- what an index tells

// A time as Elasticsearch writes it: 60s, 1d, -1.
static int64_t time_ms(struct span text)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    int64_t n;
    if (span_starts(text, "-"))
        return -1;
    if (!span_take_number(&text, 9, &n))
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (span_is(text, units[i].unit))
            return n * units[i].ms;
    return 0;
}

static struct span text_at(struct span object, const char *name)
{
    struct span value;
    if (!json_member(object, span_of(name), &value) || value.n < 2 || value.p[0] != '"')
        return (struct span){"", 0};
    return (struct span){value.p + 1, value.n - 2};
}

static void read_meta(struct span meta, struct es_index_info *info)
{
    struct span cdc;
    info->meta = meta;
    if (!json_member(meta, span_of("cdc"), &cdc))
        return;
    info->source = text_at(cdc, "source");
    if (!json_u64_member(cdc, "epoch", &info->epoch) || info->epoch > POS_MAX_EPOCH)
        info->epoch = 0;
    if (!json_u64_member(cdc, "base", &info->base) || info->base > POS_MAX_EPOCH)
        info->base = 0;
}

bool es_index_read(struct span body, struct es_index_info *info)
{
    static const struct span path[] = {SPAN_LIT("mappings"), SPAN_LIT("_meta")};
    struct json_walk w;
    struct span meta, settings, index;
    size_t bad_at;
    *info = (struct es_index_info){.source = {"", 0}, .meta = {"", 0}, .gc_deletes_ms = GC_DELETES_MS};
    if (!json_check(body, &bad_at))
        return false;
    json_walk_begin(&w, body);
    if (w.in_array || !json_walk_next(&w))
        return false;
    index = w.value;
    if (json_path(index, path, 2, &meta) && meta.p[0] == '{')
        read_meta(meta, info);
    if (json_member(index, span_of("settings"), &settings)) {
        struct span gc = text_at(settings, "index.gc_deletes");
        if (gc.n != 0)
            info->gc_deletes_ms = time_ms(gc);
    }
    return !json_walk_next(&w) && !w.bad;
}

// ---- whose it is

static bool wrong_epoch(const struct es_index *x, uint64_t epoch, struct span source, struct err *e)
{
    err_set(
        e, STATUS_USAGE,
        "index %s has versions of epoch %llu%s%.*s; the lines are of epoch %llu, so theirs would be below",
        x->name, (unsigned long long)x->epoch, source.n != 0 ? ", of source " : "", SPAN_ARG(source),
        (unsigned long long)epoch);
    return err_hint(e, "--epoch %llu puts the lines above what is there; or delete the index",
                    (unsigned long long)x->epoch + 1);
}

// What is added to the source's epochs.
static bool choose_base(const struct es *es, struct es_index *x, const struct es_index_info *info,
                        const struct pos *pos, struct err *e)
{
    uint64_t wanted = es->config->epoch;
    struct span us = buf_view(&es->identity);
    if (info->epoch != 0 && us.n != 0 && span_eq(info->source, us)) {
        x->base = info->base;
        return pos->epoch + x->base >= info->epoch || wrong_epoch(x, pos->epoch + x->base, info->source, e);
    }
    if (wanted != 0 && wanted < pos->epoch)
        return err_set(e, STATUS_USAGE, "--epoch %llu is below the source's own epoch %llu",
                       (unsigned long long)wanted, (unsigned long long)pos->epoch);
    x->base = wanted != 0 ? wanted - pos->epoch : 0;
    uint64_t epoch = pos->epoch + x->base;
    // Without a start line a log may be the one that was read before.
    bool goes_on = us.n == 0 && wanted == 0 && pos->phase == POS_LOG && epoch == info->epoch;
    return info->epoch == 0 || epoch > info->epoch || goes_on || wrong_epoch(x, epoch, info->source, e);
}

static void put_meta(const struct es *es, const struct es_index *x, struct span others, struct buf *b)
{
    struct json_walk w;
    buf_lit(b, "\"_meta\":{");
    for (json_walk_begin(&w, others); others.n != 0 && json_walk_next(&w);) {
        if (span_is(w.name, "\"cdc\""))
            continue;
        buf_span(b, w.name);
        buf_char(b, ':');
        buf_span(b, w.value);
        buf_char(b, ',');
    }
    buf_printf(b, "\"cdc\":{\"source\":\"%.*s\",\"epoch\":%llu,\"base\":%llu}}",
               SPAN_ARG(buf_view(&es->identity)), (unsigned long long)x->epoch, (unsigned long long)x->base);
}

static const char *path_of(struct es *es, const struct es_index *x, const char *suffix)
{
    buf_reset(&es->row);
    buf_printf(&es->row, "/%s%s", x->name, suffix);
    return buf_cstr(&es->row);
}

static bool keep_meta(struct es *es, const struct es_index *x, struct span others, struct err *e)
{
    if (es->identity.n == 0)
        return true;
    buf_reset(&es->body);
    buf_char(&es->body, '{');
    put_meta(es, x, others, &es->body);
    buf_char(&es->body, '}');
    return es_ask(es, "PUT", path_of(es, x, "/_mapping"), buf_view(&es->body), e) &&
           (es->ask.status == 200 || es_fail(&es->ask, "the mapping's _meta cannot be kept", e));
}

static bool make(struct es *es, struct es_index *x, bool *exists, struct err *e)
{
    *exists = false;
    buf_reset(&es->body);
    buf_lit(&es->body, "{\"settings\":{\"index\":{\"gc_deletes\":\"1d\"}}");
    if (es->identity.n != 0 && x->epoch != 0) {
        buf_lit(&es->body, ",\"mappings\":{");
        put_meta(es, x, (struct span){"", 0}, &es->body);
        buf_char(&es->body, '}');
    }
    buf_char(&es->body, '}');
    if (!es_ask(es, "PUT", path_of(es, x, ""), buf_view(&es->body), e))
        return false;
    if (es->ask.status == 200)
        return true;
    // Somebody else was faster, or an answer was lost.
    struct es_item why = es_answer_error(buf_view(&es->ask.answer));
    *exists = span_is(why.type, "resource_already_exists_exception");
    return *exists || es_fail(&es->ask, "an index cannot be made", e);
}

static bool meet(struct es *es, struct es_index *x, const struct record *r, struct err *e)
{
    struct es_index_info info;
    if (!es_index_read(buf_view(&es->ask.answer), &info)) {
        err_set(e, STATUS_USAGE, "%s is no single index", x->name);
        return err_hint(e, "a name that stands for several indices keeps no versions");
    }
    if (!x->met && es->config->soft_delete == NULL && info.gc_deletes_ms >= 0 &&
        info.gc_deletes_ms < GC_LEAST_MS)
        es->warn(
            "index %s forgets deleted documents after %lld s (index.gc_deletes): a line that comes again "
            "later would bring one back; 1d is safe",
            x->name, (long long)info.gc_deletes_ms / 1000);
    if (r->pos == NULL)
        return true;
    x->epoch = info.epoch;
    if (!x->met && !choose_base(es, x, &info, r->pos, e))
        return false;
    x->met = true;
    x->epoch = r->pos->epoch + x->base;
    if (x->epoch == info.epoch && span_eq(info.source, buf_view(&es->identity)))
        return true;
    struct buf others;
    buf_init(&others, SIZE_MAX / 4);
    buf_span(&others, info.meta); // the answer goes with the next request
    bool ok = buf_ok(&others, "a mapping's _meta", e) && keep_meta(es, x, buf_view(&others), e);
    buf_release(&others);
    return ok;
}

static bool open_index(struct es *es, struct es_index *x, const struct record *r, struct err *e)
{
    struct es_index_info none = {.source = {"", 0}};
    for (bool exists = true; exists;) {
        if (!es_ask(es, "GET", path_of(es, x, "?flat_settings=true"), (struct span){"", 0}, e))
            return false;
        if (es->ask.status == 200)
            return meet(es, x, r, e);
        if (es->ask.status != 404)
            return es_fail(&es->ask, "an index cannot be read", e);
        if (r->pos != NULL && !choose_base(es, x, &none, r->pos, e))
            return false;
        x->epoch = r->pos != NULL ? r->pos->epoch + x->base : 0;
        x->met = r->pos != NULL;
        if (!make(es, x, &exists, e))
            return false;
    }
    return true;
}

// ---- the table

static struct es_index *place_of(const struct es *es, struct span name)
{
    size_t i = es_hash(name, (struct span){"", 0}) & (es->size - 1);
    while (es->indices[i].name != NULL && !span_is(name, es->indices[i].name))
        i = (i + 1) & (es->size - 1);
    return &es->indices[i];
}

static bool grow(struct es *es, struct err *e)
{
    struct es_index *old = es->indices;
    size_t n = es->size;
    struct es_index *indices = calloc(n == 0 ? 64 : n * 2, sizeof *indices);
    if (indices == NULL)
        return err_no_memory(e);
    es->indices = indices;
    es->size = n == 0 ? 64 : n * 2;
    for (size_t i = 0; i < n; i++)
        if (old[i].name != NULL)
            *place_of(es, span_of(old[i].name)) = old[i];
    free(old);
    return true;
}

static bool add(struct es *es, struct span name, const struct record *r, struct err *e)
{
    if (es->n_indices * 2 >= es->size && !grow(es, e))
        return false;
    struct es_index x = {.name = strndup(name.p, name.n), .topic = strndup(r->topic.p, r->topic.n)};
    if (x.name == NULL || x.topic == NULL)
        err_no_memory(e);
    else if (open_index(es, &x, r, e)) {
        *place_of(es, name) = x;
        es->n_indices++;
        return true;
    }
    free(x.name);
    free(x.topic);
    return false;
}

// Names that are one only in lower case would mix two tables.
static bool is_own(const struct es *es, const struct es_index *x, const struct record *r, struct err *e)
{
    if (es->config->index != NULL || span_is(r->topic, x->topic))
        return true;
    err_set(e, STATUS_USAGE, "topics %s and %.*s both give index %s", x->topic, SPAN_ARG(r->topic), x->name);
    return err_hint(e, "--index TEMPLATE keeps them apart, or puts them together on purpose");
}

bool es_index_for(struct es *es, struct span name, const struct record *r, uint64_t *version, struct err *e)
{
    *version = 0;
    if (es->size == 0 || place_of(es, name)->name == NULL)
        if (!add(es, name, r, e))
            return false;
    struct es_index *x = place_of(es, name);
    if (!is_own(es, x, r, e))
        return false;
    if (r->pos == NULL)
        return true;
    if (!pos_version(r->pos, version, e))
        return false;
    uint64_t epoch = r->pos->epoch + x->base;
    if (epoch > POS_MAX_EPOCH)
        return err_set(e, STATUS_DATA, "epoch %llu of index %s does not fit a version",
                       (unsigned long long)epoch, x->name);
    *version += x->base << EPOCH_SHIFT;
    if (epoch <= x->epoch)
        return true;
    // A new epoch is in the mapping before the first document bears it.
    x->epoch = epoch;
    return es_ask(es, "GET", path_of(es, x, "?flat_settings=true"), (struct span){"", 0}, e) &&
           (es->ask.status == 200 || es_fail(&es->ask, "an index cannot be read", e)) && meet(es, x, r, e);
}

void es_index_release(struct es *es)
{
    for (size_t i = 0; i < es->size; i++) {
        free(es->indices[i].name);
        free(es->indices[i].topic);
    }
    free(es->indices);
}
