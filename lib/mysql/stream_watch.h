// What a stream looks at now and then: its figures for --stats, and what of its progress was acknowledged.
#ifndef CDC_MYSQL_STREAM_WATCH_H
#define CDC_MYSQL_STREAM_WATCH_H

#include "mysql/stream.h"

bool my_stream_open_stats(struct my_stream *s, struct err *e) MUST_CHECK;
void my_stream_keep_stats(struct my_stream *s);

// What is due of both.
bool my_stream_touch(struct my_stream *s, int64_t now_ms, struct err *e) MUST_CHECK;

// The same while the reader of the lines is slow: an output's tick, of a struct my_stream.
bool my_stream_tick(void *stream, struct err *e) MUST_CHECK;

#endif
