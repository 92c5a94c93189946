// Bytes by key, at most so many; the one that was not asked for the longest goes first.
//
// Each entry is one piece of memory. What an entry's spans point to is valid until the next cache_put(),
// cache_drop() or cache_clear().
#ifndef CDC_STAGE_CACHE_H
#define CDC_STAGE_CACHE_H

#include "base/buf.h"

struct cache_entry {
    struct cache_entry *chain;         // in its bucket
    struct cache_entry *newer, *older; // in the order of use
    uint64_t hash;
    int64_t until_ms; // valid until; of the monotonic clock
    bool found;
    uint32_t key_n;
    size_t n;
    char bytes[]; // the key, then the value
};

struct cache {
    struct cache_entry **buckets;
    size_t n, n_buckets, max; // n_buckets: a power of two
    struct cache_entry *newest, *oldest;
};

// max 0: nothing is kept.
bool cache_init(struct cache *c, size_t max, struct err *e) MUST_CHECK;
void cache_release(struct cache *c);

static inline struct span cache_value(const struct cache_entry *entry)
{
    return (struct span){entry->bytes + entry->key_n, entry->n};
}

// NULL where the key is not there, or no more.
const struct cache_entry *cache_find(struct cache *c, struct span key, int64_t now_ms);

// found false: it is known that there is no value. Without memory nothing is kept.
void cache_put(struct cache *c, struct span key, bool found, struct span value, int64_t until_ms);
void cache_drop(struct cache *c, struct span key);
void cache_clear(struct cache *c);

#endif
