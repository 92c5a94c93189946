// Manifests made of manifests: many small ones merged into one, or one whose files are all deleted. Entries
// are copied record by record, so partitions and statistics stay as they are.
#ifndef CDC_ICEBERG_MANIFEST_REWRITE_H
#define CDC_ICEBERG_MANIFEST_REWRITE_H

#include "iceberg/table.h"

// Merges, in a list (struct ice_manifest) that is to be written, the manifests of one kind and form where
// they are as many as commit.manifest.min-count-to-merge (100) and each is smaller than
// commit.manifest.target-size-bytes (8 MiB). folder: for the new ones. Unless commit.manifest-merge.enabled
// is false.
bool ice_manifests_merge(const struct ice_table *t, struct buf *list, int64_t snapshot_id, struct span folder,
                         struct arena *a, struct err *e) MUST_CHECK;

// Puts in place of each manifest of the list one that says its files are deleted by the snapshot; what has no
// live file goes.
bool ice_manifests_delete(struct buf *list, int64_t snapshot_id, struct span folder, struct arena *a,
                          struct err *e) MUST_CHECK;

#endif
