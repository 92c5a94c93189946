#include "iceberg/target.h"

#include "event/json.h"
#include "iceberg/evolve.h"
#include "iceberg/files.h"
#include "iceberg/memory.h"
#include "iceberg/partition.h"
#include "iceberg/target_files.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 4096

// ---- life

static void init(struct ice_target *t, struct ice_writer *w, struct span space, struct span name)
{
    *t = (struct ice_target){.writer = w};
    buf_init(&t->space, NAME_MAX_BYTES), buf_init(&t->name, NAME_MAX_BYTES);
    buf_init(&t->position, POS_MAX_BYTES), buf_init(&t->last, POS_MAX_BYTES);
    buf_init(&t->sources, 1u << 20);
    buf_span(&t->space, space), buf_span(&t->name, name);
    t->names = (struct ice_name){buf_view(&t->space), buf_view(&t->name)};
    ice_table_init(&t->table);
    ice_rows_init(&t->rows);
}

void ice_target_release(struct ice_target *t)
{
    struct buf *bufs[] = {&t->space, &t->name, &t->position, &t->last, &t->sources};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_release(bufs[i]);
    ice_table_release(&t->table);
    ice_rows_release(&t->rows);
    arena_release(&t->arena);
}

static bool wrap(const struct ice_target *t, struct err *e)
{
    return err_wrap(e, "table %.*s.%.*s", SPAN_ARG(t->names.space), SPAN_ARG(t->names.table));
}

// The position that the table holds, which must be of this source.
static bool read_position(struct ice_target *t, struct err *e)
{
    struct ice_writer *w = t->writer;
    struct buf source;
    bool ok = true;
    if (!ice_table_property(&t->table, buf_cstr(&w->position_name), &t->position))
        return true;
    buf_init(&source, NAME_MAX_BYTES);
    if (!ice_table_property(&t->table, buf_cstr(&w->source_name), &source) ||
        !span_eq(buf_view(&source), buf_view(&w->identity))) {
        ok = err_set(e, STATUS_USAGE, "it holds the position of source %.*s, the lines are of %.*s",
                     SPAN_ARG(buf_view(&source)), SPAN_ARG(buf_view(&w->identity)));
        err_hint(e, "give each source a pipeline's name of its own, --name NAME; or another table, --table");
    }
    buf_release(&source);
    return ok && (pos_parse(buf_view(&t->position), &t->pos, e) ||
                  err_wrap(e, "its property %s", buf_cstr(&w->position_name)));
}

static bool create(struct ice_target *t, const struct ice_source *source, struct err *e)
{
    struct ice_catalog *c = t->writer->catalog;
    struct ice_schema schema;
    struct buf mapping, properties;
    if (!(t->writer->append ? ice_schema_create_log : ice_schema_create)(&source->shape, &t->arena, &schema,
                                                                         e))
        return false;
    buf_init(&mapping, 1u << 24), buf_init(&properties, 1u << 26);
    ice_name_mapping_write(&schema, &mapping);
    buf_lit(&properties, "{\"schema.name-mapping.default\":");
    json_quote(&properties, buf_view(&mapping));
    buf_char(&properties, '}');
    bool ok = buf_ok(&mapping, "a name mapping", e) && buf_ok(&properties, "a table's properties", e);
    if (ok)
        switch (c->ops->create(c, &t->names, &schema, buf_view(&properties), &t->table, e)) {
        case ICE_FAIL:
            ok = false;
            break;
        case ICE_DONE:
            break;
        case ICE_CONFLICT:
        case ICE_UNCERTAIN:
            ok = c->ops->load(c, &t->names, &t->table, e) == ICE_FOUND;
        }
    buf_release(&mapping), buf_release(&properties);
    return ok;
}

static bool open_table(struct ice_target *t, const struct ice_source *source, struct err *e)
{
    struct ice_catalog *c = t->writer->catalog;
    switch (c->ops->load(c, &t->names, &t->table, e)) {
    case ICE_FOUND:
        break;
    case ICE_MISSING:
        if (!create(t, source, e))
            return false;
        break;
    case ICE_FOUND_FAIL:
        return false;
    }
    struct ice_partition by;
    if (!ice_partition_bind(t->table.spec, t->table.schema, &t->arena, &by, e))
        return false;
    if (t->writer->append && ice_schema_find_name(t->table.schema, span_of(ICE_LOG_OP)) < 0) {
        err_set(e, STATUS_USAGE, "it has no column " ICE_LOG_OP ", so it is no change log");
        return err_hint(
            e, "without --append it is kept equal to the source; another name, --table, makes a log");
    }
    t->fresh = t->table.snapshot_id == ICE_NO_SNAPSHOT;
    return read_position(t, e);
}

