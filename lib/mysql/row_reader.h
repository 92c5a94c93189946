// A thread that reads chunks of a table through its connection of a view, and writes their lines.
#ifndef CDC_MYSQL_ROW_READER_H
#define CDC_MYSQL_ROW_READER_H

#include "mysql/envelope.h"
#include "mysql/scan.h"
#include "mysql/view.h"
#include "snapshot/run.h"

// What all chunks of one table in one view share; it changes only while no chunk is outstanding.
struct my_read_plan {
    const struct my_scan *scan;
    const char *table; // as the record, and so the tokens, name it; percent-encoded
    uint64_t epoch, view;
    struct my_source source;
};

struct my_row_reader {
    struct my_view *view;
    const struct my_read_plan *plan;
    struct ordered *ordered;
    size_t number; // of its connection
    pthread_t thread;
    bool running;
    pthread_mutex_t mutex;
    struct my_client *selecting; // while rows come; under the mutex
    struct my_writing writing;
    struct my_envelope envelope;
    struct ordered_piece *piece;
    uint64_t seq;
    int64_t now_ns;
    struct buf sql, key, key_text, token_key;
    struct span *cell; // a row; of TABLE_MAX_COLUMNS
    struct value *value;
};

// The pointers are borrowed. To be joined after a failure too.
bool my_row_reader_start(struct my_row_reader *r, struct my_view *view, const struct my_read_plan *plan,
                         const struct capture *capture, struct ordered *ordered, size_t number,
                         struct err *e) MUST_CHECK;
// After ordered_stop(). Rows that are still to come are given up.
void my_row_reader_join(struct my_row_reader *r);

#endif
