#include "iceberg/sink.h"

#include "event/envelope.h"
#include "event/json.h"
#include "iceberg/catalog_file.h"
#include "iceberg/evolve.h"
#include "iceberg/memory.h"
#include "iceberg/own.h"
#include "sink/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define NAME_MAX_BYTES 4096

// What waits for a commit takes so much memory at most: rows of some columns, three or four hundred thousand.
#define BATCH_BYTES (64u << 20)

struct ice_topic {
    struct ice_topic *next;
    struct buf name;
    struct ice_source *source;
};

void iceberg_init(struct iceberg *s, const struct iceberg_config *config, notice_fn *warn)
{
    *s = (struct iceberg){.config = config, .writer = {.warn = warn, .append = config->append}};
    buf_init(&s->name, NAME_MAX_BYTES), buf_init(&s->expanded, NAME_MAX_BYTES);
    struct ice_writer *w = &s->writer;
    buf_init(&s->last, POS_MAX_BYTES), buf_init(&w->complete, POS_MAX_BYTES);
    buf_init(&w->position_name, NAME_MAX_BYTES), buf_init(&w->source_name, NAME_MAX_BYTES);
    buf_init(&w->complete_name, NAME_MAX_BYTES);
    buf_printf(&w->complete_name, "cdc.complete.%s", config->name);
    buf_init(&w->identity, LINE_IDENTITY_MAX);
    buf_printf(&w->position_name, "cdc.position.%s", config->name);
    buf_printf(&w->source_name, "cdc.source.%s", config->name);
}

// ---- life

static bool tick(void *loop, struct err *e)
{
    return loop_tick(loop, e);
}

bool iceberg_open_catalog(struct iceberg *s, struct err *e)
{
    struct span where = span_of(s->config->catalog);
    struct ice_catalog **catalog = &s->writer.catalog;
    if (span_take_word(&where, "file:"))
        return ice_catalog_open_file(where, catalog, e);
    if (span_take_word(&where, "rest:")) {
        s->rest = s->config->rest;
        s->rest.url = where.p;
        if (s->rest.tls.insecure)
            s->writer.warn("--insecure: the server's certificate is not checked");
        return ice_catalog_open_rest(&s->rest, catalog, e);
    }
    err_set(e, STATUS_USAGE, "--catalog %s is of no known kind", s->config->catalog);
    return err_hint(e, "--catalog file:DIR keeps the tables below a folder, rest:URL asks a server");
}

static bool open_catalog(struct iceberg *s, struct err *e)
{
    struct ice_writer *w = &s->writer;
    if (!iceberg_open_catalog(s, e))
        return false;
    w->catalog->tick = tick;
    w->catalog->context = w->loop;
    return true;
}

static bool open_sink(void *self, struct loop *loop, struct sink_own *own, struct err *e)
{
    struct iceberg *s = self;
    s->writer.loop = loop;
    if (s->config->table != NULL && !template_parse(&s->table, span_of(s->config->table), 0, NULL, e))
        return false;
    return buf_ok(&s->writer.position_name, "the pipeline's name", e) &&
           gaps_init(&s->writer.gaps, s->config->placeholder, e) && open_catalog(s, e) &&
           ice_own_find(&s->writer, span_of(s->config->space), own, e) &&
           ice_parquet_open(&s->writer.parquet, e);
}

static void free_source(struct ice_source *source)
{
    arena_release(&source->arena);
    free(source);
}

static void close_sink(void *self)
{
    struct iceberg *s = self;
    struct ice_writer *w = &s->writer;
    for (struct ice_target *t = s->targets, *next; t != NULL; t = next) {
        next = t->next;
        ice_target_release(t);
        free(t);
    }
    for (struct ice_topic *t = s->topics, *next; t != NULL; t = next) {
        next = t->next;
        buf_release(&t->name);
        free(t);
    }
    for (struct ice_source *source = s->sources, *older; source != NULL; source = older) {
        older = source->older;
        free_source(source);
    }
    if (w->catalog != NULL)
        w->catalog->ops->close(w->catalog);
    ice_parquet_close(w->parquet);
    gaps_release(&w->gaps);
    arena_release(&s->arena);
    struct buf *bufs[] = {&s->name,        &s->expanded,      &s->last,     &w->position_name,
                          &w->source_name, &w->complete_name, &w->identity, &w->complete};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_release(bufs[i]);
}

static void identify(void *self, struct span identity)
{
    struct iceberg *s = self;
    buf_reset(&s->writer.identity);
    buf_span(&s->writer.identity, identity);
}

