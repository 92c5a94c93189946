// A place in the log as the command line names one: --start and --until.
#ifndef CDC_POSTGRES_PLACE_H
#define CDC_POSTGRES_PLACE_H

#include "event/pos.h"

enum place_kind {
    PLACE_NONE,
    PLACE_LATEST, // --start latest, --until now
    PLACE_EARLIEST,
    PLACE_INITIAL, // --start: a snapshot first
    PLACE_TOKEN,
    PLACE_LSN,
    PLACE_TIME, // a commit time
};

struct place {
    enum place_kind kind;
    struct pos pos;  // PLACE_TOKEN; PLACE_LSN as progress in epoch 1
    int64_t time_us; // since 1970-01-01 UTC
};

// "latest", "now", "earliest", a token, an LSN such as 0/1949F10, or a time such as 2026-01-31T10:00:00Z
// (UTC). STATUS_USAGE with the option's name.
bool place_parse(const char *text, const char *option, struct place *p, struct err *e) MUST_CHECK;

#endif
