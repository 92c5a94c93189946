#include "event/expr_regex.h"

#include <oniguruma.h>

bool expr_regex_compile(struct expr_regex *r, struct span pattern, struct span flags)
{
    OnigOptionType options = ONIG_OPTION_CAPTURE_GROUP;
    const OnigUChar *start = (const OnigUChar *)pattern.p;
    regex_t *code;
    for (size_t i = 0; i < flags.n; i++) {
        if (flags.p[i] != 'i' && flags.p[i] != 'x')
            return false;
        options |= flags.p[i] == 'i' ? ONIG_OPTION_IGNORECASE : ONIG_OPTION_EXTEND;
    }
    if (onig_new(&code, start, start + pattern.n, options, ONIG_ENCODING_UTF8, ONIG_SYNTAX_PERL_NG, NULL) !=
        ONIG_NORMAL)
        return false;
    r->code = code;
    return true;
}

void expr_regex_release(struct expr_regex *r)
{
    onig_free(r->code);
}

bool expr_regex_search(const struct expr_regex *r, struct span text, bool *matches)
{
    static const char none[1];
    const OnigUChar *start = (const OnigUChar *)(text.n != 0 ? text.p : none), *end = start + text.n;
    int at = onig_search(r->code, start, end, start, end, NULL, ONIG_OPTION_NONE);
    *matches = at >= 0;
    return at >= 0 || at == ONIG_MISMATCH;
}
