// The row alone, as Debezium's ExtractNewRecordState makes it of an envelope.
#ifndef CDC_STAGE_UNWRAP_H
#define CDC_STAGE_UNWRAP_H

#include "event/line.h"
#include "stage/columns.h"

// delete.tombstone.handling.mode. Debezium drops the tombstone that follows a delete and then makes the
// delete one (tombstone), or keeps the one and drops the other (delete-to-tombstone): no difference on lines.
enum unwrap_deletes {
    UNWRAP_TOMBSTONE,
    UNWRAP_DROP,
    UNWRAP_REWRITE,
    UNWRAP_REWRITE_WITH_TOMBSTONE,
};

// The names are its properties'.
struct unwrap_options {
    bool on;
    enum unwrap_deletes deletes;
    const char *add_fields, *add_fields_prefix;
    const char *add_headers, *add_headers_prefix;
    const char *route_by_field;
};

#define UNWRAP_DEFAULTS                                                                                      \
    {                                                                                                        \
        .add_fields_prefix = "__", .add_headers_prefix = "__"                                                \
    }

struct unwrap_field;

struct unwrap_list {
    struct unwrap_field *at;
    size_t n;
};

struct unwrap {
    const struct unwrap_options *o;
    struct unwrap_list fields, headers;
    struct arena arena;
    struct buf topic, header; // of one line
};

// STATUS_USAGE where an option is wrong. Release it in either case.
bool unwrap_init(struct unwrap *u, const struct unwrap_options *o, struct err *e) MUST_CHECK;
void unwrap_release(struct unwrap *u);

enum rewritten { REWRITE_SAME, REWRITE_DONE, REWRITE_DROP, REWRITE_REFUSE };

// columns: begun with the line. Appends the new line or lines, each with its '\n', or for REFUSE the reason.
enum rewritten unwrap_line(struct unwrap *u, const struct line *l, struct columns *columns, struct buf *out);

// Puts the reason in place of what was written from `at` on.
enum rewritten rewrite_refuse(struct buf *out, size_t at, const char *why);

#endif
