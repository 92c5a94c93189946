// How Debezium's Connect schemas become Iceberg types. Pure.
//
// A topic's `schema` line gives the row's columns (struct ice_row_shape): for each the Iceberg type that its
// values take by default, and the form that its JSON has, by which they are read (value.h).
#ifndef CDC_ICEBERG_TYPES_H
#define CDC_ICEBERG_TYPES_H

#include "iceberg/schema.h"

#define ICE_MAX_PRECISION 38

// How a JSON value is spelled, by the Connect schema's type and semantic name.
enum ice_form_kind {
    ICE_FORM_BOOLEAN,
    ICE_FORM_INTEGER,
    ICE_FORM_FLOAT, // a number, or "NaN", "Infinity", "-Infinity"
    ICE_FORM_STRING,
    ICE_FORM_UUID,
    ICE_FORM_BYTES,            // base64
    ICE_FORM_DECIMAL,          // base64 of the unscaled value, of the form's scale
    ICE_FORM_DECIMAL_VARIABLE, // {"scale":…,"value":base64}
    ICE_FORM_DAYS,
    ICE_FORM_TIME,      // a count of the form's unit
    ICE_FORM_TIMESTAMP, // the same
    ICE_FORM_ISO_DATE,  // "2020-02-29Z"
    ICE_FORM_ISO_TIME,  // "12:34:56.789Z"
    ICE_FORM_ISO_TIMESTAMP,
    ICE_FORM_ZONED_TIMESTAMP,
    ICE_FORM_STRUCT,
    ICE_FORM_LIST,
    ICE_FORM_MAP,   // an object
    ICE_FORM_PAIRS, // a map whose keys are no texts: [[key,value],…]
};

enum ice_unit { ICE_MS, ICE_US, ICE_NS };

struct ice_row_column;

struct ice_form {
    enum ice_form_kind kind;
    enum ice_unit unit;
    int precision, scale;         // decimal; precision 0: not told
    struct ice_row_column *parts; // a struct's fields; a list's element; a map's key and value
    size_t n;
};

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
    size_t n_value; // how many of them are the value's
    int *keys;      // places of the key's columns, in the key's order
    size_t n_keys;
};

// A time of day is a long of microseconds instead of a `time`, which not every engine reads. That of MySQL
// always is: it is a duration of up to 838 hours there.
enum ice_time_type { ICE_TIME_AS_TIME, ICE_TIME_AS_LONG };

// key, value: the two Connect schemas of a `schema` line; key may be null. All memory is the arena's.
// STATUS_DATA where they are broken.
bool ice_row_shape_read(struct span key, struct span value, enum ice_time_type times, struct arena *a,
                        struct ice_row_shape *shape, struct err *e) MUST_CHECK;

#endif
