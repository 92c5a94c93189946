// A jq expression's native half: what can be evaluated on a line's bytes, without a tree.
//
// expr_parse() takes paths, literals, comparisons, and, or, not, arithmetic, //, ?, |, IN, has, test,
// startswith, endswith, type, length and select, with jq's grammar; it declines everything else, and
// whatever it is not sure of, and libjq has it then. In the same way expr_eval.h gives single lines to libjq.
// So what runs here has jq's meaning or does not run here.
#ifndef CDC_EVENT_EXPR_H
#define CDC_EVENT_EXPR_H

#include "event/value.h"

enum expr_kind {
    EXPR_CONST,
    EXPR_INPUT, // . where it is no place in the line
    EXPR_PATH,  // a place in the line
    EXPR_FIELD, // a.name
    EXPR_INDEX, // a[index]
    EXPR_PIPE,  // a | b
    EXPR_ALTERNATIVE,
    EXPR_OR,
    EXPR_AND,
    EXPR_EQUAL,
    EXPR_UNEQUAL,
    EXPR_LESS,
    EXPR_LESS_EQUAL,
    EXPR_GREATER,
    EXPR_GREATER_EQUAL,
    EXPR_ADD,
    EXPR_SUBTRACT,
    EXPR_MULTIPLY,
    EXPR_DIVIDE,
    EXPR_MODULO,
    EXPR_NEGATE,
    EXPR_TRY,      // a?
    EXPR_TRY_STEP, // a.name? and a[index]?: the last step alone may fail
    EXPR_NOT,
    EXPR_TYPE,
    EXPR_LENGTH,
    EXPR_HAS,
    EXPR_STARTSWITH,
    EXPR_ENDSWITH,
    EXPR_TEST,
    EXPR_IN, // the arguments hang on a, joined by next
    EXPR_SELECT,
};

struct expr_node {
    enum expr_kind kind;
    int path;  // PATH
    int index; // INDEX
    struct expr_node *a, *b, *next;
    struct value constant;    // CONST
    struct span name;         // FIELD
    struct expr_regex *regex; // TEST
};

// The places in the line that an expression names, as a tree of member names; place 0 is the line itself.
struct expr_path {
    struct span name;
    int parent, first_child, sibling; // 0: none
};

#define EXPR_PATHS_MAX 64

struct expr {
    struct expr_node *root;
    struct expr_path paths[EXPR_PATHS_MAX];
    int n_paths;
    struct arena arena;
    struct expr_regex *regexes; // all, to be freed
};

// A variable, as --arg gives it.
struct expr_variable {
    struct span name;
    struct span json;
};

// False where libjq must have it; nothing is said about right or wrong. The text and the variables' bytes
// must outlive the expression. Release it in either case.
bool expr_parse(struct expr *x, struct span text, const struct expr_variable *variables, size_t n) MUST_CHECK;
void expr_release(struct expr *x);

#endif
