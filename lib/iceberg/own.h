// Where a pipeline stands, by the tables that it has written: the handshake's token.
//
// A table's own position says nothing of the other tables. So each commit also sets cdc.complete.NAME, a
// token up to which every table of the pipeline has everything; the highest in the namespace counts.
#ifndef CDC_ICEBERG_OWN_H
#define CDC_ICEBERG_OWN_H

#include "iceberg/target.h"
#include "sink/own.h"

// Looks through the namespace's tables. What cannot be read as a table is none of ours.
bool ice_own_find(struct ice_writer *w, struct span space, struct sink_own *own, struct err *e) MUST_CHECK;

#endif
