// Arena memory as lib/iceberg takes it.
#ifndef CDC_ICEBERG_MEMORY_H
#define CDC_ICEBERG_MEMORY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

// Room for n things of a size, zeroed; NULL, with the error, without memory.
void *ice_take(struct arena *a, size_t n, size_t size, struct err *e);

// Copies the bytes into the arena. False, with the error, without memory.
bool ice_keep(struct arena *a, struct span *bytes, struct err *e) MUST_CHECK;

#endif
