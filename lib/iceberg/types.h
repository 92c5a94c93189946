// How Debezium's Connect schemas become Iceberg schemas, and its JSON values typed ones. Pure.
//
// A topic's `schema` line gives the row's columns (struct ice_row_shape): for each the Iceberg type it needs
// and the form its JSON has. A table's schema is made of it (ice_schema_of_shape) or compared with it
// (ice_schema_evolve); then ice_row_bind() says which column of the row fills which field of the table.
#ifndef CDC_ICEBERG_TYPES_H
#define CDC_ICEBERG_TYPES_H

#include "iceberg/schema.h"

// The form of a JSON value, by the Connect schema: type and semantic name.
struct ice_form;

struct ice_row_column {
    struct span name;   // unescaped
    struct span quoted; // as it stands in the row, with its quotes
    bool required;      // NOT NULL in the source
    bool is_key;
    struct ice_type type; // ids are 0 in it
    const struct ice_form *form;
};

struct ice_row_shape {
    struct ice_row_column *columns; // the value's, in order; key columns that the value lacks behind them
    size_t n;
};

// key, value: the two Connect schemas of a `schema` line; key may be null. All memory is the arena's or
// borrows from the two. STATUS_DATA where they are broken; a type that has no Iceberg type becomes a string.
bool ice_row_shape_read(struct span key, struct span value, struct arena *a, struct ice_row_shape *shape,
                        struct err *e) MUST_CHECK;

// A new table's schema: fresh ids from 1 on (nested ones behind the top level's, as Iceberg assigns them),
// key columns required and identifiers, all other columns as the source has them.
bool ice_schema_of_shape(const struct ice_row_shape *shape, struct arena *a, struct ice_schema *s,
                         int32_t *last_column_id, struct err *e) MUST_CHECK;

// What of the shape the table's schema lacks: columns added, widened, dropped (made optional) or now
// nullable. *changed says whether *s differs from the table's; ids of new fields follow *last_column_id.
// STATUS_USAGE where a column cannot become what it has to be (a narrower or another type), with the way out.
bool ice_schema_evolve(const struct ice_schema *table, const struct ice_row_shape *shape, struct arena *a,
                       struct ice_schema *s, bool *changed, int32_t *last_column_id,
                       struct err *e) MUST_CHECK;

// Which column of the row fills each field of the schema; -1: none, it is null.
bool ice_row_bind(const struct ice_schema *s, const struct ice_row_shape *shape, int *column_of_field,
                  struct err *e) MUST_CHECK;

// One JSON value of a column as a value of a field of type `to` (the column's type or a wider one). Memory is
// the arena's or the JSON's. STATUS_DATA, with the value's beginning and what was needed, where it does not
// fit.
bool ice_value_read(const struct ice_row_column *c, const struct ice_type *to, struct span json,
                    struct arena *a, struct ice_value *v, struct err *e) MUST_CHECK;

#endif
