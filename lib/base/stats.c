#include "base/stats.h"

#include "base/io.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVERY_MS 1000
#define TEXT_MAX_BYTES (64u << 10)

static volatile sig_atomic_t asked;

static void on_signal(int number)
{
    (void)number;
    asked = 1;
}

static void format_value(struct buf *out, const struct stats_figure *f)
{
    if (!f->milli) {
        buf_i64(out, f->value);
        return;
    }
    uint64_t size = f->value < 0 ? 0 - (uint64_t)f->value : (uint64_t)f->value;
    buf_printf(out, "%s%llu.%03u", f->value < 0 ? "-" : "", (unsigned long long)(size / 1000),
               (unsigned)(size % 1000));
}

void stats_format(struct buf *out, const struct stats_figure *figures, size_t n)
{
    for (const struct stats_figure *f = figures; f < figures + n; f++) {
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s ", f->name, f->help, f->name,
                   f->type == STAT_COUNTER ? "counter" : "gauge", f->name);
        format_value(out, f);
        buf_char(out, '\n');
    }
}

static bool write_file(const char *path, struct span text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(e, STATUS_IO, "cannot create %s", path);
    bool ok = io_write_all(fd, text, path, e);
    return (close(fd) == 0 || (ok && err_errno(e, STATUS_IO, "cannot close %s", path))) && ok;
}

// Without fsync: after a crash of the machine the figures are old anyway.
static bool replace_file(const char *path, struct span text, struct err *e)
{
    char temporary[4096];
    int n = snprintf(temporary, sizeof temporary, "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof temporary)
        return err_set(e, STATUS_USAGE, "%s: the name is too long", path);
    bool ok =
        write_file(temporary, text, e) &&
        (rename(temporary, path) == 0 || err_errno(e, STATUS_IO, "cannot rename %s to %s", temporary, path));
    if (!ok)
        unlink(temporary);
    return ok;
}

static bool keep(struct stats *s, const struct stats_figure *figures, size_t n, struct err *e)
{
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES);
    stats_format(&text, figures, n);
    bool ok = buf_ok(&text, "the figures", e);
    if (ok && asked) {
        asked = 0;
        // Like the log, whose place it shares; whoever closed standard error has not asked.
        ok = io_write_all(STDERR_FILENO, buf_view(&text), "standard error", e);
    }
    ok = (s->file == NULL || replace_file(s->file, buf_view(&text), e)) && ok;
    buf_release(&text);
    return ok;
}

bool stats_open(struct stats *s, const char *file, notice_fn *warn, const struct stats_figure *figures,
                size_t n, struct err *e)
{
    *s = (struct stats){.file = file, .warn = warn};
    // No SA_RESTART: a blocked read or write returns, and its caller looks at the clock.
    struct sigaction ask = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &ask, NULL);
    struct stat st;
    // rename() would put a file in place of /dev/null.
    bool ok = file == NULL || stat(file, &st) != 0 || S_ISREG(st.st_mode) ||
              err_set(e, STATUS_USAGE, "%s is no regular file", file);
    ok = ok && keep(s, figures, n, e);
    if (!ok)
        s->file = NULL; // whoever tells its last figures on the way out does not write there
    return ok || err_wrap(e, "--stats");
}

bool stats_due(const struct stats *s, int64_t now_ms)
{
    return asked || (s->file != NULL && now_ms >= s->due_ms);
}

void stats_keep(struct stats *s, int64_t now_ms, const struct stats_figure *figures, size_t n)
{
    struct err e;
    bool ok = keep(s, figures, n, &e);
    if (!ok && !s->failed)
        s->warn("the figures are not kept: %s", e.text);
    s->failed = !ok;
    s->due_ms = now_ms + EVERY_MS;
}
