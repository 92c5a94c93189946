// Parquet files by libduckdb, with Iceberg's field ids; the one user of its API.
//
// Rows are gathered in an in-memory table of libduckdb's and copied to a file in one go. Order: for each file
// begin, row (any number), finish; after a failure, or where the rows are not wanted, abandon. Several files
// may be open at once.
#ifndef CDC_ICEBERG_PARQUET_H
#define CDC_ICEBERG_PARQUET_H

#include "iceberg/manifest.h"

struct ice_parquet; // a connection to the library
struct ice_parquet_file;

// *p is freed by close, which comes behind its files' end.
bool ice_parquet_open(struct ice_parquet **p, struct err *e) MUST_CHECK;
void ice_parquet_close(struct ice_parquet *p);

// fields: the file's columns, in order; they must stay until the end. codec: zstd, gzip, snappy or
// uncompressed, as write.parquet.compression-codec has it. STATUS_USAGE where a type cannot be written.
bool ice_parquet_begin(struct ice_parquet *p, const struct ice_field *fields, size_t n, const char *codec,
                       struct ice_parquet_file **file, struct err *e) MUST_CHECK;
// One value a field, copied.
bool ice_parquet_row(struct ice_parquet_file *f, const struct ice_value *values, struct err *e) MUST_CHECK;
// Writes the file, syncs it, and fills path (borrows location), records, bytes and stats (arena memory); what
// else *out has stays. f is gone either way.
bool ice_parquet_finish(struct ice_parquet_file *f, struct span location, struct arena *a,
                        struct ice_data_file *out, struct err *e) MUST_CHECK;
void ice_parquet_abandon(struct ice_parquet_file *f);

#endif
