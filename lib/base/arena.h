// Memory that is given back all at once: what one record needs while it is worked on.
//
// arena_reset() keeps the first block, so a steady flow of records allocates nothing.
#ifndef CDC_BASE_ARENA_H
#define CDC_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; // the newest first
};

// NULL where there is no memory. Aligned for any type; lives until the reset.
void *arena_take(struct arena *a, size_t n);
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

#endif
