// A place in the log as the command line names one: --start and --until.
#ifndef CDC_MYSQL_PLACE_H
#define CDC_MYSQL_PLACE_H

#include "event/pos.h"

enum my_place_kind {
    MY_PLACE_NONE,
    MY_PLACE_LATEST, // --start latest, --until now
    MY_PLACE_EARLIEST,
    MY_PLACE_INITIAL, // a snapshot first
    MY_PLACE_TOKEN,
    MY_PLACE_FILE, // a position in a file
    MY_PLACE_GTID, // behind the transactions of a set; --start alone
    MY_PLACE_TIME, // a commit time
};

struct my_place_in_log {
    enum my_place_kind kind;
    struct pos pos;   // TOKEN; FILE: as progress in epoch 1
    const char *text; // GTID: the set; FILE: as given
    int64_t time_us;  // since 1970-01-01 UTC
};

// "latest", "now", "earliest", "initial", a token, FILE:POSITION such as binlog.000003:1234, a GTID set
// (UUID:1-5,… or 0-1-5,…), or a time such as 2026-01-31T10:00:00Z (UTC). STATUS_USAGE with the option's name.
// Borrows text.
bool my_place_parse(const char *text, const char *option, struct my_place_in_log *p,
                    struct err *e) MUST_CHECK;

#endif
