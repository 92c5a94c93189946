// A look-up as MySQL and MariaDB run it: the table's columns, and the statement that finds its rows by their
// keys, prepared on the server; the keys are its variables. Equality is the server's, collations and all, so
// the server tells each row's key by number.
//
// It holds for the table as it was described: the results' columns tell when it was changed.
#ifndef CDC_MYSQL_LOOKUP_H
#define CDC_MYSQL_LOOKUP_H

#include "event/dimension.h"
#include "mysql/scan.h"

// Keys of one statement. The server compares a row with half of them, on average.
#define MY_LOOKUP_KEYS 128

struct my_lookup {
    struct my_scan scan;
    size_t column[DIMENSION_COLUMNS_MAX], n; // of scan.relation
    size_t key[DIMENSION_KEYS_MAX];
    struct buf shape; // of the results
    struct buf sql;
};

// Describes the table and prepares the statement. STATUS_USAGE where the table has not what the spec names.
// c: a connection whose character_set_results is NULL. To be released after a failure too.
bool my_lookup_make(struct my_lookup *l, struct my_client *c, const struct dimension_spec *spec,
                    struct my_writing *w, struct err *e) MUST_CHECK;
void my_lookup_release(struct my_lookup *l);

// Begins it for n keys, at most MY_LOOKUP_KEYS, each n_key texts one behind the other. A row begins with 1 +
// l->n cells: the key's number, from 0, and the columns. STATUS_DATA where a key is none for its column.
bool my_lookup_run(struct my_lookup *l, struct my_client *c, const struct dimension_spec *spec,
                   const struct span *keys, size_t n, struct my_writing *w, struct err *e) MUST_CHECK;

// Whether the result that was begun is of the table that was described.
bool my_lookup_holds(const struct my_lookup *l, const struct my_client *c);

// The same without a result, where a key was none for its column: is the column the one that was described?
bool my_lookup_check(struct my_lookup *l, struct my_client *c, const struct dimension_spec *spec, bool *holds,
                     struct err *e) MUST_CHECK;

#endif
