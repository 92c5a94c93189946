// One snapshot more, and what stands beside it, in one commit.
//
// The commit is tried until it is known to be done: after a conflict or an answer that was lost the table is
// loaded anew. Our snapshot there: it was done. Our position moved: another instance has taken over
// (STATUS_FENCED). Else only the manifest list is made again. No file is ever deleted on the way, for nobody
// knows who can see it.
#ifndef CDC_ICEBERG_COMMIT_H
#define CDC_ICEBERG_COMMIT_H

#include "base/log.h"
#include "iceberg/catalog.h"
#include "iceberg/manifest.h"

struct loop;

struct ice_change {
    const struct ice_schema *schema;  // of the new files
    int32_t last_column_id;           // 0: the schema is the table's own; else it is added, with this
    struct ice_manifest manifests[2]; // of new files
    size_t n;
    int64_t snapshot_id;
    bool new_spec; // one without fields is added; a manifest is of it already
    int32_t new_spec_id;
    const char *operation;
    bool only_as_it_is;     // the files fit the table's present snapshot alone
    bool replaces;          // nothing of what the table holds stays
    struct span summary;    // further members of the summary, each with a comma in front
    struct span properties; // JSON object: to be set
    const char *position;   // the property that says who wrote last
};

struct ice_committer {
    struct ice_catalog *catalog;
    const struct ice_name *name;
    struct ice_table *table; // as it was loaded; as it is then, afterwards
    struct loop *loop;
    notice_fn *warn;
    uint64_t retries;
};

enum ice_committed {
    ICE_COMMIT_FAILED,
    ICE_COMMITTED,
    ICE_COMMIT_STALE, // the table is another one now, which the files do not fit
};

// location: the table's folder of metadata files.
enum ice_committed ice_commit(struct ice_committer *c, const struct ice_change *change, struct span folder,
                              struct err *e);

#endif
