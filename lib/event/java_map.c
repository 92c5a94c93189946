#include "event/java_map.h"

#include <stdlib.h>

static void hash_unit(uint32_t *hash, uint32_t unit)
{
    *hash = *hash * 31 + unit;
}

uint32_t java_hash(struct span text)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < text.n;) {
        unsigned char c = (unsigned char)text.p[i];
        size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
        uint32_t v = more == 0 ? c : c & (0x3fu >> more);
        for (i++; more != 0 && i < text.n; more--, i++)
            v = v << 6 | ((unsigned char)text.p[i] & 0x3f);
        if (v > 0xffff) {
            hash_unit(&hash, 0xd800 + (v - 0x10000) / 0x400);
            v = 0xdc00 + v % 0x400;
        }
        hash_unit(&hash, v);
    }
    return hash ^ hash >> 16;
}

static int by_bucket(const void *a, const void *b)
{
    const struct java_key *x = a, *y = b;
    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

void java_sort(struct java_key *keys, size_t n)
{
    size_t buckets = 16;
    while (n > buckets / 4 * 3)
        buckets *= 2;
    for (size_t i = 0; i < n; i++)
        keys[i].bucket = keys[i].hash & (uint32_t)(buckets - 1);
    if (n > 1)
        qsort(keys, n, sizeof *keys, by_bucket);
}
