#define PCRE2_CODE_UNIT_WIDTH 8

#include "event/pattern.h"

#include <pcre2.h>
#include <stdlib.h>

// PCRE2, because its expressions are Java's, which Debezium's lists are written in.
static bool compile_one(struct pattern_list *p, const char *text, size_t n, const char *option, struct err *e)
{
    int code;
    PCRE2_SIZE at;
    void **grown = realloc(p->code, (p->n + 1) * sizeof *grown);
    if (grown == NULL)
        return err_no_memory(e);
    p->code = grown;
    pcre2_code *re =
        pcre2_compile((PCRE2_SPTR)text, n, PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_CASELESS | PCRE2_UTF,
                      &code, &at, NULL);
    if (re == NULL) {
        PCRE2_UCHAR why[160];
        pcre2_get_error_message(code, why, sizeof why);
        return err_set(e, STATUS_USAGE, "--%s: \"%.*s\": %s at byte %zu", option, (int)n, text, (char *)why,
                       (size_t)at);
    }
    p->code[p->n++] = re;
    return true;
}

static bool compile_list(struct pattern_list *p, const char *list, const char *option, struct err *e)
{
    for (;;) {
        while (*list == ' ')
            list++;
        size_t n = 0;
        while (list[n] != '\0' && list[n] != ',')
            n += list[n] == '\\' && list[n + 1] != '\0' ? 2 : 1;
        if (n != 0 && !compile_one(p, list, n, option, e))
            return false;
        if (list[n] == '\0')
            return true;
        list += n + 1;
    }
}

bool pattern_compile(struct pattern_list *p, const struct opt_list *lists, const char *option, struct err *e)
{
    *p = (struct pattern_list){0};
    for (size_t i = 0; i < lists->n; i++)
        if (!compile_list(p, lists->at[i], option, e))
            return false;
    p->scratch = pcre2_match_data_create(1, NULL);
    return p->scratch != NULL || err_no_memory(e);
}

void pattern_release(struct pattern_list *p)
{
    for (size_t i = 0; i < p->n; i++)
        pcre2_code_free(p->code[i]);
    free(p->code);
    pcre2_match_data_free(p->scratch);
    *p = (struct pattern_list){0};
}

bool pattern_matches(const struct pattern_list *p, struct span name)
{
    for (size_t i = 0; i < p->n; i++)
        if (pcre2_match(p->code[i], (PCRE2_SPTR)name.p, name.n, 0, 0, p->scratch, NULL) >= 0)
            return true;
    return false;
}

bool pattern_admits(const struct pattern_pair *p, struct span name)
{
    return (p->include.n == 0 || pattern_matches(&p->include, name)) && !pattern_matches(&p->exclude, name);
}
