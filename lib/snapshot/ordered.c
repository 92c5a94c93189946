#include "snapshot/ordered.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

// Jobs that wait or are worked on, for each maker.
#define JOBS_AHEAD 3

struct chunk {
    const void *detail;
    struct ordered_piece *first, *last; // given and not taken
    bool begun;
};

struct ordered {
    pthread_mutex_t mutex;
    pthread_cond_t for_makers, for_taker;
    size_t makers;
    struct ordered_piece *free; // of all makers, each with its owner
    struct ordered_piece *piece;
    struct ordered_piece *ending; // of each maker, to end a chunk that is cut: without lines
    struct ordered_piece unbegun; // what a chunk gives that was cut before anybody began it
    struct chunk *chunk;          // a ring
    size_t size;
    uint64_t head, next_job, next; // chunks: the taker's, the first that nobody began, the next to be put
    uint64_t cut;                  // chunks below are to end
    bool stopped, failed;
    struct err failure;
};

static struct chunk *chunk_at(struct ordered *o, uint64_t number)
{
    return &o->chunk[number % o->size];
}

bool ordered_create(struct ordered **created, size_t makers, size_t max_line_bytes, struct err *e)
{
    struct ordered *o = *created = calloc(1, sizeof *o);
    if (o == NULL)
        return err_no_memory(e);
    o->makers = makers;
    o->size = makers * JOBS_AHEAD;
    o->head = o->next_job = o->next = 1;
    o->chunk = calloc(o->size, sizeof *o->chunk);
    o->piece = calloc(makers * ORDERED_PIECES, sizeof *o->piece);
    pthread_mutex_init(&o->mutex, NULL);
    pthread_cond_init(&o->for_makers, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&o->for_taker, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (size_t i = 0; o->piece != NULL && i < makers * ORDERED_PIECES; i++) {
        struct ordered_piece *piece = &o->piece[i];
        piece->maker = i / ORDERED_PIECES;
        buf_init(&piece->lines, max_line_bytes + ORDERED_PIECE_BYTES);
        piece->next = o->free;
        o->free = piece;
    }
    o->unbegun = (struct ordered_piece){.ends_chunk = true, .is_cut = true};
    o->ending = calloc(makers, sizeof *o->ending);
    return (o->chunk != NULL && o->piece != NULL && o->ending != NULL) || err_no_memory(e);
}

void ordered_release(struct ordered *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; o->piece != NULL && i < o->makers * ORDERED_PIECES; i++)
        buf_release(&o->piece[i].lines);
    free(o->piece);
    free(o->ending);
    free(o->chunk);
    pthread_mutex_destroy(&o->mutex);
    pthread_cond_destroy(&o->for_makers);
    pthread_cond_destroy(&o->for_taker);
    free(o);
}

// ---- makers

bool ordered_job(struct ordered *o, struct ordered_job *job)
{
    pthread_mutex_lock(&o->mutex);
    for (;;) {
        if (o->next_job < o->cut)
            o->next_job = o->cut;
        if (o->stopped || o->next_job < o->next || job->cut < o->cut)
            break;
        pthread_cond_wait(&o->for_makers, &o->mutex);
    }
    bool got = !o->stopped;
    if (got && o->next_job < o->next) {
        struct chunk *chunk = chunk_at(o, o->next_job);
        chunk->begun = true;
        *job = (struct ordered_job){o->next_job++, chunk->detail, o->cut};
    } else {
        *job = (struct ordered_job){.cut = o->cut};
    }
    pthread_mutex_unlock(&o->mutex);
    return got;
}

// Unlinks a free piece of the maker's, or is NULL.
static struct ordered_piece *take_free(struct ordered *o, size_t maker)
{
    for (struct ordered_piece **at = &o->free; *at != NULL; at = &(*at)->next)
        if ((*at)->maker == maker) {
            struct ordered_piece *piece = *at;
            *at = piece->next;
            return piece;
        }
    return NULL;
}

bool ordered_piece(struct ordered *o, size_t maker, uint64_t chunk_to_cut, struct ordered_piece **piece)
{
    pthread_mutex_lock(&o->mutex);
    bool cut = false;
    while ((*piece = take_free(o, maker)) == NULL && !o->stopped &&
           !(cut = chunk_to_cut != 0 && chunk_to_cut < o->cut))
        pthread_cond_wait(&o->for_makers, &o->mutex);
    pthread_mutex_unlock(&o->mutex);
    if (*piece == NULL)
        return cut;
    buf_reset(&(*piece)->lines);
    (*piece)->rows = 0;
    (*piece)->ends_chunk = (*piece)->is_cut = false;
    return true;
}

static void append(struct chunk *chunk, struct ordered_piece *piece)
{
    piece->next = NULL;
    if (chunk->first == NULL)
        chunk->first = piece;
    else
        chunk->last->next = piece;
    chunk->last = piece;
}