static bool wait(void *self, struct pollfd *fds, nfds_t n, int timeout_ms, struct err *e)
{
    (void)self;
    return poll(fds, n, timeout_ms) >= 0 || errno == EINTR || err_errno(e, STATUS_IO, "poll");
}

// ---- schemas

static struct ice_topic *find_topic(const struct iceberg *s, struct span name)
{
    struct ice_topic *t = s->topics;
    while (t != NULL && !span_eq(buf_view(&t->name), name))
        t = t->next;
    return t;
}

static struct ice_topic *add_topic(struct iceberg *s, struct span name, struct err *e)
{
    struct ice_topic *t = calloc(1, sizeof *t);
    if (t == NULL) {
        err_no_memory(e);
        return NULL;
    }
    buf_init(&t->name, SIZE_MAX / 4);
    buf_span(&t->name, name);
    t->next = s->topics;
    s->topics = t;
    return t;
}

static struct ice_source *new_source(const struct iceberg *s, const struct line_schema *line, struct err *e)
{
    struct ice_source *source = calloc(1, sizeof *source);
    if (source == NULL) {
        err_no_memory(e);
        return NULL;
    }
    *source = (struct ice_source){.key = line->key, .value = line->value, .is_current = true};
    if (ice_keep(&source->arena, &source->key, e) && ice_keep(&source->arena, &source->value, e) &&
        ice_row_shape_read(line->key, line->value, s->config->times, &source->arena, &source->shape, e))
        return source;
    free_source(source);
    return NULL;
}

// Schemas of topics whose lines are no rows (transactions, messages) come too.
static bool is_of_rows(struct span value)
{
    struct json_walk w;
    struct span fields, name;
    if (!json_member(value, span_of("fields"), &fields))
        return false;
    for (json_walk_begin(&w, fields); json_walk_next(&w);)
        if (json_member(w.value, span_of("field"), &name) && span_is(name, "\"after\""))
            return true;
    return false;
}

static bool take_schema(void *self, const struct line_schema *line, struct err *e)
{
    struct iceberg *s = self;
    if (!is_of_rows(line->value))
        return true;
    struct ice_topic *t = find_topic(s, line->topic);
    if (t == NULL && (t = add_topic(s, line->topic, e)) == NULL)
        return false;
    if (t->source != NULL && span_eq(t->source->key, line->key) && span_eq(t->source->value, line->value))
        return true;
    struct ice_source *source = new_source(s, line, e);
    if (source == NULL)
        return err_wrap(e, "topic %.*s", SPAN_ARG(line->topic));
    if (t->source != NULL)
        t->source->is_current = false;
    t->source = source;
    source->older = s->sources;
    s->sources = source;
    return true;
}

// No row needs an older schema any more.
static void drop_old_sources(struct iceberg *s)
{
    for (struct ice_source **at = &s->sources; *at != NULL;) {
        struct ice_source *source = *at;
        if (source->is_current) {
            at = &source->older;
            continue;
        }
        *at = source->older;
        free_source(source);
    }
}

// ---- records

static bool make_name(struct iceberg *s, const struct record *r, struct err *e)
{
    struct line line = {.text = r->value, .topic = r->topic};
    buf_reset(&s->name);
    if (s->config->table != NULL) {
        arena_reset(&s->arena);
        return template_expand(&s->table, &line, NULL, &s->arena, &s->name, e);
    }
    for (size_t i = 0; i < r->topic.n; i++)
        buf_char(&s->name, r->topic.p[i] == '.' ? '_' : r->topic.p[i]);
    return buf_ok(&s->name, "a table's name", e);
}

static struct ice_target *find_target(const struct iceberg *s, struct span name)
{
    if (s->newest != NULL && span_eq(s->newest->names.table, name))
        return s->newest;
    struct ice_target *t = s->targets;
    while (t != NULL && !span_eq(t->names.table, name))
        t = t->next;
    return t;
}

static struct ice_target *target_of(struct iceberg *s, const struct ice_source *source, struct err *e)
{
    struct ice_target *t = find_target(s, buf_view(&s->name));
    if (t == NULL) {
        t = calloc(1, sizeof *t);
        if (t == NULL) {
            err_no_memory(e);
            return NULL;
        }
        if (!ice_target_open(t, &s->writer, span_of(s->config->space), buf_view(&s->name), source, e)) {
            free(t);
            return NULL;
        }
        t->next = s->targets;
        s->targets = t;
    }
    s->newest = t;
    return t;
}

