// Tables in folders, as Hadoop's catalog lays them out: DIR/NAMESPACE/TABLE/metadata/vN.metadata.json, the
// newest N is the table. A commit is the link() of the next one, which fails where it is there already: on a
// local file system, or one that keeps POSIX's promise about link().
#ifndef CDC_ICEBERG_CATALOG_FILE_H
#define CDC_ICEBERG_CATALOG_FILE_H

#include "iceberg/catalog.h"

// The folder must be there. *c is freed by its close.
bool ice_catalog_open_file(struct span dir, struct ice_catalog **c, struct err *e) MUST_CHECK;

#endif
