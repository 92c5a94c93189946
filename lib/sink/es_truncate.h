// TRUNCATE: the index's documents go, but for those that are newer than the truncation.
//
// Elasticsearch's own _delete_by_query knows no external version: it would also delete what a sink that was
// killed had written after the truncation. So the ids are read, and deleted with the truncation's version.
#ifndef CDC_SINK_ES_TRUNCATE_H
#define CDC_SINK_ES_TRUNCATE_H

#include "sink/es.h"

bool es_truncate(struct es *es, struct span index, uint64_t version, struct err *e) MUST_CHECK;

#endif
