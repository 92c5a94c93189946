// What a sink's own transaction holds: lines go into the batch, to the sink once their token is complete, and
// are committed with it in time. Part of the loop (loop.h), for a sink with a commit.
#ifndef CDC_SINK_HELD_H
#define CDC_SINK_HELD_H

#include "sink/loop_struct.h"

// What a transaction holds at most, but for one token's lines.
#define HELD_TRANSACTION_BYTES (48u << 20)

// Adds a change line, to wait until a higher token is read.
bool held_add(struct loop *l, const struct line *line, const struct pos *pos, struct err *e) MUST_CHECK;

// A schema line: it comes to the sink between the lines where it stood.
bool held_add_schema(struct loop *l, const struct line *line, struct err *e) MUST_CHECK;

// A stage's progress bears the token of an event that it dropped. That one is complete with the next higher
// one, as any event's: more lines of it may follow.
void held_tell(struct loop *l, const struct line *line);

// A higher token was read: the lines that waited are whole.
bool held_release(struct loop *l, struct err *e) MUST_CHECK;

// Everything at or before the token is in the transaction.
void held_set_complete(struct loop *l, struct span token);

// Records that wait for the commit.
uint64_t held_records(const struct loop *l);

bool held_commit(struct loop *l, struct err *e) MUST_CHECK;
bool held_commit_if_due(struct loop *l, struct err *e) MUST_CHECK;
int64_t held_due_ms(const struct loop *l);

#endif
