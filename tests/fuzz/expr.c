// An expression, a newline, a line: the native half never reads outside its bytes, gives its answer twice the
// same, and agrees with libjq where that takes the expression.
#include "fuzz.h"

#include "event/expr_eval.h"
#include "event/json.h"
#include "event/libjq.h"

// libjq's expressions can run for ever; those that the native half takes cannot.
static void must_agree(const char *text, struct span line, enum expr_got got, const struct value *ours)
{
    struct libjq jq;
    struct err e;
    jv theirs;
    bool taken = libjq_init(&jq, text, false, NULL, 0, &e);
    if (taken && libjq_start(&jq, line)) {
        enum libjq_got want = libjq_next(&jq, &theirs);
        must(want != LIBJQ_FAILED);
        must((want == LIBJQ_OUTPUT) == (got == EXPR_VALUE));
        if (want == LIBJQ_OUTPUT) {
            jv_kind kind = jv_get_kind(theirs);
            must((kind != JV_KIND_FALSE && kind != JV_KIND_NULL) == value_is_true(ours));
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
    bool is = got == EXPR_VALUE && value_is_true(&first);
    must(expr_eval(&v, line, &second) == got);
    must(got != EXPR_VALUE || is == value_is_true(&second));
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
    // A regular expression may take its time on purpose: that is its author's.
    if (strlen(text) == n && strstr(text, "test") == NULL && expr_parse(&x, (struct span){text, n}, NULL, 0))
        try_line(&x, text, newline != NULL ? (struct span){newline + 1, size - n - 1} : (struct span){"", 0});
    else if (strlen(text) != n || strstr(text, "test") != NULL)
        x = (struct expr){0};
    expr_release(&x);
    free(text);
    return 0;
}
