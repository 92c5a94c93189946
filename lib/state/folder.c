#include "state/folder.h"

#include "base/clock.h"
#include "base/io.h"
#include "event/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define LOCK_WAIT_MS 10000
#define HOLD_WAIT_MS 3000
#define LOCK_RETRY_MS 20

static bool join(char *path, const char *dir, const char *name, const char *ending, struct err *e)
{
    int n = snprintf(path, PATH_BYTES, "%s/%s%s", dir, name, ending);
    return (n >= 0 && n < PATH_BYTES) || err_set(e, STATUS_USAGE, "%s: the name is too long", dir);
}

bool folder_create(const char *dir, struct err *e)
{
    if (mkdir(dir, 0777) == 0)
        return true;
    int saved = errno;
    struct stat st;
    if (saved == EEXIST && stat(dir, &st) == 0)
        return S_ISDIR(st.st_mode) || err_set(e, STATUS_USAGE, "%s is not a folder", dir);
    errno = saved;
    err_errno(e, saved == ENOENT ? STATUS_USAGE : STATUS_IO, "cannot create the offset folder %s", dir);
    return saved == ENOENT ? err_hint(e, "the folder above it must be there") : false;
}

bool folder_damaged(const char *dir, const char *name, const char *why, struct err *e)
{
    char backup[PATH_BYTES];
    if (!join(backup, dir, name, ".bak", e))
        return false;
    err_set(e, STATUS_DATA, "%s/%s is damaged: %s", dir, name, why);
    if (access(backup, F_OK) == 0)
        return err_hint(e, "the version before it is %s; if that is sound: mv %s %s/%s", backup, backup, dir,
                        name);
    return err_hint(e, "it has no backup (%s); bring it back from elsewhere, or begin with a new folder",
                    backup);
}

static bool check_missing(const char *dir, const char *name, struct err *e)
{
    char backup[PATH_BYTES];
    if (!join(backup, dir, name, ".bak", e))
        return false;
    if (access(backup, F_OK) != 0)
        return true;
    err_set(e, STATUS_DATA, "%s/%s is missing, but its backup %s is there", dir, name, backup);
    return err_hint(e, "to go on from the backup: mv %s %s/%s; to begin anew, remove it", backup, dir, name);
}

bool folder_read(const char *dir, const char *name, struct buf *content, bool *found, struct err *e)
{
    char path[PATH_BYTES];
    *found = false;
    buf_reset(content);
    if (!join(path, dir, name, "", e))
        return false;
    errno = 0;
    if (!io_read_file(path, content, e))
        return errno == ENOENT && check_missing(dir, name, e);
    size_t bad_at;
    if (!json_check(buf_view(content), &bad_at)) {
        char why[64];
        snprintf(why, sizeof why, content->n == 0 ? "it is empty" : "it is no JSON from byte %zu on", bad_at);
        return folder_damaged(dir, name, why, e);
    }
    *found = true;
    return true;
}

static void wait_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

// *holder: the pid of who has the lock, 0 where the system does not tell.
static bool try_lock(int fd, pid_t *holder)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    *holder = 0;
    if (fcntl(fd, F_SETLK, &lock) == 0)
        return true;
    int saved = errno;
    if ((saved == EAGAIN || saved == EACCES) && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        *holder = lock.l_pid;
    errno = saved;
    return false;
}

// False with *holder set where another process kept it for wait_ms; with STATUS_IO where it cannot be had.
static bool take(const char *dir, const char *name, int64_t patience_ms, struct folder_lock *lock,
                 pid_t *holder, struct err *e)
{
    char path[PATH_BYTES];
    lock->fd = -1;
    *holder = 0;
    if (!join(path, dir, name, "", e))
        return false;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(e, STATUS_IO, "cannot open %s", path);
    int64_t deadline = clock_mono_ms() + patience_ms;
    while (!try_lock(fd, holder)) {
        if ((errno == EAGAIN || errno == EACCES || errno == EINTR) && clock_mono_ms() < deadline) {
            wait_ms(LOCK_RETRY_MS);
            continue;
        }
        err_errno(e, STATUS_IO, "cannot lock %s", path);
        close(fd);
        return false;
    }
    lock->fd = fd;
    return true;
}

bool folder_lock(const char *dir, struct folder_lock *lock, struct err *e)
{
    pid_t holder;
    if (take(dir, "lock", LOCK_WAIT_MS, lock, &holder, e))
        return true;
    return holder == 0 ? false : err_hint(e, "process %ld holds it", (long)holder);
}

bool folder_hold(const char *dir, const char *role, struct folder_lock *hold, struct err *e)
{
    char name[PATH_BYTES];
    pid_t holder;
    if (!join(name, ".", role, ".lock", e))
        return false;
    if (take(dir, name + 2, HOLD_WAIT_MS, hold, &holder, e))
        return true;
    if (holder == 0)
        return false;
    err_set(e, STATUS_FENCED, "%s is in use: process %ld holds %s/%s", dir, (long)holder, dir, name + 2);
    return err_hint(e, "let it end first, or give this pipeline an offset folder or sink of its own");
}

void folder_unlock(struct folder_lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
}

bool folder_replace_locked(const char *dir, const char *name, struct span content, struct err *e)
{
    return io_replace_file(dir, name, content, e);
}

bool folder_replace(const char *dir, const char *name, struct span content, struct err *e)
{
    struct folder_lock lock;
    if (!folder_lock(dir, &lock, e))
        return false;
    bool ok = folder_replace_locked(dir, name, content, e);
    folder_unlock(&lock);
    return ok;
}
