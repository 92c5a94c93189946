// Whether a sink that keeps its own token fits the source that now feeds it. Pure.
#ifndef CDC_SINK_HANDSHAKE_H
#define CDC_SINK_HANDSHAKE_H

#include "event/line.h"
#include "sink/sink.h"

enum handshake {
    HANDSHAKE_FAIL,
    HANDSHAKE_FRESH,  // the sink has no token: everything is new to it
    HANDSHAKE_SKIP,   // what is at or before the sink's token is there already
    HANDSHAKE_REWIND, // the sink is ahead, and rows of a snapshot are to come: acknowledge its token and let
                      // the source start again there
};

// start: the position and identity that the source's start line gave. *own_pos borrows from own.
enum handshake handshake(const struct sink_own *own, const struct pos *start, const struct line_start *line,
                         struct pos *own_pos, struct err *e) MUST_CHECK;

#endif
