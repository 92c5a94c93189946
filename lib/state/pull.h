// An offset folder made from what a sink kept with its data, for a start on another machine.
#ifndef CDC_STATE_PULL_H
#define CDC_STATE_PULL_H

#include "base/err.h"
#include "base/span.h"

struct pulled {
    struct span token, identity; // the sink's, and of which source it is
    struct span state;           // that source's file `source`; empty: the sink has none
};

// Puts the state and, for the sink, the token into the folder, which is made if it is missing.
//
// STATUS_USAGE where the folder is another source's, or ahead of the token and not `force`d; STATUS_LOST
// where the state is not enough to go on from the token. The folder is then as it was.
bool pull_store(const char *dir, const char *sink, const struct pulled *p, bool force,
                struct err *e) MUST_CHECK;

#endif
