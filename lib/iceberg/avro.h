// Avro's object container files, around records of libavro's: a header of our own, for libavro drops the
// `field-id` of the schema that it writes and takes no metadata, and both are what Iceberg reads.
//
//   "Obj" 01 | metadata map: avro.schema, avro.codec, KEY … | 16 bytes sync | count, bytes, records, sync
#ifndef CDC_ICEBERG_AVRO_H
#define CDC_ICEBERG_AVRO_H

#include "base/buf.h"
#include "base/cursor.h"

#include <avro.h>
#include <zlib.h>

struct ice_avro_pair {
    const char *key;
    struct span value;
};

// A writer of records of one schema. Order: open, then value filled and add for each record, finish; release
// in any case.
struct ice_avro_writer {
    avro_schema_t schema;
    avro_value_iface_t *class;
    avro_value_t value; // to be filled; reset by add
    struct buf records;
    int64_t n;
};

// json: the schema as libavro gets it. An empty record, which libavro refuses, stands in the header's alone.
bool ice_avro_open(struct ice_avro_writer *w, const char *json, struct err *e) MUST_CHECK;
bool ice_avro_add(struct ice_avro_writer *w, struct err *e) MUST_CHECK;
// Appends the whole file to out.
bool ice_avro_finish(struct ice_avro_writer *w, const char *json, const struct ice_avro_pair *pairs, size_t n,
                     struct buf *out, struct err *e) MUST_CHECK;
void ice_avro_release(struct ice_avro_writer *w);

// Reads a file's records, one after the other, uncompressed or deflated ones. The container is read here too:
// libavro refuses the record without fields that is an unpartitioned table's partition.
#define ICE_AVRO_META 16
struct ice_avro_reader {
    struct buf file, block;
    struct buf bare;  // the schema as libavro gets it
    struct span json; // and as it stands in the header
    struct {
        struct span key, value;
    } meta[ICE_AVRO_META]; // of the header
    size_t n_meta;
    struct cursor rest;
    struct span sync;
    bool deflated;
    int64_t records; // left in the block
    avro_reader_t reader;
    avro_schema_t schema;
    avro_value_iface_t *class;
    avro_value_t value;
};
bool ice_avro_read(struct ice_avro_reader *r, struct span location, struct err *e) MUST_CHECK;
enum ice_avro_got { ICE_AVRO_GOT, ICE_AVRO_END, ICE_AVRO_FAIL };
enum ice_avro_got ice_avro_next(struct ice_avro_reader *r, struct err *e);
void ice_avro_close(struct ice_avro_reader *r);
// The value of a header's key; empty without one.
struct span ice_avro_meta(const struct ice_avro_reader *r, const char *key);

// ---- members of a record. A member that the schema has as a union with null is looked through.

// False where there is no such member or it is null.
bool ice_avro_get(const avro_value_t *record, const char *name, avro_value_t *value);
bool ice_avro_get_long(const avro_value_t *record, const char *name, int64_t *v);
// Bytes or a string, borrowed from the value.
bool ice_avro_get_bytes(const avro_value_t *record, const char *name, struct span *v);

// The member to be filled; a union's other branch than null is chosen. The writer's own schema has it.
avro_value_t ice_avro_set(avro_value_t *record, const char *name);
void ice_avro_set_long(avro_value_t *record, const char *name, int64_t v);
void ice_avro_put_text(avro_value_t value, struct span text);
void ice_avro_set_text(avro_value_t *record, const char *name, struct span text);
void ice_avro_set_bytes(avro_value_t *record, const char *name, struct span bytes);
void ice_avro_set_null(avro_value_t *record, const char *name);

#endif
