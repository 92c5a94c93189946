// The line that stages pass: one JSON object whose first member, "cdc", is the header.
//
//   change    {"cdc":{"pos":"…","topic":"…","key":…[,"unique":false][,"headers":{…}]},…value…}
//   tombstone the same, nothing but its header: a record that has a key and no value
//   control   {"cdc":{"control":"KIND","pos":"…",…}}       KIND: start, progress, schema, end
//
// The header is written in one way only, byte for byte as above, so it is found at fixed places and its
// member values are spans of the line; pos, topic and control are ASCII without escapes. A line without a
// header (Debezium's own output, a file) is LINE_BARE.
#ifndef CDC_EVENT_LINE_H
#define CDC_EVENT_LINE_H

#include "base/buf.h"
#include "event/pos.h"

// What a source's identity may take.
#define LINE_IDENTITY_MAX 127

// The same of its state; a larger one stays in its folder alone. Below what Kafka takes as a message.
#define LINE_STATE_MAX (512u << 10)

// A line's default cap; --max-line changes it.
#define LINE_MAX_BYTES (64u << 20)

enum line_kind { LINE_CHANGE, LINE_CONTROL, LINE_BARE };

struct line {
    enum line_kind kind;
    struct span text;    // the whole line without its '\n'
    struct span pos;     // the token, without quotes; empty where there is none
    struct span topic;   // change: without quotes
    struct span key;     // change: JSON, `null` without one
    bool not_unique;     // change: the source says that several rows may have this key
    struct span headers; // change: JSON object, or empty
    struct span control; // control: the KIND, without quotes
    struct span header;  // control: the header object, for its further members
    // change: the delivered value but for its '{', from behind the header's comma, empty of a tombstone;
    // bare: the text
    struct span value;
};

static inline bool line_is_tombstone(const struct line *l)
{
    return l->kind == LINE_CHANGE && l->value.n == 0;
}

// Checks the header alone (and a control line whole); the spans borrow from text. STATUS_DATA, with the byte
// and what was needed there, where the header is broken, or is not first or not written as above: a header
// that was taken for a part of the value would be delivered.
bool line_parse(struct span text, struct line *l, struct err *e) MUST_CHECK;

// The delivered value in place: turns the header's comma into the value's '{'. The text must be writable and
// is no line any more until line_restore(). Empty for a control line and a tombstone.
struct span line_value(const struct line *l);
void line_restore(const struct line *l);

// A change line's header as it stands, {"cdc":{…} without what follows; empty for a bare line.
struct span line_front(const struct line *l);

// Appends the same from the members pos, topic, key, not_unique and headers. A comma and the value's members
// follow, or nothing but the line's '}'.
void line_write_front(struct buf *b, const struct line *l);

// Control lines, '\n' included. p may be NULL: then there is no "pos". identity: the source's, of characters
// that need no escape. begins: this position starts an epoch that no sink can have seen, so a sink's own
// lower position of an older epoch is no gap. snapshot: rows of a snapshot are to come.
struct line_start {
    struct span identity;
    bool begins, snapshot;
};
void line_write_start(struct buf *b, const struct pos *p, const struct line_start *start);
void line_write_progress(struct buf *b, const struct pos *p);

// Adds to the start or progress line that was just written what the source's folder holds in its file
// `source`, one JSON object; null where it is larger than LINE_STATE_MAX. A sink that keeps its own position
// keeps the newest of these with it, for a start on another machine.
void line_add_state(struct buf *b, struct span state);
void line_write_end(struct buf *b, const struct pos *p, int status);

// The state that a start or progress line carries; empty for null. False without one.
bool line_read_state(const struct line *l, struct span *state);

// The Connect schemas of a topic, from a schema line (connect.h writes it). JSON; key `null` without one.
struct line_schema {
    struct span topic, key, value;
};

// What line_write_start and line_write_end wrote, from a control line of that kind.
bool line_read_start(const struct line *l, struct line_start *s, struct err *e) MUST_CHECK;
bool line_read_schema(const struct line *l, struct line_schema *s, struct err *e) MUST_CHECK;
bool line_read_end(const struct line *l, int *status, struct err *e) MUST_CHECK;

#endif
