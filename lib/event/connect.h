// Kafka Connect's schemas, as its JSON converter prints them, and the `schema` control line that carries a
// topic's two.
#ifndef CDC_EVENT_CONNECT_H
#define CDC_EVENT_CONNECT_H

#include "event/pos.h"

#define CONNECT_PARAMETERS 3

struct connect_schema {
    const char *type;                   // int32, string, struct, …
    const struct connect_schema *items; // of an array
    const char *members;                // of a struct or map, as JSON: "fields":[…]
    bool optional;
    const char *name; // NULL: none
    int version;      // 0: none
    const char *doc;
    struct {
        const char *name;
        struct span value;
    } parameter[CONNECT_PARAMETERS];
    size_t parameters;
    struct span fallback; // the default, as JSON; empty: none
    struct span field;    // quoted; empty: not a struct's field
};

void connect_write(const struct connect_schema *s, struct buf *out);

// {"cdc":{"control":"schema","pos":"…","topic":"…","key": — then the key's schema or null, connect_next(),
// the value's, connect_end().
void connect_begin(const struct pos *at, struct span topic, struct buf *out);
void connect_next(struct buf *out);
void connect_end(struct buf *out);

// Schemas that are the same for every source.
#define CONNECT_STRING_FIELD(name) "{\"type\":\"string\",\"optional\":false,\"field\":\"" name "\"}"
#define CONNECT_INT64_FIELD(name) "{\"type\":\"int64\",\"optional\":false,\"field\":\"" name "\"}"
#define CONNECT_TRANSACTION_BLOCK                                                                            \
    "{\"type\":\"struct\",\"fields\":[" CONNECT_STRING_FIELD("id") "," CONNECT_INT64_FIELD(                  \
        "total_order") "," CONNECT_INT64_FIELD("data_collection_order") "],\"optional\":true,"               \
                                                                        "\"name\":\"event.block\","          \
                                                                        "\"version\":1,\"field\":"           \
                                                                        "\"transaction\"}"

void connect_write_transaction(const struct pos *at, struct span topic, struct buf *out);
void connect_write_heartbeat(const struct pos *at, struct span topic, struct buf *out);

#endif
