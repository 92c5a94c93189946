#include "base/stop.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static volatile sig_atomic_t signals;
static int wake[2] = {-1, -1};

static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    if (++signals > 1)
        _exit(STATUS_PEER);
    if (write(wake[1], "", 1) < 0) {
        // The pipe holds one byte at most; there is nothing to do about a failure here.
    }
    errno = saved;
}

void stop_install(void)
{
    if (wake[0] < 0 && pipe(wake) == 0) {
        for (int i = 0; i < 2; i++) {
            fcntl(wake[i], F_SETFD, FD_CLOEXEC);
            fcntl(wake[i], F_SETFL, O_NONBLOCK);
        }
    }
    // No SA_RESTART: a blocked read or write returns, and its caller looks at the flag.
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

int stop_count(void)
{
    return signals;
}

int stop_fd(void)
{
    return wake[0];
}
