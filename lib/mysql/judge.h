// Which of the log's changes the rows of a snapshot show already: a change is left out iff its transaction
// starts before the place of the view that read its key's range.
//
// From a TRUNCATE that is kept on, nothing of its table is left out: it takes away what the rows showed.
// Pure, but for the record that it reads and, for a TRUNCATE, writes.
#ifndef CDC_MYSQL_JUDGE_H
#define CDC_MYSQL_JUDGE_H

#include "mysql/relation.h"
#include "mysql/rows.h"
#include "snapshot/tree.h"

// A place in the log as the record holds it: the file's number in 24 bits, as in pos_version(), the position
// in 40.
static inline uint64_t my_past(uint64_t file, uint64_t pos)
{
    return file << 40 | (pos & ((UINT64_C(1) << 40) - 1));
}

struct my_judge {
    struct tree tree;
    uint64_t
        deferring; // tables of this epoch are yet to be read: the view that will read them shows all; 0: none
    size_t last;   // the table that was asked for last: an index
};

bool my_judge_load(struct my_judge *j, struct record *r, bool exact, struct err *e) MUST_CHECK;
void my_judge_release(struct my_judge *j);

// place: my_past() of the transaction's start.
static inline bool my_judge_is_asked(const struct my_judge *j, uint64_t place)
{
    return place < j->tree.past || j->deferring != 0;
}

// *seen: the row of this image shows the change. fallback: where a value is not in the image; or NULL.
bool my_judge_row(struct my_judge *j, uint64_t place, const struct my_relation *r, const struct value *image,
                  const struct value *fallback, bool *seen, struct err *e) MUST_CHECK;

// *seen: every row of the table shows the truncation. If not and it is to be delivered, my_judge_cut() notes
// it in the record, which is to be stored, if it is true, before the line is written.
void my_judge_truncate(struct my_judge *j, uint64_t place, struct span table, bool *seen);
bool my_judge_cut(struct my_judge *j, uint64_t place, struct span table);

#endif
