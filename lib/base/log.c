#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static const char *program = "cdc";
static bool quiet_notes;

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
    fprintf(stderr, "%s: %s%s\n", program, level, text);
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
    fprintf(stderr, "%s: %s\n", program, e->text);
    if (e->hint[0] != '\0')
        fprintf(stderr, "%s: hint: %s\n", program, e->hint);
}
