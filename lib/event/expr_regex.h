// Regular expressions as jq has them: by the same library and syntax.
#ifndef CDC_EVENT_EXPR_REGEX_H
#define CDC_EVENT_EXPR_REGEX_H

#include "base/span.h"

struct expr_regex {
    void *code;
    struct expr_regex *older;
};

// flags: of jq's, i and x; others are declined.
bool expr_regex_compile(struct expr_regex *r, struct span pattern, struct span flags)
    __attribute__((warn_unused_result));
void expr_regex_release(struct expr_regex *r);

// *matches: whether it is found in text, which is well-formed UTF-8. False where the library gave up.
bool expr_regex_search(const struct expr_regex *r, struct span text, bool *matches)
    __attribute__((warn_unused_result));

#endif
