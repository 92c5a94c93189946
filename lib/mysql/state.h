// The file `source` of an offset folder, as MySQL's and MariaDB's source writes it.
//
//   {"identity":"a893…-5f1c…","epoch":2,"kind":"mysql","start":"my/1/l/3/1234/0/0","start_gtid":"",
//   "epochs":[{"epoch":1,"server":"a893…","base":"binlog"},{"epoch":2,…}],
//   "files":[{"epoch":2,"file":3,"made":1795469350},…],
//   "log":"my/2/l/3/1234/0/0","snapshot":{…}}         snapshot/record.h; where there was one
//
// identity names this folder's source to the sinks. An epoch is a server (MySQL: its server_uuid, MariaDB:
// its server_id) and the base name of its log. start: the position of the first run, where a sink without a
// token begins; start_gtid: the GTIDs that are not wanted of it. files: when each file was begun, which tells
// a file from one of the same name after a RESET; those before the acknowledged position go. log: where the
// log is read from behind the snapshot's rows, the place of its first view; my/2/l/0/0/0/0 before there was
// one.
#ifndef CDC_MYSQL_STATE_H
#define CDC_MYSQL_STATE_H

#include "event/pos.h"
#include "snapshot/record.h"
#include "state/identity.h"

#define MY_STATE_FILE "source"
#define MY_SERVER_MAX 64
#define MY_BASE_MAX 512
#define MY_FILES_MAX 256
#define MY_START_GTID_MAX (1u << 20)

struct my_epoch {
    uint64_t epoch;
    char server[MY_SERVER_MAX];
    char base[MY_BASE_MAX];
};

struct my_log_file {
    uint64_t epoch, file, made_s;
};

struct my_state {
    char identity[IDENTITY_BYTES];
    char kind[16]; // mysql, mariadb
    struct pos start;
    struct buf start_gtid;
    size_t epochs; // 0: nothing was ever started here
    struct my_epoch at[POS_MAX_EPOCH];
    size_t n_files;
    struct my_log_file file[MY_FILES_MAX];
    struct pos log;
    struct record snapshot; // epoch 0: none
};

// The position before the first row of an epoch's snapshot: view 0, row 0, of no table.
struct pos my_snapshot_beginning(uint64_t epoch);
// The position behind its last row, where the log begins.
struct pos my_snapshot_end(const struct my_state *s);

void my_state_init(struct my_state *s);
void my_state_release(struct my_state *s);

// *s is empty (no epochs) where the folder has no `source`. STATUS_DATA where it is damaged, STATUS_USAGE
// where it is another kind of source's.
bool my_state_load(struct my_state *s, const char *dir, struct err *e) MUST_CHECK;
bool my_state_store(const struct my_state *s, const char *dir, struct err *e) MUST_CHECK;

// Adds an epoch. STATUS_LOST where there is no number left.
bool my_state_begin(struct my_state *s, const char *server, const char *base, struct err *e) MUST_CHECK;

// The newest epoch; NULL where none was begun.
const struct my_epoch *my_state_newest(const struct my_state *s);

// When the file of the newest epoch was begun; 0 where that is not known.
uint64_t my_state_made(const struct my_state *s, uint64_t file);
// Notes it, and forgets files before `from`. True where that changed something.
bool my_state_note(struct my_state *s, uint64_t file, uint64_t made_s, const struct pos *from);

// The text to and from *s, for the tests.
bool my_state_parse(struct my_state *s, struct span text, struct err *e) MUST_CHECK;
void my_state_format(const struct my_state *s, struct buf *b);

#endif
