#include "stage/dimension_file.h"

#include "base/clock.h"
#include "base/io.h"
#include "event/json.h"
#include "event/value.h"
#include "stage/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES (1u << 30)
#define QUIET_MS 1000

struct file_dimension {
    const struct dimension_options *o;
    const struct dimension_spec *spec;
    const char *path;
    bool is_csv;
    struct cache rows;
    struct stat seen;   // of what is held
    struct stat last;   // as it was looked at last: a number of a file that has gone may be another's
    struct stat faulty; // told about; .st_ino 0: nothing
    bool gone;          // told
    struct arena arena; // of one line
};

// One line's columns.
struct fields {
    struct span name[DIMENSION_COLUMNS_MAX]; // without quotes
    struct span json[DIMENSION_COLUMNS_MAX];
    struct span text[DIMENSION_COLUMNS_MAX]; // .p NULL: null, or no scalar
    size_t n;
};

void dimension_join(struct buf *b, const struct span *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_span(b, texts[i]);
        if (i + 1 < n)
            buf_char(b, '\0');
    }
}

static int find_field(const struct fields *f, struct span name)
{
    for (size_t i = 0; i < f->n; i++)
        if (span_eq(f->name[i], name))
            return (int)i;
    return -1;
}

static void put_field(const struct fields *f, size_t i, struct buf *row)
{
    if (row->n > 1)
        buf_char(row, ',');
    json_quote(row, f->name[i]);
    buf_char(row, ':');
    buf_span(row, f->json[i]);
}

// A row whose key is null is found by nobody.
static bool put_row(struct file_dimension *d, const struct fields *f, struct cache *to, struct err *e)
{
    struct span key[DIMENSION_KEYS_MAX];
    struct buf row, joined;
    bool whole = true;
    for (size_t i = 0; i < d->spec->n_key; i++) {
        int at = find_field(f, d->spec->key[i]);
        if (at < 0)
            return err_set(e, STATUS_DATA, "there is no column \"%.*s\"", SPAN_ARG(d->spec->key[i]));
        key[i] = f->text[at];
        whole = whole && key[i].p != NULL;
    }
    buf_init(&row, FILE_MAX_BYTES);
    buf_init(&joined, FILE_MAX_BYTES);
    buf_char(&row, '{');
    bool ok = true;
    for (size_t i = 0; ok && i < d->spec->n_select; i++) {
        int at = find_field(f, d->spec->select[i]);
        ok = at >= 0 || err_set(e, STATUS_DATA, "there is no column \"%.*s\"", SPAN_ARG(d->spec->select[i]));
        if (ok)
            put_field(f, (size_t)at, &row);
    }
    for (size_t i = 0; d->spec->n_select == 0 && i < f->n; i++)
        put_field(f, i, &row);
    buf_char(&row, '}');
    dimension_join(&joined, key, d->spec->n_key);
    ok = ok && (!(row.bad || joined.bad) || err_no_memory(e));
    // Of several rows with one key the first counts.
    if (ok && whole && cache_find(to, buf_view(&joined), 0) == NULL)
        cache_put(to, buf_view(&joined), true, buf_view(&row), INT64_MAX);
    buf_release(&row);
    buf_release(&joined);
    return ok;
}

// ---- CSV, RFC 4180

struct csv {
    const char *p, *end;
    struct arena *arena;
};

// A field's text; its .p is NULL where it is empty and has no quotes. Behind it p is at a comma or a line's
// end.
static bool take_csv(struct csv *s, struct span *text, struct err *e)
{
    const char *start = s->p;
    if (s->p == s->end || *s->p != '"') {
        while (s->p < s->end && *s->p != ',' && *s->p != '\n' && *s->p != '\r')
            s->p++;
        *text = (struct span){s->p != start ? start : NULL, (size_t)(s->p - start)};
        return true;
    }
    char *out = arena_take(s->arena, (size_t)(s->end - start)), *to = out;
    if (out == NULL)
        return err_no_memory(e);
    for (s->p++; s->p < s->end; s->p++) {
        if (*s->p == '"' && (s->p + 1 == s->end || s->p[1] != '"'))
            break;
        s->p += *s->p == '"';
        *to++ = *s->p;
    }
    if (s->p == s->end)
        return err_set(e, STATUS_DATA, "a quote is not closed");
    s->p++;
    *text = (struct span){out, (size_t)(to - out)};
    return s->p == s->end || *s->p == ',' || *s->p == '\n' || *s->p == '\r' ||
           err_set(e, STATUS_DATA, "there is something behind a closing quote");
}

