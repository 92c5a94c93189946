// A snapshot without a log behind it: every row of the captured tables, of one moment, whose place in the log
// `source` tells.
#ifndef CDC_MYSQL_DUMP_H
#define CDC_MYSQL_DUMP_H

#include "event/tail.h"

bool my_dump_run(const struct tail_options *o, struct err *e) MUST_CHECK;

#endif
