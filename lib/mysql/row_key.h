// The primary key that a snapshot's chunks are cut by: which types have an order that the client knows, and a
// value's text, which is the same whether a query or the log gave it.
//
// Integers are decimal; BINARY and VARBINARY hex; dates and times as the server prints them, with six digits.
// Text has the order of its collation, which is the server's alone.
#ifndef CDC_MYSQL_ROW_KEY_H
#define CDC_MYSQL_ROW_KEY_H

#include "mysql/rows.h"
#include "snapshot/key.h"

enum key_kind my_key_kind(const struct table_column *column);

// Appends a value of a column that has an order. STATUS_DATA where it is none of the type, or not there.
bool my_key_text(const struct table_column *column, const struct value *v, struct buf *out,
                 struct err *e) MUST_CHECK;

// Appends the text as an SQL literal. False where it is none of the column's.
bool my_key_literal(const struct table_column *column, struct span text, struct buf *sql) MUST_CHECK;

#endif
