// A snapshot without a log behind it: initial-only, and cdc-snapshot without an offset folder. No slot and no
// publication is made, so nothing of ours is left on the server. With an offset folder it goes on after a
// kill.
#ifndef CDC_POSTGRES_DUMP_H
#define CDC_POSTGRES_DUMP_H

#include "event/tail.h"

bool pg_dump_run(const struct tail_options *o, struct err *e) MUST_CHECK;

#endif
