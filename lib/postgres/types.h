// Column types: what the server prints becomes what Debezium prints.
//
// A type is resolved once a relation, to a struct pg_type; each value then costs one call. Values come as
// text, as pgoutput and COPY give them, in the session's one form (client.c: ISO dates, UTC, hex bytea).
#ifndef CDC_POSTGRES_TYPES_H
#define CDC_POSTGRES_TYPES_H

#include "base/buf.h"

#include <stdint.h>

// How a type's values are written. PG_FORM_NONE: a type that Debezium does not know, left out of the event.
enum pg_form {
    PG_FORM_NONE,
    PG_FORM_INTEGER,
    PG_FORM_BOOLEAN,
    PG_FORM_FLOAT4,
    PG_FORM_FLOAT8,
    PG_FORM_NUMERIC,          // base64 of the unscaled value at the column's scale
    PG_FORM_NUMERIC_VARIABLE, // {"scale":n,"value":base64}
    PG_FORM_TEXT,
    PG_FORM_BYTEA,
    PG_FORM_DATE,        // days
    PG_FORM_TIME,        // ms or µs by precision
    PG_FORM_TIMETZ,      // "10:34:56.123456Z"
    PG_FORM_TIMESTAMP,   // ms or µs by precision
    PG_FORM_TIMESTAMPTZ, // "2020-01-02T01:04:05.000000Z"
    PG_FORM_BIT,         // bit(1): a boolean
    PG_FORM_BITS,
    PG_FORM_MONEY,
    PG_FORM_INTERVAL, // µs
    PG_FORM_HSTORE,   // a string that holds a JSON object
    PG_FORM_POINT,
};

struct pg_type {
    enum pg_form form; // of an array: its elements'
    bool is_array;
    int scale;     // numeric
    int precision; // digits of a second's fraction, 0 … 6
};

// What the catalog knows of a type: base is the type under a domain (or the type itself), typmod the domain's
// own. Of an array all tell of its elements. kind is pg_type.typtype of the base: b base, e enum, r range, c
// composite, m multirange.
struct pg_type_info {
    bool is_array;
    uint32_t base;
    int32_t typmod;
    char kind;
    const char *name; // pg_type.typname of the base
};

// typmod: the column's; -1 for none, then a domain's counts.
struct pg_type pg_type_resolve(const struct pg_type_info *info, int32_t typmod);

// Whether PostgreSQL itself brings the type, so that its oid alone says which it is (FirstNormalObjectId).
static inline bool pg_type_is_builtin(uint32_t oid)
{
    return oid < 16384;
}

// Resolves a built-in type's oid. The name is NULL where this version does not know it.
struct pg_type_info pg_type_builtin(uint32_t oid);

// Appends the value. STATUS_DATA where the text is not what the type prints.
bool pg_type_write(const struct pg_type *t, struct span text, struct buf *out, struct err *e) MUST_CHECK;

// Appends what Debezium prints for a NOT NULL column whose old value the log does not have: the type's zero.
void pg_type_write_zero(const struct pg_type *t, struct buf *out);

// Appends Debezium's placeholder for an unchanged TOASTed value. STATUS_DATA for a form that has none.
bool pg_type_write_unavailable(const struct pg_type *t, struct buf *out, struct err *e) MUST_CHECK;

#endif
