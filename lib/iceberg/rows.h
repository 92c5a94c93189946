// What a batch makes of a table: for each key that it touched the row that is there at its end, or none. Rows
// are JSON, as they came; the memory is kept from batch to batch.
#ifndef CDC_ICEBERG_ROWS_H
#define CDC_ICEBERG_ROWS_H

#include "base/buf.h"

struct ice_source; // how a row's JSON is to be read (target.h)

struct ice_row {
    uint64_t hash;
    struct ice_source *source;
    size_t key_at, key_n;   // in the text
    size_t row_at, row_n;   // JSON, the last one that there was; row_n 0: none
    size_t base_at, base_n; // key of the table's row that has what this one lacks; base_n 0: it lacks nothing
    bool deleted;
    // Of a change log alone.
    char op;
    size_t pos_at, pos_n;
    int64_t time_us; // of the commit in the source; ICE_NO_TIME
};
#define ICE_NO_TIME INT64_MIN

struct ice_rows {
    struct buf text;
    struct ice_row *rows; // in the order in which their keys came first
    size_t n, cap;
    uint32_t *slots; // places of rows, by hash, open; 0: free, else place + 1
    size_t n_slots;
};

void ice_rows_init(struct ice_rows *r);
void ice_rows_release(struct ice_rows *r);
void ice_rows_reset(struct ice_rows *r);

static inline struct span ice_rows_text(const struct ice_rows *r, size_t at, size_t n)
{
    return (struct span){r->text.p + at, n};
}

// The key's row, or NULL. Valid until the next ice_rows_put().
struct ice_row *ice_rows_find(const struct ice_rows *r, struct span key);

// The key's row, a new one where there is none yet (row_n 0). NULL, with the error, without memory.
struct ice_row *ice_rows_put(struct ice_rows *r, struct span key, struct err *e);

// A new row, of a key that none of the others has and that nobody looks for; not beside ice_rows_put().
struct ice_row *ice_rows_add(struct ice_rows *r, struct span key, struct err *e);

// Keeps a text; false where memory is short.
bool ice_rows_keep(struct ice_rows *r, struct span text, size_t *at, struct err *e) MUST_CHECK;

// What it takes of memory.
size_t ice_rows_bytes(const struct ice_rows *r);

#endif
