#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char *program = "cdc";
static bool quiet_notes;
static bool on_progress_line; // of a terminal

void log_name(const char *name)
{
    program = name;
}

void log_quiet(bool quiet)
{
    quiet_notes = quiet;
}

// One write for a line, so that the stages of a pipeline do not mix theirs on a shared standard error.
static void put(const char *level, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void put(const char *level, const char *fmt, va_list ap)
{
    char text[2048];
    vsnprintf(text, sizeof text, fmt, ap);
    fprintf(stderr, "%s%s: %s%s\n", on_progress_line ? "\r\033[K" : "", program, level, text);
    on_progress_line = false;
}

bool log_is_terminal(void)
{
    return isatty(STDERR_FILENO) != 0;
}

void log_progress(const char *fmt, ...)
{
    char text[512];
    if (quiet_notes)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (log_is_terminal()) {
        fprintf(stderr, "\r\033[K%s: %s", program, text);
        on_progress_line = true;
    } else {
        fprintf(stderr, "%s: %s\n", program, text);
    }
}

void log_note(const char *fmt, ...)
{
    if (quiet_notes)
        return;
    va_list ap;
    va_start(ap, fmt);
    put("", fmt, ap);
    va_end(ap);
}

void log_warn(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    put("warning: ", fmt, ap);
    va_end(ap);
}

void log_err(const struct err *e)
{
    fprintf(stderr, "%s%s: %s\n", on_progress_line ? "\r\033[K" : "", program, e->text);
    on_progress_line = false;
    if (e->hint[0] != '\0')
        fprintf(stderr, "%s: hint: %s\n", program, e->hint);
}
