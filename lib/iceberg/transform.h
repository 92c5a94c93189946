// Partition transforms of the Iceberg specification. Pure.
#ifndef CDC_ICEBERG_TRANSFORM_H
#define CDC_ICEBERG_TRANSFORM_H

#include "iceberg/table.h"

// What a transform makes of a source type: int for bucket and the times (date for day), else the source's
// type.
// False where it takes no such type.
bool ice_transform_type(const struct ice_transform *t, const struct ice_type *source,
                        struct ice_type *result);

// The partition's value of a row's; null stays null. Memory is the source value's or the arena's.
bool ice_transform_apply(const struct ice_transform *t, const struct ice_type *source,
                         const struct ice_value *v, struct arena *a, struct ice_value *result,
                         struct err *e) MUST_CHECK;

// The part of a file's path that names the partition, as spec field `name`: NAME=VALUE, percent-encoded.
void ice_transform_path(const struct ice_partition_field *f, const struct ice_type *result,
                        const struct ice_value *v, struct buf *out);

// <0, 0, >0 of two values of a primitive type that are not null, in Iceberg's order (bytes unsigned, NaN
// last).
int ice_value_compare(const struct ice_type *t, const struct ice_value *a, const struct ice_value *b);

#endif
