// The position token: the exact place of one line in a source's log or snapshot.
//
//   pg/EPOCH/l/COMMIT_LSN/CHANGE_LSN/K   one change; LSNs in decimal, K from 1 counts changes with one LSN
//   pg/EPOCH/l/X/0/0                     progress: everything that commits before X is done
//   my/EPOCH/l/FILE/TX_START/N/OFFSET    the N-th change of the transaction that starts at TX_START of binlog
//                                        number FILE; OFFSET: its row image's byte in the file
//   my/EPOCH/l/FILE/POS/0/0              progress
//   pg|my/EPOCH/s/VIEW/SEQ/TABLE/KEY     a snapshot row; TABLE and KEY are percent-encoded
//
// Where a snapshot's views still decide which of the log's changes are left out, a log token ends in /vVIEW,
// the last of the views whose rows it follows: who goes on from it goes on by the same views, whatever an
// interrupted run has read since.
//
// Tokens hold no spaces and are compared by pos_compare() alone, never as text. A token is written in one way
// only (decimal numbers without leading zeros), so equal tokens are also equal bytes.
#ifndef CDC_EVENT_POS_H
#define CDC_EVENT_POS_H

#include "base/buf.h"

#include <stdint.h>

enum pos_source { POS_PG, POS_MY };
enum pos_phase { POS_SNAPSHOT, POS_LOG }; // in their order within an epoch

// What a token's text may take; its largest part is a chunk's key (8 KiB), percent-encoded.
#define POS_MAX_BYTES 32768

// The epoch has 7 bits in pos_version().
#define POS_MAX_EPOCH 127

struct pos {
    enum pos_source source;
    enum pos_phase phase;
    uint64_t epoch;    // 1 … POS_MAX_EPOCH
    uint64_t n[4];     // the numbers behind the phase, in order; unused ones are 0
    uint64_t view;     // log only; 0: no snapshot's views count any more
    struct span table; // snapshot only; as in the token, borrowed from the text it was parsed from
    struct span key;
};

// Log positions by name, for those who know their source.
static inline struct pos pos_pg(uint64_t epoch, uint64_t commit_lsn, uint64_t change_lsn, uint64_t k)
{
    return (struct pos){.source = POS_PG, .phase = POS_LOG, .epoch = epoch, .n = {commit_lsn, change_lsn, k}};
}

// The pos borrows from text. STATUS_DATA with the token and what was wrong with it.
bool pos_parse(struct span text, struct pos *p, struct err *e) MUST_CHECK;
void pos_format(struct buf *b, const struct pos *p);
void pos_format_view(struct buf *b, uint64_t view); // the token's end alone

// <0, 0, >0. EPOCH, then snapshot before log, then the numbers from the left; OFFSET, TABLE, KEY and /vVIEW
// do not count. Both must be of one source: a caller that reads tokens from two places checks that first.
int pos_compare(const struct pos *a, const struct pos *b);

bool pos_is_progress(const struct pos *p);

// A number below 2^63 that rises strictly from event to event of one key: EPOCH << 56 | V, where V is VIEW (a
// snapshot row, < 2^20), CHANGE_LSN (pg) or FILE << 32 | OFFSET (my). STATUS_DATA where a part does not fit,
// never a wrap.
bool pos_version(const struct pos *p, uint64_t *version, struct err *e) MUST_CHECK;

#endif
