// What cdc-enrich does: adds to each line the row of a dimension that its key names.
//
// The lines of one batch are looked at in order. What the cache does not know is fetched for all of them at
// once, each key once, by --jobs threads; then the lines are written. A change of the dimension in the same
// stream makes the cache forget the row, for the lines behind it.
#ifndef CDC_STAGE_ENRICH_H
#define CDC_STAGE_ENRICH_H

#include "base/opt.h"
#include "event/dimension.h"
#include "event/expr_eval.h"
#include "event/topic_pattern.h"
#include "stage/cache.h"
#include "stage/jobs.h"
#include "stage/memo.h"
#include "stage/stage.h"

#define ENRICH_LOOKUPS_MAX 16

struct enrich_options {
    struct dimension_options dimension;
    const struct dimension_ops *ops;
    struct opt_list lookups, as, select; // by their order
    const char *into;                    // after, or NULL: beside it
    bool required;
    uint64_t cache_size;
    int64_t cache_ttl_ms, drain_timeout_ms;
    const char *dimension_topic; // a regular expression, or NULL
    notice_fn *note;
};

struct enrich_lookup;
struct enrich_cell;

struct enrich {
    const struct enrich_options *o;
    struct enrich_lookup *lookups;
    size_t n;
    struct topic_pattern dimension_topic;
    struct memo topics;
    struct jobs *jobs;
    struct enrich_cell *cells; // a line's lookups one behind the other
    size_t cells_max;
    struct buf rows, out;
    struct arena arena; // of one batch
    int64_t now_ms;
};

// Connects. STATUS_USAGE where an option is wrong.
bool enrich_init(struct enrich *x, const struct enrich_options *o, struct err *e) MUST_CHECK;
void enrich_release(struct enrich *x);

// The stage_decide of a struct enrich.
bool enrich_decide(void *enrich, struct stage_line **lines, size_t n, struct err *e);

#endif
