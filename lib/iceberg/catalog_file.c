// For realpath().
#define _XOPEN_SOURCE 700

#include "iceberg/catalog_file.h"

#include "base/clock.h"
#include "base/io.h"
#include "event/json.h"
#include "iceberg/files.h"
#include "iceberg/metadata.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH_MAX_BYTES 4096
#define HINT "version-hint.text"

struct file_catalog {
    struct ice_catalog base;
    struct buf dir;
};

// ---- paths

static bool is_plain(struct span part)
{
    return part.n != 0 && part.p[0] != '.' && memchr(part.p, '/', part.n) == NULL &&
           memchr(part.p, '\0', part.n) == NULL;
}

static bool put_space(struct buf *path, struct span space, struct err *e)
{
    for (struct span rest = space; rest.n != 0;) {
        const char *dot = memchr(rest.p, '.', rest.n);
        struct span part = {rest.p, dot != NULL ? (size_t)(dot - rest.p) : rest.n};
        if (!is_plain(part) || part.n + 1 == rest.n)
            return err_set(e, STATUS_USAGE, "the namespace %.*s cannot be a folder", SPAN_ARG(space));
        buf_char(path, '/');
        buf_span(path, part);
        rest.p += part.n + (dot != NULL), rest.n -= part.n + (dot != NULL);
    }
    return true;
}

static bool space_path(const struct file_catalog *c, struct span space, struct buf *path, struct err *e)
{
    buf_init(path, PATH_MAX_BYTES);
    buf_span(path, buf_view(&c->dir));
    return put_space(path, space, e);
}

// The table's folder.
static bool table_path(const struct file_catalog *c, const struct ice_name *name, struct buf *path,
                       struct err *e)
{
    if (!space_path(c, name->space, path, e))
        return false;
    if (!is_plain(name->table))
        return err_set(e, STATUS_USAGE, "the table name %.*s cannot be a folder", SPAN_ARG(name->table));
    buf_char(path, '/');
    buf_span(path, name->table);
    buf_cstr(path);
    return buf_ok(path, "a path", e);
}

static bool metadata_path(const char *folder, uint64_t version, const char *ending, char path[PATH_MAX_BYTES])
{
    int n =
        snprintf(path, PATH_MAX_BYTES, "%s/metadata/v%llu%s", folder, (unsigned long long)version, ending);
    return n < PATH_MAX_BYTES;
}

static bool exists(const char *folder, uint64_t version, const char *ending)
{
    char path[PATH_MAX_BYTES];
    return metadata_path(folder, version, ending, path) && access(path, F_OK) == 0;
}

// ---- versions

static bool see_version(void *context, struct span location, int64_t modified_ms, struct err *e)
{
    uint64_t *newest = context;
    int64_t v;
    (void)modified_ms, (void)e;
    while (memchr(location.p, '/', location.n) != NULL)
        location.p++, location.n--;
    if (span_take(&location, 'v') && span_take_number(&location, 18, &v) && span_starts(location, ".") &&
        (uint64_t)v > *newest)
        *newest = (uint64_t)v;
    return true;
}

// The hint may be behind, or lost; what counts is which files there are.
static bool find_version(const char *folder, uint64_t *version, struct err *e)
{
    char path[PATH_MAX_BYTES];
    struct buf hint;
    struct err ignored;
    *version = 0;
    snprintf(path, sizeof path, "%s/metadata/" HINT, folder);
    buf_init(&hint, 64);
    if (io_read_file(path, &hint, &ignored)) {
        while (hint.n != 0 && (hint.p[hint.n - 1] == '\n' || hint.p[hint.n - 1] == ' '))
            hint.n--;
        if (!json_u64(buf_view(&hint), version) || !exists(folder, *version, ".metadata.json"))
            *version = 0;
    }
    buf_release(&hint);
    snprintf(path, sizeof path, "%s/metadata", folder);
    if (*version == 0 && !ice_files_walk(span_of(path), see_version, version, e))
        return false;
    while (exists(folder, *version + 1, ".metadata.json"))
        ++*version;
    return true;
}

static bool refuse_compressed(const char *folder, uint64_t version, struct err *e)
{
    if (!exists(folder, version, ".gz.metadata.json") && !exists(folder, version + 1, ".gz.metadata.json"))
        return true;
    err_set(e, STATUS_USAGE, "the table's metadata is compressed: %s/metadata/v%llu.gz.metadata.json", folder,
            (unsigned long long)version);
    return err_hint(e,
                    "set the table's property write.metadata.compression-codec to none, and write it once");
}

