// What a manifest tells of a file's columns: how many values, how many are null, the least and the greatest.
// Readers leave out files by it, and deletes that cannot touch a file.
//
// Bounds are kept where their order is the same for all readers: not for floats (NaN, -0.0), UUIDs (Java
// compares halves as signed numbers), booleans, fixed and nested types.
#ifndef CDC_ICEBERG_BOUNDS_H
#define CDC_ICEBERG_BOUNDS_H

#include "iceberg/manifest.h"

struct ice_bounds {
    const struct ice_type *type;
    int64_t nulls;
    bool any;
    struct ice_value least, greatest; // numbers
    struct buf first, last;           // the bytes of texts
};

void ice_bounds_init(struct ice_bounds *b, const struct ice_type *type);
void ice_bounds_release(struct ice_bounds *b);
void ice_bounds_see(struct ice_bounds *b, const struct ice_value *v);
// Of n values in all. False where memory is short.
bool ice_bounds_tell(const struct ice_bounds *b, int32_t id, int64_t n, struct arena *a,
                     struct ice_column_stats *stats);

// Appends a value in Iceberg's single-value form (its Appendix D). Not for nested types.
void ice_value_bytes(const struct ice_type *t, const struct ice_value *v, struct buf *out);

#endif