bool ice_target_open(struct ice_target *t, struct ice_writer *w, struct span space, struct span name,
                     const struct ice_source *source, struct err *e)
{
    init(t, w, space, name);
    bool ok = buf_ok(&t->space, "a namespace", e) && buf_ok(&t->name, "a table's name", e) &&
              (open_table(t, source, e) || wrap(t, e));
    arena_reset(&t->arena);
    if (!ok)
        ice_target_release(t);
    return ok;
}

// ---- events

bool ice_target_has(const struct ice_target *t, const struct pos *pos)
{
    return t->position.n != 0 && pos_compare(pos, &t->pos) <= 0;
}

static bool same_key(const struct ice_row_shape *a, const struct ice_row_shape *b)
{
    if (a->n_keys != b->n_keys)
        return false;
    for (size_t i = 0; i < a->n_keys; i++)
        if (!span_eq(a->columns[a->keys[i]].name, b->columns[b->keys[i]].name))
            return false;
    return true;
}

static struct ice_source *const *sources_of(const struct ice_target *t, size_t *n)
{
    *n = t->sources.n / sizeof(struct ice_source *);
    return (struct ice_source *const *)(const void *)t->sources.p;
}

// The batch's rows are of this source too. Keys of other columns cannot stand in one file of deletes.
static bool add_source(struct ice_target *t, struct ice_source *source, struct err *e)
{
    size_t n;
    struct ice_source *const *all = sources_of(t, &n);
    if (n != 0 && all[n - 1] == source)
        return true;
    if (n != 0 && !t->writer->append && !same_key(&all[0]->shape, &source->shape) && !ice_target_commit(t, e))
        return false;
    all = sources_of(t, &n);
    for (size_t i = 0; i < n; i++)
        if (all[i] == source)
            return true;
    buf_bytes(&t->sources, &source, sizeof(struct ice_source *));
    return buf_ok(&t->sources, "the list of schemas", e);
}

// Fills the row's unavailable values from the row that the batch has for the key, and remembers the key
// under which the table's row has the rest.
static bool fill_gaps(struct ice_target *t, const struct ice_event *event, struct buf *out, struct span *base,
                      struct err *e)
{
    const struct span from = event->moved_from.n != 0 ? event->moved_from : event->key;
    const struct ice_row *had = ice_rows_find(&t->rows, from);
    struct span row = {"", 0};
    if (had != NULL)
        row = ice_rows_text(&t->rows, had->row_at, had->row_n);
    size_t left = gaps_fill(&t->writer->gaps, event->row, row, out);
    *base = left == 0 ? (struct span){"", 0} : from;
    if (left != 0 && had != NULL && had->row_n != 0)
        *base = ice_rows_text(&t->rows, had->base_at, had->base_n);
    return buf_ok(out, "a row", e);
}

static bool keep_row(struct ice_target *t, const struct ice_event *event, struct span row, struct span base,
                     struct err *e)
{
    size_t row_at = 0, base_at = 0;
    if ((row.n != 0 && !ice_rows_keep(&t->rows, row, &row_at, e)) ||
        (base.n != 0 && !ice_rows_keep(&t->rows, base, &base_at, e)))
        return false;
    // Each key comes once into a fresh table, and the batch ends before anything else comes (see sink.c).
    struct ice_row *r =
        t->fresh ? ice_rows_add(&t->rows, event->key, e) : ice_rows_put(&t->rows, event->key, e);
    if (r == NULL)
        return false;
    r->source = event->source;
    r->deleted = event->row.n == 0;
    if (!r->deleted) // what a deleted row was, the row that it becomes may need
        r->row_at = row_at, r->row_n = row.n, r->base_at = base_at, r->base_n = base.n;
    return true;
}

