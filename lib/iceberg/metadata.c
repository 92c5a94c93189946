#include "iceberg/metadata.h"

#include "event/json.h"

#define TEXT_MAX_BYTES (256u << 20)

// The work: the metadata so far, and room to write the next form of it.
struct next {
    struct buf text, spare, value;
    int32_t added_schema; // by the last add-schema; -1: none
};

static struct span member_of(const struct next *n, const char *name, const char *fallback)
{
    struct span value;
    return json_member(buf_view(&n->text), span_of(name), &value) ? value : span_of(fallback);
}

static void put_member(struct buf *out, const char **before, struct span quoted, struct span value)
{
    buf_str(out, *before);
    buf_span(out, quoted);
    buf_char(out, ':');
    buf_span(out, value);
    *before = ",";
}

// Appends the object with the member set to value, in its place or at the end; value.p NULL: without it.
static void put_with(struct buf *out, struct span object, struct span quoted, struct span value)
{
    struct json_walk w;
    bool placed = value.p == NULL;
    const char *before = "";
    buf_char(out, '{');
    for (json_walk_begin(&w, object); json_walk_next(&w);) {
        bool is_it = span_eq(w.name, quoted);
        if (is_it && placed)
            continue;
        put_member(out, &before, w.name, is_it ? value : w.value);
        placed = placed || is_it;
    }
    if (!placed)
        put_member(out, &before, quoted, value);
    buf_char(out, '}');
}

static void swap(struct next *n)
{
    struct buf text = n->text;
    bool bad = text.bad || n->spare.bad;
    n->text = n->spare;
    n->text.bad = bad;
    n->spare = text;
    buf_reset(&n->spare);
}

static void set(struct next *n, const char *name, struct span value)
{
    char quoted[64] = "\"";
    strcat(strcat(quoted, name), "\"");
    put_with(&n->spare, buf_view(&n->text), span_of(quoted), value);
    swap(n);
}

static void set_number(struct next *n, const char *name, int64_t v)
{
    struct buf *b = &n->value;
    buf_reset(b);
    buf_i64(b, v);
    set(n, name, buf_view(b));
}

// Appends an array without its closing bracket, with the comma that a further element needs.
static void open_array(struct buf *out, struct span array)
{
    struct json_walk w;
    buf_char(out, '[');
    for (json_walk_begin(&w, array); json_walk_next(&w);) {
        buf_span(out, w.value);
        buf_char(out, ',');
    }
}

static void append(struct next *n, const char *name, struct span element)
{
    struct buf array;
    buf_init(&array, TEXT_MAX_BYTES);
    open_array(&array, member_of(n, name, "[]"));
    buf_span(&array, element);
    buf_char(&array, ']');
    n->text.bad |= array.bad;
    set(n, name, buf_view(&array));
    buf_release(&array);
}

// A member of the object that is a member.
static void set_inner(struct next *n, const char *name, struct span quoted, struct span value)
{
    struct buf b;
    buf_init(&b, TEXT_MAX_BYTES);
    put_with(&b, member_of(n, name, "{}"), quoted, value);
    n->text.bad |= b.bad;
    set(n, name, buf_view(&b));
    buf_release(&b);
}

// ---- the updates

static bool lacks(struct span update, const char *member, struct err *e)
{
    return err_set(e, STATUS_DATA, "no %s in the update %.*s", member, update.n > 200 ? 200 : (int)update.n,
                   update.p);
}

static bool number_of(struct span update, const char *member, int64_t *v, struct err *e)
{
    struct span value;
    return (json_member(update, span_of(member), &value) && json_i64(value, v)) || lacks(update, member, e);
}

// The highest id in a list; -1: there is none.
static int64_t highest_of(const struct next *n, const char *list, const char *member)
{
    struct json_walk w;
    struct span value;
    int64_t v, highest = -1;
    for (json_walk_begin(&w, member_of(n, list, "[]")); json_walk_next(&w);)
        if (json_member(w.value, span_of(member), &value) && json_i64(value, &v) && v > highest)
            highest = v;
    return highest;
}

static void append_numbered(struct next *n, const char *list, struct span object, const char *quoted,
                            int64_t id)
{
    struct buf numbered, number;
    buf_init(&number, 32), buf_init(&numbered, TEXT_MAX_BYTES);
    buf_i64(&number, id);
    put_with(&numbered, object, span_of(quoted), buf_view(&number));
    n->text.bad |= numbered.bad;
    append(n, list, buf_view(&numbered));
    buf_release(&numbered), buf_release(&number);
}

