// A row's JSON as the values of a table's fields. Pure.
#ifndef CDC_ICEBERG_ROW_H
#define CDC_ICEBERG_ROW_H

#include "iceberg/value.h"

// How rows of a shape go into a schema: the place of each column's field (evolve.h).
struct ice_binding {
    const struct ice_row_shape *shape;
    const struct ice_schema *schema;
    const int *places;
};

// Fills values, one a field of the schema. A field that no column feeds is null. Columns that the row lacks
// are null, and their fields marked in gaps (one a field), where that is not NULL. STATUS_DATA where a value
// does not fit, is null against the schema, or is of no column.
bool ice_row_read(const struct ice_binding *b, struct span row, struct span key, struct arena *a,
                  struct ice_value *values, bool *gaps, struct err *e) MUST_CHECK;

// The key's values alone, one a column of the key, in its order.
bool ice_key_read(const struct ice_binding *b, struct span key, struct arena *a, struct ice_value *values,
                  struct err *e) MUST_CHECK;

#endif