static bool take_csv_line(struct csv *s, struct span *texts, size_t *n, struct err *e)
{
    for (*n = 0;; s->p++) {
        if (*n == DIMENSION_COLUMNS_MAX)
            return err_set(e, STATUS_DATA, "there are more than %d columns", DIMENSION_COLUMNS_MAX);
        if (!take_csv(s, &texts[(*n)++], e))
            return false;
        if (s->p == s->end || *s->p != ',')
            break;
    }
    s->p += s->p < s->end && *s->p == '\r';
    s->p += s->p < s->end && *s->p == '\n';
    return true;
}

static bool quote_texts(struct fields *f, struct arena *arena, struct err *e)
{
    static const struct span null = SPAN_LIT("null");
    for (size_t i = 0; i < f->n; i++) {
        size_t room = f->text[i].n * 6 + 2, bad_at;
        struct buf b = {.p = arena_take(arena, room), .cap = room, .max_bytes = room};
        f->json[i] = null;
        if (f->text[i].p == NULL)
            continue;
        if (b.p == NULL)
            return err_no_memory(e);
        json_quote(&b, f->text[i]);
        f->json[i] = buf_view(&b);
        if (!json_check(f->json[i], &bad_at))
            return err_set(e, STATUS_DATA, "this is not UTF-8");
    }
    return true;
}

static bool has_twice(const struct fields *f, struct err *e)
{
    for (size_t i = 0; i < f->n; i++)
        if (find_field(f, f->name[i]) != (int)i) {
            err_set(e, STATUS_DATA, "there are two columns \"%.*s\"", SPAN_ARG(f->name[i]));
            return true;
        }
    return false;
}

// Between rows, and at the end.
static bool pass_blank_line(struct csv *s)
{
    size_t left = (size_t)(s->end - s->p);
    size_t n = left > 0 && s->p[0] == '\n' ? 1 : left > 1 && s->p[0] == '\r' && s->p[1] == '\n' ? 2 : 0;
    s->p += n;
    return n != 0;
}

static bool load_csv(struct file_dimension *d, struct span text, struct cache *to, struct err *e)
{
    struct arena names = {0};
    struct csv s = {text.p, text.n != 0 ? text.p + text.n : text.p, &names};
    struct fields *f = calloc(1, sizeof *f);
    size_t n, line = 1;
    bool ok = f != NULL ? take_csv_line(&s, f->name, &f->n, e) && !has_twice(f, e) : err_no_memory(e);
    s.arena = &d->arena;
    while (ok && s.p < s.end) {
        line++;
        if (pass_blank_line(&s))
            continue;
        arena_reset(&d->arena);
        ok = take_csv_line(&s, f->text, &n, e);
        if (ok && n != f->n)
            ok = err_set(e, STATUS_DATA, "there are %zu fields, not %zu", n, f->n);
        ok = ok && quote_texts(f, &d->arena, e) && put_row(d, f, to, e);
    }
    free(f);
    arena_release(&names);
    return ok || err_wrap(e, "row %zu", line);
}

// ---- NDJSON

static bool take_object(struct fields *f, struct span line, struct arena *arena, struct err *e)
{
    struct json_walk w;
    struct value name, v;
    size_t bad_at;
    if (!json_check(line, &bad_at))
        return err_set(e, STATUS_DATA, "byte %zu: this is no JSON", bad_at + 1);
    f->n = 0;
    for (json_walk_begin(&w, line); json_walk_next(&w) && !w.in_array; f->n++) {
        if (f->n == DIMENSION_COLUMNS_MAX)
            return err_set(e, STATUS_DATA, "there are more than %d members", DIMENSION_COLUMNS_MAX);
        if (!value_of(w.name, arena, &name) || !value_of(w.value, arena, &v))
            return err_no_memory(e);
        f->name[f->n] = name.text;
        f->json[f->n] = w.value;
        f->text[f->n] = v.kind == VALUE_NULL || v.kind >= VALUE_ARRAY ? (struct span){NULL, 0} : v.text;
    }
    return (!w.bad && !w.in_array) || err_set(e, STATUS_DATA, "this is no JSON object");
}

static bool load_ndjson(struct file_dimension *d, struct span text, struct cache *to, struct err *e)
{
    struct fields *f = calloc(1, sizeof *f);
    bool ok = f != NULL || err_no_memory(e);
    size_t number = 0;
    while (ok && text.n != 0) {
        const char *newline = memchr(text.p, '\n', text.n);
        struct span line = {text.p, newline != NULL ? (size_t)(newline - text.p) : text.n};
        number++;
        arena_reset(&d->arena);
        ok = line.n == 0 || (take_object(f, line, &d->arena, e) && put_row(d, f, to, e));
        size_t n = line.n + (newline != NULL);
        text.p += n, text.n -= n;
    }
    free(f);
    return ok || err_wrap(e, "line %zu", number);
}

