// What a table's data files hold, as a query of libduckdb's: every row that was ever written and is still in
// a live file, whatever deletes say of it, with the sequence number that its file has. Columns are found by
// their field ids.
#ifndef CDC_ICEBERG_SCAN_H
#define CDC_ICEBERG_SCAN_H

#include "iceberg/table.h"

// Appends (SELECT "column", …, seq FROM …) for the schema's fields; *any: there are data files at all.
bool ice_scan_write(struct span manifest_list, const struct ice_schema *schema, struct buf *sql, bool *any,
                    struct err *e) MUST_CHECK;

// Appends read_parquet(…) of one file, with the fields by their ids.
bool ice_scan_file(struct span location, const struct ice_field *fields, size_t n, struct buf *sql,
                   struct err *e) MUST_CHECK;

#endif
