// Where a table's chunks begin and end.
//
// Nothing is counted: an integer key is cut into equal strides where its values are about as dense at the
// beginning as they are on the whole, any other key by walking its index. Borders need not exist as rows, and
// rows that come or go meanwhile do no harm: a chunk is all rows between two borders, in whatever view it is
// read.
#ifndef CDC_SNAPSHOT_PLAN_H
#define CDC_SNAPSHOT_PLAN_H

#include "snapshot/key.h"

// Who can ask the database. after: a JSON array of the key's values, NULL: the table's beginning.
struct plan_calls {
    // Appends the key of the n-th row behind `after`; *found is false where there are not so many.
    bool (*walk)(void *self, const char *after, uint64_t n, struct buf *key, bool *found, struct err *e);
    // Of a key that is one integer: the lowest and the highest behind `after`; *some is false without one, or
    // where they are beyond 64 bits.
    bool (*extent)(void *self, const char *after, int64_t *first, int64_t *last, bool *some, struct err *e);
};

// The table's key, none where the client does not know its order: the table is read in one pass then.
struct plan_key {
    size_t n;
    enum key_kind kind[KEY_MAX_COLUMNS];
    uint64_t rows;       // of the table, about; 0: not known
    uint64_t chunk_rows; // 0: all is one chunk
};

struct plan {
    const struct plan_calls *calls;
    void *self;
    const struct plan_key *key;
    struct buf low, high; // the next chunk's borders
    bool has_low, has_high;
    bool ended;
    // Of strides.
    bool strides;
    int64_t at, last; // the border planned last, the highest key
    uint64_t step;
};

void plan_init(struct plan *p, const struct plan_calls *calls, void *self);
void plan_release(struct plan *p);

// Begins behind `after`, or with the first row where it is NULL. The key is borrowed.
bool plan_begin(struct plan *p, const struct plan_key *key, const char *after, struct err *e) MUST_CHECK;

// Sets low and high to the next chunk's. Not to be called once `ended`.
bool plan_next(struct plan *p, struct err *e) MUST_CHECK;

// The border behind which nothing is planned yet; NULL where it is the table's beginning. Valid until the
// next call.
const char *plan_border(struct plan *p);

#endif
