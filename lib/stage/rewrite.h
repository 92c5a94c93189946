// Changes of a line that need no jq: columns left out or masked, the row without its envelope.
#ifndef CDC_STAGE_REWRITE_H
#define CDC_STAGE_REWRITE_H

#include "base/opt.h"
#include "event/expr.h"
#include "event/line.h"
#include "event/pattern.h"
#include "stage/memo.h"

struct rewrite_options {
    struct opt_list drop; // column patterns, on schema.table.column
    struct opt_list mask; // the same, each with =N behind for N asterisks
    // Debezium's ExtractNewRecordState.
    bool unwrap, drop_deletes;
    const char *add_fields, *add_fields_prefix;
};

#define REWRITE_DEFAULTS                                                                                     \
    {                                                                                                        \
        .add_fields_prefix = "__"                                                                            \
    }

struct rewrite_mask;
struct rewrite_field;

struct rewrite {
    const struct rewrite_options *o;
    struct pattern_list drop;
    struct rewrite_mask *masks;
    size_t n_masks;
    struct rewrite_field *fields;
    size_t n_fields;
    struct memo columns;
    struct arena arena;
    struct buf name;
};

// STATUS_USAGE where an option is wrong.
bool rewrite_init(struct rewrite *w, const struct rewrite_options *o, struct err *e) MUST_CHECK;
void rewrite_release(struct rewrite *w);

// Whether there is anything to do.
bool rewrite_has(const struct rewrite *w);

enum rewritten { REWRITE_SAME, REWRITE_DONE, REWRITE_DROP, REWRITE_REFUSE };

// Appends the new line, with its '\n', or for REFUSE the reason.
enum rewritten rewrite_line(struct rewrite *w, const struct line *l, struct buf *out);

#endif
