// The stop flag: SIGINT and SIGTERM ask for an orderly end.
//
// A source ends at the first one. Stages, sinks and cdc-offset read on to the end of their input, which the
// source ends because the same Ctrl-C reached it too, and give up when their --drain-timeout has passed
// since. The second signal ends any process at once, with status 4.
#ifndef CDC_BASE_STOP_H
#define CDC_BASE_STOP_H

#include <signal.h>
#include <stdbool.h>

// SIGPIPE is ignored from here on: EPIPE is an error like any other.
void stop_install(void);

// How many stop signals came so far: 0 or 1 while the process lives.
int stop_count(void);

// A descriptor that becomes readable with the first signal, to be polled beside others.
int stop_fd(void);

#endif
