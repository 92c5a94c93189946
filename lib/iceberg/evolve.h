// How a table's schema follows its source's: what a new table gets, what is changed in one that is there, and
// which of its fields a column's values go to. Pure.
//
// A column's field is the one of its name, or of a name that the table's name mapping
// (schema.name-mapping.default, which Iceberg keeps) has for it: a column that was renamed in the table
// alone. A field's id never changes its meaning. What a column that is gone leaves behind stays, as an
// optional field.
#ifndef CDC_ICEBERG_EVOLVE_H
#define CDC_ICEBERG_EVOLVE_H

#include "iceberg/types.h"

// Of a new table: ids from 1, the key's columns as identifier fields. STATUS_USAGE where the key cannot be
// one.
bool ice_schema_create(const struct ice_row_shape *shape, struct arena *a, struct ice_schema *s,
                       struct err *e) MUST_CHECK;

// Of a new change log: every column optional, no key, and behind them what a change is beside its row.
#define ICE_LOG_OP "cdc_op"
#define ICE_LOG_POSITION "cdc_position"
#define ICE_LOG_TIME "cdc_time"
bool ice_schema_create_log(const struct ice_row_shape *shape, struct arena *a, struct ice_schema *s,
                           struct err *e) MUST_CHECK;

// The place of the field of that name; -1: none.
int ice_schema_find_name(const struct ice_schema *s, struct span name);

// What the schema must become for the shape's rows; *changed: it is not that yet. mapping: JSON, or empty.
// *last_id, the table's highest id, rises with what is added. STATUS_USAGE where a column's type cannot come
// out of the field's.
bool ice_schema_evolve(const struct ice_schema *now, struct span mapping, const struct ice_row_shape *shape,
                       int32_t *last_id, struct arena *a, struct ice_schema *next, bool *changed,
                       struct err *e) MUST_CHECK;

// The place of each column's field in the schema; -1: it has none.
bool ice_row_bind(const struct ice_row_shape *shape, const struct ice_schema *s, struct span mapping,
                  struct arena *a, int **places, struct err *e) MUST_CHECK;

// A new table's schema.name-mapping.default.
void ice_name_mapping_write(const struct ice_schema *s, struct buf *out);

#endif
