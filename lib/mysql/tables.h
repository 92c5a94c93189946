// The tables that a snapshot reads: those that the command line captures, as the server has them now.
//
// The record and the tokens name a table database.table. Where names have dots in them the server says which
// is meant.
#ifndef CDC_MYSQL_TABLES_H
#define CDC_MYSQL_TABLES_H

#include "event/capture.h"
#include "mysql/view.h"
#include "snapshot/record.h"

// Database and table of all that there are but the server's own, sorted, and when they were made.
bool my_tables_list(struct my_client *c, struct my_rows **rows, struct err *e) MUST_CHECK;

// Adds to the record, as tables of this epoch, those that are captured and not in it yet, in the order of
// their names' bytes.
bool my_tables_record(struct record *r, uint64_t epoch, struct my_client *c, const struct capture *capture,
                      struct err *e) MUST_CHECK;

// The names of the record's tables, r->tables of them; db is NULL where there is none any more. To be
// released after a failure too.
bool my_tables_find(const struct record *r, struct my_client *c, struct my_table_name **names,
                    struct err *e) MUST_CHECK;
void my_tables_release(struct my_table_name *names, size_t n);

#endif
