// Debezium's heartbeat, as a line.
#ifndef CDC_EVENT_HEARTBEAT_H
#define CDC_EVENT_HEARTBEAT_H

#include "event/capture.h"
#include "event/pos.h"

// describe: with its schemas in front.
void heartbeat_write(const struct capture *c, const struct pos *at, bool describe, struct buf *out);

#endif