static bool keep_filled(struct ice_target *t, const struct ice_event *event, struct err *e)
{
    struct buf filled, base;
    struct span from = {"", 0};
    buf_init(&filled, SIZE_MAX / 4), buf_init(&base, SIZE_MAX / 4);
    bool ok = fill_gaps(t, event, &filled, &from, e);
    buf_span(&base, from); // it may be of the text that grows
    ok = ok && buf_ok(&base, "a key", e) && keep_row(t, event, buf_view(&filled), buf_view(&base), e);
    buf_release(&filled), buf_release(&base);
    return ok;
}

// Whether the table stays fresh, with this event. What it got as a fresh one is committed as such.
static bool see_view(struct ice_target *t, const struct pos *pos, struct err *e)
{
    bool fresh = t->fresh && pos->phase == POS_SNAPSHOT && (!t->has_view || t->view == pos->n[0]);
    t->has_view = true;
    t->view = pos->n[0];
    if (t->fresh && !fresh && !ice_target_commit(t, e))
        return false;
    t->fresh = fresh;
    return true;
}

static bool count(struct ice_target *t, const struct ice_event *event, struct err *e)
{
    buf_reset(&t->last);
    buf_span(&t->last, event->token);
    t->events++;
    return buf_ok(&t->last, "a position", e);
}

bool ice_target_put(struct ice_target *t, const struct ice_event *event, struct err *e)
{
    if (!see_view(t, event->pos, e) || !add_source(t, event->source, e))
        return false;
    bool has_gaps = event->may_lack && gaps_has(&t->writer->gaps, event->row);
    if (has_gaps ? !keep_filled(t, event, e) : !keep_row(t, event, event->row, (struct span){"", 0}, e))
        return false;
    return count(t, event, e);
}

bool ice_target_truncate(struct ice_target *t, const struct ice_event *event, struct err *e)
{
    ice_rows_reset(&t->rows);
    buf_reset(&t->sources);
    t->fresh = false;
    t->truncated = true;
    return add_source(t, event->source, e) && count(t, event, e);
}

static bool keep_log(struct ice_target *t, const struct ice_event *event, struct span row, struct err *e)
{
    size_t row_at, pos_at;
    if (!ice_rows_keep(&t->rows, row, &row_at, e) || !ice_rows_keep(&t->rows, event->token, &pos_at, e))
        return false;
    struct ice_row *r = ice_rows_add(&t->rows, event->key, e);
    if (r == NULL)
        return false;
    r->source = event->source;
    r->row_at = row_at, r->row_n = row.n;
    r->pos_at = pos_at, r->pos_n = event->token.n;
    r->op = event->op, r->time_us = event->time_us;
    return true;
}

bool ice_target_log(struct ice_target *t, const struct ice_event *event, struct err *e)
{
    struct ice_writer *w = t->writer;
    struct buf filled;
    if (!add_source(t, event->source, e))
        return false;
    buf_init(&filled, SIZE_MAX / 4);
    bool lacks = event->may_lack && gaps_has(&w->gaps, event->row);
    if (lacks)
        w->incomplete += gaps_fill(&w->gaps, event->row, (struct span){"", 0}, &filled);
    bool ok = buf_ok(&filled, "a row", e) && keep_log(t, event, lacks ? buf_view(&filled) : event->row, e) &&
              count(t, event, e);
    buf_release(&filled);
    return ok;
}

// ---- the commit

static void put_text(struct buf *out, const char *before, struct span name, struct span value)
{
    buf_str(out, before);
    json_quote(out, name);
    buf_char(out, ':');
    json_quote(out, value);
}

static void describe(const struct ice_target *t, const struct ice_files *files, struct buf *properties,
                     struct buf *summary)
{
    const struct ice_writer *w = t->writer;
    put_text(properties, "{", buf_view(&w->position_name), buf_view(&t->last));
    put_text(properties, ",", buf_view(&w->source_name), buf_view(&w->identity));
    if (w->complete.n != 0)
        put_text(properties, ",", buf_view(&w->complete_name), buf_view(&w->complete));
    buf_char(properties, '}');
    put_text(summary, ",", buf_view(&w->position_name), buf_view(&t->last));
    int64_t records = 0, bytes = files->deletes.bytes;
    for (size_t i = 0; i < files->n_data; i++)
        records += files->data[i].records, bytes += files->data[i].bytes;
    if (records != 0)
        buf_printf(summary, ",\"added-data-files\":\"%zu\",\"added-records\":\"%lld\"", files->n_data,
                   (long long)records);
    if (files->deletes.records != 0)
        buf_printf(summary,
                   ",\"added-delete-files\":\"1\",\"added-equality-delete-files\":\"1\","
                   "\"added-equality-deletes\":\"%lld\"",
                   (long long)files->deletes.records);
    buf_printf(summary, ",\"added-files-size\":\"%lld\"", (long long)bytes);
}

