// Parquet files by libduckdb, with Iceberg's field ids; the one user of its API.
//
// Rows are gathered in an in-memory table of libduckdb's and copied to a file in one go. Order: for each file
// begin, row (any number), finish; after a failure abandon.
#ifndef CDC_ICEBERG_PARQUET_H
#define CDC_ICEBERG_PARQUET_H

#include "iceberg/manifest.h"

struct ice_parquet; // a connection to the library
struct ice_parquet_file;

bool ice_parquet_open(struct ice_parquet **p, struct err *e) MUST_CHECK;
void ice_parquet_close(struct ice_parquet *p);

// fields: of the file, in order; they must stay. t: for its write.parquet.* and write.metadata.metrics.*
// properties.
bool ice_parquet_begin(struct ice_parquet *p, const struct ice_table *t, const struct ice_field *fields,
                       size_t n, struct ice_parquet_file **file, struct err *e) MUST_CHECK;
// One value a field, copied.
bool ice_parquet_row(struct ice_parquet_file *f, const struct ice_value *values, struct err *e) MUST_CHECK;
// Writes and syncs it, and fills records, bytes, stats (arena memory) and path (borrows location). f is gone
// either way.
bool ice_parquet_finish(struct ice_parquet_file *f, struct span location, struct arena *a,
                        struct ice_data_file *out, struct err *e) MUST_CHECK;
void ice_parquet_abandon(struct ice_parquet_file *f);

// Reads rows by key: of several files (the newest first) the first row whose key columns have these values.
// keys: n_rows times n_keys values. *found: what column ids, of n_rows times n_ids values, arena memory;
// is_found says which rows there were.
struct ice_lookup {
    const struct span *files;
    size_t n_files;
    const struct ice_schema *schema;
    const int32_t *key_ids, *ids;
    size_t n_keys, n_ids;
};
bool ice_parquet_lookup(struct ice_parquet *p, const struct ice_lookup *lookup, const struct ice_value *keys,
                        size_t n_rows, struct arena *a, struct ice_value *values, bool *is_found,
                        struct err *e) MUST_CHECK;

#endif
