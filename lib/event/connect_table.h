// The Connect schemas of a table's events: what every source's have in common.
#ifndef CDC_EVENT_CONNECT_TABLE_H
#define CDC_EVENT_CONNECT_TABLE_H

#include "event/column_rule.h"
#include "event/connect.h"
#include "event/shape.h"

// A type's schema, and the numbers that its parameters spell. It points into itself: not to be copied.
struct connect_type {
    struct connect_schema schema, element; // element: of an array
    char text[2][16];
};

// Each is of s, which is t's schema or element.
void connect_named(struct connect_schema *s, const char *type, const char *name); // version 1, where named
void connect_parameter(struct connect_schema *s, const char *name, struct span value);
void connect_number(struct connect_type *t, struct connect_schema *s, const char *name, int v);

// precision: 0 for none.
void connect_decimal(struct connect_type *t, struct connect_schema *s, enum shape_decimal mode, int scale,
                     int precision);
void connect_bits(struct connect_type *t, struct connect_schema *s, int length);
void connect_geometry(struct connect_schema *s, bool point, const char *name); // name: where it is no point

enum connect_temporal { CONNECT_DATE, CONNECT_TIME, CONNECT_TIMESTAMP };
enum connect_unit { CONNECT_MS, CONNECT_US, CONNECT_NS, CONNECT_ISO, CONNECT_OWN }; // of a date: any number
void connect_time(struct connect_schema *s, enum connect_temporal kind, enum connect_unit unit);

// A rule's mark on the schema. max_chars: of the column, 0: it has none; a text that it keeps short enough is
// not cut. rule: NULL for none.
void connect_rule(struct connect_type *t, const struct column_rule *rule, size_t max_chars);

// A table's columns, in the value's order; describe fills in a column's field.
struct connect_table {
    struct span topic;
    size_t n;
    const uint16_t *key;
    size_t n_key;
    const void *table;
    bool (*in_value)(const void *table, size_t i);
    void (*describe)(const void *table, size_t i, bool in_key, struct connect_type *t);
    const char *source; // the source block's schema
};

// Appends one `schema` control line. at: the token of the event that follows.
void connect_write_table(const struct connect_table *t, const struct pos *at, struct buf *out);

#define CONNECT_OPTIONAL_STRING_FIELD(name) "{\"type\":\"string\",\"optional\":true,\"field\":\"" name "\"}"
#define CONNECT_OPTIONAL_INT64_FIELD(name) "{\"type\":\"int64\",\"optional\":true,\"field\":\"" name "\"}"

// The source block's `snapshot`.
#define CONNECT_SNAPSHOT_FIELD                                                                               \
    "{\"type\":\"string\",\"optional\":true,\"name\":\"io.debezium.data.Enum\",\"version\":1,"               \
    "\"parameters\":{\"allowed\":"                                                                           \
    "\"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental\"},"               \
    "\"default\":\"false\",\"field\":\"snapshot\"}"

#endif
