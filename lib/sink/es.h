// The Elasticsearch and OpenSearch sink: records as bulk requests over libcurl.
//
// An index holds the table: a document's _id is made of the row's key, its version is the position's
// pos_version(), written with version_type external_gte. So whatever comes twice or late leaves the document
// as it is, and the order in which requests end does not matter to it.
//
// A record goes to the lane that its index and id give; a lane has one request under way and one batch that
// fills meanwhile (es_lane.h). So all there is of one id is in one lane, in order.
#ifndef CDC_SINK_ES_H
#define CDC_SINK_ES_H

#include "event/template.h"
#include "sink/es_batch.h"
#include "sink/es_http.h"
#include "sink/gaps.h"
#include "sink/sink.h"

struct es_lane;
struct es_index;

struct es_config {
    struct es_http_config http;
    const char *index;       // a template, or NULL: the topic
    const char *id;          // a path, or NULL: the key
    const char *soft_delete; // a member's name, or NULL
    const char *placeholder;
    bool envelope, truncate;
    uint64_t epoch; // 0: the source's own
    uint64_t jobs, batch_bytes;
    int64_t linger_ms;
};

struct es {
    const struct es_config *config;
    notice_fn *warn;
    struct loop *loop;
    struct es_http http;
    struct gaps gaps;
    struct template index;
    struct es_lane *lanes;
    size_t n_lanes;
    struct es_call ask;
    struct es_index *indices; // by hash, open
    size_t n_indices, size;
    struct buf identity;            // of the source; empty where no start line came
    struct buf name, id, row, body; // of the record at hand
    struct arena arena;
    struct es_batch parked; // at most one line: see es_move.h
    size_t body_max;        // of a request, once one was refused for its size
    int64_t warned_ms;
    uint64_t random;
};

void es_init(struct es *es, const struct es_config *config, notice_fn *warn);
extern const struct sink_ops es_ops;

// ---- for the sink's parts

// Says it now and then.
void es_warn(struct es *es, const char *fmt, ...) PRINTF_LIKE(2, 3);

// How long to wait before the next of so many tries: longer each time, with jitter.
int64_t es_backoff_ms(struct es *es, unsigned tries);

// Waits that long, while the lanes move on.
bool es_pause(struct es *es, unsigned tries, struct err *e) MUST_CHECK;

// Moves all lanes on.
bool es_move_on(struct es *es, struct err *e) MUST_CHECK;

// Waits a moment for anything to move, and moves all lanes on.
bool es_nap(struct es *es, struct err *e) MUST_CHECK;

// One request and its answer, in es->ask, whatever its status but for 401 and 403, which are an error, and
// for 429 and those from 500 on, which are tried again.
bool es_ask(struct es *es, const char *method, const char *path, struct span body, struct err *e) MUST_CHECK;

// An answer that the sink cannot go on with.
bool es_fail(const struct es_call *call, const char *what, struct err *e);

#endif