static bool refuse(struct iceberg *s, const struct record *r, const struct err *why, struct err *e)
{
    if (loop_refuse(s->writer.loop, r, STATUS_DATA, why->text, e))
        return true;
    return why->hint[0] == '\0' ? false : err_hint(e, "%s", why->hint);
}

// What a table is made of and what it lets be found by; no line of such a topic can be delivered.
static struct ice_source *source_of(const struct iceberg *s, const struct record *r, struct err *e)
{
    const struct ice_topic *topic = find_topic(s, r->topic);
    if (topic == NULL) {
        err_set(e, STATUS_DATA, "no schema line came for topic %.*s", SPAN_ARG(r->topic));
        err_hint(e, "cdc-tail and cdc-snapshot write them with --with-schema");
        return NULL;
    }
    if (!s->config->append && (topic->source->shape.n_keys == 0 || r->not_unique)) {
        err_set(e, STATUS_USAGE, "topic %.*s has no key that finds a row", SPAN_ARG(r->topic));
        err_hint(e, "a primary key, or --message-key-columns of cdc-tail, gives it one; --append needs none");
        return NULL;
    }
    return topic->source;
}

static struct span member(struct span object, const char *name)
{
    struct span value;
    return json_member(object, span_of(name), &value) && !span_is(value, "null") ? value
                                                                                 : (struct span){"", 0};
}

static int64_t time_of(struct span value)
{
    struct span source, time;
    int64_t v;
    if (!json_member(value, span_of("source"), &source))
        return ICE_NO_TIME;
    if (json_member(source, span_of("ts_us"), &time) && json_i64(time, &v))
        return v;
    if (json_member(source, span_of("ts_ms"), &time) && json_i64(time, &v) && v < INT64_MAX / 1000 &&
        v > INT64_MIN / 1000)
        return v * 1000;
    return ICE_NO_TIME;
}

// The row that a change log shows: of a delete what was known of it.
static struct span logged_row(const struct record *r, char op)
{
    struct span row = member(r->value, op == 'd' ? "before" : "after");
    if (row.n != 0 && row.p[0] == '{')
        return row;
    return r->key.n != 0 && r->key.p[0] == '{' ? r->key : span_of("{}");
}

static bool make_event(const struct iceberg *s, const struct record *r, struct ice_event *event,
                       struct err *e)
{
    char op = envelope_op(r->value);
    *event = (struct ice_event){.token = r->token, .pos = r->pos, .key = r->key, .op = op};
    event->truncates = op == 't';
    if (op == '\0' || strchr("crudt", op) == NULL)
        return err_set(
            e, STATUS_DATA,
            op == '\0' ? "the line is no change of a row" : "op %c is nothing that a table can hold", op);
    event->may_lack = op == 'u' || member(r->headers, "__debezium.oldkey").n != 0;
    if (s->config->append) {
        event->row = logged_row(r, op);
        event->time_us = time_of(r->value);
        return true;
    }
    if (event->truncates)
        return true;
    if (r->key.n == 0 || r->key.p[0] != '{')
        return err_set(e, STATUS_DATA, "the line has no key");
    if (op == 'd')
        return true;
    event->row = member(r->value, "after");
    if (event->row.n == 0 || event->row.p[0] != '{')
        return err_set(e, STATUS_DATA, "op %c has no row in \"after\"", op);
    event->moved_from = member(r->headers, "__debezium.oldkey");
    return true;
}

// Reads the row as the commit will.
static bool check_row(struct iceberg *s, const struct ice_event *event, struct err *e)
{
    const struct ice_row_shape *shape = &event->source->shape;
    struct ice_schema schema;
    arena_reset(&s->arena);
    if (!(s->config->append ? ice_schema_create_log : ice_schema_create)(shape, &s->arena, &schema, e))
        return false;
    int *places = ice_take(&s->arena, shape->n + 1, sizeof *places, e);
    struct ice_value *values = ice_take(&s->arena, schema.n + 1, sizeof *values, e);
    bool *gaps = ice_take(&s->arena, schema.n + 1, sizeof *gaps, e);
    if (places == NULL || values == NULL || gaps == NULL)
        return false;
    for (size_t i = 0; i < shape->n; i++)
        places[i] = (int)i;
    const struct ice_binding b = {shape, &schema, places};
    if (event->row.n == 0)
        return ice_key_read(&b, event->key, &s->arena, values, e);
    buf_reset(&s->expanded);
    if (event->may_lack)
        gaps_fill(&s->writer.gaps, event->row, (struct span){"", 0}, &s->expanded);
    else
        buf_span(&s->expanded, event->row);
    return buf_ok(&s->expanded, "a row", e) &&
           ice_row_read(&b, buf_view(&s->expanded), event->key, &s->arena, values, gaps, e);
}

