// A query's values, in the form that the server prints them in, as the stream writes them.
//
// The session's time zone is UTC and character_set_results NULL: text comes in its column's own set.
#ifndef CDC_MYSQL_CELL_H
#define CDC_MYSQL_CELL_H

#include "mysql/types.h"

// Appends to sql what is selected of a column, so that nothing of its value is lost: floats as double
// precision, ENUM and SET as numbers. name: quoted.
void my_cell_select(const struct table_column *column, struct span name, struct buf *sql);

// STATUS_DATA where text is none of the type. A DECIMAL within JSON, from ten millions on, is taken for a
// double where a double is printed so too.
bool my_cell_write(const struct my_type *t, struct span text, struct my_writing *w, struct buf *out,
                   struct err *e) MUST_CHECK;

#endif