static bool add_schema(struct next *n, struct span update, struct err *e)
{
    struct span schema;
    int64_t last_column_id, known;
    if (!json_member(update, span_of("schema"), &schema))
        return lacks(update, "schema", e);
    if (!number_of(update, "last-column-id", &last_column_id, e) ||
        !number_of(buf_view(&n->text), "last-column-id", &known, e))
        return false;
    n->added_schema = (int32_t)(highest_of(n, "schemas", "schema-id") + 1);
    append_numbered(n, "schemas", schema, "\"schema-id\"", n->added_schema);
    set_number(n, "last-column-id", last_column_id > known ? last_column_id : known);
    return true;
}

static bool set_current_schema(struct next *n, struct span update, struct err *e)
{
    int64_t id;
    if (!number_of(update, "schema-id", &id, e))
        return false;
    if (id == -1)
        id = n->added_schema;
    if (id < 0)
        return err_set(e, STATUS_DATA, "no schema was added that could be the current one");
    set_number(n, "current-schema-id", id);
    return true;
}

// The ids of fields are given out once: last-partition-id is the highest there ever was.
static bool see_field_ids(struct next *n, struct span fields, struct err *e)
{
    struct json_walk w;
    int64_t last, id;
    if (!number_of(buf_view(&n->text), "last-partition-id", &last, e))
        return false;
    for (json_walk_begin(&w, fields); json_walk_next(&w);) {
        if (!number_of(w.value, "field-id", &id, e))
            return false;
        last = id > last ? id : last;
    }
    set_number(n, "last-partition-id", last);
    return true;
}

static bool add_spec(struct next *n, struct span update, struct err *e)
{
    struct span spec, fields;
    if (!json_member(update, span_of("spec"), &spec) || !json_member(spec, span_of("fields"), &fields))
        return lacks(update, "spec", e);
    int64_t id = highest_of(n, "partition-specs", "spec-id") + 1;
    append_numbered(n, "partition-specs", spec, "\"spec-id\"", id);
    return see_field_ids(n, fields, e);
}

static bool add_snapshot(struct next *n, struct span update, struct err *e)
{
    struct span snapshot;
    int64_t sequence_number;
    if (!json_member(update, span_of("snapshot"), &snapshot))
        return lacks(update, "snapshot", e);
    if (!number_of(snapshot, "sequence-number", &sequence_number, e))
        return false;
    append(n, "snapshots", snapshot);
    set_number(n, "last-sequence-number", sequence_number);
    return true;
}

static bool set_main(struct next *n, struct span update, int64_t now_ms, struct err *e)
{
    struct span name;
    struct buf b;
    int64_t id;
    if (!json_member(update, span_of("ref-name"), &name) || !span_is(name, "\"main\""))
        return err_set(e, STATUS_DATA, "a commit moves the branch main alone");
    if (!number_of(update, "snapshot-id", &id, e))
        return false;
    buf_init(&b, TEXT_MAX_BYTES);
    buf_printf(&b, "{\"snapshot-id\":%lld,\"type\":\"branch\"}", (long long)id);
    set_inner(n, "refs", name, buf_view(&b));
    set_number(n, "current-snapshot-id", id);
    buf_reset(&b);
    buf_printf(&b, "{\"timestamp-ms\":%lld,\"snapshot-id\":%lld}", (long long)now_ms, (long long)id);
    append(n, "snapshot-log", buf_view(&b));
    n->text.bad |= b.bad;
    buf_release(&b);
    return true;
}

static bool change_properties(struct next *n, struct span update, const char *member, struct err *e)
{
    struct json_walk w;
    struct span list;
    if (!json_member(update, span_of(member), &list))
        return lacks(update, member, e);
    for (json_walk_begin(&w, list); json_walk_next(&w);)
        if (w.name.n != 0)
            set_inner(n, "properties", w.name, w.value);
        else
            set_inner(n, "properties", w.value, (struct span){NULL, 0});
    return !w.bad || lacks(update, member, e);
}

static bool apply_one(struct next *n, struct span update, int64_t now_ms, struct err *e)
{
    char action[32] = "";
    if (!json_text_member(update, "action", action, sizeof action))
        return lacks(update, "action", e);
    if (strcmp(action, "add-schema") == 0)
        return add_schema(n, update, e);
    if (strcmp(action, "set-current-schema") == 0)
        return set_current_schema(n, update, e);
    if (strcmp(action, "add-spec") == 0)
        return add_spec(n, update, e);
    if (strcmp(action, "add-snapshot") == 0)
        return add_snapshot(n, update, e);
    if (strcmp(action, "set-snapshot-ref") == 0)
        return set_main(n, update, now_ms, e);
    if (strcmp(action, "set-properties") == 0)
        return change_properties(n, update, "updates", e);
    if (strcmp(action, "remove-properties") == 0)
        return change_properties(n, update, "removals", e);
    return err_set(e, STATUS_DATA, "the update %s is not known", action);
}

