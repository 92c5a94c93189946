#include "mysql/journal.h"

#include "base/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define TIDY_BYTES (4u << 20)

void my_journal_init(struct my_journal *j)
{
    *j = (struct my_journal){.fd = -1};
    buf_init(&j->lines, MY_GTIDS_MAX_BYTES + (1u << 20));
}

void my_journal_release(struct my_journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    buf_release(&j->lines);
    j->fd = -1;
}

// By epoch, file and position, of which a transaction that starts there is behind what commits before it.
static int compare(const struct pos *a, const struct pos *b)
{
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    for (int i = 0; i < 3; i++)
        if (a->n[i] != b->n[i])
            return a->n[i] < b->n[i] ? -1 : 1;
    return 0;
}

static struct pos place(const struct pos *at, bool transaction)
{
    return (struct pos){
        .source = POS_MY, .phase = POS_LOG, .epoch = at->epoch, .n = {at->n[0], at->n[1], transaction}};
}

static void path_of(const struct my_journal *j, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/" MY_JOURNAL_FILE, j->dir);
}

// ---- reading

static bool take_gtids(struct my_journal_walk *w, struct span rest)
{
    w->gtids = rest;
    if (rest.n == 0)
        return true;
    w->gtids.p++, w->gtids.n--;
    return rest.p[0] == ' ';
}

static bool take_begin(struct my_journal_walk *w, struct span line)
{
    struct span token = {line.p, 0};
    struct err ignored;
    while (token.n < line.n && token.p[token.n] != ' ')
        token.n++;
    w->begins = true;
    return pos_parse(token, &w->at, &ignored) && w->at.source == POS_MY && pos_is_progress(&w->at) &&
           take_gtids(w, (struct span){line.p + token.n, line.n - token.n});
}

static bool take_entry(struct my_journal_walk *w, struct span line)
{
    int64_t file, start;
    if (w->at.epoch == 0 || !span_take_number(&line, 18, &file) || !span_take(&line, ' ') ||
        !span_take_number(&line, 18, &start))
        return false;
    w->begins = false;
    w->at.n[0] = (uint64_t)file, w->at.n[1] = (uint64_t)start;
    w->at.n[2] = line.n != 0;
    return take_gtids(w, line);
}

// The end is where a line is not whole, too: nothing depends on what stands behind it.
bool my_journal_next(struct my_journal_walk *w)
{
    if (w->held) {
        w->held = false;
        return true;
    }
    struct pos before = w->at;
    ssize_t n = w->file != NULL ? getline(&w->line, &w->room, w->file) : -1;
    if (n <= 1 || w->line[n - 1] != '\n')
        return false;
    struct span line = {w->line, (size_t)n - 1};
    bool ok = span_starts(line, "my/") ? take_begin(w, line) : take_entry(w, line);
    if (!ok || (before.epoch != 0 && compare(&w->at, &before) <= 0))
        return false;
    w->bytes += (uint64_t)n;
    return true;
}

static bool begin_walk(const struct my_journal *j, struct my_journal_walk *w, struct err *e)
{
    char path[PATH_BYTES];
    *w = (struct my_journal_walk){0};
    path_of(j, path);
    w->file = fopen(path, "re");
    return w->file != NULL || err_errno(e, STATUS_IO, "cannot open %s", path);
}

void my_journal_walk_end(struct my_journal_walk *w)
{
    if (w->file != NULL)
        fclose(w->file);
    free(w->line);
    *w = (struct my_journal_walk){0};
}

bool my_journal_walk(const struct my_journal *j, const struct pos *at, struct my_gtids *before,
                     struct my_journal_walk *w, struct err *e)
{
    struct pos from = place(at, false);
    if (!begin_walk(j, w, e))
        return false;
    while (my_journal_next(w)) {
        bool first = w->begins && compare(&w->at, &j->first) == 0;
        if (compare(&w->at, &from) >= 0 && !first) {
            w->held = true;
            break;
        }
        if (w->begins)
            my_gtids_release(before);
        if (!my_gtids_add(before, w->gtids, e))
            return err_wrap(e, "%s/" MY_JOURNAL_FILE, j->dir);
    }
    return true;
}

