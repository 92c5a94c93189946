#include "iceberg/commit.h"

#include "base/clock.h"
#include "event/json.h"
#include "iceberg/files.h"
#include "iceberg/manifest_rewrite.h"
#include "sink/loop.h"

#include <poll.h>
#include <stdio.h>

#define LIST_MAX_BYTES (256u << 20)
#define UPDATES_MAX_BYTES (64u << 20)
#define PATH_MAX_BYTES 8192
#define BACKOFF_MS 20
#define BACKOFF_MAX_MS 5000
// Somebody who commits all the time is not heard of; one that answers nothing is.
#define WARN_TRIES 5

// What the table was when the commit began.
struct before {
    struct buf position;
    int32_t schema_id, spec_id;
    int64_t snapshot_id;
    size_t n_specs;
};

// ---- the manifest list

// What the snapshot before had, as this one has it.
static bool take_over(const struct ice_table *t, const struct ice_change *change, struct span folder,
                      struct buf *list, struct arena *a, struct err *e)
{
    if (t->manifest_list.n == 0)
        return true;
    return ice_manifest_list_read(t->manifest_list, list, a, e) &&
           (change->replaces ? ice_manifests_delete(list, change->snapshot_id, folder, a, e)
                             : ice_manifests_merge(t, list, change->snapshot_id, folder, a, e));
}

static bool write_list(const struct ice_table *t, const struct ice_change *change, struct span folder,
                       struct span location, struct err *e)
{
    struct buf list;
    struct arena arena = {0};
    buf_init(&list, LIST_MAX_BYTES);
    bool ok = take_over(t, change, folder, &list, &arena, e);
    buf_bytes(&list, change->manifests, change->n * sizeof change->manifests[0]);
    ok = ok && buf_ok(&list, "a manifest list", e) &&
         ice_manifest_list_write((const struct ice_manifest *)(const void *)list.p,
                                 list.n / sizeof change->manifests[0], change->snapshot_id, t->snapshot_id,
                                 t->last_sequence_number + 1, location, e);
    arena_release(&arena);
    buf_release(&list);
    return ok;
}

// ---- updates and requirements

static void put_snapshot(const struct ice_table *t, const struct ice_change *c, struct span list,
                         int32_t schema_id, struct buf *out)
{
    int64_t now_ms = clock_wall_ns() / 1000000;
    buf_printf(out, "{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":%lld,",
               (long long)c->snapshot_id);
    if (t->snapshot_id != ICE_NO_SNAPSHOT)
        buf_printf(out, "\"parent-snapshot-id\":%lld,", (long long)t->snapshot_id);
    buf_printf(out, "\"sequence-number\":%lld,\"timestamp-ms\":%lld,\"manifest-list\":",
               (long long)t->last_sequence_number + 1,
               (long long)(now_ms > t->last_updated_ms ? now_ms : t->last_updated_ms));
    json_quote(out, list);
    buf_printf(out, ",\"summary\":{\"operation\":\"%s\"", c->operation);
    buf_span(out, c->summary);
    buf_printf(out, "},\"schema-id\":%d}},", schema_id);
    buf_printf(
        out,
        "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":%lld}",
        (long long)c->snapshot_id);
}

static void put_updates(const struct ice_table *t, const struct ice_change *c, struct span list,
                        struct buf *out)
{
    buf_char(out, '[');
    if (c->last_column_id != 0) {
        buf_lit(out, "{\"action\":\"add-schema\",\"schema\":");
        ice_schema_write(c->schema, true, out);
        buf_printf(out, ",\"last-column-id\":%d},{\"action\":\"set-current-schema\",\"schema-id\":-1},",
                   c->last_column_id);
    }
    if (c->new_spec)
        buf_printf(out, "{\"action\":\"add-spec\",\"spec\":{\"spec-id\":%d,\"fields\":[]}},", c->new_spec_id);
    put_snapshot(t, c, list, c->schema->id, out);
    buf_lit(out, ",{\"action\":\"set-properties\",\"updates\":");
    buf_span(out, c->properties);
    buf_lit(out, "}]");
}

