// Partition transforms of the Iceberg specification, a value at a time. Pure.
#ifndef CDC_ICEBERG_TRANSFORM_H
#define CDC_ICEBERG_TRANSFORM_H

#include "iceberg/table.h"

// What a transform makes of a source type: an int of bucket, year, month and hour, a date of day, else the
// source's type. False where it takes no such type.
bool ice_transform_type(const struct ice_transform *t, const struct ice_type *source,
                        struct ice_type *result) MUST_CHECK;

// The partition's value of a row's, of the types that ice_transform_type() has; null stays null. Its memory
// is the row's value's. False where it cannot stand in a partition.
bool ice_transform_apply(const struct ice_transform *t, const struct ice_type *source,
                         const struct ice_value *v, struct ice_value *result, struct err *e) MUST_CHECK;

// As the metadata has it: bucket[16].
void ice_transform_write(const struct ice_transform *t, struct buf *out);

// The hash that buckets are made of (the specification's Appendix B), of a type that bucket takes.
int32_t ice_hash(const struct ice_type *t, const struct ice_value *v);

// How many bytes a decimal takes in Avro: as few as hold every number of its precision.
int ice_decimal_bytes(int precision);

#endif
