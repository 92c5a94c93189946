#include "mysql/dimension.h"

#include "mysql/cell.h"
#include "mysql/lookup.h"

#include <stdlib.h>

// How long a look-up may take.
#define PATIENCE_MS 60000
#define VALUE_MAX_BYTES (1u << 30)

// A worker's connection, and the look-up as it was prepared there.
struct lane {
    struct my_client *client; // NULL: to be connected
    struct my_lookup lookup;
    struct my_writing writing;
};

struct my_dimension {
    const struct dimension_options *o;
    const struct dimension_spec *spec;
    struct lane *lanes; // by worker
};

static void disconnect(struct lane *lane)
{
    my_lookup_release(&lane->lookup);
    my_writing_release(&lane->writing);
    my_close(lane->client);
    lane->client = NULL;
}

static bool begin(struct my_dimension *d, struct lane *lane, struct err *e)
{
    if (!my_writing_init(&lane->writing, VALUE_MAX_BYTES, e))
        return false;
    lane->writing.shape = d->o->shape;
    lane->writing.precise_unsigned = d->o->precise_unsigned;
    lane->writing.adjust_years = d->o->adjust_years;
    return my_query(lane->client, "SET SESSION character_set_results = NULL", NULL, NULL, e) &&
           my_lookup_make(&lane->lookup, lane->client, d->spec, &lane->writing, e);
}

static bool connect(struct my_dimension *d, struct lane *lane, struct err *e)
{
    struct my_login login = {.url = d->o->url,
                             .password_file = d->o->password_file,
                             .defaults_file = d->o->defaults_file,
                             .read_timeout_ms = PATIENCE_MS};
    if (lane->client != NULL)
        return true;
    if (!my_connect(&login, &lane->client, e))
        return false;
    if (begin(d, lane, e))
        return true;
    disconnect(lane);
    return false;
}

static void close_dimension(void *self)
{
    struct my_dimension *d = self;
    if (d == NULL)
        return;
    for (size_t i = 0; d->lanes != NULL && i < d->o->workers; i++)
        disconnect(&d->lanes[i]);
    free(d->lanes);
    free(d);
}

static bool open_dimension(const struct dimension_options *o, const struct dimension_spec *spec, void **self,
                           struct err *e)
{
    struct my_dimension *d = calloc(1, sizeof *d);
    *self = d;
    if (d == NULL)
        return err_no_memory(e);
    d->o = o;
    d->spec = spec;
    d->lanes = calloc(o->workers, sizeof *d->lanes);
    return d->lanes != NULL ? connect(d, &d->lanes[0], e) : err_no_memory(e);
}

// ---- looking up

static bool put_row(const struct my_dimension *d, struct lane *lane, const struct span *cell, struct buf *out,
                    struct err *e)
{
    const struct my_lookup *l = &lane->lookup;
    buf_char(out, '{');
    for (size_t i = 0; i < l->n; i++) {
        const struct my_relation_column *column = &l->scan.relation.column[l->column[i]];
        struct span member = column->member; // with a comma in front
        buf_bytes(out, member.p + (i == 0), member.n - (i == 0));
        if (cell[i].p == NULL)
            buf_lit(out, "null");
        else if (!my_cell_write(&column->type, cell[i], &lane->writing, out, e))
            return err_wrap(e, "table \"%.*s\": %.*s", SPAN_ARG(d->spec->table), SPAN_ARG(member));
    }
    buf_char(out, '}');
    return true;
}

// A row's value that cannot be printed is the dimension's fault, no key's.
static bool take_row(const struct my_dimension *d, struct lane *lane, const struct span *cell, size_t n,
                     struct buf *out, struct dimension_row *found, struct err *e)
{
    size_t k = cell[0].p != NULL ? strtoul(cell[0].p, NULL, 10) : n;
    // Of several rows with one key the first counts.
    if (k >= n || found[k].found)
        return true;
    found[k] = (struct dimension_row){.found = true, .at = out->n};
    if (!put_row(d, lane, cell + 1, out, e)) {
        e->status = STATUS_USAGE;
        return false;
    }
    found[k].n = out->n - found[k].at;
    return buf_ok(out, "the rows looked up", e);
}

// What passes: waits and transactions that were ended, no room, statements that somebody stopped.
static bool passes(unsigned code)
{
    static const unsigned codes[] = {1021, 1037, 1038, 1041, 1135, 1203, 1205,
                                     1213, 1226, 1317, 1637, 1969, 3024};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] == code)
            return true;
    return false;
}

// The server says that a key is no value of its column's type.
static bool is_about_keys(unsigned code)
{
    static const unsigned codes[] = {1264, 1267, 1270, 1271, 1292, 1300, 1366, 1406, 1411, 1525, 1690};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] == code)
            return true;
    return false;
}

enum outcome { ANSWERED, CHANGED, FAILED };

