// The Iceberg sink: each table is kept equal to its source's, committed atomically with its position.
//
// A record goes to the table that its topic and the template name; what a batch made of a table is committed
// by itself (target.h), and the loop's token is acknowledged once all tables with events are committed.
#ifndef CDC_ICEBERG_SINK_H
#define CDC_ICEBERG_SINK_H

#include "event/template.h"
#include "iceberg/catalog_rest.h"
#include "iceberg/target.h"
#include "sink/sink.h"

struct iceberg_config {
    const char *catalog;          // file:DIR or rest:URL
    struct ice_rest_options rest; // but its url
    const char *space;            // the namespace, levels joined by dots
    const char *table;            // a template, or NULL: the topic, '_' for its dots
    const char *name;             // of the pipeline: it names the properties
    const char *placeholder;      // for values that the log does not have
    uint64_t commit_rows;
    enum ice_time_type times;
    bool append; // the change log is written, not the table
    bool checks; // each row by itself, when it comes: a bad one can be refused alone
};

struct ice_topic; // what its schema lines said

struct iceberg {
    const struct iceberg_config *config;
    struct ice_rest_options rest;
    struct ice_writer writer;
    struct template table;
    struct ice_topic *topics;
    struct ice_source *sources;
    struct ice_target *targets;
    struct ice_target *newest; // that a record came for
    struct arena arena;        // of a record
    struct buf name, expanded;
    struct buf last;      // the newest event's token
    enum pos_phase phase; // of that
    bool fans_out;        // an event's lines go to several tables
    size_t bytes;         // of all batches, as it was last added up
    uint64_t rows;
};

void iceberg_init(struct iceberg *s, const struct iceberg_config *config, notice_fn *warn);
extern const struct sink_ops iceberg_ops;

// writer.catalog alone, for who does not run the loop; the ops' close closes it.
bool iceberg_open_catalog(struct iceberg *s, struct err *e) MUST_CHECK;

#endif