// ---- commits within a batch

static struct ice_target *next_with_events(struct ice_target *t)
{
    while (t != NULL && t->events == 0)
        t = t->next;
    return t;
}

static void set_complete(struct iceberg *s, struct span token)
{
    buf_reset(&s->writer.complete);
    buf_span(&s->writer.complete, token);
}

// The last table's commit says that all tables have everything up to the token; the others', still what was
// so before. Without events nothing is stored: the next commit says it.
static bool commit_all(struct iceberg *s, struct span token, struct err *e)
{
    for (struct ice_target *t = next_with_events(s->targets), *next; t != NULL; t = next) {
        next = next_with_events(t->next);
        if (next == NULL)
            set_complete(s, token);
        if (!ice_target_commit(t, e))
            return false;
    }
    set_complete(s, token);
    s->rows = s->bytes = 0;
    drop_old_sources(s);
    return buf_ok(&s->writer.complete, "a position", e);
}

// A snapshot that is resumed reads rows again by another view, from where all tables have everything. So
// while rows of a snapshot come no table gets ahead of the others: one alone is in a batch, and no change of
// the log's. But lines of one event are not parted, and where they go to several tables, neither are others.
static bool part_batch(struct iceberg *s, const struct ice_target *t, const struct record *r, struct err *e)
{
    const struct ice_target *first = next_with_events(s->targets);
    if (first == NULL || s->phase == POS_LOG)
        return true;
    bool same = span_eq(r->token, buf_view(&s->last));
    s->fans_out = s->fans_out || (same && first != t);
    if (same || (r->pos->phase == POS_SNAPSHOT && (first == t || s->fans_out)))
        return true;
    return commit_all(s, buf_view(&s->last), e);
}

static bool submit(void *self, const struct record *r, uint32_t *parts, struct err *e)
{
    struct iceberg *s = self;
    struct ice_event event;
    struct err why;
    *parts = 0;
    if (!make_name(s, r, &why) || !make_event(s, r, &event, &why))
        return refuse(s, r, &why, e);
    event.source = source_of(s, r, e);
    if (event.source == NULL)
        return err_wrap(e, "line %llu", (unsigned long long)r->line);
    if (s->config->checks && (!event.truncates || s->config->append) && !check_row(s, &event, &why))
        return why.status != STATUS_DATA ? (*e = why, false) : refuse(s, r, &why, e);
    struct ice_target *t = target_of(s, event.source, e);
    if (t == NULL)
        return false;
    if (ice_target_has(t, r->pos))
        return true;
    if (!part_batch(s, t, r, e))
        return false;
    buf_reset(&s->last);
    buf_span(&s->last, r->token);
    s->phase = r->pos->phase;
    s->rows++;
    s->bytes += r->value.n;
    *parts = 1;
    if (s->config->append)
        return ice_target_log(t, &event, e);
    return event.truncates ? ice_target_truncate(t, &event, e) : ice_target_put(t, &event, e);
}

// ---- commits

static size_t bytes_of(const struct iceberg *s)
{
    size_t n = 0;
    for (const struct ice_target *t = s->targets; t != NULL; t = t->next)
        n += ice_rows_bytes(&t->rows);
    return n;
}

static bool is_full(void *self)
{
    struct iceberg *s = self;
    if (s->rows >= s->config->commit_rows)
        return true;
    if (s->bytes < BATCH_BYTES)
        return false;
    s->bytes = bytes_of(s); // which is less than what came
    return s->bytes >= BATCH_BYTES;
}

static enum sink_commit commit(void *self, struct span token, struct err *e)
{
    struct sink_counts *counts = loop_counts(((struct iceberg *)self)->writer.loop);
    const struct ice_writer *w = &((struct iceberg *)self)->writer;
    bool ok = commit_all(self, token, e);
    counts->batches = w->commits;
    counts->retries = w->retries;
    counts->incomplete = w->incomplete;
    return ok ? SINK_COMMIT_DONE : SINK_COMMIT_FAIL;
}

const struct sink_ops iceberg_ops = {
    .open = open_sink,
    .identify = identify,
    .schema = take_schema,
    .submit = submit,
    .is_full = is_full,
    .wait = wait,
    .commit = commit,
    .close = close_sink,
};
