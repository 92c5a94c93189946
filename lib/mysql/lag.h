// How far the sinks of an offset folder are behind a MySQL or MariaDB server, and what its log still has.
#ifndef CDC_MYSQL_LAG_H
#define CDC_MYSQL_LAG_H

#include "mysql/server.h"
#include "state/position.h"

struct my_lag {
    struct my_server server;
    uint64_t epoch; // the folder's newest, which is this server's
};

// Asks the server. STATUS_USAGE where it is not the one of the folder's newest epoch. To be released after a
// failure too.
bool my_lag_read(struct my_lag *l, const char *url, const struct my_state *source, const char *dir,
                 struct err *e) MUST_CHECK;
void my_lag_release(struct my_lag *l);

// Whether the log that a sink needs is gone.
bool my_lag_is_lost(const struct my_lag *l, const struct position *p);

// Append to out.
void my_lag_text(const struct my_lag *l, const struct position *p, int64_t now_ms, struct buf *out);
void my_lag_json(const struct my_lag *l, const struct position *p, int64_t now_ms, struct buf *out);

#endif
