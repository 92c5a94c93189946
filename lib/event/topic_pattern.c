#define PCRE2_CODE_UNIT_WIDTH 8

#include "event/topic_pattern.h"

#include <pcre2.h>

// The table's entries: two bytes of the group's number, then its name up to a NUL.
static void take_names(struct topic_pattern *p)
{
    uint32_t n = 0, size = 0;
    PCRE2_SPTR at;
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMECOUNT, &n);
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMETABLE, &at);
    for (uint32_t i = 0; i < n; i++, at += size) {
        unsigned group = (unsigned)at[0] << 8 | at[1];
        if (group < TOPIC_GROUPS_MAX)
            p->names[group] = span_of((const char *)at + 2);
    }
}

bool topic_pattern_compile(struct topic_pattern *p, struct span text, const char *option, struct err *e)
{
    int code;
    PCRE2_SIZE at;
    *p = (struct topic_pattern){0};
    p->code = pcre2_compile((PCRE2_SPTR)text.p, text.n, PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF, &code,
                            &at, NULL);
    if (p->code == NULL) {
        PCRE2_UCHAR why[160];
        pcre2_get_error_message(code, why, sizeof why);
        return err_set(e, STATUS_USAGE, "--%s: \"%.*s\": %s at byte %zu", option, SPAN_ARG(text), (char *)why,
                       (size_t)at);
    }
    uint32_t groups;
    pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    p->groups = groups < TOPIC_GROUPS_MAX ? (int)groups : TOPIC_GROUPS_MAX - 1;
    take_names(p);
    p->match = pcre2_match_data_create(TOPIC_GROUPS_MAX, NULL);
    return p->match != NULL || err_no_memory(e);
}

void topic_pattern_release(struct topic_pattern *p)
{
    pcre2_code_free(p->code);
    pcre2_match_data_free(p->match);
    *p = (struct topic_pattern){0};
}

// 0: it matches, and has more groups than there is room for.
bool topic_pattern_matches(const struct topic_pattern *p, struct span topic)
{
    return pcre2_match(p->code, (PCRE2_SPTR)topic.p, topic.n, 0, 0, p->match, NULL) >= 0;
}

void topic_pattern_groups(const struct topic_pattern *p, struct span topic,
                          struct span groups[TOPIC_GROUPS_MAX])
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(p->match);
    for (int i = 0; i < TOPIC_GROUPS_MAX; i++) {
        bool took_part = i <= p->groups && at[2 * i] != PCRE2_UNSET;
        groups[i] = took_part ? (struct span){topic.p + at[2 * i], at[2 * i + 1] - at[2 * i]}
                              : (struct span){NULL, 0};
    }
}
