#include "mysql/tail.h"

#include "base/stop.h"
#include "mysql/dump.h"
#include "mysql/snapshot.h"
#include "mysql/stream.h"
#include "state/frame.h"

#include <stdlib.h>

struct tail {
    const struct tail_options *o;
    struct my_session session;
    struct my_stream stream;
    struct frame_source frame;
    struct buf row; // the token of the snapshot's last row
};

static bool init(void *self, struct err *e)
{
    struct tail *t = self;
    frame_default_prefix(&t->frame, MY_DEFAULT_PREFIX);
    return my_stream_init(&t->stream, t->o, &t->frame.capture, &t->session, e);
}

static bool open(void *self, bool again, bool *checked, struct err *e)
{
    struct tail *t = self;
    return my_session_open(&t->session, t->o, &t->frame.capture, again ? &t->stream.written : NULL, checked,
                           e);
}

// The snapshot that is due, then the place in the log where its rows end.
static bool run_snapshot(struct tail *t, struct err *e)
{
    struct my_session *s = &t->session;
    struct my_stream *stream = &t->stream;
    bool reached;
    if (s->log_until.n[0] != 0) {
        if (!my_stream_run_until(stream, &s->log_until, &reached, e))
            return false;
        if (!reached)
            return true;
        s->from = my_snapshot_beginning(s->state.snapshot.epoch);
    }
    bool ok = my_snapshot_run(s, t->o, &t->frame.capture, &stream->out, &stream->rows, &t->row, e);
    struct err ignored;
    if (t->row.n != 0 && !pos_parse(buf_view(&t->row), &stream->written, &ignored))
        return false;
    // Asked to stop, it gives up what the server works on; the rows that were written are whole.
    bool given_up = !ok && stop_count() != 0 && e->status == STATUS_PEER && !stream->out.gone;
    if (!ok && !given_up)
        return false;
    if (stop_count() != 0)
        return true;
    s->snapshot_due = false;
    s->log_until = (struct pos){0};
    s->from = my_snapshot_end(&s->state);
    my_stream_passed(stream, &s->from);
    return t->o->snapshot_only || my_session_stream(s, t->o, e);
}

static bool run(void *self, struct err *e)
{
    struct tail *t = self;
    if (t->session.snapshot_due) {
        my_stream_begin(&t->stream);
        if (!run_snapshot(t, e))
            return false;
    }
    // Still due: the run was asked to stop, or to end before it.
    if (t->session.snapshot_due)
        return true;
    if (t->o->snapshot_only) {
        my_stream_begin(&t->stream);
        return true;
    }
    return my_stream_run(&t->stream, e);
}

static bool can_reconnect(void *self, struct err *e)
{
    (void)e;
    struct tail *t = self;
    return !t->session.kept_out;
}

static void disconnect(void *self)
{
    struct tail *t = self;
    my_session_close(&t->session);
}

static uint64_t progress(const void *self)
{
    const struct tail *t = self;
    return t->stream.reader.events + t->stream.reader.transactions_read + t->stream.rows;
}

static bool finish(void *self, int status, struct err *e)
{
    struct tail *t = self;
    return my_stream_finish(&t->stream, status, e);
}

static bool gone(const void *self)
{
    const struct tail *t = self;
    return t->stream.out.gone;
}

static bool my_tail(const struct tail_options *o, struct err *e)
{
    struct tail *t = calloc(1, sizeof *t);
    if (t == NULL)
        return err_no_memory(e);
    t->o = o;
    buf_init(&t->row, POS_MAX_BYTES);
    my_session_init(&t->session);
    t->frame = (struct frame_source){
        .self = t,
        .time = SHAPE_ADAPTIVE_MICROSECONDS,
        .init = init,
        .open = open,
        .run = run,
        .disconnect = disconnect,
        .progress = progress,
        .can_reconnect = can_reconnect,
        .finish = finish,
        .gone = gone,
    };
    bool ok = frame_run(&t->frame, o, e);
    my_session_release(&t->session);
    my_stream_release(&t->stream);
    frame_release(&t->frame);
    buf_release(&t->row);
    free(t);
    return ok;
}

static const char *const schemes[] = {"mysql://", "mariadb://", NULL};

const struct source_ops my_source_ops = {.schemes = schemes, .tail = my_tail, .dump = my_dump_run};
