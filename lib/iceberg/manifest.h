// Manifests and manifest lists: which files a snapshot has. Records by libavro, in containers of avro.h.
//
// An entry that this process adds has no sequence numbers of its own (null): it takes those of the manifest,
// which the manifest list gives. So after a conflict only the list is made again.
#ifndef CDC_ICEBERG_MANIFEST_H
#define CDC_ICEBERG_MANIFEST_H

#include "iceberg/table.h"

enum ice_content { ICE_DATA = 0, ICE_POSITION_DELETES = 1, ICE_EQUALITY_DELETES = 2 };
enum ice_entry_status { ICE_EXISTING = 0, ICE_ADDED = 1, ICE_DELETED = 2 };

#define ICE_NO_SEQUENCE (-1)

// What is known of one column of a file. Bounds are in Iceberg's single-value form; p NULL: none.
struct ice_column_stats {
    int32_t id;
    int64_t values, nulls;
    struct span lower, upper;
};

struct ice_data_file {
    enum ice_content content;
    struct span path;
    const struct ice_value *partition; // one a field of the manifest's spec
    int64_t records, bytes;
    const struct ice_column_stats *stats;
    size_t n_stats;
    const int32_t *equality_ids;
    size_t n_equality_ids;
};

struct ice_partition_summary {
    bool contains_null, knows_nan, contains_nan;
    struct span lower, upper; // p NULL: none
};

// A manifest, as a manifest list tells of it.
struct ice_manifest {
    struct span path;
    int64_t bytes;
    int32_t spec_id;
    bool deletes; // its files are deletes, not data
    int64_t sequence_number, min_sequence_number, snapshot_id;
    int32_t added_files, existing_files, deleted_files;
    int64_t added_rows, existing_rows, deleted_rows;
    const struct ice_partition_summary *summaries; // one a partition field; NULL: none
    size_t n_summaries;
};

// Writes a manifest of added files (all of them data, or all deletes), whose partitions are of the spec, to
// location; path borrows location, summaries are the arena's. schema: the one that the spec is read by.
bool ice_manifest_write(const struct ice_schema *schema, const struct ice_spec *spec,
                        const struct ice_data_file *files, size_t n, int64_t snapshot_id,
                        struct span location, struct arena *a, struct ice_manifest *m,
                        struct err *e) MUST_CHECK;

// Appends the manifests of a list (struct ice_manifest, arena memory) to *list.
bool ice_manifest_list_read(struct span location, struct buf *list, struct arena *a,
                            struct err *e) MUST_CHECK;
// sequence_number: the new snapshot's, taken by manifests that have none yet (ICE_NO_SEQUENCE).
bool ice_manifest_list_write(const struct ice_manifest *manifests, size_t n, int64_t snapshot_id,
                             int64_t parent_id, int64_t sequence_number, struct span location,
                             struct err *e) MUST_CHECK;

#endif
