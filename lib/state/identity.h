// The identity of an offset folder's source: the server's and a random number made with the folder, so that a
// sink does not take another pipeline's positions for its own.
#ifndef CDC_STATE_IDENTITY_H
#define CDC_STATE_IDENTITY_H

#include "base/err.h"

#include <stddef.h>

#define IDENTITY_BYTES 64

// server: of characters that need no escape in JSON; cut where it is long.
bool identity_make(const char *server, char identity[IDENTITY_BYTES], struct err *e) MUST_CHECK;

#endif