static bool read_version(const char *folder, uint64_t version, struct ice_table *t, struct err *e)
{
    char path[PATH_MAX_BYTES];
    metadata_path(folder, version, ".metadata.json", path);
    t->version = version;
    buf_reset(&t->file), buf_reset(&t->text);
    buf_str(&t->file, path);
    return (ice_files_read(span_of(path), &t->text, e) && ice_table_read(t, e)) || err_wrap(e, "%s", path);
}

static enum ice_found load_folder(const char *folder, struct ice_table *t, struct err *e)
{
    uint64_t version;
    if (!find_version(folder, &version, e) || !refuse_compressed(folder, version, e))
        return ICE_FOUND_FAIL;
    if (version == 0)
        return ICE_MISSING;
    return read_version(folder, version, t, e) ? ICE_FOUND : ICE_FOUND_FAIL;
}

static enum ice_found load(struct ice_catalog *self, const struct ice_name *name, struct ice_table *t,
                           struct err *e)
{
    struct buf folder;
    enum ice_found found = ICE_FOUND_FAIL;
    if (table_path((struct file_catalog *)self, name, &folder, e))
        found = load_folder(buf_cstr(&folder), t, e);
    buf_release(&folder);
    return found;
}

// ---- writing a version

static void write_hint(const char *folder, uint64_t version)
{
    char path[PATH_MAX_BYTES], temporary[PATH_MAX_BYTES], name[ICE_UUID_BYTES], text[24];
    struct err e;
    snprintf(text, sizeof text, "%llu", (unsigned long long)version);
    snprintf(path, sizeof path, "%s/metadata/" HINT, folder);
    if (!ice_uuid(name, &e) ||
        snprintf(temporary, sizeof temporary, "%s/metadata/%s.hint", folder, name) >= (int)sizeof temporary)
        return;
    // Readers go on from an older hint, so its loss is none.
    if (!ice_files_create(span_of(temporary), span_of(text), &e) || rename(temporary, path) != 0)
        unlink(temporary);
}

// link() makes the name only where there is none: of several writers one wins.
static enum ice_outcome put_version(const char *folder, uint64_t version, struct span text, struct err *e)
{
    char path[PATH_MAX_BYTES], temporary[PATH_MAX_BYTES], name[ICE_UUID_BYTES];
    int64_t bytes;
    if (!ice_uuid(name, e))
        return ICE_FAIL;
    if (!metadata_path(folder, version, ".metadata.json", path) ||
        snprintf(temporary, sizeof temporary, "%s/metadata/%s.tmp", folder, name) >= (int)sizeof temporary) {
        err_set(e, STATUS_USAGE, "the path %s is too long", folder);
        return ICE_FAIL;
    }
    if (!ice_files_create(span_of(temporary), text, e))
        return ICE_FAIL;
    int rc = link(temporary, path), why = errno;
    unlink(temporary);
    if (rc == 0)
        // Where the name may not survive a crash nobody knows whether it was done.
        return ice_files_seal(span_of(path), &bytes, e) ? ICE_DONE : ICE_UNCERTAIN;
    errno = why;
    err_errno(e, STATUS_IO, "cannot link %s", path);
    return why == EEXIST ? ICE_CONFLICT : ICE_FAIL;
}

static enum ice_outcome move_on(const char *folder, uint64_t version, struct span text, struct ice_table *t,
                                struct err *e)
{
    enum ice_outcome outcome = put_version(folder, version, text, e);
    if (outcome != ICE_DONE)
        return outcome;
    write_hint(folder, version);
    return read_version(folder, version, t, e) ? ICE_DONE : ICE_UNCERTAIN;
}

// ---- operations

static enum ice_outcome create_in(const char *folder, const struct ice_schema *schema, struct span properties,
                                  struct ice_table *t, struct err *e)
{
    char uuid[ICE_UUID_BYTES];
    uint64_t version;
    struct buf text;
    enum ice_outcome outcome = ICE_FAIL;
    if (!find_version(folder, &version, e) || !refuse_compressed(folder, version, e) || !ice_uuid(uuid, e))
        return ICE_FAIL;
    if (version != 0)
        return ICE_CONFLICT;
    buf_init(&text, t->text.max_bytes);
    ice_metadata_first(schema, span_of(uuid), span_of(folder), properties, clock_wall_ns() / 1000000, &text);
    if (buf_ok(&text, "the table's metadata", e))
        outcome = move_on(folder, 1, buf_view(&text), t, e);
    buf_release(&text);
    return outcome;
}

static enum ice_outcome create(struct ice_catalog *self, const struct ice_name *name,
                               const struct ice_schema *schema, struct span properties, struct ice_table *t,
                               struct err *e)
{
    struct buf folder;
    enum ice_outcome outcome = ICE_FAIL;
    if (table_path((struct file_catalog *)self, name, &folder, e))
        outcome = create_in(buf_cstr(&folder), schema, properties, t, e);
    buf_release(&folder);
    return outcome;
}

