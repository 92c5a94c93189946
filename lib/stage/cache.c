#include "stage/cache.h"

#include <stdlib.h>

#define BUCKETS_MIN 64

static uint64_t hash_of(struct span key)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < key.n; i++)
        hash = (hash ^ (unsigned char)key.p[i]) * 0x100000001b3;
    return hash ^ hash >> 32;
}

bool cache_init(struct cache *c, size_t max, struct err *e)
{
    *c = (struct cache){.n_buckets = BUCKETS_MIN, .max = max};
    c->buckets = calloc(c->n_buckets, sizeof(struct cache_entry *));
    return c->buckets != NULL || err_no_memory(e);
}

void cache_release(struct cache *c)
{
    if (c->buckets != NULL)
        cache_clear(c);
    free(c->buckets);
    *c = (struct cache){0};
}

static struct cache_entry **place_of(const struct cache *c, struct span key, uint64_t hash)
{
    struct cache_entry **at = &c->buckets[hash & (c->n_buckets - 1)];
    while (*at != NULL && ((*at)->hash != hash || !span_eq((struct span){(*at)->bytes, (*at)->key_n}, key)))
        at = &(*at)->chain;
    return at;
}

static void unlink_use(struct cache *c, struct cache_entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &c->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &c->oldest) = entry->newer;
}

static void link_use(struct cache *c, struct cache_entry *entry)
{
    entry->newer = NULL;
    entry->older = c->newest;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = entry;
    c->newest = entry;
}

static void drop_at(struct cache *c, struct cache_entry **at)
{
    struct cache_entry *entry = *at;
    *at = entry->chain;
    unlink_use(c, entry);
    free(entry);
    c->n--;
}

const struct cache_entry *cache_find(struct cache *c, struct span key, int64_t now_ms)
{
    struct cache_entry **at = place_of(c, key, hash_of(key)), *entry = *at;
    if (entry == NULL)
        return NULL;
    if (entry->until_ms <= now_ms) {
        drop_at(c, at);
        return NULL;
    }
    if (entry != c->newest) {
        unlink_use(c, entry);
        link_use(c, entry);
    }
    return entry;
}

// The chains stay short; without memory they grow.
static void grow(struct cache *c)
{
    struct cache_entry **buckets = calloc(c->n_buckets * 2, sizeof(struct cache_entry *));
    if (buckets == NULL)
        return;
    free(c->buckets);
    c->buckets = buckets;
    c->n_buckets *= 2;
    for (struct cache_entry *entry = c->oldest; entry != NULL; entry = entry->newer) {
        entry->chain = buckets[entry->hash & (c->n_buckets - 1)];
        buckets[entry->hash & (c->n_buckets - 1)] = entry;
    }
}

void cache_put(struct cache *c, struct span key, bool found, struct span value, int64_t until_ms)
{
    uint64_t hash = hash_of(key);
    struct cache_entry **at = place_of(c, key, hash);
    if (*at != NULL)
        drop_at(c, at);
    if (c->max == 0 || key.n > UINT32_MAX)
        return;
    if (c->n == c->max) {
        struct cache_entry *oldest = c->oldest;
        drop_at(c, place_of(c, (struct span){oldest->bytes, oldest->key_n}, oldest->hash));
    }
    if (c->n == c->n_buckets)
        grow(c);
    struct cache_entry *entry = malloc(sizeof *entry + key.n + value.n);
    if (entry == NULL)
        return;
    at = &c->buckets[hash & (c->n_buckets - 1)];
    *entry = (struct cache_entry){.chain = *at,
                                  .hash = hash,
                                  .until_ms = until_ms,
                                  .found = found,
                                  .key_n = (uint32_t)key.n,
                                  .n = value.n};
    if (key.n != 0)
        memcpy(entry->bytes, key.p, key.n);
    if (value.n != 0)
        memcpy(entry->bytes + key.n, value.p, value.n);
    *at = entry;
    link_use(c, entry);
    c->n++;
}

void cache_drop(struct cache *c, struct span key)
{
    struct cache_entry **at = place_of(c, key, hash_of(key));
    if (*at != NULL)
        drop_at(c, at);
}

void cache_clear(struct cache *c)
{
    while (c->oldest != NULL) {
        struct cache_entry *entry = c->oldest;
        c->oldest = entry->newer;
        free(entry);
    }
    c->newest = NULL;
    c->n = 0;
    memset(c->buckets, 0, c->n_buckets * sizeof(struct cache_entry *));
}
