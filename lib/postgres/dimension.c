#include "postgres/dimension.h"

#include "postgres/lookup.h"

#include <stdlib.h>

// How long a look-up may take.
#define PATIENCE_MS 60000

// A worker's connection, and the look-up as it was prepared there.
struct lane {
    struct pg_client *client; // NULL: to be connected
    struct pg_lookup lookup;
};

struct pg_dimension {
    const struct dimension_options *o;
    const struct dimension_spec *spec;
    struct lane *lanes; // by worker
};

static void disconnect(struct lane *lane)
{
    pg_lookup_release(&lane->lookup);
    pg_close(lane->client);
    lane->client = NULL;
}

static bool prepare(struct pg_dimension *d, struct lane *lane, struct err *e)
{
    pg_lookup_release(&lane->lookup);
    return pg_lookup_make(&lane->lookup, lane->client, d->o, d->spec, e);
}

static bool connect(struct pg_dimension *d, struct lane *lane, struct err *e)
{
    if (lane->client != NULL)
        return true;
    if (!pg_connect(d->o->url, PG_SQL, "cdc-enrich", &lane->client, e))
        return false;
    pg_patience(lane->client, PATIENCE_MS);
    if (prepare(d, lane, e))
        return true;
    disconnect(lane);
    return false;
}

static void close_dimension(void *self)
{
    struct pg_dimension *d = self;
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
    struct pg_dimension *d = calloc(1, sizeof *d);
    *self = d;
    if (d == NULL)
        return err_no_memory(e);
    d->o = o;
    d->spec = spec;
    d->lanes = calloc(o->workers, sizeof *d->lanes);
    if (d->lanes == NULL)
        return err_no_memory(e);
    if (connect(d, &d->lanes[0], e))
        return true;
    // That there are too many clients passes; libpq has no code for it here.
    bool crowded = strstr(e->text, "too many") != NULL || strstr(e->text, "slots") != NULL;
    if (e->status == STATUS_PEER && !crowded && pg_takes_connections(o->url))
        e->status = STATUS_USAGE;
    return false;
}

// ---- looking up

static bool put_row(const struct pg_dimension *d, const struct pg_lookup *l, const struct pg_rows *rows,
                    int row, struct buf *out, struct err *e)
{
    buf_char(out, '{');
    for (size_t i = 0; i < l->n; i++) {
        const char *cell = pg_cell(rows, row, (int)i + 1);
        buf_str(out, i != 0 ? "," : "");
        buf_str(out, l->column[i].member);
        if (cell == NULL)
            buf_lit(out, "null");
        else if (!pg_type_write(&l->column[i].type, span_of(cell), out, e))
            return err_wrap(e, "table \"%.*s\": %s", SPAN_ARG(d->spec->table), l->column[i].member);
    }
    buf_char(out, '}');
    return true;
}

// Of several rows with one key the first counts.
static bool take_rows(const struct pg_dimension *d, const struct pg_lookup *l, const struct pg_rows *rows,
                      size_t n, struct buf *out, struct dimension_row *found, struct err *e)
{
    for (int i = 0; i < pg_row_count(rows); i++) {
        size_t k = strtoul(pg_cell(rows, i, 0), NULL, 10) - 1;
        if (k >= n || found[k].found)
            continue;
        found[k] = (struct dimension_row){.found = true, .at = out->n};
        if (!put_row(d, l, rows, i, out, e))
            return false;
        found[k].n = out->n - found[k].at;
    }
    return buf_ok(out, "the rows looked up", e);
}

static bool is_of_class(const char *sqlstate, const char *class)
{
    return strncmp(sqlstate, class, 2) == 0;
}

// What passes: conflicts, no resources, objects in use, interventions, the system.
static bool passes(const char *sqlstate)
{
    static const char *const classes[] = {"08", "40", "53", "55", "57", "58"};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (is_of_class(sqlstate, classes[i]))
            return true;
    return false;
}

enum outcome { ANSWERED, CHANGED, FAILED };

// CHANGED: the table may not be the one that was described any more.
static enum outcome look_up(struct pg_dimension *d, struct lane *lane, const struct span *keys, size_t n,
                            struct pg_rows **rows, struct err *e)
{
    char sqlstate[6];
    if (!pg_lookup_run(lane->client, d->spec, keys, n, rows, sqlstate, e)) {
        if (is_of_class(sqlstate, "22")) // data exception: a key is no value of its column's type
            e->status = STATUS_DATA;
        else if (passes(sqlstate))
            e->status = STATUS_PEER;
        return e->status == STATUS_USAGE ? CHANGED : FAILED;
    }
    if (pg_lookup_holds(&lane->lookup, *rows))
        return ANSWERED;
    pg_rows_free(*rows);
    err_set(e, STATUS_PEER, "table \"%.*s\" changes while it is looked at", SPAN_ARG(d->spec->table));
    return CHANGED;
}

static bool fetch(void *self, size_t worker, const struct span *keys, size_t n, struct buf *out,
                  struct dimension_row *found, struct err *e)
{
    struct pg_dimension *d = self;
    struct lane *lane = &d->lanes[worker];
    struct pg_rows *rows;
    memset(found, 0, n * sizeof *found);
    if (!connect(d, lane, e))
        return false;
    enum outcome outcome = look_up(d, lane, keys, n, &rows, e);
    if (outcome == CHANGED && prepare(d, lane, e))
        outcome = look_up(d, lane, keys, n, &rows, e);
    if (outcome == ANSWERED) {
        bool ok = take_rows(d, &lane->lookup, rows, n, out, found, e);
        pg_rows_free(rows);
        return ok;
    }
    if (e->status == STATUS_PEER)
        disconnect(lane);
    return false;
}

static const char *const schemes[] = {"postgres://", "postgresql://", NULL};

const struct dimension_ops pg_dimension_ops = {.schemes = schemes,
                                               .time = SHAPE_ADAPTIVE,
                                               .open = open_dimension,
                                               .fetch = fetch,
                                               .close = close_dimension};
