// An expression, a newline, a line: the native half never reads outside its bytes, gives its answer twice the
// same, and the value that libjq gives where that takes the expression.
#include "fuzz.h"

#include "../unit/expr_same.h"

#include <oniguruma.h>

// libjq's expressions can run for ever; those that the native half takes cannot.
static void must_agree(const char *text, struct span line, enum expr_got got, const struct value *ours)
{
    struct libjq jq;
    struct err e;
    jv theirs;
    bool taken = libjq_init(&jq, text, LIBJQ_TRUTH, NULL, 0, &e);
    if (taken && libjq_start(&jq, line)) {
        enum libjq_got want = libjq_next(&jq, &theirs);
        must(want != LIBJQ_FAILED);
        must((want == LIBJQ_OUTPUT) == (got == EXPR_VALUE));
        if (want == LIBJQ_OUTPUT) {
            must(same_value(ours, theirs));
            jv_free(theirs);
        }
    }
    libjq_release(&jq);
}

static void try_line(const struct expr *x, const char *text, struct span line)
{
    struct expr_eval v;
    struct value first, second;
    size_t bad_at;
    expr_eval_init(&v, x);
    enum expr_got got = expr_eval(&v, line, &first);
    must(got != EXPR_ERROR);
    enum value_kind kind = first.kind;
    must(expr_eval(&v, line, &second) == got);
    must(got != EXPR_VALUE || kind == second.kind);
    if (got != EXPR_ASK && json_check(line, &bad_at))
        must_agree(text, line, got, &second);
    expr_eval_release(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *start = (const char *)data, *newline = size != 0 ? memchr(start, '\n', size) : NULL;
    size_t n = newline != NULL ? (size_t)(newline - start) : size;
    char *text = strndup(size != 0 ? start : "", n);
    struct expr x;
    must(text != NULL);
    // A regular expression may take its time on purpose; both engines have the same limit.
    onig_set_retry_limit_in_match(10000);
    bool whole = strlen(text) == n && size < 4096;
    if (whole && expr_parse(&x, (struct span){text, n}, NULL, 0))
        try_line(&x, text, newline != NULL ? (struct span){newline + 1, size - n - 1} : (struct span){"", 0});
    if (whole)
        expr_release(&x);
    free(text);
    return 0;
}
