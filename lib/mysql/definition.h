// How a table is defined, as the server's catalog says it, and what Debezium's schema changes tell of that.
//
// Filled by definition_load.c from the server, and by hand in tests.
#ifndef CDC_MYSQL_DEFINITION_H
#define CDC_MYSQL_DEFINITION_H

#include "base/buf.h"

struct my_column_definition {
    struct span name;
    struct span type;     // as SHOW CREATE TABLE has it: decimal(5,2) unsigned, enum('a','b'), …
    struct span charset;  // empty: none
    struct span fallback; // a literal default, without quotes, of bits its digits; of the current time 1970
    bool has_fallback;
    bool now; // the default is the current time
    bool nullable, auto_increment;
};

struct my_definition {
    struct span charset;                 // the table's
    struct my_column_definition *column; // owned
    size_t n;                            // 0: there is no such table
    size_t
        *key; // owned; columns in the primary key's order, or in that of the unique index that stands for it
    size_t n_key;
    bool primary;    // it is the primary key
    struct buf text; // owns what the spans point to
};

void my_definition_release(struct my_definition *d);

// A column's default as information_schema.COLUMNS shows it, with the column's type: MySQL the value itself
// and in EXTRA whether it is an expression; MariaDB an expression. Appends the literal to text. False where
// it is none: no default, NULL, an expression.
bool my_default_literal(bool mariadb, const char *type, const char *shown, const char *extra, bool *now,
                        struct buf *text);

// Appends {"defaultCharsetName":…,"columns":[…],"comment":null}.
void my_definition_write(const struct my_definition *d, struct buf *out);

#endif
