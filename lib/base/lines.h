// Reads lines from a descriptor without copying them.
//
// Call order: lines_next() until it answers LINES_MORE; then, when the descriptor is readable, lines_fill(),
// and again. A line's span is writable and valid until the next lines_fill(). A last line without '\n' is
// never given.
#ifndef CDC_BASE_LINES_H
#define CDC_BASE_LINES_H

#include "base/buf.h"

enum lines_got { LINES_GOT, LINES_MORE, LINES_END, LINES_FAIL };

struct lines {
    int fd;
    size_t max_line_bytes;
    struct buf bytes;
    size_t at;      // where the next line begins
    size_t scanned; // up to where no '\n' was found
    uint64_t count; // lines given
    bool ended;
};

// max_line_bytes: a longer line is STATUS_DATA.
void lines_init(struct lines *l, int fd, size_t max_line_bytes);
void lines_release(struct lines *l);

enum lines_got lines_next(struct lines *l, struct span *line, struct err *e) MUST_CHECK;

// The input ended within a line, which is no line.
static inline bool lines_are_cut(const struct lines *l)
{
    return l->ended && l->bytes.n != l->at;
}

// One read(). The end of the input is seen by the next lines_next().
bool lines_fill(struct lines *l, struct err *e) MUST_CHECK;

#endif
