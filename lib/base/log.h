// Lines on standard error, as "NAME: text". For cmd/ alone; a library function that has something to say is
// given a notice_fn.
#ifndef CDC_BASE_LOG_H
#define CDC_BASE_LOG_H

#include "base/err.h"

typedef void notice_fn(const char *fmt, ...) PRINTF_LIKE(1, 2);

// NAME must outlive the process.
void log_name(const char *name);
void log_quiet(bool quiet);

// Something the operator should know; silenced by log_quiet().
void log_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
// How far something long is: on a terminal a line that the next one replaces. Silenced by log_quiet().
void log_progress(const char *fmt, ...) PRINTF_LIKE(1, 2);
bool log_is_terminal(void);

// Something the operator should act on.
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
// The error and, on a line of its own, the way out.
void log_err(const struct err *e);

#endif
