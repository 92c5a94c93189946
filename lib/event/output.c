#include "event/output.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static void on_alarm(int number)
{
    (void)number; // its only work is to end a blocked write() with EINTR or a short count
}

void output_init(struct output *o, int fd, size_t max_line_bytes, bool (*tick)(void *, struct err *),
                 void *context)
{
    *o = (struct output){.fd = fd, .tick = tick, .context = context};
    buf_init(&o->lines, max_line_bytes + OUTPUT_FLUSH_BYTES);
    struct sigaction alarm_action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &alarm_action, NULL);
}

void output_release(struct output *o)
{
    buf_release(&o->lines);
}

// Repeating, so that a signal which comes just before write() blocks costs one more second and no more.
static void set_timer(long seconds)
{
    struct itimerval every = {{seconds, 0}, {seconds, 0}};
    setitimer(ITIMER_REAL, &every, NULL);
}

// *sent: how much was written, also on failure.
static bool write_lines(struct output *o, struct span lines, size_t *sent, struct err *e)
{
    while (*sent < lines.n) {
        ssize_t n = write(o->fd, lines.p + *sent, lines.n - *sent);
        o->gone = n < 0 && errno == EPIPE;
        if (n < 0 && errno != EINTR)
            return err_errno(e, errno == EPIPE ? STATUS_PEER : STATUS_IO, "cannot write standard output");
        if (n > 0)
            *sent += (size_t)n, o->written += (size_t)n;
        if (*sent < lines.n && !o->tick(o->context, e))
            return false;
    }
    return true;
}

bool output_flush(struct output *o, struct err *e)
{
    size_t sent = 0;
    if (o->lines.n == 0)
        return true;
    set_timer(1);
    bool ok = write_lines(o, buf_view(&o->lines), &sent, e);
    set_timer(0);
    buf_shift(&o->lines, sent);
    return ok;
}

bool output_write(struct output *o, struct span lines, struct err *e)
{
    size_t sent = 0;
    if (!output_flush(o, e))
        return false;
    set_timer(1);
    bool ok = write_lines(o, lines, &sent, e);
    set_timer(0);
    return ok;
}
