#ifndef CDC_SINK_OWN_H
#define CDC_SINK_OWN_H

#include "base/buf.h"

// What a sink that keeps its own token found in its system. Empty: it has none yet.
struct sink_own {
    struct buf token, identity;
    bool lower_bound; // it keeps no token for what changed nothing in it: it may be further than this one
};

#endif
