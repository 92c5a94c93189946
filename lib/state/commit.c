#include "state/commit.h"

#include "base/clock.h"
#include "base/stop.h"
#include "state/ackline.h"
#include "state/folder.h"
#include "state/position.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

struct commit {
    const struct commit_options *o;
    int fd;
    struct acklines acks;
    struct buf stored;  // the newest token that was stored, or found to be a replay
    int64_t next_ms;    // not to store before
    int64_t give_up_ms; // the drain's deadline; -1 before a stop signal
    bool replay_told;
    bool marked; // whether the sink is exact is stored
};

static bool is_dirty(const struct commit *c)
{
    return !span_eq(buf_view(&c->acks.newest), buf_view(&c->stored));
}

// The one place that stores a position: what reaches it was reported durable by the sink (ackline.h), whole.
static bool store(struct commit *c, struct err *e)
{
    bool behind;
    if (!is_dirty(c))
        return true;
    if (!position_advance(c->o->dir, span_of(c->o->sink), buf_view(&c->acks.newest), &behind, e))
        return false;
    if (behind && !c->replay_told) {
        c->o->note("sink %s acknowledges what it had already; its position stays until that is passed",
                   c->o->sink);
        c->replay_told = true;
    }
    buf_reset(&c->stored);
    buf_span(&c->stored, buf_view(&c->acks.newest));
    c->next_ms = clock_mono_ms() + c->o->interval_ms;
    return true;
}

// With what the sink says first: from here on what its system shows may be more than its token says, or may
// not. An exit status alone says neither: the sink had no source yet.
static bool mark(struct commit *c, struct err *e)
{
    if (c->marked || (!c->acks.exact && c->acks.newest.n == 0))
        return true;
    c->marked = true;
    return position_mark(c->o->dir, span_of(c->o->sink), c->acks.exact, e);
}

static int wait_ms(const struct commit *c)
{
    int64_t now = clock_mono_ms(), until = INT64_MAX;
    if (is_dirty(c))
        until = c->next_ms;
    if (c->give_up_ms >= 0 && c->give_up_ms < until)
        until = c->give_up_ms;
    if (until == INT64_MAX)
        return -1;
    return until <= now ? 0 : until - now > 3600000 ? 3600000 : (int)(until - now);
}

// *end: there is no more input.
static bool take_input(struct commit *c, bool *end, struct err *e)
{
    char bytes[65536];
    ssize_t n = read(c->fd, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0)
        return err_errno(e, STATUS_IO, "cannot read the acknowledgements");
    *end = n == 0;
    return acklines_take(&c->acks, (struct span){bytes, (size_t)n}, e);
}

static bool follow(struct commit *c, struct err *e)
{
    struct pollfd fds[2] = {{.fd = c->fd, .events = POLLIN}, {.fd = stop_fd(), .events = POLLIN}};
    for (bool end = false; !end;) {
        int ready = poll(fds, 2, wait_ms(c));
        if (ready < 0 && errno != EINTR)
            return err_errno(e, STATUS_IO, "cannot wait for acknowledgements");
        if (stop_count() > 0 && c->give_up_ms < 0) {
            fds[1].fd = -1;
            c->give_up_ms = clock_mono_ms() + c->o->drain_timeout_ms;
        }
        if (ready > 0 && fds[0].revents != 0 && (!take_input(c, &end, e) || !mark(c, e)))
            return false;
        if (clock_mono_ms() >= c->next_ms && !store(c, e))
            return false;
        if (c->give_up_ms >= 0 && clock_mono_ms() >= c->give_up_ms && !end)
            return err_set(e, STATUS_PEER,
                           "the acknowledgements did not end within --drain-timeout of the stop signal");
    }
    return true;
}

static bool finish(const struct commit *c, int *status, struct err *e)
{
    if (!c->acks.ended) {
        err_set(e, STATUS_PEER, "the acknowledgements ended without the source's exit status");
        return err_hint(
            e, "a stage before this one died; what was acknowledged is stored, start the pipeline again");
    }
    if (c->acks.status != STATUS_DONE)
        c->o->note("the source ended with status %d", c->acks.status);
    *status = c->acks.status;
    return true;
}

// Whatever went wrong, what was acknowledged before is stored.
static bool follow_and_store(struct commit *c, int *status, struct err *e)
{
    struct err other;
    bool ok = follow(c, e);
    if (!store(c, &other)) {
        if (ok)
            *e = other;
        ok = false;
    }
    ok = ok && finish(c, status, e);
    if (!ok)
        e->status = (enum status)status_worst((int)e->status, c->acks.status);
    return ok;
}

bool commit_run(const struct commit_options *o, int fd, int *status, struct err *e)
{
    struct folder_lock hold;
    struct commit c = {.o = o, .fd = fd, .give_up_ms = -1};
    if (!folder_create(o->dir, e) || !position_require(o->dir, span_of(o->sink), e) ||
        !position_hold(o->dir, span_of(o->sink), &hold, e))
        return false;
    acklines_init(&c.acks);
    buf_init(&c.stored, POS_MAX_BYTES);
    bool ok = follow_and_store(&c, status, e);
    acklines_release(&c.acks);
    buf_release(&c.stored);
    folder_unlock(&hold);
    return ok;
}
