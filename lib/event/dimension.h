// A dimension: a table whose rows are looked up by key, wherever it is.
#ifndef CDC_EVENT_DIMENSION_H
#define CDC_EVENT_DIMENSION_H

#include "base/buf.h"
#include "base/log.h"
#include "event/shape.h"

#define DIMENSION_KEYS_MAX 8
#define DIMENSION_COLUMNS_MAX 256

struct dimension_spec {
    struct span table;
    struct span key[DIMENSION_KEYS_MAX]; // columns
    size_t n_key;
    struct span select[DIMENSION_COLUMNS_MAX]; // columns; none: all
    size_t n_select;
};

struct dimension_options {
    const char *url;                           // the password is in it
    const char *password_file, *defaults_file; // of MySQL; NULL: none
    size_t workers;                            // threads that will fetch, each with its own number below this
    struct shape shape;                        // how values are printed
    bool precise_unsigned, adjust_years;       // of MySQL, as types.h there has them
    notice_fn *warn;
};

// A row as a JSON object: bytes at … at + n of the buffer given to fetch.
struct dimension_row {
    bool found, refused; // refused: the caller's, for keys that fetch would not have
    size_t at, n;
};

struct dimension_ops {
    const char *const *schemes; // of the URL, NULL at the end
    enum shape_time time;       // the source's default mode
    // Connects, and finds out about the columns. STATUS_PEER where the server cannot be had.
    bool (*open)(const struct dimension_options *o, const struct dimension_spec *spec, void **self,
                 struct err *e);
    // Looks n keys up, each n_key texts one behind the other; rows[i] is the i-th's. STATUS_PEER where the
    // connection is lost: the next fetch makes a new one. STATUS_DATA where a key is none for its column.
    bool (*fetch)(void *self, size_t worker, const struct span *keys, size_t n, struct buf *out,
                  struct dimension_row *rows, struct err *e);
    // Whether all that was found before must be forgotten, because the dimension as a whole is another; NULL:
    // it never is. Called for each batch, and at a change that the stream tells of.
    bool (*renewed)(void *self);
    void (*close)(void *self); // NULL is fine
};

#endif
