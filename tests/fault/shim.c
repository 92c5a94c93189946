// Makes system calls on files fail, for tests/fault: LD_PRELOAD it and set
//   FAULT        CALL:N:WHAT   CALL: open, read, write, fsync, rename, link or close, or step: any but read,
//   write and close; the N-th that counts, from 1; WHAT:
//                              ENOSPC, EIO, EINTR or EPERM, "short": 1 byte of a read or write, or "KILL":
//                              the process is killed in its place; "N+" in the place of N: that one and all
//                              after it
//   FAULT_UNDER  only files whose path begins so count
//   FAULT_FIRED  a file that is made when the fault comes
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum what { NOTHING, SHORT, FAIL };

static int seen;

static void fired(void)
{
    const char *path = getenv("FAULT_FIRED");
    if (path != NULL)
        syscall(SYS_close, (int)syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 0666));
}

static bool counts(const char *path)
{
    const char *under = getenv("FAULT_UNDER");
    return under == NULL || strncmp(path, under, strlen(under)) == 0;
}

static enum what apply(const char *what)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EINTR", EINTR}, {"EPERM", EPERM}};
    fired();
    if (strcmp(what, "KILL") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(what, "short") == 0)
        return SHORT;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (strcmp(what, errors[i].name) == 0) {
            errno = errors[i].number;
            return FAIL;
        }
    abort();
}

// Whether the fault is of this call.
static bool is_of(const char *fault, const char *call)
{
    size_t n = strcspn(fault, ":");
    if (strncmp(fault, "step:", 5) == 0)
        return strcmp(call, "read") != 0 && strcmp(call, "write") != 0 && strcmp(call, "close") != 0;
    return strlen(call) == n && strncmp(fault, call, n) == 0;
}

static enum what on_path(const char *call, const char *path)
{
    const char *fault = getenv("FAULT");
    if (fault == NULL || !is_of(fault, call) || !counts(path))
        return NOTHING;
    char *rest;
    long at = strtol(strchr(fault, ':') + 1, &rest, 10);
    bool on = *rest == '+';
    if (++seen != at && !(on && seen > at))
        return NOTHING;
    return apply(rest + (on ? 2 : 1));
}

static enum what on_fd(const char *call, int fd)
{
    char link[64], path[4096];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = '\0';
    errno = saved;
    return on_path(call, path);
}

#define REAL(name) (*(void **)&real = dlsym(RTLD_NEXT, #name))

int open(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...);
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    REAL(open);
    return on_path("open", path) == FAIL ? -1 : real(path, flags, mode);
}

ssize_t read(int fd, void *p, size_t n)
{
    ssize_t (*real)(int, void *, size_t);
    REAL(read);
    enum what what = on_fd("read", fd);
    return what == FAIL ? -1 : real(fd, p, what == SHORT && n > 1 ? 1 : n);
}

ssize_t write(int fd, const void *p, size_t n)
{
    ssize_t (*real)(int, const void *, size_t);
    REAL(write);
    enum what what = on_fd("write", fd);
    return what == FAIL ? -1 : real(fd, p, what == SHORT && n > 1 ? 1 : n);
}

int fsync(int fd)
{
    int (*real)(int);
    REAL(fsync);
    return on_fd("fsync", fd) == FAIL ? -1 : real(fd);
}

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *);
    REAL(rename);
    return on_path("rename", to) == FAIL ? -1 : real(from, to);
}

int link(const char *from, const char *to)
{
    int (*real)(const char *, const char *);
    REAL(link);
    return on_path("link", to) == FAIL ? -1 : real(from, to);
}

// The descriptor is closed all the same, as Linux does.
int close(int fd)
{
    int (*real)(int);
    REAL(close);
    int saved = errno;
    enum what what = on_fd("close", fd);
    int number = errno;
    int result = real(fd);
    errno = what == FAIL ? number : result == 0 ? saved : errno;
    return what == FAIL ? -1 : result;
}
