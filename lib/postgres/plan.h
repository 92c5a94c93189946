// Where a table's chunks begin and end.
//
// Nothing is counted: an integer key is cut into equal strides where its values are about as dense at the
// beginning as they are on the whole, any other key by walking its index. Borders need not exist as rows, and
// rows that come or go meanwhile do no harm: a chunk is all rows between two borders, in whatever view it is
// read.
#ifndef CDC_POSTGRES_PLAN_H
#define CDC_POSTGRES_PLAN_H

#include "postgres/scan.h"

struct plan {
    const struct scan *scan;
    struct pg_client *client;
    uint64_t chunk_rows;
    struct buf low, high; // quoted rows: the next chunk's borders
    bool has_low, has_high;
    struct key key; // of the border that was planned last
    struct buf key_text, border;
    bool ended;
    // Of strides.
    bool strides;
    int64_t at, last; // the border planned last, the highest key
    uint64_t step;
};

void plan_init(struct plan *p, struct pg_client *client, uint64_t chunk_rows);
void plan_release(struct plan *p);

// Begins behind `after`, a JSON array of the key's values, or with the first row where it is NULL. The scan
// is borrowed.
bool plan_begin(struct plan *p, const struct scan *scan, const char *after, struct err *e) MUST_CHECK;

// Sets low and high to the next chunk's. Not to be called once `ended`.
bool plan_next(struct plan *p, struct err *e) MUST_CHECK;

// The border behind which nothing is planned yet, as a JSON array; NULL where it is the table's beginning.
// Valid until the next call.
const char *plan_border(struct plan *p);

#endif
