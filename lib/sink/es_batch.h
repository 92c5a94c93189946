// Lines on their way into one bulk request: a batch holds them until each has its own answer.
//
// Of several lines with one id only the last is sent; it is above the others in their version, and holds them
// in a chain. Where it is refused the one before takes its place, so that no good line is lost with a bad
// one.
#ifndef CDC_SINK_ES_BATCH_H
#define CDC_SINK_ES_BATCH_H

#include "base/buf.h"

// Lines in a batch at most.
#define ES_BATCH_LINES 4096
#define ES_NONE UINT32_MAX

enum es_action {
    ES_INDEX,
    ES_DELETE,
    ES_MARK, // a soft delete: what the document was, and a member that says so
};

enum es_line_state {
    ES_WAITS, // a later line of its id goes first
    ES_TO_SEND,
    ES_SETTLED,
};

// One line; its parts are in the batch's text.
struct es_line {
    uint64_t seq, number, version; // version 0: none
    enum es_action action;
    enum es_line_state state;
    bool needs_base; // the document is made of an earlier one
    bool left_out;   // and it lacks a value that was not to be had
    size_t at;       // of index, id, topic, key, headers, value, document
    size_t index_n, id_n, topic_n, key_n, headers_n, value_n;
    size_t row_at, row_n; // the document, or what it is made of
    uint32_t before;      // the earlier line of that id, or ES_NONE
    uint32_t hash;
};

// What es_batch_add() is given.
struct es_new {
    uint64_t seq, number, version;
    enum es_action action;
    bool needs_base, left_out;
    struct span index, id, topic, key, headers, value;
    struct span row; // within value or not
    uint32_t hash;   // of index and id
};

struct es_batch {
    struct buf text;
    struct es_line *lines;
    size_t n, to_send;
    uint32_t *table; // by hash: a line's number + 1
};

bool es_batch_init(struct es_batch *b, size_t max_bytes, struct err *e) MUST_CHECK;
void es_batch_release(struct es_batch *b);
void es_batch_reset(struct es_batch *b);

uint32_t es_hash(struct span index, struct span id);

// There must be room: n below ES_BATCH_LINES.
bool es_batch_add(struct es_batch *b, const struct es_new *line, struct err *e) MUST_CHECK;

struct span es_line_index(const struct es_batch *b, const struct es_line *l);
struct span es_line_id(const struct es_batch *b, const struct es_line *l);
struct span es_line_topic(const struct es_batch *b, const struct es_line *l);
struct span es_line_key(const struct es_batch *b, const struct es_line *l);
struct span es_line_headers(const struct es_batch *b, const struct es_line *l);
struct span es_line_value(const struct es_batch *b, const struct es_line *l);
struct span es_line_row(const struct es_batch *b, const struct es_line *l);

// The line whose stored document the i-th is to be made of: the first of its chain, as far as each needs the
// one before. ES_NONE where none has to be fetched.
uint32_t es_batch_root(const struct es_batch *b, uint32_t i);

// It was refused: the one before, if any, is to be sent.
void es_batch_refuse(struct es_batch *b, uint32_t i);

// Appends the bulk request's lines for it. document is not looked at for a delete.
void es_batch_put(const struct es_batch *b, const struct es_line *l, struct span document, struct buf *out);

#endif
