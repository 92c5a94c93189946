// The file `position` of an offset folder: what each sink has acknowledged.
//
//   {"version":1,
//   "sinks":{
//   "es":{"token":null,"time":null},
//   "kafka":{"token":"pg/1/l/26738688/26738600/1","time":"2025-11-24T04:02:11.250Z","exact":true}
//   }}
//
// Everything up to a sink's token is durable in that sink's system, and stays so: a token never moves back
// unless somebody insists. A sink without a token has yet to see the beginning. The position to resume from
// is the lowest of all. All tokens are of one kind of source.
//
// Sinks are declared, by `cdc-offset init`; where none was, SINK_DEFAULT is the one. A folder without the
// file has no sinks.
#ifndef CDC_STATE_POSITION_H
#define CDC_STATE_POSITION_H

#include "base/buf.h"
#include "event/pos.h"

#include <stdint.h>

#define POSITION_FILE "position"
#define SINK_DEFAULT "default"
#define SINK_MAX 32      // sinks in a folder
#define SINK_NAME_MAX 64 // bytes; letters, digits, '.', '_' and '-', no '.' in front

struct position_sink {
    char name[SINK_NAME_MAX + 1];
    struct buf token; // empty: none yet
    int64_t time_ms;  // when the token was stored, Unix time
    bool exact;       // its system shows nothing above the token
};

struct position {
    struct position_sink sinks[SINK_MAX];
    size_t n;
};

void position_init(struct position *p);
void position_release(struct position *p);

// Sets p to the folder's. No sinks where there is no file; STATUS_DATA where it is damaged.
bool position_load(struct position *p, const char *dir, struct err *e) MUST_CHECK;

// NULL where there is none of that name.
struct position_sink *position_find(struct position *p, struct span name);

// The lowest token; NULL where there is no sink, or one without a token.
const struct position_sink *position_lowest(const struct position *p);

// For the source, at its start and again and again: the token to resume from, or up to which the log is not
// needed any more. *token borrows from text; where there is none it stays as it is.
bool position_resume(const char *dir, struct buf *text, struct pos *token, bool *found,
                     struct err *e) MUST_CHECK;

// Makes this process the only one that works with the sink's position; see folder_hold().
struct folder_lock;
bool position_hold(const char *dir, struct span name, struct folder_lock *hold, struct err *e) MUST_CHECK;

// Whether the sink may advance: STATUS_USAGE where it is not declared. Asked before the first token comes.
bool position_require(const char *dir, struct span name, struct err *e) MUST_CHECK;

// The changes to the file. Each is one read-modify-write under the folder's lock; the folder must be there.

// Declares a sink; one that is declared already stays as it is. STATUS_USAGE where the name is none.
bool position_declare(const char *dir, struct span name, struct err *e) MUST_CHECK;
bool position_forget(const char *dir, struct span name, struct err *e) MUST_CHECK;

// Stores what the sink acknowledged. A token at or below the stored one changes nothing, and *behind tells
// whether it was below: where several sinks share a source, it restarts at the lowest and the others see
// again what they have. STATUS_USAGE for a sink that is not declared, or another kind of source.
bool position_advance(const char *dir, struct span name, struct span token, bool *behind,
                      struct err *e) MUST_CHECK;

// Remembers whether the sink's system shows nothing above its token.
bool position_mark(const char *dir, struct span name, bool exact, struct err *e) MUST_CHECK;

// Whether there is one sink, and it is exact.
bool position_is_exact(const char *dir, bool *exact, struct err *e) MUST_CHECK;

// The same where nothing is acknowledged yet: a sink that has just begun is waited for, for a moment, to say
// so.
bool position_wait_exact(const char *dir, bool *exact, struct err *e) MUST_CHECK;

// As position_advance, by hand: a lower token is STATUS_USAGE, or is stored if `force`.
bool position_set(const char *dir, struct span name, struct span token, bool force, struct err *e) MUST_CHECK;

// The file's text to and from p, for the tests. What position_parse() cannot read is STATUS_DATA.
bool position_parse(struct position *p, struct span text, struct err *e) MUST_CHECK;
void position_format(const struct position *p, struct buf *b);

#endif
