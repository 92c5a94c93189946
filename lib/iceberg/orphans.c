#include "iceberg/orphans.h"

#include "event/json.h"
#include "iceberg/entries.h"
#include "iceberg/files.h"
#include "iceberg/manifest.h"
#include "iceberg/rows.h"

#define LIST_MAX_BYTES (256u << 20)
#define HINT "/version-hint.text"

struct search {
    struct ice_catalog *catalog;
    struct ice_table table;
    struct ice_rows named; // paths, as the keys of rows
    int64_t before_ms;
    ice_orphan_see *see;
};

// ---- what is named

static bool name_file(struct search *s, struct span location, bool *is_new, struct err *e)
{
    struct buf path;
    size_t n = s->named.n;
    if (!ice_files_path(location, &path, e))
        return false;
    bool ok = ice_rows_put(&s->named, buf_view(&path), e) != NULL;
    *is_new = s->named.n != n;
    buf_release(&path);
    return ok;
}

static bool see_entry(void *context, const struct ice_entry *entry, struct err *e)
{
    bool is_new;
    return name_file(context, entry->path, &is_new, e);
}

static bool name_list(struct search *s, struct span location, struct err *e)
{
    struct buf list;
    struct arena arena = {0};
    bool is_new;
    buf_init(&list, LIST_MAX_BYTES);
    bool ok = name_file(s, location, &is_new, e) && ice_manifest_list_read(location, &list, &arena, e);
    const struct ice_manifest *m = (const struct ice_manifest *)(const void *)list.p;
    for (size_t i = 0; ok && i < list.n / sizeof *m; i++)
        ok = name_file(s, m[i].path, &is_new, e) && (!is_new || ice_entries_of(&m[i], see_entry, s, e));
    arena_release(&arena);
    buf_release(&list);
    return ok;
}

// A text of the metadata that is a location: of a manifest list, or of any other file that it may name.
static bool name_text(struct search *s, struct span quoted, bool is_list, struct err *e)
{
    struct span location;
    bool is_new;
    if (!ice_unquote(quoted, &s->table.arena, &location, e))
        return false;
    return is_list ? name_list(s, location, e) : name_file(s, location, &is_new, e);
}

// Every text in the metadata that begins with '/' or names a file is taken for one, whatever member it is of:
// statistics, logs, and what later versions bring.
static bool name_texts(struct search *s, struct span value, struct span name, int depth, struct err *e)
{
    struct json_walk w;
    if (value.n != 0 && value.p[0] == '"') {
        struct span bare = {value.p + 1, value.n - 2};
        bool is_file = span_starts(bare, "/") || span_starts(bare, "file:");
        return !is_file || name_text(s, value, span_is(name, "\"manifest-list\""), e);
    }
    if (value.n == 0 || (value.p[0] != '{' && value.p[0] != '[') || depth > 16)
        return true;
    for (json_walk_begin(&w, value); json_walk_next(&w);)
        if (!name_texts(s, w.value, w.name, depth + 1, e))
            return false;
    return true;
}

// ---- what is there

static bool see_file(void *context, struct span location, int64_t modified_ms, struct err *e)
{
    struct search *s = context;
    static const struct span hint = SPAN_LIT(HINT);
    if (modified_ms >= s->before_ms || ice_rows_find(&s->named, location) != NULL)
        return true;
    bool is_hint = location.n > hint.n && memcmp(location.p + location.n - hint.n, hint.p, hint.n) == 0;
    return is_hint || s->see(location, e);
}

static bool walk(struct search *s, struct span location, struct err *e)
{
    struct buf path;
    if (!ice_files_path(location, &path, e))
        return false;
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    bool ok = ice_files_walk(buf_view(&path), see_file, s, e);
    buf_release(&path);
    return ok;
}

// Its folder, and those that its properties name elsewhere.
static bool walk_table(struct search *s, struct err *e)
{
    static const char *const elsewhere[] = {"write.data.path", "write.metadata.path"};
    struct buf folder;
    buf_init(&folder, 8192);
    bool ok = walk(s, s->table.location, e);
    for (size_t i = 0; ok && i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        if (ice_table_property(&s->table, elsewhere[i], &folder) &&
            !(folder.n >= s->table.location.n &&
              memcmp(folder.p, s->table.location.p, s->table.location.n) == 0))
            ok = walk(s, buf_view(&folder), e);
    buf_release(&folder);
    return ok;
}

static bool see_table(void *context, const struct ice_name *name, struct err *e)
{
    struct search *s = context;
    static const struct span none = {"", 0};
    bool is_new;
    switch (s->catalog->ops->load(s->catalog, name, &s->table, e)) {
    case ICE_MISSING:
        return true;
    case ICE_FOUND_FAIL:
        return err_wrap(e, "table %.*s", SPAN_ARG(name->table));
    case ICE_FOUND:
        break;
    }
    ice_rows_reset(&s->named);
    return (name_file(s, buf_view(&s->table.file), &is_new, e) &&
            name_texts(s, buf_view(&s->table.text), none, 0, e) && walk_table(s, e)) ||
           err_wrap(e, "table %.*s", SPAN_ARG(name->table));
}

bool ice_orphans_list(struct ice_catalog *c, struct span space, int64_t before_ms, ice_orphan_see *see,
                      struct err *e)
{
    struct search s = {.catalog = c, .before_ms = before_ms, .see = see};
    ice_table_init(&s.table);
    ice_rows_init(&s.named);
    bool ok = c->ops->list(c, space, see_table, &s, e);
    ice_table_release(&s.table);
    ice_rows_release(&s.named);
    return ok;
}
