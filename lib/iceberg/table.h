// An Iceberg table as its metadata file tells it (format version 2): its schemas, its partition
// specs, and what a commit needs to know.
//
// The metadata's JSON is kept as it came: what is not understood here stays in it, byte for byte, when
// ice_metadata_apply() (metadata.h) makes the next one of it. All spans borrow from that text or lie in the
// table's arena; both live until the next ice_table_read() or ice_table_release().
#ifndef CDC_ICEBERG_TABLE_H
#define CDC_ICEBERG_TABLE_H

#include "iceberg/schema.h"

enum ice_transform_kind {
    ICE_IDENTITY,
    ICE_BUCKET,   // n buckets
    ICE_TRUNCATE, // width n
    ICE_YEAR,
    ICE_MONTH,
    ICE_DAY,
    ICE_HOUR,
    ICE_VOID,
};

struct ice_transform {
    enum ice_transform_kind kind;
    uint32_t n;
};

struct ice_partition_field {
    int32_t source_id, field_id;
    struct span name;
    struct ice_transform transform;
};

struct ice_spec {
    int32_t id;
    struct ice_partition_field *fields;
    size_t n; // 0: unpartitioned
};

#define ICE_NO_SNAPSHOT (-1)

struct ice_table {
    struct buf text; // the metadata file's JSON
    struct arena arena;
    struct span uuid, location;
    int64_t last_sequence_number, last_updated_ms;
    int32_t last_column_id, last_partition_id;
    struct ice_schema *schemas;
    size_t n_schemas;
    const struct ice_schema *schema; // the current one
    struct ice_spec *specs;
    size_t n_specs;
    const struct ice_spec *spec; // the default one
    int32_t sort_order_id;
    int64_t snapshot_id;       // the main branch's, or ICE_NO_SNAPSHOT
    struct span manifest_list; // that snapshot's location; empty without one
    struct span summary;       // that snapshot's, JSON; empty without one
    struct span properties;    // JSON object
    struct buf file;           // the metadata file's location, where the catalog said it
    uint64_t version;          // of a file catalog's metadata file
};

void ice_table_init(struct ice_table *t);
void ice_table_release(struct ice_table *t);

// Takes the metadata from t->text. STATUS_DATA where it is no Iceberg table, STATUS_USAGE where it is one of
// another format version.
bool ice_table_read(struct ice_table *t, struct err *e) MUST_CHECK;

const struct ice_schema *ice_table_schema(const struct ice_table *t, int32_t id);
const struct ice_spec *ice_table_spec(const struct ice_table *t, int32_t id);

// A snapshot's JSON by its id; false where the table has none such.
bool ice_table_snapshot(const struct ice_table *t, int64_t id, struct span *snapshot);

// A table property, unescaped into out; false where there is none.
bool ice_table_property(const struct ice_table *t, const char *name, struct buf *out);
// A property that is a number or a truth value; fallback where there is none, or it is no such thing.
int64_t ice_table_number(const struct ice_table *t, const char *name, int64_t fallback);
bool ice_table_flag(const struct ice_table *t, const char *name, bool fallback);

bool ice_transform_read(struct span text, struct ice_transform *t);

#endif
