// The frame of a log source's run: the offset folder is held, the connection is made, and made again when it
// was lost, and however the run ends its status stands in the last line.
#ifndef CDC_STATE_FRAME_H
#define CDC_STATE_FRAME_H

#include "event/capture.h"
#include "event/tail.h"

struct frame_source {
    void *self;
    struct capture capture; // compiled by frame_run(), released by frame_release()
    enum shape_time time;   // the source's default mode
    // Before anything is connected; the folder is held.
    bool (*init)(void *self, struct err *e);
    // Connects, does the preflight, decides where to go on. again: behind what was written, after a loss.
    // *checked: only the preflight was asked for, and found nothing.
    bool (*open)(void *self, bool again, bool *checked, struct err *e);
    // From open() until the run has ended (true), or it or the connection failed.
    bool (*run)(void *self, struct err *e);
    // Before open() after a loss.
    void (*disconnect)(void *self);
    // A number that rises whenever the log brought something.
    uint64_t (*progress)(const void *self);
    // Whether a lost connection can be made again; else sets the error. NULL: always.
    bool (*can_reconnect)(void *self, struct err *e);
    // The last lines; init() has succeeded.
    bool (*finish)(void *self, int status, struct err *e);
    // Whether the reader of the pipe went away.
    bool (*gone)(const void *self);

    // Private.
    bool initialised;
    struct buf prefix;
};

// Runs the source. What cannot be had at the start is told at once; a connection that is lost later is tried
// again for --retry.
bool frame_run(struct frame_source *s, const struct tail_options *o, struct err *e) MUST_CHECK;

void frame_release(struct frame_source *s);

// The topics' prefix of a run that was given none: name in Kafka's alphabet.
void frame_default_prefix(struct frame_source *s, const char *name);

#endif
