// The next metadata file of a table: a commit's updates applied to its JSON. Pure.
//
// What the updates do not touch stays as it is, members that are not known here too.
#ifndef CDC_ICEBERG_METADATA_H
#define CDC_ICEBERG_METADATA_H

#include "iceberg/table.h"

// The first metadata of a table, version 2, without a snapshot. The schema has its ids.
void ice_metadata_first(const struct ice_schema *schema, struct span uuid, struct span location,
                        struct span properties, int64_t now_ms, struct buf *out);

// Applies updates in the REST protocol's form: add-schema, set-current-schema, add-spec, add-snapshot, set-snapshot-ref
// (of main), set-properties, remove-properties; any other is STATUS_DATA. The log of metadata files gets
// t->file and is cut by write.metadata.previous-versions-max; dropped gets the locations that fell out of it,
// each ended by a NUL.
bool ice_metadata_apply(const struct ice_table *t, struct span updates, int64_t now_ms, struct buf *out,
                        struct buf *dropped, struct err *e) MUST_CHECK;

#endif
