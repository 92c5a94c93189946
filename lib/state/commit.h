// `cdc-offset commit`: stores what a sink acknowledges on a descriptor, until its end.
//
// The newest token is stored at once if none was for `interval_ms`, else when that time is over, and at the
// end, whatever the end was. A stop signal is ignored for `drain_timeout_ms` (base/stop.h).
#ifndef CDC_STATE_COMMIT_H
#define CDC_STATE_COMMIT_H

#include "base/log.h"

#include <stdint.h>

struct commit_options {
    const char *dir, *sink;
    int64_t interval_ms, drain_timeout_ms;
    notice_fn *note;
};

// Makes the folder if it is missing. *status: what the source ended with. An input that ends without saying
// is STATUS_PEER; on any error, e->status is the graver of its own and the source's.
bool commit_run(const struct commit_options *o, int fd, int *status, struct err *e) MUST_CHECK;

#endif
