// What keeps a jq expression from taking two integers beyond 2^53 for one.
//
// Within libjq a number is a double. The expression may hand such an integer on, look for it, ask for its
// type; it must not compute with it, make a text of it, or compare it with one that the same double stands
// for: then it would be wrong in silence. So definitions are put in front of the expression, under the names
// of the operators and functions that it uses, which end the line where that would happen and else do what
// jq's own do. What ends it is a halt, which no ? and no // catches.
//
// A comparison of different doubles is a comparison of different numbers, so that goes through. A function
// that this file does not know, of a newer jq, gets no such numbers at all.
#ifndef CDC_EVENT_LIBJQ_EXACT_H
#define CDC_EVENT_LIBJQ_EXACT_H

#include "base/buf.h"

#include <jq.h>

// What is told by `debug`, and raised.
#define LIBJQ_EXACT_SAYS                                                                                     \
    "a number beyond 2^53 would be compared, computed with or made a text, and jq's numbers are not exact "  \
    "there"

// Appends the definitions for the expression. builtins: what jq's function of that name gives; the caller's.
void libjq_exact(jv builtins, const char *text, struct buf *out);

#endif
