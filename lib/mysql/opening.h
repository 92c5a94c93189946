// Where a session begins to read: the folder, the command line and the server's log decide.
#ifndef CDC_MYSQL_OPENING_H
#define CDC_MYSQL_OPENING_H

#include "mysql/log_dump.h"
#include "mysql/server.h"
#include "mysql/session.h"

// A heartbeat each second: the run looks at its clock, and at the stop flag, at least so often.
#define HEARTBEAT_MS 1000
#define HEARTBEAT_LEAST_MS 50
#define READ_LEAST_MS 5000
// A file's first bytes are its magic.
#define FIRST_POS 4

struct my_opening {
    struct my_session *s;
    const struct tail_options *o;
    const struct capture *capture;
    const struct pos *again;
    struct my_server server;
    struct pos token;
    bool has_token;
    bool by_gtid;    // the dump begins behind a GTID set
    struct buf gtid; // that
    struct my_place_in_log start;
};

struct my_login my_opening_login(const struct tail_options *o, int64_t read_timeout_ms);
uint32_t my_opening_server_id(const struct tail_options *o);

// Fills in what the session begins with; STATUS_LOST where it cannot go on.
bool my_opening_decide(struct my_opening *p, struct err *e) MUST_CHECK;

// The dump begins at that place.
bool my_opening_point_at(struct my_opening *p, uint64_t number, uint64_t pos, struct err *e) MUST_CHECK;

// p->gtid, as the dump takes it; `encoded` is to live as long as d.
bool my_opening_encode_gtids(struct my_opening *p, struct my_dump *d, struct buf *encoded,
                             struct err *e) MUST_CHECK;

#endif
