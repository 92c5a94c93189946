// Debezium's outbox EventRouter: a row that was inserted into an outbox table is an event of its own.
//
// Topic by the row's aggregatetype, key its aggregateid, a header with its id, and as value its payload, a
// JSON object. Deletes are dropped, as the application cleans its outbox up; so are updates, by
// table.op.invalid.behavior.
#ifndef CDC_STAGE_OUTBOX_H
#define CDC_STAGE_OUTBOX_H

#include "stage/route.h"

bool outbox_init(struct route *r, struct err *e) MUST_CHECK;
void outbox_release(struct route *r);

// Whether the line is of an outbox table.
bool outbox_has(struct route *r, const struct line *l);

// Decides about such a line. topic: of the event, if the fate is WRITE; in r->name.
void outbox_route(struct route *r, struct stage_line *l, struct span *topic);

#endif
