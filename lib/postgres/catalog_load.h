// Fills the catalog from a server.
#ifndef CDC_POSTGRES_CATALOG_LOAD_H
#define CDC_POSTGRES_CATALOG_LOAD_H

#include "postgres/catalog.h"
#include "postgres/client.h"
#include "postgres/tables.h"

// Every type, and the columns of these tables: a server may have many thousands that nobody asked for.
bool catalog_load(struct catalog *c, struct pg_client *client, const struct pg_tables *tables,
                  struct err *e) MUST_CHECK;

// One table, anew: its Relation comes again after each ANALYZE, so that must be cheap.
bool catalog_reload_table(struct catalog *c, struct pg_client *client, uint32_t oid,
                          struct err *e) MUST_CHECK;

bool catalog_load_types(struct catalog *c, struct pg_client *client, struct err *e) MUST_CHECK;

#endif
