// What cdc-filter decides: which lines stay, and what becomes of them.
//
// Operation, table, changed columns and the native half of the expression are decided on the calling thread;
// what is libjq's is done by --jobs threads, each with states of its own.
#ifndef CDC_STAGE_FILTER_H
#define CDC_STAGE_FILTER_H

#include "base/opt.h"
#include "event/expr_eval.h"
#include "event/pattern.h"
#include "stage/jobs.h"
#include "stage/memo.h"
#include "stage/rewrite.h"
#include "stage/stage.h"

// What happens to a line on which the expression fails.
enum on_error { ON_ERROR_REFUSE, ON_ERROR_KEEP, ON_ERROR_DROP };

struct filter_options {
    const char *operations; // as c,u,d; or NULL
    struct opt_list table, exclude_table;
    struct opt_list changed; // column names, joined by commas
    const char *expression, *map;
    struct rewrite_options rewrite;        // before the map
    const struct expr_variable *variables; // must outlive the filter, as the texts
    size_t n_variables;
    enum on_error on_error;
    uint64_t jobs;
};

struct filter_worker;

struct filter {
    const struct filter_options *o;
    bool operations[128];
    struct pattern_pair tables;
    bool by_table;
    struct span *changed;
    size_t n_changed;
    struct expr expr;
    struct expr_eval eval;
    bool native; // the expression has a native half
    struct memo memo;
    struct arena arena;
    struct rewrite rewrite;
    struct buf rewritten;
    struct jobs *jobs;
    struct filter_worker *workers;
    struct stage_line **asked; // of one batch: those for libjq
    size_t n_asked, asked_max;
    uint64_t errors; // lines on which the expression failed, kept or dropped by on_error
};

// STATUS_USAGE where an option or an expression is wrong.
bool filter_init(struct filter *f, const struct filter_options *o, struct err *e) MUST_CHECK;
void filter_release(struct filter *f);

// The stage_decide of a struct filter.
bool filter_decide(void *filter, struct stage_line **lines, size_t n, struct err *e);

// What is done how, a line each.
void filter_explain(const struct filter *f, struct buf *out);

#endif
