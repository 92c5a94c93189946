// Iceberg's names and types in libduckdb's SQL.
#ifndef CDC_ICEBERG_SQL_H
#define CDC_ICEBERG_SQL_H

#include "iceberg/schema.h"

// The type that has no parameters, or NULL: it has some, or cannot be written.
const char *ice_sql_plain(enum ice_kind kind);

void ice_sql_quoted(struct buf *sql, struct span text, char quote);

// The i-th field's name, as it is and quoted. libduckdb takes names that differ in case for one, Iceberg does
// not; such a one gets its id. Readers go by the ids.
void ice_sql_bare_name(struct buf *sql, const struct ice_field *fields, size_t i);
void ice_sql_name(struct buf *sql, const struct ice_field *fields, size_t i);
void ice_sql_type(struct buf *sql, const struct ice_type *t);

// What COPY takes as FIELD_IDS, without the braces. of: what the fields are parts of; NULL: a table.
void ice_sql_ids(struct buf *sql, const struct ice_field *fields, size_t n, const struct ice_type *of);

#endif
