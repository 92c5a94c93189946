// What Elasticsearch answers to _bulk and _mget. Pure: the bytes are a peer's, and may be cut.
#ifndef CDC_SINK_ES_ANSWER_H
#define CDC_SINK_ES_ANSWER_H

#include "base/span.h"

#include <stdint.h>

// What the sink asks for of each answer (filter_path); the rest would be many times as long.
#define ES_BULK_PATH "/_bulk?filter_path=error,status,items.*.status,items.*.error"
#define ES_MGET_PATH "/_mget?filter_path=error,status,docs._version,docs.found,docs._source,docs.error"

// One item of a bulk answer, borrowed from the body. Strings are JSON's, without their quotes.
struct es_item {
    int status;
    bool error;
    struct span type, reason; // may be empty
};

// One document of an mget answer.
struct es_found {
    bool found;
    uint64_t version; // 0 where it was not told
    struct span source;
};

// False where the body is not whole JSON with just n items that each have a status.
bool es_answer_items(struct span body, struct es_item *items, size_t n);

// The same for documents. One that could not be read is an error, unless its index is missing.
bool es_answer_docs(struct span body, struct es_found *docs, size_t n);

// Of a request that failed as a whole: type and reason as far as they are told, else empty.
struct es_item es_answer_error(struct span body);

#endif
