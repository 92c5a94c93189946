// Lines that several threads make, chunk by chunk, taken by one thread in the chunks' order.
//
// A maker takes a job, fills pieces of memory with its lines and gives them; the taker takes them, first
// chunk first, and hands the pieces back. A maker has few pieces, so one that is ahead waits for the taker,
// and memory stays bounded whatever the chunks' sizes.
//
// Call order. Makers: ordered_job(), then ordered_line() for each of the chunk's lines, ordered_end(), and
// again; after an error ordered_fail(). Taker: ordered_put() for as many jobs as ordered_room() allows,
// ordered_take(), ordered_return(); at the end ordered_stop(), join the threads, ordered_release().
#ifndef CDC_SNAPSHOT_ORDERED_H
#define CDC_SNAPSHOT_ORDERED_H

#include "base/buf.h"

#include <pthread.h>
#include <stdint.h>

// Enough that a lock is taken once in some hundred lines, little enough for the processor's cache.
#define ORDERED_PIECE_BYTES (192u << 10)
#define ORDERED_PIECES 16 // of each maker

struct ordered_piece {
    struct ordered_piece *next; // private
    size_t maker;               // private
    struct buf lines;
    uint64_t rows;
    // Where the snapshot's marker, `true`, stands in the first and the last line; where the last line begins.
    size_t first_mark, last_mark, last_line;
    bool ends_chunk;
    bool is_cut; // with ends_chunk: the chunk's rows behind the last of these were not read
};

struct ordered_job {
    uint64_t chunk;     // from 1, one after the other; 0: none, but what was there before is cut
    const void *detail; // the taker's; stays until the chunk's last piece is returned
    uint64_t cut;       // private; a maker begins with {0} and hands on what it got
};

struct ordered;

bool ordered_create(struct ordered **o, size_t makers, size_t max_line_bytes, struct err *e) MUST_CHECK;
void ordered_release(struct ordered *o); // NULL is fine

// ---- for makers. Each is false where the run is over.

bool ordered_job(struct ordered *o, struct ordered_job *job);
bool ordered_is_cut(struct ordered *o, uint64_t chunk);
// An empty piece; waits for one. NULL where chunk_to_cut, if it is not 0, is to end where it is.
bool ordered_piece(struct ordered *o, size_t maker, uint64_t chunk_to_cut, struct ordered_piece **piece);
void ordered_give(struct ordered *o, uint64_t chunk, struct ordered_piece *piece);
// The same, line by line: room for one more in *piece, which is given when it is full; NULL before the
// chunk's first. Waits for memory. False also where the chunk, if it may be cut, is to end here.
bool ordered_line(struct ordered *o, size_t maker, uint64_t chunk, bool may_cut,
                  struct ordered_piece **piece);
// Gives *piece as the chunk's last, and sets it to NULL; without one the chunk ends behind what was given.
// is_cut: its other rows were not read.
void ordered_end(struct ordered *o, size_t maker, uint64_t chunk, bool is_cut, struct ordered_piece **piece);
void ordered_fail(struct ordered *o, const struct err *e);
bool ordered_is_stopped(struct ordered *o);

// ---- for the taker

enum ordered_took { ORDERED_GOT, ORDERED_NOTHING, ORDERED_FAILED };

bool ordered_room(const struct ordered *o);
void ordered_put(struct ordered *o, const void *detail);
uint64_t ordered_outstanding(const struct ordered *o); // chunks that were put and not taken to their end

// The next piece of the first chunk, waiting at most timeout_ms.
enum ordered_took ordered_take(struct ordered *o, int timeout_ms, struct ordered_piece **piece,
                               struct err *e) MUST_CHECK;
void ordered_return(struct ordered *o, struct ordered_piece *piece);

// Asks the makers to end the chunks that were put so far. Those which nobody began come as cut, without rows;
// the taker stops at the first that is cut and throws away what is of later ones.
void ordered_cut(struct ordered *o);

void ordered_stop(struct ordered *o);

#endif
