// A stream's progress lines and heartbeats.
#ifndef CDC_MYSQL_STREAM_PROGRESS_H
#define CDC_MYSQL_STREAM_PROGRESS_H

#include "mysql/stream.h"

// s->written becomes the last line's token.
void my_stream_catch_up(struct my_stream *s);
// Unless nothing was read since the last.
void my_stream_write_progress(struct my_stream *s, int64_t now_ms);
void my_stream_heartbeat_if_due(struct my_stream *s, int64_t now_ms);

#endif
