#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool io_write_all(int fd, struct span s, const char *what, struct err *e)
{
    while (s.n != 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, errno == EPIPE ? STATUS_PEER : STATUS_IO, "cannot write %s", what);
        s.p += n;
        s.n -= (size_t)n;
    }
    return true;
}

static bool read_all(int fd, const char *path, struct buf *b, struct err *e)
{
    for (;;) {
        if (!buf_room(b, 4096))
            return buf_ok(b, path, e);
        ssize_t n = read(fd, b->p + b->n, b->cap - b->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, STATUS_IO, "cannot read %s", path);
        if (n == 0)
            return true;
        b->n += (size_t)n;
    }
}

bool io_read_file(const char *path, struct buf *b, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, STATUS_IO, "cannot open %s", path);
    bool ok = read_all(fd, path, b, e);
    close(fd);
    return ok;
}

static bool write_synced(const char *path, struct span content, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(e, STATUS_IO, "cannot create %s", path);
    if (!io_write_all(fd, content, path, e)) {
        close(fd);
        return false;
    }
    if (fsync(fd) != 0) {
        err_errno(e, STATUS_IO, "cannot sync %s", path);
        close(fd);
        return false;
    }
    // close() can report what write() could not (NFS, quotas).
    return close(fd) == 0 || err_errno(e, STATUS_IO, "cannot close %s", path);
}

static bool sync_folder(const char *dir, struct err *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, STATUS_IO, "cannot open %s", dir);
    bool ok = fsync(fd) == 0 || err_errno(e, STATUS_IO, "cannot sync %s", dir);
    close(fd);
    return ok;
}

// Gives the file at path the name backup too. At no moment is either missing.
static bool keep_previous(const char *path, const char *backup, const char *spare, struct err *e)
{
    unlink(spare);
    if (link(path, spare) != 0) {
        // Nothing to keep, or a file system without hard links.
        if (errno == ENOENT || errno == EPERM || errno == ENOTSUP || errno == ENOSYS || errno == EMLINK)
            return true;
        return err_errno(e, STATUS_IO, "cannot link %s to %s", path, spare);
    }
    if (rename(spare, backup) != 0)
        return err_errno(e, STATUS_IO, "cannot rename %s to %s", spare, backup);
    unlink(spare); // rename() leaves it where both are already one file
    return true;
}

bool io_replace_file(const char *dir, const char *name, struct span content, struct err *e)
{
    char path[4096], temporary[4096], backup[4096], spare[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(temporary, sizeof temporary, "%s/%s.tmp", dir, name);
    snprintf(backup, sizeof backup, "%s/%s.bak", dir, name);
    int longest = snprintf(spare, sizeof spare, "%s/%s.bak.tmp", dir, name);
    if (longest < 0 || (size_t)longest >= sizeof spare)
        return err_set(e, STATUS_USAGE, "%s: the name is too long", dir);
    if (!write_synced(temporary, content, e) || !keep_previous(path, backup, spare, e)) {
        unlink(temporary);
        return false;
    }
    if (rename(temporary, path) != 0) {
        err_errno(e, STATUS_IO, "cannot rename %s to %s", temporary, path);
        unlink(temporary);
        return false;
    }
    return sync_folder(dir, e);
}
