#include "state/ack.h"

#include "base/clock.h"
#include "event/pos.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

bool ack_init(struct ack *a, int fd, struct err *e)
{
    *a = (struct ack){.fd = fd};
    buf_init(&a->newest, POS_MAX_BYTES + 1);
    buf_init(&a->unsent, POS_MAX_BYTES + 64);
    if (fd < 0)
        return true;
    // One that bears FD_CLOEXEC was not inherited: it is our own, under a number that the caller left closed.
    int flags = fcntl(fd, F_GETFL), own = fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || (own & FD_CLOEXEC) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        a->fd = -1;
        err_set(e, STATUS_USAGE, "--ack-fd %d is not open for writing", fd);
        return err_hint(e, "… --ack-fd 3 3>&1 >&2 | cdc-offset commit DIR");
    }
    return true;
}

void ack_release(struct ack *a)
{
    buf_release(&a->newest);
    buf_release(&a->unsent);
}

void ack_say_exact(struct ack *a)
{
    if (a->fd >= 0)
        buf_lit(&a->unsent, "exact\n");
}

void ack_offer(struct ack *a, struct span token)
{
    if (a->fd < 0)
        return;
    buf_reset(&a->newest);
    buf_span(&a->newest, token);
    buf_char(&a->newest, '\n');
}

// The descriptor stays a blocking one, for it may be shared with others. A pipe that is writable takes
// PIPE_BUF bytes without blocking; a longer token, a snapshot's with a large key, may wait for its reader.
static bool write_some(struct ack *a, struct err *e)
{
    ssize_t n = write(a->fd, a->unsent.p, a->unsent.n);
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        return err_errno(e, errno == EPIPE ? STATUS_PEER : STATUS_IO, "cannot write acknowledgements");
    if (n > 0)
        buf_shift(&a->unsent, (size_t)n);
    return true;
}

static bool is_writable(const struct ack *a, int timeout_ms)
{
    struct pollfd fd = {.fd = a->fd, .events = POLLOUT};
    return poll(&fd, 1, timeout_ms) > 0;
}

static void load(struct ack *a)
{
    if (a->unsent.n == 0) {
        buf_span(&a->unsent, buf_view(&a->newest));
        buf_reset(&a->newest);
    }
}

// Else a sink that waits for its system would notice when it has something to tell, which may be never.
static bool has_reader(const struct ack *a, struct err *e)
{
    struct pollfd fd = {.fd = a->fd};
    if (a->fd < 0 || poll(&fd, 1, 0) <= 0 || (fd.revents & POLLERR) == 0)
        return true;
    errno = EPIPE;
    return err_errno(e, STATUS_PEER, "cannot write acknowledgements");
}

bool ack_push(struct ack *a, struct err *e)
{
    if (!has_reader(a, e))
        return false;
    while (ack_waits(a)) {
        load(a);
        if (!is_writable(a, 0))
            return true;
        if (!write_some(a, e))
            return false;
    }
    return true;
}

bool ack_finish(struct ack *a, int status, int64_t timeout_ms, struct err *e)
{
    if (a->fd < 0)
        return true;
    int64_t end_ms = clock_mono_ms() + timeout_ms;
    bool said = status < 0;
    while (ack_waits(a) || !said) {
        load(a);
        if (a->newest.n == 0 && !said) {
            buf_printf(&a->unsent, "end %d\n", status);
            said = true;
        }
        int64_t left_ms = end_ms - clock_mono_ms();
        if (left_ms <= 0)
            return err_set(e, STATUS_PEER, "the reader of the acknowledgements takes no more");
        if (is_writable(a, left_ms > 1000 ? 1000 : (int)left_ms) && !write_some(a, e))
            return false;
    }
    return true;
}