static void remove_dropped(const struct buf *dropped)
{
    for (size_t at = 0; at < dropped->n; at += strlen(dropped->p + at) + 1)
        ice_files_remove(span_of(dropped->p + at));
}

// Whether the version that was loaded is still the one there: a table that was dropped and made anew has
// versions of the same numbers.
static bool is_same(const char *folder, const struct ice_table *t, struct err *e)
{
    char path[PATH_MAX_BYTES];
    struct buf now;
    buf_init(&now, t->text.max_bytes);
    bool same = metadata_path(folder, t->version, ".metadata.json", path) &&
                ice_files_read(span_of(path), &now, e) && span_eq(buf_view(&now), buf_view(&t->text));
    buf_release(&now);
    return same || err_set(e, STATUS_PEER, "%s is another table now", folder);
}

static enum ice_outcome commit_in(const char *folder, struct ice_table *t, struct span updates, struct err *e)
{
    struct buf text, dropped;
    enum ice_outcome outcome = ICE_FAIL;
    bool removes = ice_table_flag(t, "write.metadata.delete-after-commit.enabled", false);
    buf_init(&text, t->text.max_bytes);
    buf_init(&dropped, t->text.max_bytes);
    if (!is_same(folder, t, e))
        outcome = ICE_CONFLICT;
    else if (ice_metadata_apply(t, updates, clock_wall_ns() / 1000000, &text, &dropped, e))
        outcome = move_on(folder, t->version + 1, buf_view(&text), t, e);
    if (outcome == ICE_DONE && removes)
        remove_dropped(&dropped);
    buf_release(&text), buf_release(&dropped);
    return outcome;
}

// The requirements hold where the version that was loaded is the newest.
static enum ice_outcome commit(struct ice_catalog *self, const struct ice_name *name, struct ice_table *t,
                               const struct ice_commit *what, struct err *e)
{
    struct buf folder;
    enum ice_outcome outcome = ICE_FAIL;
    if (table_path((struct file_catalog *)self, name, &folder, e) &&
        refuse_compressed(buf_cstr(&folder), t->version, e))
        outcome = commit_in(buf_cstr(&folder), t, what->updates, e);
    buf_release(&folder);
    return outcome;
}

static bool has_metadata(const char *space, const char *table)
{
    char path[PATH_MAX_BYTES];
    return snprintf(path, sizeof path, "%s/%s/metadata", space, table) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

static bool list_folder(const char *folder, struct span space, ice_catalog_see *see, void *context,
                        struct err *e)
{
    bool ok = true;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return errno == ENOENT || err_errno(e, STATUS_IO, "cannot read the folder %s", folder);
    for (struct dirent *entry; ok && (errno = 0, entry = readdir(dir)) != NULL;) {
        const struct ice_name name = {space, span_of(entry->d_name)};
        if (is_plain(name.table) && has_metadata(folder, entry->d_name))
            ok = see(context, &name, e);
    }
    if (ok && errno != 0)
        ok = err_errno(e, STATUS_IO, "cannot read the folder %s", folder);
    closedir(dir);
    return ok;
}

static bool list(struct ice_catalog *self, struct span space, ice_catalog_see *see, void *context,
                 struct err *e)
{
    struct buf folder;
    bool ok = space_path((struct file_catalog *)self, space, &folder, e) &&
              list_folder(buf_cstr(&folder), space, see, context, e);
    buf_release(&folder);
    return ok;
}

static void close_catalog(struct ice_catalog *self)
{
    struct file_catalog *c = (struct file_catalog *)self;
    buf_release(&c->dir);
    free(c);
}

static const struct ice_catalog_ops ops = {
    .load = load,
    .create = create,
    .commit = commit,
    .list = list,
    .close = close_catalog,
};

bool ice_catalog_open_file(struct span dir, struct ice_catalog **catalog, struct err *e)
{
    char *whole, copy[PATH_MAX_BYTES];
    snprintf(copy, sizeof copy, "%.*s", SPAN_ARG(dir));
    // Locations stand in the metadata, which must be found from anywhere.
    whole = realpath(copy, NULL);
    if (whole == NULL)
        return err_errno(e, STATUS_USAGE, "cannot find the catalog's folder %s", copy);
    struct file_catalog *c = calloc(1, sizeof *c);
    if (c != NULL) {
        c->base.ops = &ops;
        buf_init(&c->dir, PATH_MAX_BYTES);
        buf_str(&c->dir, whole);
        *catalog = &c->base;
    }
    free(whole);
    return c != NULL || err_no_memory(e);
}
