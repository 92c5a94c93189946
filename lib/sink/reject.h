// The reject file: what a sink or its system refused, a JSON object a line, durable before its position is
// acknowledged.
//
//   {"reason":"…","line":7,"pos":"…","topic":"…","key":…,"headers":…,"value":…}
//   {"reason":"…","line":7[,"pos":"…"],"text":"…"}      a line that is no event; "base64" in place of "text"
//                                                       where it is not UTF-8
#ifndef CDC_SINK_REJECT_H
#define CDC_SINK_REJECT_H

#include "sink/sink.h"

struct reject {
    int fd; // -1: none was asked for
    const char *path;
    uint64_t count;
};

// path NULL: none. The file is appended to.
bool reject_open(struct reject *r, const char *path, struct err *e) MUST_CHECK;
void reject_close(struct reject *r);

bool reject_record(struct reject *r, const struct record *record, const char *reason,
                   struct err *e) MUST_CHECK;
bool reject_text(struct reject *r, uint64_t line, struct span pos, struct span text, const char *reason,
                 struct err *e) MUST_CHECK;

#endif
