// Values in libduckdb's vectors, where rows are gathered for a Parquet file.
#ifndef CDC_ICEBERG_VECTOR_H
#define CDC_ICEBERG_VECTOR_H

#include "iceberg/duckdb.h"
#include "iceberg/schema.h"

// Copies the value into the row of a vector of its type, which rows have not been put into before. A UUID has
// its 16 bytes. texts: memory that stays until the vector's chunk has been appended. False without memory.
bool ice_vector_put(duckdb_vector vector, idx_t row, const struct ice_type *t, const struct ice_value *v,
                    struct arena *texts) MUST_CHECK;

#endif
