// A lane: one connection, one request under way, one batch that fills meanwhile.
//
//   idle ─> (fetches the documents that others are made of) ─> sends ─> idle
//              └──────────────── naps, where it must be tried again ───┘
//
// A line leaves its batch with its own answer, and only then is it done to the loop. While one item of a
// batch must be tried again the next batch waits, so one id's lines never pass each other.
#ifndef CDC_SINK_ES_LANE_H
#define CDC_SINK_ES_LANE_H

#include "sink/es.h"
#include "sink/es_answer.h"

// Documents fetched at once; each may be large.
#define ES_FETCH 32

enum es_lane_state { ES_IDLE, ES_FETCHES, ES_SENDS, ES_NAPS };

struct es_lane {
    enum es_lane_state state;
    struct es_call call;
    struct es_batch batches[2];
    struct es_batch *open, *sent;
    int64_t first_ms, due_ms; // when open's first line came; when a nap ends
    unsigned tries;
    uint32_t *asked; // the lines in the request
    size_t n_asked;
    size_t most; // lines in a request
    struct es_item *items;
    uint32_t fetched[ES_FETCH];
    struct es_found found[ES_FETCH];
    size_t n_fetched;
    struct buf body, made[2];
};

bool es_lane_init(struct es *es, struct es_lane *lane, size_t number, struct err *e) MUST_CHECK;
void es_lane_release(struct es_lane *lane);

// Waits for room.
bool es_lane_add(struct es *es, struct es_lane *lane, const struct es_new *line, struct err *e) MUST_CHECK;

bool es_lane_move(struct es *es, struct es_lane *lane, struct err *e) MUST_CHECK;

// Until everything in it is done.
bool es_lane_drain(struct es *es, struct es_lane *lane, struct err *e) MUST_CHECK;

// How long until it wants to be moved, whatever comes; at most most_ms.
int es_lane_timeout(const struct es *es, const struct es_lane *lane, int most_ms);

#endif
