#include "event/tail.h"

#include <string.h>

#define MOST_JOBS 64
#define MOST_CHUNK_ROWS 10000000
#define LEAST_VIEW_MS 100

const struct source_ops *sources_find(const struct source_ops *const *sources, const char *url)
{
    for (; *sources != NULL; sources++)
        for (const char *const *scheme = (*sources)->schemes; *scheme != NULL; scheme++)
            if (strncmp(url, *scheme, strlen(*scheme)) == 0)
                return *sources;
    return NULL;
}

bool tail_options_check(const struct tail_options *o, struct err *e)
{
    if (o->jobs == 0 || o->jobs > MOST_JOBS)
        return err_set(e, STATUS_USAGE, "--jobs takes 1 to %d", MOST_JOBS);
    if (o->chunk_rows == 0 || (o->chunk_rows > MOST_CHUNK_ROWS && o->chunk_rows != CHUNK_ROWS_AUTO))
        return err_set(e, STATUS_USAGE, "--chunk-rows takes 1 to %d", MOST_CHUNK_ROWS);
    if (o->view_ms < LEAST_VIEW_MS)
        return err_set(e, STATUS_USAGE, "--view-time takes %dms or more", LEAST_VIEW_MS);
    for (size_t i = 0; i < o->where.n; i++) {
        const char *colon = strchr(o->where.at[i], ':');
        if (colon == NULL || colon == o->where.at[i] || colon[1] == '\0')
            return err_set(e, STATUS_USAGE, "--where takes schema.table:condition, not \"%.200s\"",
                           o->where.at[i]);
    }
    return true;
}

bool tail_report_faults(const struct tail_options *o, struct span faults, struct err *e)
{
    size_t n = 0;
    for (struct span rest = faults; rest.n != 0; n++) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t length = end != NULL ? (size_t)(end - rest.p) : rest.n;
        o->warn("%.*s", (int)length, rest.p);
        rest.p += length + (end != NULL), rest.n -= length + (end != NULL);
    }
    return n == 0 ||
           err_set(e, STATUS_USAGE, "the server is not ready: %zu fault%s found", n, n == 1 ? "" : "s");
}
