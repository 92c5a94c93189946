// The in-flight window: events handed to a system that finishes them out of order, acknowledged in order.
//
// Each line that was read gets a place, in order, with how many parts of it the system has yet to finish (two
// for a delete with its tombstone, none for progress). A token may be acknowledged when every place up to its
// last is finished, and when it is complete: progress is at once, an event's token when a higher one was
// read. However many lines bear one token, finished ones leave the window.
#ifndef CDC_STATE_WINDOW_H
#define CDC_STATE_WINDOW_H

#include "event/pos.h"

struct window_place {
    uint64_t line; // its number
    uint32_t pending;
    struct pos pos; // table and key point into token
    struct buf token;
};

struct window {
    struct window_place *at; // a ring; size is a power of two
    size_t size;
    uint64_t first, next; // sequence numbers: first … next-1 are in the window
    struct pos last;      // the highest token read; valid if any was
    struct buf last_text;
    bool has_last;
    struct pos behind;      // of behind_text; its table and key mean nothing
    struct buf behind_text; // the token of what was taken out last, if it cannot be acknowledged yet
    uint64_t pending;       // parts of all places
};

// size: places at most, a power of two.
bool window_init(struct window *w, size_t size, struct err *e) MUST_CHECK;
void window_release(struct window *w);

static inline bool window_is_full(const struct window *w)
{
    return w->next - w->first == w->size;
}

static inline bool window_is_empty(const struct window *w)
{
    return w->next == w->first;
}

// Whether the token may follow what was read: STATUS_DATA where it is below the one before, or malformed. It
// becomes the last one read. *higher: it is above the one before, which is complete by it.
bool window_read(struct window *w, struct span token, struct pos *pos, bool *higher,
                 struct err *e) MUST_CHECK;

// Gives the last token that was read a place, for the line of that number. The window must not be full.
bool window_add(struct window *w, uint64_t line, uint32_t pending, uint64_t *seq, struct err *e) MUST_CHECK;

// The event has so many parts more.
void window_parts(struct window *w, uint64_t seq, uint32_t parts);

// One part of seq's event is finished.
void window_done(struct window *w, uint64_t seq);

// How many parts are not finished.
static inline uint64_t window_pending(const struct window *w)
{
    return w->pending;
}

// The token of a place that is in the window, and its line's number.
struct span window_token(const struct window *w, uint64_t seq, uint64_t *line);

// Takes out what can be acknowledged; the newest token of it is put in token. False if there is none.
bool window_take(struct window *w, struct buf *token);

#endif