// ---- the file

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

// What some programs put in front of UTF-8.
static struct span without_mark(struct span text)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t n = sizeof mark - 1;
    if (text.n >= n && memcmp(text.p, mark, n) == 0)
        text.p += n, text.n -= n;
    return text;
}

// now: of the file as it is to be read.
static bool load(struct file_dimension *d, const struct stat *now, struct err *e)
{
    struct buf text;
    struct cache rows;
    struct stat after;
    buf_init(&text, FILE_MAX_BYTES);
    if (!cache_init(&rows, SIZE_MAX, e))
        return false;
    bool ok = io_read_file(d->path, &text, e);
    struct span whole = without_mark(buf_view(&text));
    ok = ok && ((d->is_csv ? load_csv(d, whole, &rows, e) : load_ndjson(d, whole, &rows, e)) ||
                err_wrap(e, "%s", d->path));
    buf_release(&text);
    if (ok && (stat(d->path, &after) != 0 || !is_same(now, &after)))
        ok = err_set(e, STATUS_DATA, "%s: it was changed while it was read", d->path);
    if (!ok) {
        cache_release(&rows);
        return false;
    }
    cache_release(&d->rows);
    d->rows = rows;
    d->seen = d->last = *now;
    d->faulty = (struct stat){0};
    return true;
}

static void close_file(void *self)
{
    struct file_dimension *d = self;
    if (d == NULL)
        return;
    cache_release(&d->rows);
    arena_release(&d->arena);
    free(d);
}

static bool open_file(const struct dimension_options *o, const struct dimension_spec *spec, void **self,
                      struct err *e)
{
    struct file_dimension *d = calloc(1, sizeof *d);
    *self = d;
    if (d == NULL)
        return err_no_memory(e);
    *d = (struct file_dimension){.o = o, .spec = spec, .path = strchr(o->url, ':') + 1};
    d->is_csv = o->url[0] == 'c';
    struct stat now;
    return (stat(d->path, &now) == 0 || err_errno(e, STATUS_USAGE, "cannot read %s", d->path)) &&
           load(d, &now, e);
}

static bool fetch_rows(void *self, size_t worker, const struct span *keys, size_t n, struct buf *out,
                       struct dimension_row *rows, struct err *e)
{
    struct file_dimension *d = self;
    struct buf joined;
    (void)worker;
    buf_init(&joined, FILE_MAX_BYTES);
    for (size_t i = 0; i < n; i++) {
        buf_reset(&joined);
        dimension_join(&joined, keys + i * d->spec->n_key, d->spec->n_key);
        const struct cache_entry *row = cache_find(&d->rows, buf_view(&joined), 0);
        rows[i] = (struct dimension_row){.found = row != NULL, .at = out->n, .n = row != NULL ? row->n : 0};
        if (row != NULL)
            buf_span(out, cache_value(row));
    }
    buf_release(&joined);
    return buf_ok(out, "the rows looked up", e);
}

// Nobody writes to it any more, as far as that can be told.
static bool is_quiet(const struct stat *file)
{
    int64_t changed_ms = (int64_t)file->st_mtim.tv_sec * 1000 + file->st_mtim.tv_nsec / 1000000;
    int64_t age_ms = clock_wall_ns() / 1000000 - changed_ms;
    return age_ms < 0 || age_ms >= QUIET_MS;
}

static bool has_gone(struct file_dimension *d, int error)
{
    if (!d->gone)
        d->o->warn("cannot read %s: %s; what it held before stays", d->path, strerror(error));
    d->gone = true;
    return false;
}

static bool renewed(void *self)
{
    struct file_dimension *d = self;
    struct stat now;
    struct err e;
    if (stat(d->path, &now) != 0)
        return has_gone(d, errno);
    bool replaced = d->gone || now.st_ino != d->last.st_ino || now.st_dev != d->last.st_dev;
    d->gone = false;
    d->last = now;
    if (is_same(&now, &d->seen) || is_same(&now, &d->faulty) || (!replaced && !is_quiet(&now)))
        return false;
    if (load(d, &now, &e))
        return true;
    d->o->warn("%s; what it held before stays", e.text);
    d->faulty = now;
    return false;
}

static const char *const schemes[] = {"csv:", "ndjson:", NULL};

// fetch orders the rows by use, so one worker alone may call it.
const struct dimension_ops file_dimension_ops = {
    .schemes = schemes, .open = open_file, .fetch = fetch_rows, .renewed = renewed, .close = close_file};