// ---- the log of metadata files

// The oldest entries go until one more has room.
static void log_file(struct next *n, const struct ice_table *t, struct buf *dropped)
{
    int64_t most = ice_table_number(t, "write.metadata.previous-versions-max", 100), entries = 0;
    struct json_walk w;
    struct buf kept;
    struct span log = member_of(n, "metadata-log", "[]"), file;
    for (json_walk_begin(&w, log); json_walk_next(&w);)
        entries++;
    buf_init(&kept, TEXT_MAX_BYTES);
    buf_char(&kept, '[');
    for (json_walk_begin(&w, log); json_walk_next(&w); entries--) {
        if (entries >= (most < 1 ? 1 : most)) {
            if (json_member(w.value, span_of("metadata-file"), &file) && json_unquote(file, dropped))
                buf_char(dropped, '\0');
            continue;
        }
        buf_span(&kept, w.value);
        buf_char(&kept, ',');
    }
    buf_printf(&kept, "{\"timestamp-ms\":%lld,\"metadata-file\":", (long long)t->last_updated_ms);
    json_quote(&kept, buf_view(&t->file));
    buf_lit(&kept, "}]");
    n->text.bad |= kept.bad;
    set(n, "metadata-log", buf_view(&kept));
    buf_release(&kept);
}

static bool apply(struct next *n, const struct ice_table *t, struct span updates, int64_t now_ms,
                  struct buf *dropped, struct err *e)
{
    struct json_walk w;
    // A clock that was set back must not put the log out of order.
    int64_t at_ms = now_ms > t->last_updated_ms ? now_ms : t->last_updated_ms;
    buf_span(&n->text, buf_view(&t->text));
    for (json_walk_begin(&w, updates); json_walk_next(&w);)
        if (!apply_one(n, w.value, at_ms, e))
            return false;
    if (w.bad)
        return err_set(e, STATUS_DATA, "the updates are no list");
    log_file(n, t, dropped);
    set_number(n, "last-updated-ms", at_ms);
    return buf_ok(&n->text, "the table's metadata", e);
}

bool ice_metadata_apply(const struct ice_table *t, struct span updates, int64_t now_ms, struct buf *out,
                        struct buf *dropped, struct err *e)
{
    struct next n = {.added_schema = -1};
    buf_init(&n.text, TEXT_MAX_BYTES);
    buf_init(&n.spare, TEXT_MAX_BYTES);
    buf_init(&n.value, 64);
    bool ok = apply(&n, t, updates, now_ms, dropped, e);
    if (ok)
        buf_span(out, buf_view(&n.text));
    buf_release(&n.text), buf_release(&n.spare), buf_release(&n.value);
    return ok && buf_ok(out, "the table's metadata", e);
}

static int32_t highest_id(const struct ice_field *fields, size_t n)
{
    int32_t highest = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t inner = highest_id(fields[i].type.fields, fields[i].type.n);
        if (fields[i].id > highest)
            highest = fields[i].id;
        if (inner > highest)
            highest = inner;
    }
    return highest;
}

void ice_metadata_first(const struct ice_schema *schema, struct span uuid, struct span location,
                        struct span properties, int64_t now_ms, struct buf *out)
{
    buf_lit(out, "{\"format-version\":2,\"table-uuid\":");
    json_quote(out, uuid);
    buf_lit(out, ",\"location\":");
    json_quote(out, location);
    buf_printf(out,
               ",\"last-sequence-number\":0,\"last-updated-ms\":%lld,\"last-column-id\":%d,\"schemas\":[",
               (long long)now_ms, highest_id(schema->fields, schema->n));
    ice_schema_write(schema, true, out);
    buf_printf(out, "],\"current-schema-id\":%d,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],",
               schema->id);
    buf_lit(
        out,
        "\"default-spec-id\":0,\"last-partition-id\":999,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],"
        "\"default-sort-order-id\":0,\"properties\":");
    buf_span(out, properties);
    buf_lit(out, ",\"current-snapshot-id\":-1,\"refs\":{},\"snapshots\":[],\"snapshot-log\":[],"
                 "\"metadata-log\":[]}");
}
