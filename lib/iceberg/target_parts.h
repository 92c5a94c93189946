// The rows of a batch by their partition, so that files are written one after the other. Order: init, put for
// each row, sort; then parts and order are there. release in any case.
#ifndef CDC_ICEBERG_TARGET_PARTS_H
#define CDC_ICEBERG_TARGET_PARTS_H

#include "iceberg/partition.h"
#include "iceberg/rows.h"

struct ice_part {
    const struct ice_value *partition; // the arena's
    size_t begin, n;                   // its rows, in order
};

struct ice_parts {
    const struct ice_partition *by;
    struct arena *arena;
    struct ice_rows known; // partitions, by their key
    struct ice_value *of;  // of a row
    struct buf key, placed;
    struct buf list; // struct ice_part: those of known, in its order
    const struct ice_part *parts;
    size_t n;
    uint32_t *order; // rows, those of a part together, and within it as they were put
};

// by and the arena must stay.
void ice_parts_init(struct ice_parts *p, const struct ice_partition *by, struct arena *a);
void ice_parts_release(struct ice_parts *p);

// values: the row's, one a field of the schema.
bool ice_parts_put(struct ice_parts *p, uint32_t row, const struct ice_value *values,
                   struct err *e) MUST_CHECK;
bool ice_parts_sort(struct ice_parts *p, struct err *e) MUST_CHECK;

#endif
