// Changes of a line that need no jq: columns left out or masked, the row without its envelope.
#ifndef CDC_STAGE_REWRITE_H
#define CDC_STAGE_REWRITE_H

#include "stage/columns.h"
#include "stage/unwrap.h"

struct rewrite_options {
    struct opt_list drop, mask; // of columns.h
    struct unwrap_options unwrap;
};

#define REWRITE_DEFAULTS                                                                                     \
    {                                                                                                        \
        .unwrap = UNWRAP_DEFAULTS                                                                            \
    }

struct rewrite {
    const struct rewrite_options *o;
    struct columns columns;
    struct unwrap unwrap;
};

// STATUS_USAGE where an option is wrong. Release it in either case.
bool rewrite_init(struct rewrite *w, const struct rewrite_options *o, struct err *e) MUST_CHECK;
void rewrite_release(struct rewrite *w);

// Whether there is anything to do.
bool rewrite_has(const struct rewrite *w);

// Appends the new line or lines, each with its '\n', or for REFUSE the reason.
enum rewritten rewrite_line(struct rewrite *w, const struct line *l, struct buf *out);

#endif
