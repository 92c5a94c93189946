// Debezium's include and exclude lists: comma-separated regular expressions, each matched against a whole
// name, case ignored. A comma inside an expression is written "\,".
#ifndef CDC_EVENT_PATTERN_H
#define CDC_EVENT_PATTERN_H

#include "base/err.h"
#include "base/opt.h"
#include "base/span.h"

struct pattern_list {
    void **code; // compiled expressions
    size_t n;
    void *scratch;
};

// Adds every expression of every list given. STATUS_USAGE with the place in the expression. option: for the
// message.
bool pattern_compile(struct pattern_list *p, const struct opt_list *lists, const char *option,
                     struct err *e) MUST_CHECK;
void pattern_release(struct pattern_list *p);

bool pattern_matches(const struct pattern_list *p, struct span name);

// An include and an exclude list for one kind of name: in if the include list is empty or matches, and the
// exclude list does not.
struct pattern_pair {
    struct pattern_list include, exclude;
};

bool pattern_admits(const struct pattern_pair *p, struct span name);

#endif
