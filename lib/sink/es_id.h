// Names in Elasticsearch, from a line's key and topic. Pure.
#ifndef CDC_SINK_ES_ID_H
#define CDC_SINK_ES_ID_H

#include "base/buf.h"

// What Elasticsearch takes at most; a longer one would fail the whole request.
#define ES_ID_MAX 512
#define ES_INDEX_MAX 255

// Appends a document's _id. A key of one column, or a value that is no object, gives that value: a string its
// text, all else its JSON. A string that is empty or begins with one of [ { " stays JSON, so that no two keys
// share an id. Several columns give a JSON array of their values, without white space, in the key's order.
// STATUS_DATA where the key is null, or the id is too long.
bool es_id(struct span key, struct buf *out, struct err *e) MUST_CHECK;

// Appends the name, of [A-Za-z0-9._-], in lower case. STATUS_DATA where it can be no index's.
bool es_index_name(struct span name, struct buf *out, struct err *e) MUST_CHECK;

#endif
