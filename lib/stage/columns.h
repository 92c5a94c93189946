// Columns of rows that are left out or masked.
#ifndef CDC_STAGE_COLUMNS_H
#define CDC_STAGE_COLUMNS_H

#include "base/arena.h"
#include "base/opt.h"
#include "event/pattern.h"
#include "stage/memo.h"

struct columns_mask;

struct columns {
    struct pattern_list drop;
    struct columns_mask *masks;
    size_t n_masks;
    struct memo known; // what was found out about a column
    struct arena arena;
    struct buf name;
    size_t table_n; // name begins with "schema.table."; 0: there are no rules for the line
};

// drop: column patterns, on schema.table.column. mask: the same, each with =N behind for N asterisks.
// STATUS_USAGE where one is wrong. Release it in either case.
bool columns_init(struct columns *c, const struct opt_list *drop, const struct opt_list *mask,
                  struct err *e) MUST_CHECK;
void columns_release(struct columns *c);

static inline bool columns_has(const struct columns *c)
{
    return c->drop.n != 0 || c->n_masks != 0;
}

// The line whose rows follow. False where there is nothing to do about them.
bool columns_begin(struct columns *c, struct span line);

// Appends the row's members, without its braces. *changed: set where they are not as they were. False where
// the row is broken.
bool columns_put(struct columns *c, struct span row, struct buf *out, bool *changed) MUST_CHECK;

#endif
