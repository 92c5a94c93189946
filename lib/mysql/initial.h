// Where a snapshot stands in a run: what --start initial begins, goes on with, or adds.
#ifndef CDC_MYSQL_INITIAL_H
#define CDC_MYSQL_INITIAL_H

#include "mysql/session.h"

// An epoch was begun: its snapshot is of all captured tables. Sets s->from.
bool my_initial_begin(struct my_session *s, const struct capture *capture, struct err *e) MUST_CHECK;

// Whether s->from lies before the end of the snapshot; whether the log behind it is still to be judged by it.
bool my_initial_is_within(const struct my_session *s);
bool my_initial_matters(const struct my_session *s);

// Goes on from s->from. initial: --start says so. Where a snapshot is due it says whether log comes before it
// (s->log_until), and *log is where the dump begins; else *log is left alone where s->from says it.
// again: a connection was lost in this run.
bool my_initial_go_on(struct my_session *s, const struct tail_options *o, const struct capture *capture,
                      bool initial, struct pos *log, struct err *e) MUST_CHECK;

#endif
