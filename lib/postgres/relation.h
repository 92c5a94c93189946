// The relation cache: each table as the log last described it, compiled to what writing a row needs.
//
// pgoutput sends a Relation message before a table's first row and again after a DDL statement; it replaces
// what was known. Everything that is the same in each of a table's events is rendered here once.
#ifndef CDC_POSTGRES_RELATION_H
#define CDC_POSTGRES_RELATION_H

#include "base/log.h"
#include "event/capture.h"
#include "postgres/catalog.h"
#include "postgres/pgoutput.h"

struct relation_column {
    struct pg_type type;
    struct pg_type key_type; // the same without a rule: keys are as they are
    bool in_value;           // false: excluded, or of a type that Debezium drops
    bool in_identity;        // the log has its old value
    struct span member;      // "name": with a comma in front, within relation.text
    struct span absent;      // what `before` prints where the log has no old value
    bool not_null;
    struct span fallback; // the default in the column\'s schema; empty: none
    struct span labels;   // of an enum, as the schema lists them
};

struct relation {
    uint32_t oid; // 0: a free slot of the cache
    bool captured;
    bool described; // its schema was written, where schemas are
    char identity;  // d default, n nothing, f full, i index
    size_t n;
    struct relation_column *column;
    size_t n_key;
    uint16_t *key;   // of the event: columns in the key's order
    bool not_unique; // the command line names it, and not all that tells rows apart is in it
    size_t n_row_key;
    uint16_t *row_key; // what tells the table's rows apart in the log; the same, unless the command line
                       // names another
    struct span name;  // schema.table
    struct span topic;
    struct span source; // ,"schema":"…","table":"…","txId":
    struct buf text;    // owns the bytes of all spans
};

struct relations {
    struct relation *at;
    size_t n, size;  // size: a power of two, or 0
    struct buf told; // what was said of tables, a line each: it is not said again
};

// All zeros is an empty one.
void relations_release(struct relations *r);

// Forgets the tables, for a new connection, whose stream describes them again.
void relations_clear(struct relations *r);

// Of a table that no Relation message announced: NULL.
struct relation *relations_find(const struct relations *r, uint32_t oid);

// Takes in a Relation message. The catalog has what it knows of the table and of the columns' types. dropped,
// if not NULL, is told of each column that is left out because its type is unknown, or that a rule does not
// reach.
bool relations_put(struct relations *r, const struct pgo_relation *message, const struct catalog *catalog,
                   const struct capture *capture, notice_fn *dropped, struct err *e) MUST_CHECK;

#endif
