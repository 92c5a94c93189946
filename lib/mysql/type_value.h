// Values: what the log holds of a column becomes what Debezium prints.
#ifndef CDC_MYSQL_TYPE_VALUE_H
#define CDC_MYSQL_TYPE_VALUE_H

#include "mysql/types.h"

// Appends the value. STATUS_DATA where bytes are none of the type.
bool my_type_write(const struct my_type *t, struct span bytes, struct my_writing *w, struct buf *out,
                   struct err *e) MUST_CHECK;

// SQL's NULL: null, but for a column that is masked.
bool my_type_write_null(const struct my_type *t, struct buf *out, struct err *e) MUST_CHECK;

// What is no date (0000-00-00): null where the column may be null, else the epoch.
void my_type_write_no_date(const struct my_type *t, const struct my_writing *w, struct buf *out);

// A JSON value that the log has as a difference to `old`.
bool my_type_write_difference(const struct my_type *t, struct span old, struct span difference,
                              struct my_writing *w, struct buf *out, struct err *e) MUST_CHECK;

#endif
