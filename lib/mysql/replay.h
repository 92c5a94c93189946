// From one server to another: the transactions that the journal has behind a position come once more from the
// new server, and their lines have the tokens that they had, so that a sink knows which it has. What else the
// new server sends meanwhile waits: behind these transactions its log is asked anew.
//
// Call order: my_replay_begin(); my_replay_match() for each transaction that comes, until
// my_replay_is_over().
#ifndef CDC_MYSQL_REPLAY_H
#define CDC_MYSQL_REPLAY_H

#include "mysql/journal.h"
#include "mysql/reader.h"

struct my_replay {
    bool awaits; // a transaction
    struct pos at;
    struct buf gtid;
    struct pos last;        // the transaction that came last
    uint64_t end_epoch;     // transactions of this epoch are not awaited
    struct my_gtids passed; // what came and was not awaited
    struct my_journal_walk walk;
};

void my_replay_init(struct my_replay *r);
void my_replay_end(struct my_replay *r);

// Sets *before to the GTIDs of what commits before `from`, which the journal covers. It awaits nothing where
// the journal has no more.
bool my_replay_begin(struct my_replay *r, const struct my_journal *j, const struct pos *from,
                     uint64_t end_epoch, struct my_gtids *before, struct err *e) MUST_CHECK;

// STATUS_LOST where the new server has them in another order.
bool my_replay_match(struct my_replay *r, struct span gtid, struct my_transaction *t,
                     struct err *e) MUST_CHECK;

#endif
