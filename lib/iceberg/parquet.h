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
// Fills values that the file's rows lack (null so far) from the rows of a scan (scan.h) that have their keys,
// each from the one of the highest sequence number. gaps tells which: a row each, of the fields
// ICE_GAP_ROW (the number of the file's row, from 0), ICE_GAP_FIELD (the place of the field), then the key's
// as they are in the scan. It is gone either way. missing: of each field how many rows lack it; then, how
// many still do.
#define ICE_GAP_ROW 0
#define ICE_GAP_FIELD 1
#define ICE_GAP_KEY 2
// Says that a field has values that come so, before the first row that lacks one.
void ice_parquet_expect(struct ice_parquet_file *f, size_t field);
bool ice_parquet_fill(struct ice_parquet_file *f, struct ice_parquet_file *gaps, struct span scan,
                      uint64_t *missing, struct err *e) MUST_CHECK;

// Writes the file, syncs it, and fills path (borrows location), records, bytes and stats (arena memory); what
// else *out has stays. f is gone either way.
bool ice_parquet_finish(struct ice_parquet_file *f, struct span location, struct arena *a,
                        struct ice_data_file *out, struct err *e) MUST_CHECK;
void ice_parquet_abandon(struct ice_parquet_file *f);

#endif
