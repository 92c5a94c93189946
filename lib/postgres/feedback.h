// What the server is told: how far the log was received, and how far it is not needed any more.
#ifndef CDC_POSTGRES_FEEDBACK_H
#define CDC_POSTGRES_FEEDBACK_H

#include "postgres/stream.h"

// Sends a standby status update. The server may forget the log before the offset folder's COMMIT_LSN; without
// a folder, a temporary slot's before what was written out.
bool feedback_send(struct stream *s, int64_t now_ms, struct err *e) MUST_CHECK;

// Once a second.
bool feedback_if_due(struct stream *s, int64_t now_ms, struct err *e) MUST_CHECK;

#endif
