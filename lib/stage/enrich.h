// What cdc-enrich does: adds to each line the row of a dimension that its key names.
//
// The lines of one batch are looked at in order. What the cache does not know is fetched for all of them at
// once, each key once, by --jobs threads; then the lines are written. A change of the dimension in the same
// stream makes the cache forget the row, for the lines behind it.
#ifndef CDC_STAGE_ENRICH_H
#define CDC_STAGE_ENRICH_H

#include "base/opt.h"
#include "event/topic_pattern.h"
#include "stage/lookup.h"
#include "stage/memo.h"
#include "stage/stage.h"

#define ENRICH_LOOKUPS_MAX 16

struct enrich_options {
    struct lookup_options lookup;
    struct opt_list lookups, as, select; // by their order
    const char *into;                    // after, or NULL: beside it
    bool required;
    const char *dimension_topic; // a regular expression, or NULL
};

struct enrich {
    const struct enrich_options *o;
    struct lookup lookups[ENRICH_LOOKUPS_MAX];
    struct span as[ENRICH_LOOKUPS_MAX];
    size_t n;
    struct topic_pattern dimension_topic;
    struct memo topics;
    struct jobs *jobs;
    struct lookup_cell *cells; // a line's lookups one behind the other
    size_t cells_max;
    struct lookup_batch batch;
    struct buf out;
};

// Connects. STATUS_USAGE where an option is wrong.
bool enrich_init(struct enrich *x, const struct enrich_options *o, struct err *e) MUST_CHECK;
void enrich_release(struct enrich *x);

// The stage_decide of a struct enrich.
bool enrich_decide(void *enrich, struct stage_line **lines, size_t n, struct err *e);

#endif
