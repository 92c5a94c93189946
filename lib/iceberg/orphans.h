// Files below a table's folder that none of its metadata names: of commits that were given up, of processes
// that were killed, and old metadata files. The sink never deletes one: this lists them.
#ifndef CDC_ICEBERG_ORPHANS_H
#define CDC_ICEBERG_ORPHANS_H

#include "iceberg/catalog.h"

// Calls see with the path of each, of all tables of the namespace, that was last changed before the time. A
// commit that is under way has files that nothing names yet: let it be long ago.
typedef bool ice_orphan_see(struct span path, struct err *e);
bool ice_orphans_list(struct ice_catalog *c, struct span space, int64_t before_ms, ice_orphan_see *see,
                      struct err *e) MUST_CHECK;

#endif
