// What `cdc-offset show` says of an offset folder, for a person and for a program.
#ifndef CDC_STATE_REPORT_H
#define CDC_STATE_REPORT_H

#include "state/position.h"

// source: the file `source`, or empty. now_ms: Unix time. Both append to out.
void report_text(const struct position *p, struct span source, int64_t now_ms, struct buf *out);
void report_json(const struct position *p, struct span source, int64_t now_ms, struct buf *out);

// How far a sink is behind the log's end: bytes, NULL where that is not known, and its token's age, unless
// there is no such log. asked: a server was.
void report_behind_text(const struct position_sink *sink, bool asked, const uint64_t *bytes, int64_t now_ms,
                        struct buf *out);
void report_behind_json(const struct position_sink *sink, const uint64_t *bytes, int64_t now_ms,
                        struct buf *out);

// An age or a delay, for a person: 250ms, 3s, 5m12s, 2h03m, 4d07h.
void report_duration(int64_t ms, struct buf *out);

// An LSN as PostgreSQL writes it, 16/B374D848.
void report_lsn(uint64_t lsn, struct buf *out);

#endif
