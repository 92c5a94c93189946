// The files that a table's snapshot has, out of its manifests.
#ifndef CDC_ICEBERG_ENTRIES_H
#define CDC_ICEBERG_ENTRIES_H

#include "iceberg/manifest.h"

struct ice_entry {
    enum ice_content content;
    int64_t sequence_number;
    struct span path;
    const int32_t *equality_ids; // of equality deletes
    size_t n_equality_ids;
};

// Calls see for each live file of a manifest, or of the snapshot of a manifest list, until it answers false.
// Spans are valid during the call.
typedef bool ice_entry_see(void *context, const struct ice_entry *entry, struct err *e);
bool ice_entries_of(const struct ice_manifest *m, ice_entry_see *see, void *context,
                    struct err *e) MUST_CHECK;
bool ice_entries_walk(struct span manifest_list, ice_entry_see *see, void *context, struct err *e) MUST_CHECK;

#endif
