#include "test.h"

#include "snapshot/ordered.h"

#include "base/clock.h"

// A maker that gives each chunk some pieces whose lines are the chunk's number, until it is cut or the run is
// over.
struct maker {
    struct ordered *o;
    size_t number;
    uint64_t pieces;    // of a chunk
    uint64_t cut_after; // waits for the cut once it gave so many of a chunk; 0: never
    pthread_t thread;
};

static bool make_piece(struct maker *m, uint64_t chunk, bool last)
{
    struct ordered_piece *piece;
    if (!ordered_piece(m->o, m->number, 0, &piece))
        return false;
    buf_u64(&piece->lines, chunk);
    buf_char(&piece->lines, '\n');
    piece->rows = 1;
    piece->ends_chunk = last;
    ordered_give(m->o, chunk, piece);
    return true;
}

static void *make(void *maker)
{
    struct maker *m = maker;
    struct ordered_job job = {0};
    while (ordered_job(m->o, &job))
        for (uint64_t i = 1; job.chunk != 0 && i <= m->pieces; i++) {
            bool cuts = m->cut_after != 0 && i > m->cut_after;
            while (cuts && !ordered_is_cut(m->o, job.chunk) && !ordered_is_stopped(m->o))
                clock_nap_us(100);
            if (cuts) {
                struct ordered_piece *none = NULL;
                ordered_end(m->o, m->number, job.chunk, true, &none);
                break;
            }
            if (!make_piece(m, job.chunk, i == m->pieces))
                return NULL;
        }
    return NULL;
}

static struct ordered *begin(struct maker *makers, size_t n, uint64_t pieces, uint64_t cut_after)
{
    struct ordered *o;
    struct err e;
    assert_true(ordered_create(&o, n, 1024, &e));
    for (size_t i = 0; i < n; i++) {
        makers[i] = (struct maker){.o = o, .number = i, .pieces = pieces, .cut_after = cut_after};
        assert_int_equal(pthread_create(&makers[i].thread, NULL, make, &makers[i]), 0);
    }
    return o;
}

static void end(struct ordered *o, struct maker *makers, size_t n)
{
    ordered_stop(o);
    for (size_t i = 0; i < n; i++)
        pthread_join(makers[i].thread, NULL);
    ordered_release(o);
}

static struct ordered_piece *take(struct ordered *o)
{
    struct ordered_piece *piece;
    struct err e;
    enum ordered_took took;
    while ((took = ordered_take(o, 1000, &piece, &e)) == ORDERED_NOTHING)
        ;
    assert_int_equal(took, ORDERED_GOT);
    return piece;
}

// More pieces of a chunk than a maker has: who is ahead waits for the taker.
static void chunks_come_in_order(void **state)
{
    (void)state;
    struct maker makers[3];
    struct ordered *o = begin(makers, 3, 3 * ORDERED_PIECES, 0);
    uint64_t put = 0;
    for (uint64_t chunk = 1; chunk <= 200; chunk++) {
        for (; put < 200 && ordered_room(o); put++)
            ordered_put(o, NULL);
        for (bool ends = false; !ends;) {
            struct ordered_piece *piece = take(o);
            assert_int_equal(strtoull(piece->lines.p, NULL, 10), chunk);
            ends = piece->ends_chunk;
            ordered_return(o, piece);
        }
    }
    assert_int_equal(ordered_outstanding(o), 0);
    end(o, makers, 3);
}

static void a_cut_ends_every_chunk_that_was_put(void **state)
{
    (void)state;
    struct maker makers[2];
    struct ordered *o = begin(makers, 2, 9, 2);
    for (int round = 0; round < 20; round++) {
        while (ordered_room(o))
            ordered_put(o, NULL);
        struct ordered_piece *first = take(o);
        assert_false(first->is_cut);
        ordered_return(o, first);
        ordered_cut(o);
        size_t cut = 0;
        while (ordered_outstanding(o) != 0) {
            struct ordered_piece *piece = take(o);
            assert_true(!piece->ends_chunk || piece->is_cut);
            cut += piece->is_cut;
            ordered_return(o, piece);
        }
        assert_true(cut >= 2);
    }
    end(o, makers, 2);
}

static void a_failure_is_taken_at_once(void **state)
{
    (void)state;
    struct maker makers[2];
    struct ordered *o = begin(makers, 2, 1, 0);
    struct ordered_piece *piece;
    struct err e, failure;
    err_set(&failure, STATUS_PEER, "gone");
    ordered_put(o, NULL);
    ordered_fail(o, &failure);
    enum ordered_took took = ordered_take(o, 1000, &piece, &e);
    assert_int_equal(took, ORDERED_FAILED);
    assert_string_equal(e.text, "gone");
    end(o, makers, 2);
}

static void nothing_comes_without_a_maker(void **state)
{
    (void)state;
    struct ordered *o;
    struct ordered_piece *piece;
    struct err e;
    assert_true(ordered_create(&o, 1, 1024, &e));
    ordered_put(o, NULL);
    assert_int_equal(ordered_take(o, 1, &piece, &e), ORDERED_NOTHING);
    // Cut before anybody began it, it ends.
    ordered_cut(o);
    assert_int_equal(ordered_take(o, 1000, &piece, &e), ORDERED_GOT);
    assert_true(piece->is_cut && piece->ends_chunk && piece->rows == 0);
    ordered_return(o, piece);
    ordered_release(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_come_in_order),
        cmocka_unit_test(a_cut_ends_every_chunk_that_was_put),
        cmocka_unit_test(a_failure_is_taken_at_once),
        cmocka_unit_test(nothing_comes_without_a_maker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
