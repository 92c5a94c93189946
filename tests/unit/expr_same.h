// Whether the native half of expressions and libjq gave one value.
#ifndef CDC_TESTS_EXPR_SAME_H
#define CDC_TESTS_EXPR_SAME_H

#include "event/expr_eval.h"
#include "event/json.h"
#include "event/libjq.h"

static inline void put_native(struct buf *b, const struct value *v)
{
    static const char *const words[] = {"null", "false", "true"};
    if (v->kind <= VALUE_TRUE)
        buf_str(b, words[v->kind]);
    else if (v->kind == VALUE_STRING)
        json_quote(b, v->text);
    else if (v->text.n != 0)
        buf_span(b, v->text);
    else
        buf_printf(b, "%.17g", v->number);
}

// Equal as JSON, for libjq's own comparison; theirs stays the caller's.
static inline bool same_value(const struct value *native, jv theirs)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    put_native(&text, native);
    jv ours = jv_parse_sized(text.p, (int)text.n);
    bool is = jv_is_valid(ours) && jv_equal(jv_copy(ours), jv_copy(theirs));
    if (!is && native->kind == VALUE_NUMBER && jv_get_kind(theirs) == JV_KIND_NUMBER)
        is = native->number == jv_number_value(theirs) ||
             (native->number != native->number && jv_number_value(theirs) != jv_number_value(theirs));
    jv_free(ours);
    buf_release(&text);
    return is;
}

#endif
