// Remembers what was found out about a few hundred names: one answer a name, the newest of those that share a
// place.
#ifndef CDC_STAGE_MEMO_H
#define CDC_STAGE_MEMO_H

#include "base/buf.h"

#define MEMO_PLACES 256

struct memo_entry {
    struct buf name, text; // text, verdict: the answer
    uint64_t verdict;
    bool known;
};

struct memo {
    struct memo_entry at[MEMO_PLACES];
};

void memo_init(struct memo *m);
void memo_release(struct memo *m);

// The name's entry: known, with the answer; or not, to be filled and then set known.
struct memo_entry *memo_find(struct memo *m, struct span name);

#endif
