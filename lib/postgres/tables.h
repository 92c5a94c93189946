// The tables that the command line captures, as the server has them now, and whether publishing one is
// harmless.
#ifndef CDC_POSTGRES_TABLES_H
#define CDC_POSTGRES_TABLES_H

#include "postgres/client.h"
#include "postgres/relation.h"
#include "snapshot/record.h"

struct pg_table {
    char *name;         // schema.table, quoted for SQL
    uint32_t oid, root; // root: the partitioned table on top, or 0
    bool is_root;       // a partitioned table: its rows are its partitions'
    bool has_identity;  // false: once published, the application's UPDATE and DELETE would fail
    bool published;     // named in the publication already
};

struct pg_tables {
    struct pg_table *at;
    size_t n;
};

// publication: whose tables are marked as published.
bool pg_tables_load(struct pg_tables *t, struct pg_client *client, const struct capture *capture,
                    const char *publication, struct err *e) MUST_CHECK;
void pg_tables_release(struct pg_tables *t);

// Appends the names of the publications that are one to us, as SQL literals joined by commas: it and its
// companion (publication.h).
bool pg_publication_names(struct pg_client *client, const char *publication, struct buf *sql,
                          struct err *e) MUST_CHECK;

// Adds to the record, as tables of this epoch, those that are captured and not in it yet, in the order of
// their names' bytes: what the publication sends, or without one (NULL) what there is. via_root: partitioned
// tables, not their partitions.
bool pg_tables_record(struct record *r, uint64_t epoch, struct pg_client *client,
                      const struct capture *capture, const char *publication, bool via_root,
                      struct err *e) MUST_CHECK;

#endif
