// Fills the catalog from a server.
#ifndef CDC_MYSQL_CATALOG_LOAD_H
#define CDC_MYSQL_CATALOG_LOAD_H

#include "mysql/catalog.h"
#include "mysql/client.h"
#include "mysql/sql.h"

// One table, anew. A table that is not there any more has no entry.
bool my_catalog_load(struct my_catalog *c, struct my_client *client, struct span db, struct span table,
                     struct err *e) MUST_CHECK;

// Adds the defaults of the table's columns.
bool my_catalog_load_defaults(struct my_catalog *c, struct my_client *client, struct span db,
                              struct span table, struct err *e) MUST_CHECK;

#endif
