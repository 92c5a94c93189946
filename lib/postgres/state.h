// The file `source` of an offset folder, as PostgreSQL's source writes it.
//
//   {"identity":"7301…-5f1c…","epoch":2,"database":"shop","slot":"cdc_shop","publication":"cdc_shop",
//   "start":"pg/1/l/26738688/0/0",
//   "epochs":[{"epoch":1,"system":"7301…","timeline":1,"from":26738688},{"epoch":2,…}],
//   "snapshot":{…}}                                                     snapshot/record.h; where there was
//   one
//
// identity names this folder's source to the sinks: the server's system identifier and a random number made
// with the folder. An epoch holds from its LSN on; a change of timeline begins one at the switch point, so
// the LSNs before it, which both timelines share, keep their tokens. start: the position of the first run,
// where a sink without a token begins.
#ifndef CDC_POSTGRES_STATE_H
#define CDC_POSTGRES_STATE_H

#include "event/pos.h"
#include "snapshot/record.h"
#include "state/identity.h"

#define PG_STATE_FILE "source"
#define PG_STATE_NAME_MAX 64 // NAMEDATALEN

struct pg_epoch {
    uint64_t epoch;
    char system[24]; // the system identifier, decimal
    uint64_t timeline;
    uint64_t from; // LSN
};

struct pg_state {
    char identity[IDENTITY_BYTES];
    char database[PG_STATE_NAME_MAX];
    char slot[PG_STATE_NAME_MAX];
    char publication[PG_STATE_NAME_MAX];
    struct pos start;
    size_t epochs; // 0: nothing was ever started here
    struct pg_epoch at[POS_MAX_EPOCH];
    struct record snapshot; // epoch 0: none
};

// The position before the first row of an epoch's snapshot: view 0, row 0, of no table.
struct pos pg_snapshot_beginning(uint64_t epoch);
// The position behind its last row, where the log begins.
struct pos pg_snapshot_end(const struct pg_state *s);

// *s is empty (no epochs) where the folder has no `source`. STATUS_DATA where it is damaged or another
// kind's.
bool pg_state_load(struct pg_state *s, const char *dir, struct err *e) MUST_CHECK;
void pg_state_release(struct pg_state *s);
bool pg_state_store(const struct pg_state *s, const char *dir, struct err *e) MUST_CHECK;

// Adds an epoch. STATUS_LOST where there is no number left.
bool pg_state_begin(struct pg_state *s, const char *system, uint64_t timeline, uint64_t from,
                    struct err *e) MUST_CHECK;

// The newest epoch; NULL where none was begun.
const struct pg_epoch *pg_state_newest(const struct pg_state *s);

// The LSN that the epoch holds from; 0 where there is none of that number.
uint64_t pg_state_from(const struct pg_state *s, uint64_t epoch);

// The epoch that a transaction with this commit LSN belongs to.
uint64_t pg_state_epoch_at(const struct pg_state *s, uint64_t commit_lsn);

// The text to and from *s, for the tests.
bool pg_state_parse(struct pg_state *s, struct span text, struct err *e) MUST_CHECK;
void pg_state_format(const struct pg_state *s, struct buf *b);

#endif
