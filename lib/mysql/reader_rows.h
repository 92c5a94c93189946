// The reader's rows: table maps, and the changes of their rows.
#ifndef CDC_MYSQL_READER_ROWS_H
#define CDC_MYSQL_READER_ROWS_H

#include "mysql/reader.h"

// The bytes of an event in the file. Those that were inflated lie between its start and its end, in
// proportion.
struct my_extent {
    uint64_t start, size;    // in the file
    const char *from;        // what offsets are counted from
    uint64_t base, inflated; // its offset, and the length of all, before it was compressed; 0: it is not
};

bool my_reader_on_table_map(struct my_reader *r, const struct binlog_event *ev, struct err *e) MUST_CHECK;
bool my_reader_on_rows(struct my_reader *r, const struct binlog_event *ev, uint64_t start,
                       const struct my_extent *outer, struct err *e) MUST_CHECK;

#endif
