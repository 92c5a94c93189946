// Evaluates an expression's native half on a line's bytes.
//
// The line is read once, as far as the expression's places need. An answer is jq's answer for every version
// of libjq that is known; where versions differ, where jq would report an error, and where the bytes that
// were read are no JSON, there is none (EXPR_ASK): libjq has that line, and says the error in its own words.
#ifndef CDC_EVENT_EXPR_EVAL_H
#define CDC_EVENT_EXPR_EVAL_H

#include "event/expr.h"

enum expr_got {
    EXPR_VALUE,
    EXPR_EMPTY, // no output
    EXPR_ERROR, // within the evaluation only
    EXPR_ASK,
};

struct expr_eval {
    const struct expr *x;
    struct arena arena;
    struct span found[EXPR_PATHS_MAX]; // by place; empty: the line has no such member
    bool caught;                       // jq could still catch here, in one version, an error of another place
};

void expr_eval_init(struct expr_eval *v, const struct expr *x);
void expr_eval_release(struct expr_eval *v);

// The first output for one line. The value is valid until the next call and borrows from the line.
enum expr_got expr_eval(struct expr_eval *v, struct span line, struct value *out);

#endif
