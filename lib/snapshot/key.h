// The key that a snapshot's chunks are cut by, and its order.
//
// The order is the client's own, for what the log brings later is compared with a chunk's border: only types
// whose order is certain have one. Values are in the form that the database prints them in.
#ifndef CDC_SNAPSHOT_KEY_H
#define CDC_SNAPSHOT_KEY_H

#include "base/buf.h"

#include <stdint.h>

#define KEY_MAX_COLUMNS 32 // PostgreSQL's INDEX_MAX_KEYS; MySQL has 16

// A key's text, as JSON: with percent-encoding it still fits into a token.
#define KEY_MAX_BYTES 8192

enum key_kind {
    KEY_NONE,    // no order that the client knows
    KEY_INTEGER, // 64 bits, signed
    KEY_UNSIGNED,
    KEY_BYTES,  // by its text's bytes: uuid, bytea in hex, moments of one width
    KEY_MOMENT, // a date or a timestamp, ISO
};

struct key {
    size_t n;
    struct span at[KEY_MAX_COLUMNS];
};

// *order: <0, 0, >0. False where a value is not of its kind.
bool key_compare(const enum key_kind *kinds, const struct key *a, const struct key *b, int *order) MUST_CHECK;

// Appends a JSON array: [1,"2020-01-31"].
void key_write(const enum key_kind *kinds, const struct key *k, struct buf *out);

// Reads what key_write() wrote; the spans point into text, which must not change while they are used.
bool key_read(struct span json, struct buf *text, struct key *k) MUST_CHECK;

// Percent-encoding as a token's TABLE and KEY have it: all but letters, digits and -._~ is %XX.
void percent_write(struct buf *b, struct span text);
bool percent_read(struct buf *b, struct span word) MUST_CHECK;

#endif
