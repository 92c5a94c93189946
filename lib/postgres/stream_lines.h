// What the stream's changes become: the position of each, whether it is wanted, new and not shown by a
// snapshot's rows, and its line.
#ifndef CDC_POSTGRES_STREAM_LINES_H
#define CDC_POSTGRES_STREAM_LINES_H

#include "postgres/stream.h"

struct pos stream_place(const struct stream *s, uint64_t epoch, uint64_t commit_lsn, uint64_t lsn,
                        uint64_t k);
// Whether no earlier run delivered what has this token.
bool stream_is_new(const struct stream *s, const struct pos *at);

bool stream_on_row(struct stream *s, char type, const struct pgo_row *row, uint64_t lsn,
                   struct err *e) MUST_CHECK;
bool stream_on_truncate(struct stream *s, const struct pgo_truncate *t, uint64_t lsn,
                        struct err *e) MUST_CHECK;
bool stream_on_message(struct stream *s, const struct pgo_logical *m, uint64_t lsn, struct err *e) MUST_CHECK;

// What a start elsewhere needs to know of the folder: added to the line that was written last, or told in a
// progress line of its own.
void stream_add_state(struct stream *s);
void stream_tell_state(struct stream *s);

#endif
