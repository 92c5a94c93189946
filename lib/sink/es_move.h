// A row whose key has changed comes as the old id's delete and the new id's create. The create may lack
// values that only the old document has, so the delete waits, parked, for what follows it: then the create is
// made whole and delivered before the old document goes.
#ifndef CDC_SINK_ES_MOVE_H
#define CDC_SINK_ES_MOVE_H

#include "sink/es.h"

// Whether the line is a delete that a create follows.
bool es_is_moving(struct span headers);

bool es_park(struct es *es, const struct es_new *line, struct err *e) MUST_CHECK;

// Hands the parked line, if any, to its lane.
bool es_unpark(struct es *es, struct err *e) MUST_CHECK;

// The same where the position has passed it, so that its create was left out by a stage before; else it waits
// on, or at the input's end is let go: it is not acknowledged then, and comes again with its create. Deleting
// the old document now would lose what the create lacks.
bool es_unpark_passed(struct es *es, bool ended, struct err *e) MUST_CHECK;

// Hands over a create that lacks values and has the header of the old key, made whole as far as the documents
// have it, and what is parked once that is durable. *taken: false where the line is no such.
bool es_take_moved(struct es *es, struct es_new *line, bool *taken, struct err *e) MUST_CHECK;

#endif