static bool look(struct my_journal *j, struct err *e)
{
    char path[PATH_BYTES];
    struct my_journal_walk w;
    path_of(j, path);
    if (access(path, F_OK) != 0)
        return true;
    if (!begin_walk(j, &w, e))
        return false;
    while (my_journal_next(&w)) {
        if (j->first.epoch == 0)
            j->first = w.at;
        j->last = w.at;
    }
    j->bytes = w.bytes;
    my_journal_walk_end(&w);
    if (truncate(path, (off_t)j->bytes) != 0)
        return err_errno(e, STATUS_IO, "cannot shorten %s", path);
    return true;
}

static bool open_file(struct my_journal *j, struct err *e)
{
    char path[PATH_BYTES];
    path_of(j, path);
    if (j->fd >= 0)
        close(j->fd);
    j->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return j->fd >= 0 || err_errno(e, STATUS_IO, "cannot open %s", path);
}

bool my_journal_open(struct my_journal *j, const char *dir, bool mariadb, struct err *e)
{
    j->dir = dir;
    j->mariadb = mariadb;
    j->tidy_bytes = TIDY_BYTES;
    j->first = j->last = (struct pos){0};
    return look(j, e) && (j->last.epoch == 0 || open_file(j, e));
}

bool my_journal_covers(const struct my_journal *j, const struct pos *at)
{
    struct pos p = place(at, at->n[2] != 0);
    return j->fd >= 0 && compare(&j->first, &p) <= 0 && compare(&j->last, &p) >= 0;
}

// ---- writing

static void put_begin(struct buf *out, const struct pos *at, const struct my_gtids *before)
{
    struct pos p = place(at, false);
    struct buf text;
    buf_init(&text, MY_GTIDS_MAX_BYTES);
    my_gtids_format(before, &text);
    pos_format(out, &p);
    buf_char(out, ' ');
    buf_span(out, buf_view(&text));
    buf_char(out, '\n');
    out->bad = out->bad || text.bad;
    buf_release(&text);
}

// A line, and what the walk has not read yet; rest may be NULL.
static bool write_file(const char *path, struct span line, struct my_journal_walk *rest, uint64_t *bytes,
                       struct err *e)
{
    char copied[16384];
    size_t n = 0;
    FILE *out = fopen(path, "we");
    if (out == NULL)
        return err_errno(e, STATUS_IO, "cannot create %s", path);
    *bytes = line.n;
    fwrite(line.p, 1, line.n, out);
    while (rest != NULL && (n = fread(copied, 1, sizeof copied, rest->file)) != 0) {
        fwrite(copied, 1, n, out);
        *bytes += n;
    }
    bool ok = fflush(out) == 0 && !ferror(out) && fsync(fileno(out)) == 0;
    if (!ok)
        err_errno(e, STATUS_IO, "cannot write %s", path);
    return (fclose(out) == 0 || (ok && err_errno(e, STATUS_IO, "cannot close %s", path))) && ok;
}

static bool replace(struct my_journal *j, struct span line, struct my_journal_walk *rest, struct err *e)
{
    char path[PATH_BYTES], temporary[PATH_BYTES];
    path_of(j, path);
    if (snprintf(temporary, sizeof temporary, "%s/" MY_JOURNAL_FILE ".tmp", j->dir) >= PATH_BYTES)
        return err_set(e, STATUS_USAGE, "%s: the name is too long", j->dir);
    if (!write_file(temporary, line, rest, &j->bytes, e))
        return false;
    if (rename(temporary, path) != 0)
        return err_errno(e, STATUS_IO, "cannot rename %s to %s", temporary, path);
    return open_file(j, e);
}

