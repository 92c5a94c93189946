// A topic's name made from a line: text with what stands for parts of it.
//
//   $1 … $9       what a group of the rule's expression matched
//   ${1} ${name}  the same
//   ${op}         the operation
//   ${db} ${schema} ${table}   from the source
//   ${topic}      the topic so far
//   ${.a.b}       the text, number or truth value there in the line
//   $$            a dollar sign
#ifndef CDC_EVENT_TEMPLATE_H
#define CDC_EVENT_TEMPLATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "event/line.h"

enum template_part {
    TEMPLATE_TEXT,
    TEMPLATE_GROUP,
    TEMPLATE_OP,
    TEMPLATE_TOPIC,
    TEMPLATE_PATH,
};

#define TEMPLATE_PARTS_MAX 32
#define TEMPLATE_DEPTH_MAX 16

struct template_piece {
    enum template_part part;
    struct span text; // TEXT; what is called missing, else
    int group;
    struct span path[TEMPLATE_DEPTH_MAX];
    size_t depth;
};

struct template
{
    struct template_piece pieces[TEMPLATE_PARTS_MAX];
    size_t n;
    bool by_line; // more than topic and groups
};

// groups: how many the expression has, names: theirs, by number. The text must outlive the template.
// STATUS_USAGE.
bool template_parse(struct template *t, struct span text, int groups, const struct span *names,
                    struct err *e) MUST_CHECK;

// Appends the name, in Kafka's alphabet. STATUS_DATA where the line lacks a part.
bool template_expand(const struct template *t, const struct line *l, const struct span *groups,
                     struct arena *arena, struct buf *out, struct err *e) MUST_CHECK;

#endif
