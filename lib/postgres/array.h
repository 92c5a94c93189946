// Walks an array as the server prints it: {1,NULL,"a \"b\"",{…}}, with bounds in front ([0:1]=) where they do
// not begin at 1.
#ifndef CDC_POSTGRES_ARRAY_H
#define CDC_POSTGRES_ARRAY_H

#include "base/buf.h"

enum array_token {
    ARRAY_OPEN,
    ARRAY_CLOSE,
    ARRAY_NULL,
    ARRAY_VALUE,
    ARRAY_END, // behind the last bracket
    ARRAY_BAD,
};

struct array_walk {
    struct span value; // of ARRAY_VALUE; valid until the next token
    struct span rest;  // private, as all below
    struct buf unescaped;
    unsigned depth;
    char delimiter;
    bool begun, after_value;
};

// delimiter: what stands between elements, pg_type.typdelim.
void array_walk_begin(struct array_walk *w, struct span text, char delimiter);
enum array_token array_walk_next(struct array_walk *w) MUST_CHECK;
void array_walk_release(struct array_walk *w);

#endif
