#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool forbids_restart(int status)
{
    return status == STATUS_USAGE || status == STATUS_DATA || status == STATUS_LOST ||
           status == STATUS_FENCED;
}

int status_worst(int a, int b)
{
    if (forbids_restart(a) != forbids_restart(b))
        return forbids_restart(a) ? a : b;
    return a > b ? a : b;
}

bool err_set(struct err *e, enum status status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    e->status = status;
    e->hint[0] = '\0';
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return false;
}

bool err_errno(struct err *e, enum status status, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;
    va_start(ap, fmt);
    e->status = status;
    e->hint[0] = '\0';
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    size_t n = strlen(e->text);
    snprintf(e->text + n, sizeof e->text - n, ": %s", strerror(saved));
    return false;
}

bool err_wrap(struct err *e, const char *fmt, ...)
{
    char old[sizeof e->text];
    memcpy(old, e->text, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    size_t n = strlen(e->text);
    snprintf(e->text + n, sizeof e->text - n, ": %s", old);
    return false;
}

bool err_hint(struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->hint, sizeof e->hint, fmt, ap);
    va_end(ap);
    return false;
}

bool err_no_memory(struct err *e)
{
    return err_set(e, STATUS_IO, "out of memory");
}
