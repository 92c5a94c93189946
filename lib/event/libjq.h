// Whole jq expressions, by libjq: one state a thread.
//
// Every libjq keeps every number: JSON is read and written here, and a number that the expression handed on
// untouched is written as it stood. Within the expression a number is a double. Where its outputs are written
// (all but LIBJQ_TRUTH), one beyond 2^53 that the expression computed is an error (LIBJQ_FAILED), since its
// digits may be wrong; so is what would depend on a line's number beyond 2^53, as libjq_exact.h says.
#ifndef CDC_EVENT_LIBJQ_H
#define CDC_EVENT_LIBJQ_H

#include "base/arena.h"
#include "base/buf.h"
#include "event/expr.h"

#include <jq.h>

// Whether the first output alone is of interest, and what for.
enum libjq_use { LIBJQ_TRUTH, LIBJQ_FIRST, LIBJQ_ALL };

enum libjq_got { LIBJQ_OUTPUT, LIBJQ_END, LIBJQ_FAILED };

struct libjq {
    jq_state *jq;
    struct arena arena; // of one line
    struct buf numbers; // struct span: the line's numbers, as they stand
    struct buf scratch;
    struct buf message; // why LIBJQ_FAILED
    bool no_long;       // the expression may not see a number beyond 2^53 at all
    bool has_long;      // the line has one
    bool mistakes;      // the expression would take one for another
    bool runs;          // there may be more outputs
};

// STATUS_USAGE with jq's own words where the expression is none.
bool libjq_init(struct libjq *l, const char *text, enum libjq_use use, const struct expr_variable *variables,
                size_t n, struct err *e) MUST_CHECK;
void libjq_release(struct libjq *l);

// Call order: start for a line, which must stay as it is; then next until it does not answer LIBJQ_OUTPUT, or
// until the next start. An output is the caller's, to be given to jv_free(). False, with the message, where
// the line is no JSON.
bool libjq_start(struct libjq *l, struct span line) MUST_CHECK;
enum libjq_got libjq_next(struct libjq *l, jv *output);

// Appends value, which stays the caller's. False, with the message, where a number cannot be written exactly.
bool libjq_write(struct libjq *l, jv value, struct buf *out) MUST_CHECK;

// The JSON of a value is these bytes; false too where it cannot be parsed.
bool libjq_is(struct libjq *l, jv value, struct span json);

#endif
