// The reader's statements: those that begin and end transactions, truncate tables and define them anew.
#ifndef CDC_MYSQL_READER_STATEMENT_H
#define CDC_MYSQL_READER_STATEMENT_H

#include "mysql/reader.h"

bool my_reader_on_query(struct my_reader *r, const struct binlog_event *ev, uint64_t start,
                        struct err *e) MUST_CHECK;

#endif
