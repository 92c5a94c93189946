// The loop of a stage between source and sink: reads lines, has each one's fate decided, and writes what goes
// on, in order.
//
// Control lines go on by themselves, to every output. A line that an output does not get was dropped there:
// its token is told in a progress line at least once a second and before the stage waits, unless a later line
// has told more. A stage never reorders; several lines may bear one token.
//
// The first stop signal is ignored but for --drain-timeout; the end of the input ends the stage. One that
// fails writes an `end` line with its status, so that the pipeline's last stage knows it.
#ifndef CDC_STAGE_STAGE_H
#define CDC_STAGE_STAGE_H

#include "base/log.h"
#include "base/opt.h"
#include "event/line.h"

#define STAGE_OUTPUTS_MAX 64

enum stage_fate {
    STAGE_KEEP,   // as it is
    STAGE_DROP,   // with progress in its place
    STAGE_WRITE,  // other lines in its place, under its token; none at all is a drop
    STAGE_REFUSE, // bad data: to the reject file, or the end
};

struct stage_line {
    struct line line;
    uint64_t number;
    enum stage_fate fate;
    bool broken;      // private: the header could not be read
    uint64_t outputs; // KEEP, WRITE: bit i is the i-th output; all are set before the decision
    // WRITE: whole lines, each with its '\n'; REFUSE: the reason. Bytes at … at + n of a buffer that stands
    // until the next decision; it may grow until the decision is made.
    struct buf *in;
    size_t at, n;
};

// Decides the fates of n lines, in the order they were read: change lines and such without a header. Their
// spans are valid until the next call.
typedef bool stage_decide(void *self, struct stage_line **lines, size_t n, struct err *e);

struct stage_options {
    const char *reject, *stats; // files, or NULL
    uint64_t max_line_bytes;
    int64_t drain_timeout_ms;
    uint64_t batch_lines; // at most so many are decided at once
    int64_t linger_ms;    // how long a line may wait for others to be decided with it
    int fds[STAGE_OUTPUTS_MAX];
    size_t outputs;
    notice_fn *warn;
};

// What most stages want: one output, standard output.
#define STAGE_DEFAULTS                                                                                       \
    .max_line_bytes = LINE_MAX_BYTES, .drain_timeout_ms = 30000, .batch_lines = 1024, .fds = {1}, .outputs = 1

// What every stage has of them, for a command's table.
#define STAGE_OPTIONS(o)                                                                                       \
    {OPT_HEADING, .help = "Running"},                                                                          \
        {OPT_STRING, "reject", NULL, 0, &(o).reject, "FILE", "bad data goes there, and the stage goes on"},    \
        {OPT_SIZE, "max-line", NULL, 0, &(o).max_line_bytes, "SIZE", "what one line may take; default 64MiB"}, \
        {OPT_DURATION,                                                                                         \
         "drain-timeout",                                                                                      \
         NULL,                                                                                                 \
         0,                                                                                                    \
         &(o).drain_timeout_ms,                                                                                \
         "TIME",                                                                                               \
         "after a stop signal, how long for the rest; default 30s"},                                           \
    {                                                                                                          \
        OPT_STRING, "stats", NULL, 0, &(o).stats, "FILE", "keep figures there, as Prometheus text"             \
    }

// Runs to the end of standard input. *status: STATUS_DONE or STATUS_REJECTED.
bool stage_run(const struct stage_options *o, stage_decide *decide, void *self, int *status,
               struct err *e) MUST_CHECK;

// For decisions: the fate is WRITE, with what is in b from `at` on.
static inline void stage_write(struct stage_line *l, struct buf *b, size_t at)
{
    l->fate = STAGE_WRITE;
    l->in = b, l->at = at, l->n = b->n - at;
}

// The fate is REFUSE; the reason is put into b.
void stage_refuse(struct stage_line *l, struct buf *b, const char *reason);

#endif
