// What a running command tells of itself: figures in a file as Prometheus text, and on standard error when
// SIGUSR1 comes.
//
// Call order: stats_open(), which keeps the figures for the first time, so that a FILE which cannot be had is
// told before anything else; then, wherever the clock is looked at, stats_due() and if so stats_keep(); at
// the end stats_keep() once more. The table of figures is the caller's, made anew each time.
#ifndef CDC_BASE_STATS_H
#define CDC_BASE_STATS_H

#include "base/buf.h"
#include "base/log.h"

enum stat_type { STAT_COUNTER, STAT_GAUGE };

struct stats_figure {
    const char *name; // ends in _total (counters) or in the unit
    const char *help;
    enum stat_type type;
    int64_t value;
    bool milli; // value counts thousandths
};

struct stats {
    const char *file; // NULL: none
    notice_fn *warn;
    int64_t due_ms; // of the monotonic clock
    bool failed;    // the last time; told once
};

// From here on SIGUSR1 asks for the figures; before, it ends the process. STATUS_USAGE where file is there
// and is no regular file, STATUS_IO where it cannot be written.
bool stats_open(struct stats *s, const char *file, notice_fn *warn, const struct stats_figure *figures,
                size_t n, struct err *e) MUST_CHECK;

// Once a second for the file, and when SIGUSR1 came.
bool stats_due(const struct stats *s, int64_t now_ms);

// Replaces the file whole, so that no reader sees half of it, and prints what SIGUSR1 asked for. That the
// disk is full is warned of and ends nothing: the data goes before the figures.
void stats_keep(struct stats *s, int64_t now_ms, const struct stats_figure *figures, size_t n);

// The text alone.
void stats_format(struct buf *out, const struct stats_figure *figures, size_t n);

#endif
