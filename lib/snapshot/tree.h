// The ranges of the record's newest chain, as the log's changes are judged by them: which view read a key of
// a table. Pure.
#ifndef CDC_SNAPSHOT_TREE_H
#define CDC_SNAPSHOT_TREE_H

#include "snapshot/key.h"
#include "snapshot/record.h"

struct tree_range {
    const struct record_range *range; // borrowed from the record, as are:
    const char *seen;                 // what counts of it: the older view's, where that is to be asked
    uint64_t past;
    struct key after;
    struct buf text; // owns after's bytes
};

struct tree {
    struct record *record; // borrowed
    struct tree_range *range;
    size_t ranges;
    uint64_t view; // the chain's last
    uint64_t past; // no view shows what commits here or later
};

// The view that a log position bears: of what commits at this place.
static inline uint64_t tree_view(const struct tree *t, uint64_t place)
{
    return place < t->past ? t->view : 0;
}

// Takes in the record as it stands, which must stay as it is but for its tables' cuts. exact: no sink holds
// rows that were not acknowledged. STATUS_DATA where it makes no sense. To be released after a failure too.
bool tree_load(struct tree *t, struct record *r, bool exact, struct err *e) MUST_CHECK;
void tree_release(struct tree *t);

// The ranges that hold rows of the table: first … end-1. None (first == end) where it was read by none.
size_t tree_of_table(const struct tree *t, size_t table, size_t *end);

// Of these the one that the key lies in: the last that begins below it. *at is its index. STATUS_DATA where
// the key is none of these kinds.
bool tree_find(const struct tree *t, const enum key_kind *kinds, const struct key *k, size_t first,
               size_t end, size_t *at, struct err *e) MUST_CHECK;

// A TRUNCATE that is kept takes away what the rows showed: from it on nothing of its table is left out.
// Whether the place lies behind it; notes one, and whether that changed the record, which is then to be
// stored before the line is written.
bool tree_is_cut(const struct tree *t, size_t table, const uint64_t place[2]);
bool tree_cut(struct tree *t, size_t table, const uint64_t place[2]);

#endif