static void put_requirements(const struct ice_table *t, const struct ice_change *c, struct buf *out)
{
    buf_lit(out, "[{\"type\":\"assert-table-uuid\",\"uuid\":");
    json_quote(out, t->uuid);
    buf_lit(out, "},{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":");
    if (t->snapshot_id == ICE_NO_SNAPSHOT)
        buf_lit(out, "null}");
    else
        buf_printf(out, "%lld}", (long long)t->snapshot_id);
    buf_printf(out, ",{\"type\":\"assert-current-schema-id\",\"current-schema-id\":%d}", t->schema->id);
    if (c->last_column_id != 0)
        buf_printf(out, ",{\"type\":\"assert-last-assigned-field-id\",\"last-assigned-field-id\":%d}",
                   t->last_column_id);
    // The id is the next one, which a new partitioning would take too.
    if (c->new_spec)
        buf_printf(out, ",{\"type\":\"assert-default-spec-id\",\"default-spec-id\":%d}", t->spec->id);
    buf_char(out, ']');
}

static enum ice_outcome send(struct ice_committer *c, const struct ice_change *change, struct span list,
                             struct err *e)
{
    struct buf updates, requirements;
    enum ice_outcome outcome = ICE_FAIL;
    buf_init(&updates, UPDATES_MAX_BYTES), buf_init(&requirements, UPDATES_MAX_BYTES);
    put_updates(c->table, change, list, &updates);
    put_requirements(c->table, change, &requirements);
    const struct ice_commit what = {buf_view(&updates), buf_view(&requirements)};
    if (buf_ok(&updates, "a commit", e) && buf_ok(&requirements, "a commit", e))
        outcome = c->catalog->ops->commit(c->catalog, c->name, c->table, &what, e);
    buf_release(&updates), buf_release(&requirements);
    return outcome;
}

static enum ice_outcome try_once(struct ice_committer *c, const struct ice_change *change, struct span folder,
                                 struct err *e)
{
    char uuid[ICE_UUID_BYTES];
    struct buf location;
    enum ice_outcome outcome = ICE_FAIL;
    if (!ice_uuid(uuid, e))
        return ICE_FAIL;
    buf_init(&location, PATH_MAX_BYTES);
    buf_span(&location, folder);
    buf_printf(&location, "/snap-%lld-%s.avro", (long long)change->snapshot_id, uuid);
    if (buf_ok(&location, "a location", e) && write_list(c->table, change, folder, buf_view(&location), e))
        outcome = send(c, change, buf_view(&location), e);
    buf_release(&location);
    return outcome;
}

// ---- after an answer that is none

static bool nap(struct ice_committer *c, unsigned tries, struct err *e)
{
    int64_t most_ms = (int64_t)BACKOFF_MS << (tries < 8 ? tries : 8);
    int64_t until_ms = clock_mono_ms() + (most_ms < BACKOFF_MAX_MS ? most_ms : BACKOFF_MAX_MS);
    for (int64_t left_ms; (left_ms = until_ms - clock_mono_ms()) > 0;) {
        if (!loop_tick(c->loop, e))
            return false;
        poll(NULL, 0, (int)(left_ms > 500 ? 500 : left_ms));
    }
    return true;
}

static bool reload(struct ice_committer *c, unsigned *tries, struct err *e)
{
    for (;; ++*tries) {
        if (!nap(c, *tries, e))
            return false;
        switch (c->catalog->ops->load(c->catalog, c->name, c->table, e)) {
        case ICE_FOUND:
            return true;
        case ICE_MISSING:
            err_set(e, STATUS_USAGE, "table %.*s.%.*s has been dropped", SPAN_ARG(c->name->space),
                    SPAN_ARG(c->name->table));
            return err_hint(e, "its rows come back with a new snapshot of the source's table alone");
        case ICE_FOUND_FAIL:
            if (e->status != STATUS_PEER)
                return false;
            c->warn("%s; trying again", e->text);
        }
    }
}

static bool position_moved(const struct ice_committer *c, const struct ice_change *change,
                           const struct before *before)
{
    struct buf now;
    buf_init(&now, 65536);
    (void)!ice_table_property(c->table, change->position, &now);
    bool moved = !span_eq(buf_view(&now), buf_view(&before->position));
    buf_release(&now);
    return moved;
}

static enum ice_committed judge(struct ice_committer *c, const struct ice_change *change,
                                const struct before *before, bool *again, struct err *e)
{
    struct span snapshot;
    *again = false;
    if (ice_table_snapshot(c->table, change->snapshot_id, &snapshot))
        return ICE_COMMITTED;
    if (position_moved(c, change, before)) {
        err_set(e, STATUS_FENCED, "another instance writes table %.*s.%.*s: %s has moved",
                SPAN_ARG(c->name->space), SPAN_ARG(c->name->table), change->position);
        return ICE_COMMIT_FAILED;
    }
    if (c->table->schema->id != before->schema_id || c->table->spec->id != before->spec_id ||
        (change->new_spec && c->table->n_specs != before->n_specs) ||
        (change->only_as_it_is && c->table->snapshot_id != before->snapshot_id))
        return ICE_COMMIT_STALE;
    *again = true;
    return ICE_COMMIT_FAILED;
}

static enum ice_committed commit(struct ice_committer *c, const struct ice_change *change,
                                 const struct before *before, struct span folder, struct err *e)
{
    bool again = true;
    enum ice_committed done = ICE_COMMIT_FAILED;
    for (unsigned tries = 0; again; tries++) {
        enum ice_outcome outcome = try_once(c, change, folder, e);
        if (outcome == ICE_DONE)
            return ICE_COMMITTED;
        if (outcome == ICE_FAIL)
            return ICE_COMMIT_FAILED;
        c->retries++;
        if (tries >= WARN_TRIES || outcome == ICE_UNCERTAIN)
            c->warn("%s; looking at the table", e->text);
        if (!reload(c, &tries, e))
            return ICE_COMMIT_FAILED;
        done = judge(c, change, before, &again, e);
    }
    return done;
}

enum ice_committed ice_commit(struct ice_committer *c, const struct ice_change *change, struct span folder,
                              struct err *e)
{
    struct before before = {.schema_id = c->table->schema->id,
                            .spec_id = c->table->spec->id,
                            .snapshot_id = c->table->snapshot_id,
                            .n_specs = c->table->n_specs};
    buf_init(&before.position, 65536);
    (void)!ice_table_property(c->table, change->position, &before.position);
    enum ice_committed done = commit(c, change, &before, folder, e);
    buf_release(&before.position);
    return done;
}
