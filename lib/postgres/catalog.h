// What the log does not say of tables and types: key order, NOT NULL, defaults, the types under domains.
//
// A store that catalog_load.c fills from the server and the tests fill from a file. It shows the catalog as
// it stands now; the log may be older, and a column that is not found here is taken as nullable and without a
// default.
#ifndef CDC_POSTGRES_CATALOG_H
#define CDC_POSTGRES_CATALOG_H

#include "postgres/types.h"

struct catalog_column {
    char *name;
    char *default_text; // the constant that a literal default stands for, as the type prints it; or NULL
    bool calls;         // the default is a function's result: now(), nextval('…')
    bool not_null;
    int key; // place in the primary key, or in the replica identity's index without one; from 1, 0: none
};

struct catalog_table {
    uint32_t oid;
    size_t n;
    struct catalog_column *column;
};

struct catalog_type {
    uint32_t oid;
    struct pg_type_info info; // its texts are owned
};

struct catalog {
    struct catalog_table *table;
    size_t tables;
    struct catalog_type *type;
    size_t types;
};

void catalog_release(struct catalog *c);

// Texts are copied. Types are added in the order of their oids. expression: the column's default as
// pg_get_expr() prints it, or NULL.
bool catalog_add_column(struct catalog *c, uint32_t table, const char *name, bool not_null,
                        const char *expression, int key, struct err *e) MUST_CHECK;
bool catalog_add_type(struct catalog *c, uint32_t oid, const struct pg_type_info *info,
                      struct err *e) MUST_CHECK;

const struct catalog_table *catalog_table(const struct catalog *c, uint32_t oid);
const struct catalog_column *catalog_column(const struct catalog_table *t, struct span name); // t may be NULL

// A type that is not known here is one that the event leaves out.
struct pg_type_info catalog_type(const struct catalog *c, uint32_t oid);
bool catalog_has_type(const struct catalog *c, uint32_t oid);

// Before it is loaded anew.
void catalog_forget_table(struct catalog *c, uint32_t oid);
void catalog_forget_types(struct catalog *c);

#endif
