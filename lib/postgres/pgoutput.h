// Decodes pgoutput, PostgreSQL's logical replication messages, protocol version 1 (servers 10 and later).
//
// Source: PostgreSQL documentation, "Logical Replication Message Formats". Pure: bytes in, struct out; every
// span borrows from the message. One decoder decodes one message at a time; its arrays hold the last one's
// columns.
#ifndef CDC_POSTGRES_PGOUTPUT_H
#define CDC_POSTGRES_PGOUTPUT_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

// A table has at most 1600 columns, a tuple on the wire at most 1664 (MaxTupleAttributeNumber).
#define PGO_MAX_COLUMNS 1664

struct pgo_column {
    bool is_key; // part of the replica identity; every column is under FULL
    struct span name;
    uint32_t type;
    int32_t typmod;
};

enum pgo_kind { PGO_NULL = 'n', PGO_UNCHANGED = 'u', PGO_TEXT = 't' };

struct pgo_value {
    enum pgo_kind kind; // PGO_UNCHANGED: a TOASTed value that the update did not touch
    struct span text;
};

struct pgo_tuple {
    size_t n;
    const struct pgo_value *at;
};

struct pgo_begin {
    uint64_t commit_lsn; // where the transaction's commit record starts
    int64_t commit_us;   // since 1970-01-01 UTC
    uint32_t xid;
};

struct pgo_commit {
    uint64_t commit_lsn, end_lsn;
};

struct pgo_origin {
    uint64_t lsn;
    struct span name;
};

struct pgo_relation {
    uint32_t oid;
    struct span schema, name;
    char identity; // d default, n nothing, f full, i index
    size_t n;
    const struct pgo_column *column;
};

struct pgo_row { // insert, update, delete
    uint32_t oid;
    char old_kind; // 'K' the old key, 'O' the whole old row, 0 neither
    struct pgo_tuple old, new;
};

struct pgo_truncate {
    size_t n; // how many tables; read them with pgo_truncated()
    struct span oids;
};

struct pgo_logical {
    bool transactional;
    uint64_t lsn;
    struct span prefix, content;
};

struct pgo_message {
    char type; // 'B' begin, 'C' commit, 'O' origin, 'R' relation, 'Y' type, 'I', 'U', 'D', 'T' truncate, 'M'
               // logical
    union {
        struct pgo_begin begin;
        struct pgo_commit commit;
        struct pgo_origin origin;
        struct pgo_relation relation;
        struct pgo_row row;
        struct pgo_truncate truncate;
        struct pgo_logical logical;
    };
};

struct pgo_decoder {
    struct pgo_value old[PGO_MAX_COLUMNS], new[PGO_MAX_COLUMNS];
    struct pgo_column column[PGO_MAX_COLUMNS];
};

// STATUS_DATA where the message is of no known type, too short, too long or says what it cannot.
bool pgo_decode(struct pgo_decoder *d, struct span bytes, struct pgo_message *m, struct err *e) MUST_CHECK;

uint32_t pgo_truncated(const struct pgo_truncate *t, size_t i);

#endif
