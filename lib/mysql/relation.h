// The relation cache: each table as the log last described it, compiled to what writing a row needs.
//
// A table map comes before the rows of every statement; while its bytes are the ones that are known, nothing
// is compiled again. Everything that is the same in each of a table's events is rendered here once.
#ifndef CDC_MYSQL_RELATION_H
#define CDC_MYSQL_RELATION_H

#include "event/capture.h"
#include "mysql/types.h"

struct my_relation_column {
    struct my_type type;
    bool in_value;      // false: excluded
    struct span member; // "name": with a comma in front, within relation.text
    // With schemas: the default in the column's schema, empty for none; and what an ENUM or SET may be.
    struct span fallback, allowed;
};

struct my_relation {
    uint64_t id;              // the table's number in the log; 0: a free slot of the cache
    bool captured, described; // described: its schema was written, where schemas are
    uint64_t generation;      // of the definitions that it was compiled with; the reader's

    struct table_map map;
    struct my_relation_column *column; // map.n of them
    size_t n_key;
    uint16_t *key;    // columns in the key's order
    bool not_unique;  // the command line names it, and not all of the primary key is in it
    struct span name; // db.table
    struct span topic;
    struct span source_db;    // ,"snapshot":"false","db":"…","sequence":null,"ts_us":
    struct span source_table; // ,"table":"…","server_id":
    struct buf text;          // owns the bytes of all spans
};

struct my_relations {
    struct my_relation *at;
    size_t n, size; // size: a power of two, or 0
};

// What the catalog knows of a table; NULL where it knows nothing.
struct my_catalog;

void my_relations_release(struct my_relations *r);

// Between transactions: keeps the cache from growing for ever.
void my_relations_trim(struct my_relations *r);

// NULL where no table map has announced the table.
struct my_relation *my_relations_find(const struct my_relations *r, uint64_t id);

// Takes in a table map, whatever comes. catalog: may be NULL. *relation is valid until the next call.
bool my_relations_put(struct my_relations *r, struct table_map *owned_map, const struct my_catalog *catalog,
                      const struct capture *capture, struct my_writing *w, struct my_relation **relation,
                      struct err *e) MUST_CHECK;

// A table as a snapshot reads it: map is taken, whatever comes. To be released after a failure
// too.
bool my_relation_of_map(struct my_relation *r, struct table_map *owned_map, const struct my_catalog *catalog,
                        const struct capture *capture, struct my_writing *w, struct err *e) MUST_CHECK;

// A table of which the name alone is known. To be released; its text may be bad.
void my_relation_of_name(struct my_relation *r, struct span db, struct span name,
                         const struct capture *capture);
void my_relation_release(struct my_relation *r);

// Whether the table is known, by the same bytes.
bool my_relation_is(const struct my_relation *r, const struct binlog_event *ev);

#endif