static void judge(const struct lane *lane, struct err *e)
{
    unsigned code = my_last_error(lane->client);
    if (e->status != STATUS_DATA && is_about_keys(code))
        e->status = STATUS_DATA;
    else if (passes(code))
        e->status = STATUS_PEER;
}

// Of a single key it is certain that it is the fault; but is it none for the column as it is now?
static enum outcome refused(const struct my_dimension *d, struct lane *lane, size_t n, struct err *e)
{
    bool holds;
    struct err again;
    judge(lane, e);
    if (e->status == STATUS_DATA && n == 1) {
        if (!my_lookup_check(&lane->lookup, lane->client, d->spec, &holds, &again)) {
            *e = again;
            judge(lane, e);
        } else if (!holds) {
            return CHANGED;
        }
    }
    return e->status == STATUS_USAGE ? CHANGED : FAILED;
}

// CHANGED: the table may not be the one that was described any more.
static enum outcome look_up(struct my_dimension *d, struct lane *lane, const struct span *keys, size_t n,
                            struct buf *out, struct dimension_row *found, struct err *e)
{
    struct span cell[1 + DIMENSION_COLUMNS_MAX];
    struct my_lookup *l = &lane->lookup;
    if (!my_lookup_run(l, lane->client, d->spec, keys, n, &lane->writing, e))
        return refused(d, lane, n, e);
    if (!my_lookup_holds(l, lane->client)) {
        err_set(e, STATUS_PEER, "table \"%.*s\" changes while it is looked at", SPAN_ARG(d->spec->table));
        return CHANGED;
    }
    for (;;) {
        enum my_read got = my_fetch(lane->client, cell, 1 + l->n, e);
        if (got == MY_FAIL)
            return refused(d, lane, n, e);
        if (got != MY_GOT)
            return ANSWERED;
        if (!take_row(d, lane, cell, n, out, found, e))
            return FAILED;
    }
}

// A connection on which something failed has an answer, or a definition, that is of no use any more: but for
// a key that is none, the next look-up makes a new one.
static bool look_up_twice(struct my_dimension *d, struct lane *lane, const struct span *keys, size_t n,
                          struct buf *out, struct dimension_row *found, struct err *e)
{
    for (int tries = 0; tries < 2; tries++) {
        memset(found, 0, n * sizeof *found);
        if (!connect(d, lane, e))
            return false;
        enum outcome outcome = look_up(d, lane, keys, n, out, found, e);
        if (outcome == ANSWERED)
            return true;
        if (outcome == CHANGED || e->status != STATUS_DATA)
            disconnect(lane);
        if (outcome == FAILED)
            return false;
    }
    return false;
}

// Keys that are to be found, or were not yet.
struct wanted {
    struct span key[MY_LOOKUP_KEYS * DIMENSION_KEYS_MAX];
    size_t at[MY_LOOKUP_KEYS], n;
    struct dimension_row row[MY_LOOKUP_KEYS];
};

static void want(struct wanted *w, const struct span *keys, size_t n, size_t n_key,
                 const struct dimension_row *found)
{
    w->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (found[i].found)
            continue;
        memcpy(&w->key[w->n * n_key], &keys[i * n_key], n_key * sizeof *keys);
        w->at[w->n++] = i;
    }
}

// A row is told with one of the keys that it is equal to; others that are so to the server are asked for
// again, as long as any is found.
static bool fetch_some(struct my_dimension *d, struct lane *lane, const struct span *keys, size_t n,
                       struct buf *out, struct dimension_row *found, struct err *e)
{
    struct wanted w;
    for (bool any = true; any;) {
        want(&w, keys, n, d->spec->n_key, found);
        any = false;
        if (w.n != 0 && !look_up_twice(d, lane, w.key, w.n, out, w.row, e))
            return false;
        for (size_t i = 0; i < w.n; i++) {
            found[w.at[i]] = w.row[i];
            any = any || w.row[i].found;
        }
    }
    return true;
}

static bool fetch(void *self, size_t worker, const struct span *keys, size_t n, struct buf *out,
                  struct dimension_row *found, struct err *e)
{
    struct my_dimension *d = self;
    memset(found, 0, n * sizeof *found);
    for (size_t at = 0; at < n; at += MY_LOOKUP_KEYS) {
        size_t some = n - at < MY_LOOKUP_KEYS ? n - at : MY_LOOKUP_KEYS;
        if (!fetch_some(d, &d->lanes[worker], keys + at * d->spec->n_key, some, out, found + at, e))
            return false;
    }
    return true;
}

static const char *const schemes[] = {"mysql://", "mariadb://", NULL};

const struct dimension_ops my_dimension_ops = {.schemes = schemes,
                                               .time = SHAPE_ADAPTIVE_MICROSECONDS,
                                               .open = open_dimension,
                                               .fetch = fetch,
                                               .close = close_dimension};
