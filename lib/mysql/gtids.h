// Up to where transactions were read, by their GTIDs, of either server: MySQL's set, or of each of MariaDB's
// domains the last, for within a domain its log has one order on all servers. Pure.
#ifndef CDC_MYSQL_GTIDS_H
#define CDC_MYSQL_GTIDS_H

#include "mysql/gtid.h"

// What the text of all of them may take.
#define MY_GTIDS_MAX_BYTES (16u << 20)

struct my_gtids {
    bool mariadb;
    struct gtid_set set;     // MySQL
    struct maria_gtid *last; // MariaDB; owned
    size_t n;
};

void my_gtids_release(struct my_gtids *g); // keeps mariadb

// Adds a set, or a list; a single GTID is both.
bool my_gtids_add(struct my_gtids *g, struct span text, struct err *e) MUST_CHECK;

void my_gtids_format(const struct my_gtids *g, struct buf *out);

// Whether the GTID, one, is in the set, or any of its domain in the list.
bool my_gtids_touches(const struct my_gtids *g, struct span gtid);

// MariaDB: appends those that are in no server's place of a binlog state (0-1-5,0-2-7: of each domain and
// server the last).
void my_gtids_missing(const struct my_gtids *g, struct span state, struct buf *out);

#endif
