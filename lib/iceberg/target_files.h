// The files that a commit of a table adds: rows and deletes as Parquet, and their manifests.
#ifndef CDC_ICEBERG_TARGET_FILES_H
#define CDC_ICEBERG_TARGET_FILES_H

#include "iceberg/target.h"

struct ice_files {
    struct ice_data_file *data; // one a partition
    size_t n_data;
    struct ice_data_file deletes; // records 0: there is none
    struct span metadata;         // the folder of the table's metadata files
};

// Fills the change's manifests; of a partitioned table also its spec for deletes. All memory is the table's
// arena. STATUS_DATA where a row does not fit into the schema, with its key.
bool ice_files_write(struct ice_target *t, const struct ice_schema *schema, struct ice_change *change,
                     struct ice_files *files, struct err *e) MUST_CHECK;

#endif
