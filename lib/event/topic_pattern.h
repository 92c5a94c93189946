// Regular expressions for topics, as Debezium's routers have them: Java's, on the whole topic, case counts.
#ifndef CDC_EVENT_TOPIC_PATTERN_H
#define CDC_EVENT_TOPIC_PATTERN_H

#include "base/err.h"
#include "base/span.h"

// Groups 1 … 9, as $1 … $9.
#define TOPIC_GROUPS_MAX 10

struct topic_pattern {
    void *code, *match;
    int groups;                          // how many it has, of those that count
    struct span names[TOPIC_GROUPS_MAX]; // theirs; empty where one has none
};

// STATUS_USAGE with the place in the expression. option: for the message.
bool topic_pattern_compile(struct topic_pattern *p, struct span text, const char *option,
                           struct err *e) MUST_CHECK;
void topic_pattern_release(struct topic_pattern *p);

bool topic_pattern_matches(const struct topic_pattern *p, struct span topic);

// What the groups matched, by the last call that was true; empty ones for those that took no part.
void topic_pattern_groups(const struct topic_pattern *p, struct span topic,
                          struct span groups[TOPIC_GROUPS_MAX]);

#endif
