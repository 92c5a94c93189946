// The reader's transaction: where it begins and ends, what of it is wanted, and the position of its changes.
#ifndef CDC_MYSQL_READER_TRANSACTION_H
#define CDC_MYSQL_READER_TRANSACTION_H

#include "mysql/reader.h"

// g: NULL in a log of before GTIDs.
bool my_reader_begin_transaction(struct my_reader *r, uint64_t start, int64_t commit_us,
                                 const struct binlog_gtid *g, struct err *e) MUST_CHECK;
bool my_reader_on_gtid(struct my_reader *r, const struct binlog_event *ev, uint64_t start,
                       struct err *e) MUST_CHECK;
// END has a token of its own, behind the transaction's changes.
void my_reader_end_transaction(struct my_reader *r);

// The position of what starts at start in the file that is read: as progress.
struct pos my_reader_at(const struct my_reader *r, uint64_t start);
int64_t my_reader_time_us(const struct binlog_event *ev); // when the event was written

// Whether lines of the operation are wanted; captured: of the table they are.
bool my_reader_wants(const struct my_reader *r, bool captured, char op);
struct pos my_reader_pos_at(const struct my_reader *r, uint64_t n, uint64_t offset);
// Whether no earlier run delivered what has this token.
bool my_reader_is_new(const struct my_reader *r, const struct pos *at);
void my_reader_wrote(struct my_reader *r, const struct pos *at);
// Whether a schema is to be written now, which is once: *described.
bool my_reader_describes(const struct my_reader *r, bool *described);

// The source block of the event's lines. rows: it is of rows, which tell their thread.
bool my_reader_describe_source(struct my_reader *r, const struct binlog_event *ev, uint64_t start, bool rows,
                               struct err *e) MUST_CHECK;

#endif
