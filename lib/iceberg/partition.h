// Partitions: a spec made ready for a schema, a row's partition, and how it is told: in a manifest (a record
// of Avro's, and its schema), in a path, and in short, to know equal ones.
//
// The values of a partition are an array with one for each field of the spec. Pure.
#ifndef CDC_ICEBERG_PARTITION_H
#define CDC_ICEBERG_PARTITION_H

#include "iceberg/table.h"

struct ice_partition_part {
    const struct ice_partition_field *field;
    int column; // of the schema; -1: there is none any more, and the value is null
    struct ice_type source, type;
    const char *avro_name;
};

struct ice_partition {
    const struct ice_spec *spec;
    struct ice_partition_part *parts;
    size_t n;
};

// The spec and the schema must stay. STATUS_USAGE where it partitions by what the schema does not have.
bool ice_partition_bind(const struct ice_spec *spec, const struct ice_schema *schema, struct arena *a,
                        struct ice_partition *p, struct err *e) MUST_CHECK;

// row: a value for each field of the schema. Memory of the values is the row's.
bool ice_partition_of(const struct ice_partition *p, const struct ice_value *row, struct ice_value *values,
                      struct err *e) MUST_CHECK;

// Appends bytes that are equal where the partitions are.
void ice_partition_key(const struct ice_partition *p, const struct ice_value *values, struct buf *out);

// Appends NAME=VALUE/NAME=VALUE for people who look into folders: percent-encoded, long values cut.
void ice_partition_path(const struct ice_partition *p, const struct ice_value *values, struct buf *out);

// Appends the schema of a manifest's partition records, and the spec's fields as a manifest's header has
// them.
void ice_partition_schema(const struct ice_partition *p, struct buf *out);
void ice_partition_fields(const struct ice_partition *p, struct buf *out);

// What a manifest list tells of the partitions of a manifest's files: n arrays of values. Arena memory.
struct ice_partition_summary;
bool ice_partition_summaries(const struct ice_partition *p, const struct ice_value *const *values, size_t n,
                             struct arena *a, struct ice_partition_summary **summaries,
                             struct err *e) MUST_CHECK;

#endif
