// --metadata catalog: what a log with MINIMAL metadata leaves out of a table map, from the server's catalog.
//
// The catalog shows the table as it stands now. What the log does say has to agree with it: the number of
// columns, their types, sizes and whether they may be null.
#ifndef CDC_MYSQL_CATALOG_MAP_H
#define CDC_MYSQL_CATALOG_MAP_H

#include "mysql/client.h"
#include "mysql/table_map.h"

// The table as the catalog has it, in the form of a map; asked of sql. To be released after a failure too.
bool my_catalog_map_load(struct table_map *known, struct my_client *sql, struct span db, struct span table,
                         struct err *e) MUST_CHECK;

// Adds to the log's map what it leaves out. STATUS_DATA where the two are not of the same table.
bool my_catalog_map_complete(struct table_map *logged, const struct table_map *known,
                             struct err *e) MUST_CHECK;

#endif
