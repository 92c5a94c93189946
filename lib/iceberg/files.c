#include "iceberg/files.h"

#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_MAX_BYTES 4096
#define DEPTH_MAX 32

bool ice_files_path(struct span location, struct buf *path, struct err *e)
{
    if (span_take_word(&location, "file:"))
        while (span_starts(location, "//"))
            location.p++, location.n--;
    if (location.n == 0 || location.p[0] != '/') {
        err_set(e, STATUS_USAGE, "the location %.*s is no path", SPAN_ARG(location));
        return err_hint(
            e, "tables must lie in a local or mounted file system: a location begins with / or file:/");
    }
    buf_init(path, PATH_MAX_BYTES);
    buf_span(path, location);
    buf_cstr(path);
    return buf_ok(path, "a path", e);
}

// Calls f with the location's path as text.
static bool with_path(struct span location, bool (*f)(const char *path, void *context, struct err *e),
                      void *context, struct err *e)
{
    struct buf path;
    if (!ice_files_path(location, &path, e))
        return false;
    bool ok = f(buf_cstr(&path), context, e);
    buf_release(&path);
    return ok;
}

static bool read_path(const char *path, void *out, struct err *e)
{
    return io_read_file(path, out, e);
}

bool ice_files_read(struct span location, struct buf *out, struct err *e)
{
    return with_path(location, read_path, out, e);
}

// ---- folders

static bool sync_folder(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, STATUS_IO, "cannot open the folder %s", path);
    bool ok = fsync(fd) == 0 || err_errno(e, STATUS_IO, "cannot sync the folder %s", path);
    close(fd);
    return ok;
}

// Cuts the last name off; false where nothing is above it.
static bool cut_name(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return false;
    *slash = '\0';
    return true;
}

// Answers mkdir()'s errno; 0 where the folder is there, durable once the one above is synced.
static int make_one(const char *path, struct err *e)
{
    char above[PATH_MAX_BYTES];
    if (mkdir(path, 0777) != 0)
        return errno == EEXIST ? 0 : errno;
    snprintf(above, sizeof above, "%s", path);
    return !cut_name(above) || sync_folder(above, e) ? 0 : EIO;
}

static bool make_folder(const char *path, struct err *e)
{
    char above[PATH_MAX_BYTES];
    int why = make_one(path, e);
    snprintf(above, sizeof above, "%s", path);
    if (why == ENOENT && cut_name(above)) {
        if (!make_folder(above, e))
            return false;
        why = make_one(path, e);
    }
    errno = why;
    return why == 0 || err_errno(e, STATUS_IO, "cannot make the folder %s", path);
}

static bool make_room(const char *path, void *context, struct err *e)
{
    char above[PATH_MAX_BYTES];
    (void)context;
    snprintf(above, sizeof above, "%s", path);
    return !cut_name(above) || make_folder(above, e);
}

bool ice_files_make_room(struct span location, struct err *e)
{
    return with_path(location, make_room, NULL, e);
}

// ---- files

static bool sync_name(const char *path, struct err *e)
{
    char above[PATH_MAX_BYTES];
    snprintf(above, sizeof above, "%s", path);
    return !cut_name(above) || sync_folder(above, e);
}

static bool create(const char *path, void *context, struct err *e)
{
    const struct span *content = context;
    if (!make_room(path, NULL, e))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(e, STATUS_IO, "cannot create %s", path);
    bool ok = io_write_all(fd, *content, path, e) &&
              (fsync(fd) == 0 || err_errno(e, STATUS_IO, "cannot sync %s", path));
    close(fd);
    return ok && sync_name(path, e);
}

bool ice_files_create(struct span location, struct span content, struct err *e)
{
    return with_path(location, create, &content, e);
}

static bool seal(const char *path, void *context, struct err *e)
{
    int64_t *bytes = context;
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, STATUS_IO, "cannot open %s", path);
    bool ok = (fsync(fd) == 0 && fstat(fd, &st) == 0) || err_errno(e, STATUS_IO, "cannot sync %s", path);
    close(fd);
    if (ok)
        *bytes = st.st_size;
    return ok && sync_name(path, e);
}

bool ice_files_seal(struct span location, int64_t *bytes, struct err *e)
{
    return with_path(location, seal, bytes, e);
}

static bool remove_path(const char *path, void *context, struct err *e)
{
    (void)context, (void)e;
    return unlink(path) == 0;
}

void ice_files_remove(struct span location)
{
    struct err e;
    (void)!with_path(location, remove_path, NULL, &e);
}

// ---- walking

struct walk {
    ice_files_see *see;
    void *context;
    struct span location;
    struct buf at; // the location at hand
    int depth;
};

static bool walk_folder(const char *path, void *context, struct err *e);

static bool see_file(struct walk *w, const struct stat *st, struct err *e)
{
    int64_t modified_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
    return w->see(w->context, buf_view(&w->at), modified_ms, e);
}

static bool see_name(struct walk *w, const char *folder, const char *name, struct err *e)
{
    char path[PATH_MAX_BYTES];
    struct stat st;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return true;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path || lstat(path, &st) != 0)
        return true;
    size_t n = w->at.n;
    buf_printf(&w->at, "/%s", name);
    bool ok = !S_ISDIR(st.st_mode) ? see_file(w, &st, e) : walk_folder(path, w, e);
    w->at.n = n;
    return ok;
}

static bool walk_folder(const char *path, void *context, struct err *e)
{
    struct walk *w = context;
    DIR *dir = w->depth < DEPTH_MAX ? opendir(path) : NULL;
    if (dir == NULL)
        return errno == ENOENT || err_errno(e, STATUS_IO, "cannot read the folder %s", path);
    bool ok = true;
    w->depth++;
    for (struct dirent *d; ok && (d = readdir(dir)) != NULL;)
        ok = see_name(w, path, d->d_name, e);
    w->depth--;
    closedir(dir);
    return ok;
}

bool ice_files_walk(struct span location, ice_files_see *see, void *context, struct err *e)
{
    struct walk w = {.see = see, .context = context};
    buf_init(&w.at, PATH_MAX_BYTES);
    buf_span(&w.at, location);
    bool ok = with_path(location, walk_folder, &w, e);
    buf_release(&w.at);
    return ok;
}

// ---- names

static bool randomize(void *p, size_t n, struct err *e)
{
    return getrandom(p, n, 0) == (ssize_t)n || err_errno(e, STATUS_IO, "no random numbers");
}

bool ice_uuid(char text[ICE_UUID_BYTES], struct err *e)
{
    unsigned char b[16];
    if (!randomize(b, sizeof b, e))
        return false;
    b[6] = (unsigned char)((b[6] & 15) | 64);
    b[8] = (unsigned char)((b[8] & 63) | 128);
    for (size_t i = 0; i < 16; i++) {
        text += sprintf(text, "%02x", b[i]);
        if (i == 3 || i == 5 || i == 7 || i == 9)
            *text++ = '-';
    }
    *text = '\0';
    return true;
}

bool ice_snapshot_id(int64_t *id, struct err *e)
{
    do {
        if (!randomize(id, sizeof *id, e))
            return false;
        *id &= INT64_MAX;
    } while (*id == 0);
    return true;
}
