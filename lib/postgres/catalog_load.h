// Fills the catalog from a server.
#ifndef CDC_POSTGRES_CATALOG_LOAD_H
#define CDC_POSTGRES_CATALOG_LOAD_H

#include "postgres/catalog.h"
#include "postgres/client.h"

// Every type, and the columns of every table but the system's.
bool catalog_load(struct catalog *c, struct pg_client *client, struct err *e) MUST_CHECK;

// One table, anew, and the types that came since.
bool catalog_reload_table(struct catalog *c, struct pg_client *client, uint32_t oid,
                          struct err *e) MUST_CHECK;

#endif
