// The file `gtids` of an offset folder: the GTIDs of the transactions that were read, by position, so that
// another server can be gone on with. Written by the source alone, each line before the first line of the
// output that depends on it, and cut off below the acknowledged position.
//
//   my/1/l/3/1234/0/0 3e11…:1-76     the GTIDs of what commits before this position; it begins an epoch
//   3 1500 3e11…:77                  the transaction that starts at this file and position
//   3 2100                           what commits before it is above
//
// Positions rise from line to line. A line is not synced to the disk: after a failure of the machine the last
// ones may be missing, which shows, for then the file does not reach up to the position.
#ifndef CDC_MYSQL_JOURNAL_H
#define CDC_MYSQL_JOURNAL_H

#include "event/pos.h"
#include "mysql/gtids.h"

#include <stdio.h>

#define MY_JOURNAL_FILE "gtids"

struct my_journal {
    const char *dir; // NULL: none is kept
    bool mariadb;
    int fd;           // -1: there is no file
    struct buf lines; // not written yet
    struct pos first, last;
    uint64_t bytes;      // in the file
    uint64_t tidy_bytes; // when it is to be cut off next
};

struct my_journal_walk {
    FILE *file;
    char *line;
    size_t room;
    uint64_t bytes; // of the lines behind us
    struct pos at;
    struct span gtids; // of the line; valid until the next
    bool begins;       // the line begins an epoch
    bool held;         // the line is to be given again
};

void my_journal_init(struct my_journal *j);
void my_journal_release(struct my_journal *j);

// Looks at what there is, and drops a line that is not whole and what follows it.
bool my_journal_open(struct my_journal *j, const char *dir, bool mariadb, struct err *e) MUST_CHECK;

// Whether it knows the GTIDs of all that commits before the transaction, or the progress, at.
bool my_journal_covers(const struct my_journal *j, const struct pos *at);

// Begins the file anew, or, behind what it has, an epoch.
bool my_journal_begin(struct my_journal *j, const struct pos *at, const struct my_gtids *before,
                      struct err *e) MUST_CHECK;
bool my_journal_begin_epoch(struct my_journal *j, uint64_t epoch, const struct my_gtids *before,
                            struct err *e) MUST_CHECK;

// The transaction at this position; nothing where the position is known, or no file was begun.
void my_journal_add(struct my_journal *j, const struct pos *at, struct span gtid);
void my_journal_mark(struct my_journal *j, const struct pos *at);
// Before any output that depends on them.
bool my_journal_flush(struct my_journal *j, struct err *e) MUST_CHECK;

// Cuts off what lies below the acknowledged position, where that is worth it; or at once.
bool my_journal_tidy(struct my_journal *j, const struct pos *acknowledged, bool at_once,
                     struct err *e) MUST_CHECK;

// Sets *before to the GTIDs of what commits before at, which is covered; the walk goes on there. To be ended
// after a failure too. The lines must be flushed.
bool my_journal_walk(const struct my_journal *j, const struct pos *at, struct my_gtids *before,
                     struct my_journal_walk *w, struct err *e) MUST_CHECK;
bool my_journal_next(struct my_journal_walk *w); // false: there is none
void my_journal_walk_end(struct my_journal_walk *w);

#endif
