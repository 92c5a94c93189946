// One --lookup of cdc-enrich: the keys that lines name, the rows that are remembered, and the fetching of
// those that are not.
//
// For a batch: lookup_begin(), then lookup_ask() and lookup_forget() for its lines in order, then
// lookup_fetch(), and lookup_settle() for each cell.
#ifndef CDC_STAGE_LOOKUP_H
#define CDC_STAGE_LOOKUP_H

#include "event/dimension.h"
#include "event/expr_eval.h"
#include "event/line.h"
#include "stage/cache.h"
#include "stage/jobs.h"

struct lookup_options {
    struct dimension_options dimension;
    const struct dimension_ops *ops;
    uint64_t cache_size;
    int64_t cache_ttl_ms, drain_timeout_ms;
    notice_fn *note;
};

// What the look-ups of one stage share: the time and the memory of one batch.
struct lookup_batch {
    struct buf rows;
    struct arena arena;
    int64_t now_ms;
};

struct lookup_worker;

struct lookup {
    const struct lookup_options *o;
    struct lookup_batch *batch;
    struct dimension_spec spec;
    struct expr keys[DIMENSION_KEYS_MAX];
    struct expr_eval evals[DIMENSION_KEYS_MAX];
    void *dimension;
    struct cache cache;
    bool odd;             // a key in the cache is not its column's only spelling
    int64_t forgotten_ms; // when a change of the dimension came last; 0: never

    // Of one batch: the keys that are to be fetched, each once.
    struct cache pending;               // a key's number among them
    struct buf keys_joined, keys_split; // struct span: one a key; n_key a key
    size_t n;
    struct dimension_row *rows;
    size_t rows_max, chunk;
    struct lookup_worker *workers;
};

enum lookup_state { CELL_NO_KEY, CELL_BAD_KEY, CELL_FOUND, CELL_ABSENT, CELL_PENDING, CELL_REFUSED };

struct lookup_cell {
    enum lookup_state state;
    size_t at, n; // FOUND: in the batch's rows; PENDING: n is the key's number
};

// text: TABLE:PATH=COLUMN,…; select: columns joined by commas, * or NULL for all. Connects; a server that is
// away is waited for. STATUS_USAGE where an option is wrong. Release it in either case.
bool lookup_init(struct lookup *k, const struct lookup_options *o, struct lookup_batch *batch,
                 const char *text, const char *select, struct err *e) MUST_CHECK;
void lookup_release(struct lookup *k);

void lookup_begin(struct lookup *k);
struct lookup_cell lookup_ask(struct lookup *k, struct span line);

// l is a change of the dimension itself: what is asked for behind it is looked up anew.
void lookup_forget(struct lookup *k, const struct line *l);

// Gets all that is pending, by the threads of jobs.
bool lookup_fetch(struct lookup *k, struct jobs *jobs, struct err *e) MUST_CHECK;

// A pending cell is FOUND, ABSENT or REFUSED then.
void lookup_settle(const struct lookup *k, struct lookup_cell *cell);

#endif
