// A column's JSON value as a typed value of an Iceberg table's field: exactly, or not at all. Pure.
#ifndef CDC_ICEBERG_VALUE_H
#define CDC_ICEBERG_VALUE_H

#include "iceberg/types.h"

// One JSON value, without white space around it, as a value of type `to`: the column's own, a wider
// one, or another that can hold its values (a text for what is spelled as one, a long for a time). Memory is
// the arena's or the JSON's. STATUS_DATA, with the column's name, the value's beginning and what was needed,
// where it does not fit. `null` is null: whether the field allows it is the caller's to check.
bool ice_value_read(const struct ice_row_column *c, const struct ice_type *to, struct span json,
                    struct arena *a, struct ice_value *v, struct err *e) MUST_CHECK;

// An infinite timestamp of PostgreSQL, in microseconds, as Debezium writes it.
#define ICE_TIMESTAMP_INFINITY INT64_C(9223372036825200000)
#define ICE_TIMESTAMP_MINUS_INFINITY INT64_C(-9223372036832400000)

#endif
