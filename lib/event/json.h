// JSON by byte spans: finds, checks and writes without a tree and without allocating.
//
// The finders expect one JSON value and look only as far as they must; they never read outside the span,
// whatever its bytes are, and answer false where the text is broken before the answer was found. A sink
// checks the whole line once with json_check(); after that a finder cannot be misled.
#ifndef CDC_EVENT_JSON_H
#define CDC_EVENT_JSON_H

#include "base/buf.h"

// The value that text begins with; something may follow it.
bool json_first(struct span text, struct span *value) MUST_CHECK;

// The bytes of the value of an object's member, without the white space around it; a string keeps its quotes.
// Names are compared by their bytes as they stand, escapes included; the first of two equal names wins.
bool json_member(struct span object, struct span name, struct span *value) MUST_CHECK;

// As json_member, through nested objects: names[0] of the object, names[1] of that, …
bool json_path(struct span object, const struct span *names, size_t n, struct span *value) MUST_CHECK;

// The same by names with dots between, as .after.id or after.id.
bool json_at(struct span object, const char *path, struct span *value) MUST_CHECK;

// Walks an object's members or an array's elements:
//     struct json_walk w;
//     for (json_walk_begin(&w, object); json_walk_next(&w);) … w.name, w.value …
//     if (w.bad) …
struct json_walk {
    struct span name; // with its quotes; empty in an array
    struct span value;
    struct span rest;   // private
    bool in_array, bad; // bad: the text is broken, or is neither object nor array
};
void json_walk_begin(struct json_walk *w, struct span text);
bool json_walk_next(struct json_walk *w) MUST_CHECK;

// Whether text is exactly one JSON value (RFC 8259, well-formed UTF-8, at most 512 levels). *bad_at: the
// offset of the first byte that cannot be.
bool json_check(struct span text, size_t *bad_at) MUST_CHECK;

// Appends what a quoted string stands for, as UTF-8. False where it is no string.
bool json_unquote(struct span quoted, struct buf *out) MUST_CHECK;

// A number without fraction and exponent.
bool json_u64(struct span value, uint64_t *v) MUST_CHECK;
bool json_i64(struct span value, int64_t *v) MUST_CHECK;

// A member that is a string, NUL-terminated, or a number. False where it is missing, of another kind, or too
// long.
bool json_text_member(struct span object, const char *name, char *to, size_t size) MUST_CHECK;
bool json_u64_member(struct span object, const char *name, uint64_t *to) MUST_CHECK;

// Appends text as a quoted string, as Debezium writes one: `"` and `\` escaped, control characters as \b \t
// \n \f \r or \u001F, all else as it is. The text is UTF-8 already.
void json_quote(struct buf *b, struct span text);

#endif
