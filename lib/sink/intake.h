// What becomes of a line that was read: checked whole, then delivered, held for a transaction, or obeyed.
// Part of the loop (loop.h).
#ifndef CDC_SINK_INTAKE_H
#define CDC_SINK_INTAKE_H

#include "sink/loop_struct.h"

bool intake_line(struct loop *l, struct span text, struct err *e) MUST_CHECK;

#endif
