// The server's log, read from a connection.
//
// Call order: my_connect(), any my_query(), my_dump_start(), then my_dump_read() again and again. After an
// error only my_close() is left.
#ifndef CDC_MYSQL_LOG_DUMP_H
#define CDC_MYSQL_LOG_DUMP_H

#include "mysql/client.h"

struct my_dump {
    const char *file; // and position; or, with a set, ""
    uint64_t pos;
    uint32_t server_id;
    bool statements;       // MariaDB: with its annotate events, which it leaves out unless asked
    int64_t heartbeat_ms;  // the server says that it lives after so long without an event
    struct span gtid_set;  // MySQL: encoded, of what is not wanted; empty: by file and position
    const char *gtid_list; // MariaDB: where to go on, 0-1-5,1-2-7; NULL: by file and position
};

// *checksum: whether events end with one, until the log says so itself. STATUS_LOST where the server has not,
// or not any more, what is asked for.
bool my_dump_start(struct my_client *c, const struct my_dump *d, bool *checksum, struct err *e) MUST_CHECK;

// The next event; the span is valid until the next call. Unless it may block it answers MY_NOTHING where none
// may have come yet, which is the moment to write out what there is; then it waits for one, which a heartbeat
// is too.
enum my_read my_dump_read(struct my_client *c, bool may_block, struct span *event, struct err *e) MUST_CHECK;

void my_dump_end(struct my_client *c); // for my_close()

#endif