bool my_journal_begin(struct my_journal *j, const struct pos *at, const struct my_gtids *before,
                      struct err *e)
{
    struct buf line;
    buf_init(&line, MY_GTIDS_MAX_BYTES);
    buf_reset(&j->lines);
    put_begin(&line, at, before);
    bool ok = buf_ok(&line, "the GTIDs", e) && replace(j, buf_view(&line), NULL, e);
    j->first = j->last = place(at, false);
    buf_release(&line);
    return ok;
}

bool my_journal_begin_epoch(struct my_journal *j, uint64_t epoch, const struct my_gtids *before,
                            struct err *e)
{
    struct pos at = {.source = POS_MY, .phase = POS_LOG, .epoch = epoch};
    if (compare(&at, &j->last) <= 0)
        return true;
    put_begin(&j->lines, &at, before);
    j->last = at;
    return my_journal_flush(j, e) &&
           (fsync(j->fd) == 0 || err_errno(e, STATUS_IO, "cannot sync %s/" MY_JOURNAL_FILE, j->dir));
}

static bool put_place(struct my_journal *j, const struct pos *at, bool transaction)
{
    struct pos p = place(at, transaction);
    if (j->fd < 0 || compare(&p, &j->last) <= 0)
        return false;
    buf_u64(&j->lines, p.n[0]);
    buf_char(&j->lines, ' ');
    buf_u64(&j->lines, p.n[1]);
    j->last = p;
    return true;
}

void my_journal_add(struct my_journal *j, const struct pos *at, struct span gtid)
{
    if (!put_place(j, at, true))
        return;
    buf_char(&j->lines, ' ');
    buf_span(&j->lines, gtid);
    buf_char(&j->lines, '\n');
}

void my_journal_mark(struct my_journal *j, const struct pos *at)
{
    if (put_place(j, at, false))
        buf_char(&j->lines, '\n');
}

bool my_journal_flush(struct my_journal *j, struct err *e)
{
    if (j->lines.n == 0)
        return true;
    bool ok = buf_ok(&j->lines, "the GTIDs", e) &&
              io_write_all(j->fd, buf_view(&j->lines), "the offset folder's GTIDs", e);
    j->bytes += j->lines.n;
    buf_reset(&j->lines);
    return ok;
}

// ---- cutting off

// The line that the walk holds, unless it marks the place that the file now begins with.
static void put_held(struct buf *out, const struct pos *first, const struct my_journal_walk *w)
{
    if (!w->held || compare(&w->at, first) == 0)
        return;
    if (w->begins) {
        pos_format(out, &w->at);
        buf_char(out, ' ');
    } else {
        buf_printf(out, "%llu %llu%s", (unsigned long long)w->at.n[0], (unsigned long long)w->at.n[1],
                   w->at.n[2] != 0 ? " " : "");
    }
    buf_span(out, w->gtids);
    buf_char(out, '\n');
}

static bool cut_off(struct my_journal *j, const struct pos *at, struct err *e)
{
    struct my_gtids before = {.mariadb = j->mariadb};
    struct my_journal_walk w = {0};
    struct buf line;
    buf_init(&line, 2 * MY_GTIDS_MAX_BYTES);
    struct pos first = place(at, false);
    bool ok = my_journal_flush(j, e) && my_journal_walk(j, at, &before, &w, e);
    if (ok) {
        put_begin(&line, at, &before);
        put_held(&line, &first, &w);
        ok = buf_ok(&line, "the GTIDs", e) && replace(j, buf_view(&line), &w, e);
    }
    j->first = first;
    if (compare(&j->last, &j->first) < 0)
        j->last = j->first;
    my_journal_walk_end(&w);
    my_gtids_release(&before);
    buf_release(&line);
    return ok;
}

bool my_journal_tidy(struct my_journal *j, const struct pos *acknowledged, bool at_once, struct err *e)
{
    if ((!at_once && j->bytes < j->tidy_bytes) || !my_journal_covers(j, acknowledged))
        return true;
    if (compare(&j->first, acknowledged) != 0 && !cut_off(j, acknowledged, e))
        return false;
    j->tidy_bytes = j->bytes < TIDY_BYTES / 2 ? TIDY_BYTES : 2 * j->bytes;
    return true;
}
