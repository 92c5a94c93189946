// The order in which a java.util.HashMap lists its keys, which Debezium's events show.
//
// There are 16 buckets, doubled whenever three quarters as many keys are in it; keys stand bucket by bucket,
// within one in the order in which they came.
#ifndef CDC_EVENT_JAVA_MAP_H
#define CDC_EVENT_JAVA_MAP_H

#include "base/span.h"

#include <stdint.h>

struct java_key {
    uint32_t hash, bucket;
    size_t index; // as it came
};

// String.hashCode() of UTF-8, spread as HashMap does.
uint32_t java_hash(struct span text);

// Puts them into the map's order. hash and index are set; bucket is set here.
void java_sort(struct java_key *keys, size_t n);

#endif
