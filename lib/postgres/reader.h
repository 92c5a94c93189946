// A thread that reads chunks of a table in a view and writes their lines.
#ifndef CDC_POSTGRES_READER_H
#define CDC_POSTGRES_READER_H

#include "postgres/scan.h"
#include "postgres/view.h"
#include "snapshot/run.h"

// What all chunks of one table in one view share; it changes only while no chunk is outstanding.
struct read_plan {
    const struct scan *scan;
    const struct pg_view *view;
    // The parts of a line that are the same in all: head SEQ table KEY topic … source true source_end … now
    struct buf head, table, topic, source, source_end;
};

struct reader {
    const char *url;
    struct ordered *ordered;
    size_t number;
    const struct read_plan *plan;
    pthread_t thread;
    bool running;
    struct pg_client *client;
    char view[80];   // that it has joined
    uint32_t locked; // the table that it holds; 0: none
    struct ordered_piece *piece;
    uint64_t seq;
    int64_t now_ns;
    struct buf now;            // "ts_ms":…,"ts_us":…,"ts_ns":…}
    struct buf key, key_text;  // of the row
    struct buf sql, low, high; // low, high: a chunk's borders as SQL
    struct span *value;        // of the row's columns; p is NULL for SQL's NULL
    size_t values;
};

// Renders the parts. table: as the record, and so the tokens, name it. topic_prefix and database are borrowed
// for the call.
bool read_plan_write(struct read_plan *p, const struct scan *scan, const char *table,
                     const struct pg_view *view, uint64_t epoch, uint64_t view_number,
                     const char *topic_prefix, const char *database, struct err *e) MUST_CHECK;
void read_plan_init(struct read_plan *p);
void read_plan_release(struct read_plan *p);

// The pointers are borrowed.
bool reader_start(struct reader *r, struct ordered *ordered, size_t number, const char *url,
                  const struct read_plan *plan, struct err *e) MUST_CHECK;
// After ordered_stop().
void reader_join(struct reader *r);

#endif