// The schema that the batch's rows need, in the arena; *last_column_id is 0 where it is the table's own.
static bool evolve(struct ice_target *t, struct ice_schema *schema, int32_t *last_column_id, struct err *e)
{
    struct buf text;
    size_t n;
    struct ice_source *const *sources = sources_of(t, &n);
    int32_t last_id = t->table.last_column_id;
    bool changed = false, any = false;
    struct span json, mapping = {"", 0};
    buf_init(&text, 1u << 26);
    bool ok = true;
    if (ice_table_property(&t->table, "schema.name-mapping.default", &text)) {
        mapping = buf_view(&text);
        ok = ice_keep(&t->arena, &mapping, e);
    }
    // The table's memory is another's once it is loaded anew.
    buf_reset(&text);
    ice_schema_write(t->table.schema, true, &text);
    json = buf_view(&text);
    ok = ok && buf_ok(&text, "a schema", e) && ice_keep(&t->arena, &json, e) &&
         ice_schema_read(json, &t->arena, schema, e);
    buf_release(&text);
    for (size_t i = 0; ok && i < n; i++, any = any || changed) {
        const struct ice_schema now = *schema;
        ok = ice_schema_evolve(&now, mapping, &sources[i]->shape, &last_id, &t->arena, schema, &changed, e);
    }
    *last_column_id = any ? last_id : 0;
    if (any) {
        schema->id = 0;
        for (size_t i = 0; i < t->table.n_schemas; i++)
            if (t->table.schemas[i].id >= schema->id)
                schema->id = t->table.schemas[i].id + 1;
    }
    t->mapping = mapping;
    return ok;
}

static enum ice_committed commit_files(struct ice_target *t, const struct ice_schema *schema,
                                       int32_t last_column_id, struct err *e)
{
    struct ice_writer *w = t->writer;
    struct ice_files files;
    struct buf properties, summary;
    struct ice_change change = {
        .schema = schema, .last_column_id = last_column_id, .position = buf_cstr(&w->position_name)};
    struct ice_committer committer = {
        .catalog = w->catalog, .name = &t->names, .table = &t->table, .loop = w->loop, .warn = w->warn};
    enum ice_committed done = ICE_COMMIT_FAILED;
    buf_init(&properties, 1u << 20), buf_init(&summary, 1u << 20);
    if (ice_snapshot_id(&change.snapshot_id, e) && ice_files_write(t, schema, &change, &files, e)) {
        describe(t, &files, &properties, &summary);
        change.replaces = t->truncated;
        change.only_as_it_is = files.deletes.records == 0 && !t->truncated && !w->append;
        change.operation = t->truncated && files.n_data == 0             ? "delete"
                           : files.deletes.records == 0 && !t->truncated ? "append"
                                                                         : "overwrite";
        change.properties = buf_view(&properties);
        change.summary = buf_view(&summary);
        done = ice_commit(&committer, &change, files.metadata, e);
    }
    w->retries += committer.retries;
    buf_release(&properties), buf_release(&summary);
    return done;
}

static bool commit(struct ice_target *t, struct err *e)
{
    enum ice_committed done;
    struct ice_schema schema;
    int32_t last_column_id;
    do {
        arena_reset(&t->arena);
        if (!evolve(t, &schema, &last_column_id, e))
            return false;
        done = commit_files(t, &schema, last_column_id, e);
        t->fresh = t->fresh && done != ICE_COMMIT_STALE;
    } while (done == ICE_COMMIT_STALE);
    return done == ICE_COMMITTED;
}

bool ice_target_commit(struct ice_target *t, struct err *e)
{
    if (t->last.n == 0)
        return true;
    bool ok = commit(t, e) || wrap(t, e);
    arena_reset(&t->arena);
    if (!ok)
        return false;
    t->writer->commits++;
    buf_reset(&t->position);
    buf_span(&t->position, buf_view(&t->last));
    buf_reset(&t->last);
    ice_rows_reset(&t->rows);
    buf_reset(&t->sources);
    t->events = 0;
    t->truncated = false;
    return pos_parse(buf_view(&t->position), &t->pos, e);
}
