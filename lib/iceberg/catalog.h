// A catalog: where tables are found, made, and moved on to their next metadata.
//
// A commit is a list of updates in the form of Iceberg's REST protocol, [{"action":"add-snapshot",…},…], and
// the requirements under which they hold, [{"type":"assert-table-uuid",…},…]. The REST catalog sends both;
// the file catalog applies the updates itself (metadata.h) to the version it had loaded, which no other may
// have replaced meanwhile.
//
// Order: open, then load and create, and commit on a table that was loaded, as often as wanted; close.
#ifndef CDC_ICEBERG_CATALOG_H
#define CDC_ICEBERG_CATALOG_H

#include "iceberg/table.h"

// namespace levels are joined by dots.
struct ice_name {
    struct span space, table;
};

struct ice_commit {
    struct span updates, requirements; // JSON arrays
};

enum ice_outcome {
    ICE_FAIL,      // refused for good; e says why
    ICE_DONE,      // and the table is what it is now
    ICE_CONFLICT,  // not done: the table has moved on meanwhile
    ICE_UNCERTAIN, // nobody knows: load the table and look. e says why
};

enum ice_found { ICE_FOUND, ICE_MISSING, ICE_FOUND_FAIL };

struct ice_catalog;
typedef bool ice_catalog_see(void *context, const struct ice_name *name, struct err *e);

struct ice_catalog_ops {
    // Fills *t anew. A peer that is away for a moment is waited for by the caller: ICE_FOUND_FAIL with
    // STATUS_PEER.
    enum ice_found (*load)(struct ice_catalog *c, const struct ice_name *name, struct ice_table *t,
                           struct err *e);
    // Makes an unpartitioned table, its namespace too, and fills *t. ICE_CONFLICT: it is there already.
    // properties: a JSON object.
    enum ice_outcome (*create)(struct ice_catalog *c, const struct ice_name *name,
                               const struct ice_schema *schema, struct span properties, struct ice_table *t,
                               struct err *e);
    enum ice_outcome (*commit)(struct ice_catalog *c, const struct ice_name *name, struct ice_table *t,
                               const struct ice_commit *commit, struct err *e);
    // Calls see for each table of a namespace, which need not be there.
    bool (*list)(struct ice_catalog *c, struct span space, ice_catalog_see *see, void *context,
                 struct err *e);
    void (*close)(struct ice_catalog *c);
};

struct ice_catalog {
    const struct ice_catalog_ops *ops;
    // Called while an answer is waited for, at least once a second; false ends the wait. NULL: nobody does.
    bool (*tick)(void *context, struct err *e);
    void *context;
};

#endif
