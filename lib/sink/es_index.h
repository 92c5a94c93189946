// The indices: made where they are missing, and asked whose they are.
//
// The mapping's _meta says which source an index is of, {"cdc":{"source","epoch","base"}}: the source's
// identity, the highest epoch that its versions bear, and what is added to the source's own epoch to give
// that. Lines of another source, or of a new snapshot, must bear a higher epoch, or their versions would be
// below those that are there and nothing would be written.
#ifndef CDC_SINK_ES_INDEX_H
#define CDC_SINK_ES_INDEX_H

#include "sink/es.h"

struct es_index {
    char *name;     // NULL: a free place
    char *topic;    // that the name was made of first
    uint64_t epoch; // the highest that its versions bear; 0 where nobody said
    uint64_t base;  // added to the source's epoch
    bool met;       // base is known
};

// What an index told of itself.
struct es_index_info {
    struct span source;    // empty without one
    uint64_t epoch, base;  // 0 without
    int64_t gc_deletes_ms; // -1: for ever
    struct span meta;      // the whole _meta object, or empty
};

// Of `GET /INDEX?flat_settings=true`. Pure. False where that is not one index.
bool es_index_read(struct span body, struct es_index_info *info);

// The index of that name, for this record; it is asked for or made the first time. *version: the record's
// there, 0 without a position.
bool es_index_for(struct es *es, struct span name, const struct record *r, uint64_t *version,
                  struct err *e) MUST_CHECK;

void es_index_release(struct es *es);

#endif
