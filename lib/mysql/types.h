// Column types. A type is resolved once a table, to a struct my_type; type_value.h and cell.h write its
// values.
#ifndef CDC_MYSQL_TYPES_H
#define CDC_MYSQL_TYPES_H

#include "event/column_rule.h"
#include "event/shape.h"
#include "event/tail.h"
#include "mysql/charset.h"
#include "mysql/table_map.h"

enum my_form {
    MY_FORM_INTEGER,
    MY_FORM_UNSIGNED,
    MY_FORM_BIGINT_UNSIGNED, // as a signed number that wraps, or as a decimal
    MY_FORM_FLOAT,
    MY_FORM_DOUBLE,
    MY_FORM_FLOAT_AS_DOUBLE, // FLOAT(M,D)
    MY_FORM_DECIMAL,
    MY_FORM_BIT, // BIT(1): a boolean
    MY_FORM_BITS,
    MY_FORM_YEAR,
    MY_FORM_DATE,
    MY_FORM_TIME,
    MY_FORM_DATETIME,
    MY_FORM_TIMESTAMP,
    MY_FORM_TEXT,
    MY_FORM_BYTES,
    MY_FORM_ENUM,
    MY_FORM_SET,
    MY_FORM_JSON,
    MY_FORM_GEOMETRY,
    MY_FORM_POINT,
    MY_FORM_VECTOR,
    MY_FORM_UUID,
    MY_FORM_INET4,
    MY_FORM_INET6,
};

// What the log does not say of a column, and the catalog may.
enum my_hint { MY_HINT_NONE, MY_HINT_FLOAT_SCALED, MY_HINT_UUID, MY_HINT_INET4, MY_HINT_INET6 };

// How values are written, in one run, and the room to do it.
struct my_writing {
    struct shape shape;
    bool precise_unsigned; // bigint.unsigned.handling.mode
    bool adjust_years;     // enable.time.adjuster
    bool schemas;          // defaults and labels are wanted for Connect's
    struct charsets *charsets;
    struct buf inflated, text, old_text;
};

// shape.time: SHAPE_ADAPTIVE is none of MySQL's. max_value_bytes: what a value may take.
bool my_writing_init(struct my_writing *w, size_t max_value_bytes, struct err *e) MUST_CHECK;
// As the options want it.
bool my_writing_set(struct my_writing *w, const struct tail_options *o, const struct shape *shape,
                    struct err *e) MUST_CHECK;
void my_writing_release(struct my_writing *w);

struct my_type {
    enum my_form form;
    uint8_t wire;    // enum my_wire
    bool is_new;     // of the temporal types since 5.6
    bool compressed; // MariaDB
    bool nullable;
    uint8_t precision, scale; // decimal
    uint16_t length;          // BINARY: bytes; BIT: bits; CHAR, VARCHAR: characters
    int digits;               // of a second's fraction
    uint32_t collation;
    const struct column_rule *rule; // or NULL
    // As the run writes it.
    enum shape_time time;
    enum shape_decimal decimal;
    enum shape_binary binary;
    bool precise_unsigned;
    struct span *label; // owned; ENUM, SET: UTF-8, escaped for a JSON string, without quotes
    size_t n_labels;
    struct buf labels; // owns the labels' bytes
};

// rule: what the command line wants of the column, or NULL. STATUS_DATA where a label is not of its character
// set.
bool my_type_resolve(struct my_type *t, const struct table_column *column, enum my_hint hint,
                     const struct column_rule *rule, struct my_writing *w, struct err *e) MUST_CHECK;
void my_type_release(struct my_type *t);

#endif
