// A look-up as PostgreSQL runs it: the table's columns, and the statement that finds its rows by their keys.
//
// It holds for the table as it was described. A table that is changed later is found out by the results'
// types, which are the ones that the statement was prepared with, or by the server, which refuses to run it.
#ifndef CDC_POSTGRES_LOOKUP_H
#define CDC_POSTGRES_LOOKUP_H

#include "event/dimension.h"
#include "postgres/catalog.h"
#include "postgres/client.h"
#include "postgres/types.h"

struct pg_lookup_column {
    char *member; // "name":
    struct pg_type type;
};

struct pg_lookup {
    struct catalog catalog; // owns the types' texts
    struct pg_lookup_column *column;
    size_t n;
    struct buf sql;
    struct pg_rows *shape; // of its results
};

// Describes the table and prepares the statement, in place of one that the connection has. A name without a
// schema is looked up as the role's own statements would. STATUS_USAGE where the table has not what the spec
// names. To be released after a failure too.
bool pg_lookup_make(struct pg_lookup *l, struct pg_client *c, const struct dimension_options *o,
                    const struct dimension_spec *spec, struct err *e) MUST_CHECK;
void pg_lookup_release(struct pg_lookup *l);

// Runs it for n keys, each n_key texts one behind the other. A row is the key's number, from 1, the columns,
// and what is the same as the columns of the key but in value. *sqlstate as pg_query() has it.
bool pg_lookup_run(struct pg_client *c, const struct dimension_spec *spec, const struct span *keys, size_t n,
                   struct pg_rows **rows, char sqlstate[6], struct err *e) MUST_CHECK;

// Whether the result is of the table that was described.
bool pg_lookup_holds(const struct pg_lookup *l, const struct pg_rows *rows);

#endif
