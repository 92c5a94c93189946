// What a stream tells of itself: --stats and SIGUSR1.
#ifndef CDC_POSTGRES_STREAM_STATS_H
#define CDC_POSTGRES_STREAM_STATS_H

#include "postgres/stream.h"

bool stream_stats_open(struct stream *s, struct err *e) MUST_CHECK;

void stream_stats_keep(struct stream *s);
void stream_stats_if_due(struct stream *s, int64_t now_ms);

#endif
