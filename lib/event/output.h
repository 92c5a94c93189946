// The lines a source writes: gathered, and written whole when the source would wait or enough has come
// together.
//
// While the reader of the pipe is slow the source is blocked in output_flush(), maybe for hours. It must stay
// in touch with its server all the same, so a tick is called about once a second meanwhile.
#ifndef CDC_EVENT_OUTPUT_H
#define CDC_EVENT_OUTPUT_H

#include "base/buf.h"

// Enough for one write.
#define OUTPUT_FLUSH_BYTES (64u << 10)

struct output {
    int fd;
    struct buf lines; // whole lines, ready to be written
    bool gone;        // the reader closed the pipe
    uint64_t written; // bytes
    bool (*tick)(void *context, struct err *e);
    void *context;
};

// max_line_bytes: what one line may take. Installs the SIGALRM handler that interrupts a blocked write.
void output_init(struct output *o, int fd, size_t max_line_bytes, bool (*tick)(void *, struct err *),
                 void *context);
void output_release(struct output *o);

// Writes everything. STATUS_PEER where the reader is gone, STATUS_IO where it cannot be written, or what tick
// failed with.
bool output_flush(struct output *o, struct err *e) MUST_CHECK;

// Writes what is gathered and then these whole lines, which are not copied.
bool output_write(struct output *o, struct span lines, struct err *e) MUST_CHECK;

static inline bool output_is_full(const struct output *o)
{
    return o->lines.n >= OUTPUT_FLUSH_BYTES;
}

#endif
