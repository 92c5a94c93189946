// Sets of MySQL's GTIDs, UUID:1-5:7,UUID:TAG:1-3, and MariaDB's lists, 0-1-5,1-2-7. Pure.
//
// As the server takes a set (MySQL source, sql/rpl_gtid_set.cc, Gtid_set::encode), little-endian:
//
//   number of sources 8   each: UUID 16  number of intervals 8   each: first 8, behind the last 8
//
// With a tag in the set: the highest and the lowest byte of the number are 1, it stands in between, and each
// UUID is followed by its tag: twice its length 1, and its bytes.
#ifndef CDC_MYSQL_GTID_H
#define CDC_MYSQL_GTID_H

#include "base/buf.h"

#include <stdint.h>

#define GTID_TAG_MAX 32

struct gtid_interval {
    uint64_t first, last;
};

struct gtid_source {
    unsigned char uuid[16];
    char tag[GTID_TAG_MAX + 1]; // lower case; empty: none
    struct gtid_interval *at;   // in order, apart from each other
    size_t n;
};

struct gtid_set {
    struct gtid_source *source;
    size_t n;
};

void gtid_set_release(struct gtid_set *s);

// Adds the text's sets; white space may stand anywhere between. STATUS_USAGE where it is none.
bool gtid_set_parse(struct gtid_set *s, struct span text, struct err *e) MUST_CHECK;

// Adds first … last.
bool gtid_set_add(struct gtid_set *s, const unsigned char uuid[16], struct span tag, uint64_t first,
                  uint64_t last, struct err *e) MUST_CHECK;

// Whether b has all of a.
bool gtid_set_is_subset(const struct gtid_set *a, const struct gtid_set *b);

void gtid_set_format(const struct gtid_set *s, struct buf *out);
void gtid_set_encode(const struct gtid_set *s, struct buf *out);

struct maria_gtid {
    uint64_t domain, server, n;
};

// Takes the first of a list, and the comma behind it. False where it is none.
bool maria_gtid_take(struct span *text, struct maria_gtid *g) MUST_CHECK;

// Whether text is a list of MariaDB's: DOMAIN-SERVER-NUMBER joined by commas.
bool gtid_list_check(struct span text);

#endif
