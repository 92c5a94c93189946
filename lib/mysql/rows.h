// Walks the rows of a rows event: where each column's value lies.
//
// MySQL source documentation, "Rows_event"; MariaDB Knowledge Base, "ROWS_EVENT_V1/V2":
//
//   table id 6 (4)  flags 2  [version 2: length of extra data 2, which counts itself, and the data]
//   number of columns, packed  a bit each: in the images  [update: a second set, of the after images]
//   rows: an image, in an update a before and an after image
//
// An image: a bit for each of its columns, set for NULL, and the values that are not. Of a partial update
// (39) the after image begins with its options, packed; if 1 is in them a bit for each JSON column of the
// table follows, set where the value is a difference to the old one.
//
// MariaDB's compressed events hold the rows deflated: see compressed.h.
#ifndef CDC_MYSQL_ROWS_H
#define CDC_MYSQL_ROWS_H

#include "mysql/table_map.h"

enum rows_kind { ROWS_WRITE, ROWS_UPDATE, ROWS_DELETE };

// VALUE_ABSENT: not in the image (binlog_row_image is not FULL). VALUE_PARTIAL: a JSON difference.
// VALUE_CELL: of a query's answer (cell.h), not of the log.
enum value_kind { VALUE_ABSENT, VALUE_NULL, VALUE_BYTES, VALUE_PARTIAL, VALUE_CELL };

struct value {
    enum value_kind kind;
    struct span bytes; // without the length in front
};

struct rows_event {
    enum rows_kind kind;
    bool partial;    // 39
    bool compressed; // data is to be inflated
    uint64_t table_id;
    bool last; // the statement's last rows event
    size_t n;  // columns
    const unsigned char *present[2];
    size_t n_present[2];
    struct span data; // the rows
};

// The spans borrow from the event.
bool rows_read(struct rows_event *r, const struct binlog_format *f, const struct binlog_event *ev,
               struct err *e) MUST_CHECK;

// One image at c, of the kind that `which` says: 0 the first of a row, 1 the after image of an update. Sets
// n values, borrowed from the row. STATUS_DATA where the image does not fit the table.
bool rows_image(const struct rows_event *r, const struct table_map *t, int which, struct cursor *c,
                struct value *values, struct err *e) MUST_CHECK;

static inline int rows_images(const struct rows_event *r)
{
    return r->kind == ROWS_UPDATE ? 2 : 1;
}

#endif
