// Asks a server how a table is defined.
#ifndef CDC_MYSQL_DEFINITION_LOAD_H
#define CDC_MYSQL_DEFINITION_LOAD_H

#include "mysql/client.h"
#include "mysql/definition.h"

// As it stands now; d->n is 0 where there is no such table (any more). To be released after a failure too.
bool my_definition_load(struct my_definition *d, struct my_client *c, struct span db, struct span table,
                        struct err *e) MUST_CHECK;

// The rows of SHOW INDEX; none where there is no such table. To be freed.
bool my_show_index(struct my_client *c, struct span db, struct span table, struct my_rows **rows,
                   struct err *e) MUST_CHECK;

// Which of them, from *from up to *end, are the table's key: the primary key, or else the first unique index
// over NOT NULL columns in the order in which the server lists them. False where there is none.
bool my_find_key(const struct my_rows *rows, size_t *from, size_t *end, bool *primary);

#endif