void ordered_give(struct ordered *o, uint64_t number, struct ordered_piece *piece)
{
    pthread_mutex_lock(&o->mutex);
    append(chunk_at(o, number), piece);
    if (number == o->head)
        pthread_cond_signal(&o->for_taker);
    pthread_mutex_unlock(&o->mutex);
}

bool ordered_line(struct ordered *o, size_t maker, uint64_t chunk, bool may_cut, struct ordered_piece **piece)
{
    if (*piece != NULL && (*piece)->lines.n >= ORDERED_PIECE_BYTES) {
        ordered_give(o, chunk, *piece);
        *piece = NULL;
    }
    return *piece != NULL || (ordered_piece(o, maker, may_cut ? chunk : 0, piece) && *piece != NULL);
}

// A chunk that is cut does not wait for memory.
void ordered_end(struct ordered *o, size_t maker, uint64_t chunk, bool is_cut, struct ordered_piece **piece)
{
    if (*piece == NULL && is_cut) {
        o->ending[maker] = (struct ordered_piece){.maker = maker};
        *piece = &o->ending[maker];
    }
    if (*piece == NULL && !ordered_piece(o, maker, 0, piece))
        return; // the run is over
    (*piece)->ends_chunk = true;
    (*piece)->is_cut = is_cut;
    ordered_give(o, chunk, *piece);
    *piece = NULL;
}

void ordered_fail(struct ordered *o, const struct err *e)
{
    pthread_mutex_lock(&o->mutex);
    if (!o->failed && !o->stopped)
        o->failure = *e;
    o->failed = true;
    pthread_cond_signal(&o->for_taker);
    pthread_mutex_unlock(&o->mutex);
}

bool ordered_is_stopped(struct ordered *o)
{
    pthread_mutex_lock(&o->mutex);
    bool stopped = o->stopped;
    pthread_mutex_unlock(&o->mutex);
    return stopped;
}

bool ordered_is_cut(struct ordered *o, uint64_t chunk)
{
    pthread_mutex_lock(&o->mutex);
    bool cut = chunk < o->cut;
    pthread_mutex_unlock(&o->mutex);
    return cut;
}

// ---- the taker

// Only the taker changes head and next, so it may look at them without the lock.
bool ordered_room(const struct ordered *o)
{
    return o->next - o->head < o->size;
}

uint64_t ordered_outstanding(const struct ordered *o)
{
    return o->next - o->head;
}

void ordered_put(struct ordered *o, const void *detail)
{
    pthread_mutex_lock(&o->mutex);
    *chunk_at(o, o->next) = (struct chunk){.detail = detail};
    o->next++;
    pthread_cond_broadcast(&o->for_makers);
    pthread_mutex_unlock(&o->mutex);
}

// With the lock held. Whether the first chunk has something to be taken, or never will have.
static bool is_ready(struct ordered *o)
{
    struct chunk *chunk = chunk_at(o, o->head);
    return o->failed || chunk->first != NULL || (!chunk->begun && o->head < o->cut);
}

static void wait_for_piece(struct ordered *o, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000)
        until.tv_sec++, until.tv_nsec -= 1000000000;
    while (!is_ready(o))
        if (pthread_cond_timedwait(&o->for_taker, &o->mutex, &until) == ETIMEDOUT)
            return;
}

enum ordered_took ordered_take(struct ordered *o, int timeout_ms, struct ordered_piece **piece, struct err *e)
{
    enum ordered_took took = ORDERED_GOT;
    pthread_mutex_lock(&o->mutex);
    wait_for_piece(o, timeout_ms);
    struct chunk *chunk = chunk_at(o, o->head);
    *piece = chunk->first;
    if (o->failed) {
        *e = o->failure;
        took = ORDERED_FAILED;
    } else if (!is_ready(o)) {
        took = ORDERED_NOTHING;
    } else if (*piece == NULL) {
        *piece = &o->unbegun;
        o->head++;
    } else {
        chunk->first = (*piece)->next;
        o->head += (*piece)->ends_chunk;
    }
    pthread_mutex_unlock(&o->mutex);
    return took;
}

void ordered_return(struct ordered *o, struct ordered_piece *piece)
{
    if (piece->lines.max_bytes == 0)
        return; // an ending
    pthread_mutex_lock(&o->mutex);
    piece->next = o->free;
    o->free = piece;
    pthread_cond_broadcast(&o->for_makers);
    pthread_mutex_unlock(&o->mutex);
}

void ordered_cut(struct ordered *o)
{
    pthread_mutex_lock(&o->mutex);
    o->cut = o->next;
    pthread_cond_broadcast(&o->for_makers);
    pthread_mutex_unlock(&o->mutex);
}

void ordered_stop(struct ordered *o)
{
    pthread_mutex_lock(&o->mutex);
    o->stopped = true;
    pthread_cond_broadcast(&o->for_makers);
    pthread_mutex_unlock(&o->mutex);
}
