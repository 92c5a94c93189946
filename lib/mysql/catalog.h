// What the log does not say of tables: defaults, the unique index that stands for a missing primary key,
// FLOAT(M,D), and MariaDB's types that are logged as BINARY.
//
// A store that catalog_load.c fills from the server and the tests fill by hand. It shows the catalog as it
// stands now; the log may be older, and what is not found here is taken as the log has it.
#ifndef CDC_MYSQL_CATALOG_H
#define CDC_MYSQL_CATALOG_H

#include "mysql/types.h"

struct my_catalog_column {
    char *name;
    enum my_hint hint;
    int key;        // place in the unique index that serves as the key, from 1; 0: none
    char *fallback; // a literal default, where it is asked for; or NULL
    bool now;       // it stands for the current time
};

struct my_catalog_table {
    char *db, *name;
    size_t n;
    struct my_catalog_column *column;
};

struct my_catalog {
    struct my_catalog_table *table;
    size_t n;
};

void my_catalog_release(struct my_catalog *c);

// Texts are copied. Table and column are made if they are not there; a hint or a place in the key is added to
// them.
bool my_catalog_add(struct my_catalog *c, const char *db, const char *table, const char *column,
                    enum my_hint hint, int key, struct err *e) MUST_CHECK;

// A column's default, of a column that is there or not.
bool my_catalog_set_fallback(struct my_catalog *c, const char *db, const char *table, const char *column,
                             struct span fallback, bool now, struct err *e) MUST_CHECK;

const struct my_catalog_table *my_catalog_table(const struct my_catalog *c, struct span db,
                                                struct span table);
const struct my_catalog_column *my_catalog_column(const struct my_catalog_table *t,
                                                  struct span name); // t may be NULL

// Before it is loaded anew.
void my_catalog_forget(struct my_catalog *c, struct span db, struct span table);

// From information_schema.COLUMNS: DATA_TYPE, COLUMN_TYPE.
enum my_hint my_hint_of(const char *data_type, const char *column_type);

#endif
