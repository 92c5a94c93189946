// Column types: what the server prints becomes what Debezium prints.
//
// A type is resolved once a relation, to a struct pg_type which holds all that its values' form depends on;
// each value then costs one call. Values come as text, as pgoutput, COPY and a query give them, in the
// session's one form (client.c: ISO dates, UTC, hex bytea).
#ifndef CDC_POSTGRES_TYPES_H
#define CDC_POSTGRES_TYPES_H

#include "base/buf.h"
#include "event/column_rule.h"
#include "event/shape.h"
#include "postgres/datetime.h"

#include <stdint.h>

// How a type's values are written. PG_FORM_NONE: a type that Debezium does not know, left out of the event.
enum pg_form {
    PG_FORM_NONE,
    PG_FORM_INTEGER,
    PG_FORM_BOOLEAN,
    PG_FORM_FLOAT4,
    PG_FORM_FLOAT8,
    PG_FORM_NUMERIC,          // of a scale
    PG_FORM_NUMERIC_VARIABLE, // of any
    PG_FORM_TEXT,
    PG_FORM_BYTEA,
    PG_FORM_DATE,
    PG_FORM_TIME,
    PG_FORM_TIMETZ, // "10:34:56.123456Z"
    PG_FORM_TIMESTAMP,
    PG_FORM_TIMESTAMPTZ, // "2020-01-02T01:04:05.000000Z"
    PG_FORM_BIT,         // bit(1): a boolean
    PG_FORM_BITS,
    PG_FORM_MONEY,
    PG_FORM_INTERVAL,
    PG_FORM_HSTORE,
    PG_FORM_POINT,
    PG_FORM_GEOMETRY,
    PG_FORM_VECTOR,        // of doubles
    PG_FORM_HALF_VECTOR,   // of floats
    PG_FORM_SPARSE_VECTOR, // {"dimensions":n,"vector":[[index,double]…]}
    PG_FORM_OPAQUE,        // what would be NONE, with --include-unknown-datatypes: its text, as bytes
    PG_FORM_RULE,          // text that is cut, masked or hashed
};
#define PG_FORMS (PG_FORM_RULE + 1)

struct pg_type {
    enum pg_form form; // of an array: its elements'
    bool is_array;
    char delimiter; // between an array's elements
    uint32_t base;  // as pg_type_info has it
    bool is_enum;
    int bytes;     // integer: 2, 4 or 8
    int digits;    // numeric: the precision; 0: none
    int scale;     // numeric, money
    int precision; // digits of a second's fraction, 0 … 6
    int length;    // characters, or bits; 0: unlimited
    enum datetime_unit unit;
    const struct shape *shape;
    const struct column_rule *rule; // RULE; BYTEA: to be cut, or NULL
    const char *logical;            // Connect's name of a text type, or NULL
    bool is_text;                   // text that rules apply to
};

// What the catalog knows of a type: base is the type under a domain (or the type itself), typmod the domain's
// own. Of an array all tell of its elements. kind is pg_type.typtype of the base: b base, e enum, r range, c
// composite, m multirange.
struct pg_type_info {
    bool is_array;
    uint32_t base;
    int32_t typmod;
    char kind;
    const char *name;   // pg_type.typname of the base
    const char *labels; // of an enum, joined by commas; or NULL
};

// typmod: the column's; -1 for none, then a domain's counts. rule: what the command line wants of the column,
// or NULL; it is left unused where it does not apply to the type. The pointers are borrowed.
struct pg_type pg_type_resolve(const struct pg_type_info *info, int32_t typmod, const struct shape *shape,
                               const struct column_rule *rule);

// Whether PostgreSQL itself brings the type, so that its oid alone says which it is (FirstNormalObjectId).
static inline bool pg_type_is_builtin(uint32_t oid)
{
    return oid < 16384;
}

// Resolves a built-in type's oid. The name is NULL where this version does not know it.
struct pg_type_info pg_type_builtin(uint32_t oid);

// Appends the value. STATUS_DATA where the text is not what the type prints.
bool pg_type_write(const struct pg_type *t, struct span text, struct buf *out, struct err *e) MUST_CHECK;

// What the type's values are called, for messages.
const char *pg_type_form_name(const struct pg_type *t);

// SQL's NULL: null, but for a column that is masked.
bool pg_type_write_null(const struct pg_type *t, struct buf *out, struct err *e) MUST_CHECK;

// The type's zero as the server prints it; NULL: it has none.
const char *pg_type_zero(const struct pg_type *t);

// Appends what Debezium prints for a NOT NULL column whose old value the log does not have: the type's zero.
bool pg_type_write_zero(const struct pg_type *t, struct buf *out, struct err *e) MUST_CHECK;

// Appends Debezium's placeholder for an unchanged TOASTed value. STATUS_DATA for a form that has none.
bool pg_type_write_unavailable(const struct pg_type *t, struct buf *out, struct err *e) MUST_CHECK;

#endif
