// Iceberg's types, schemas and values, and their JSON form.
#ifndef CDC_ICEBERG_SCHEMA_H
#define CDC_ICEBERG_SCHEMA_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>

__extension__ typedef __int128 ice_decimal;

enum ice_kind {
    ICE_BOOLEAN,
    ICE_INT,
    ICE_LONG,
    ICE_FLOAT,
    ICE_DOUBLE,
    ICE_DECIMAL,     // precision, scale
    ICE_DATE,        // days from 1970-01-01
    ICE_TIME,        // µs from midnight
    ICE_TIMESTAMP,   // µs from 1970-01-01, without a zone
    ICE_TIMESTAMPTZ, // µs from 1970-01-01 UTC
    ICE_STRING,
    ICE_UUID,
    ICE_FIXED, // length
    ICE_BINARY,
    ICE_STRUCT, // fields
    ICE_LIST,   // one field: element
    ICE_MAP,    // two fields: key, value
};

struct ice_type {
    enum ice_kind kind;
    int precision, scale;
    uint32_t length;
    struct ice_field *fields;
    size_t n;
};

struct ice_field {
    int32_t id;
    bool required;
    struct span name; // unescaped
    struct span doc;  // unescaped; empty: none
    struct ice_type type;
};

struct ice_schema {
    int32_t id;
    struct ice_field *fields;
    size_t n;
    int32_t *keys; // identifier-field-ids, in the key's order
    size_t n_keys;
};

// One value of a type. Bytes and items are borrowed.
struct ice_value {
    bool is_null;
    union {
        bool boolean;
        int64_t i64; // int, long, date, time, timestamp, timestamptz
        float f32;
        double f64;
        ice_decimal decimal; // unscaled, at the type's scale
        struct span bytes;   // string (UTF-8), uuid (16 bytes, big-endian), fixed, binary
        struct {             // struct: one of each field; list: elements; map: key, value, key, value …
            const struct ice_value *items;
            size_t n;
        } nested;
    };
};

// One schema as the metadata writes it, {"type":"struct","schema-id":…,"fields":[…]}, into arena memory.
bool ice_schema_read(struct span json, struct arena *a, struct ice_schema *s, struct err *e) MUST_CHECK;
// And the other way round; with_id: with its "schema-id".
void ice_schema_write(const struct ice_schema *s, bool with_id, struct buf *out);

// A type by its JSON: "long", "decimal(10,2)", {"type":"list",…}.
bool ice_type_read(struct span json, struct arena *a, struct ice_type *t, struct err *e) MUST_CHECK;
void ice_type_write(const struct ice_type *t, struct buf *out);

bool ice_type_is_nested(const struct ice_type *t);

// The place of a top-level field among the schema's; -1: none.
int ice_schema_find(const struct ice_schema *s, int32_t id);

// A quoted string's text: the string's own bytes where nothing is escaped in it, else arena memory.
bool ice_unquote(struct span quoted, struct arena *a, struct span *text, struct err *e) MUST_CHECK;

#endif
