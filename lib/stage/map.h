// What a jq expression makes of a line, as lines again.
#ifndef CDC_STAGE_MAP_H
#define CDC_STAGE_MAP_H

#include "event/libjq.h"
#include "event/line.h"

// Appends every output of the expression, each as a line with its '\n', under the line's token. The header
// stays unless an output has another "cdc"; its position stays always. False, with q's message, where the
// expression fails or gives no line.
bool map_line(struct libjq *q, const struct line *l, struct buf *out) MUST_CHECK;

#endif
