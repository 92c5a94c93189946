#include "postgres/tail.h"

#include "base/stop.h"
#include "postgres/dump.h"
#include "postgres/snapshot.h"
#include "postgres/stream.h"
#include "state/frame.h"

#include <stdlib.h>

struct tail {
    const struct tail_options *o;
    struct session session;
    struct stream stream;
    struct frame_source frame;
    struct buf row; // the token of the snapshot's last row
};

static bool init(void *self, struct err *e)
{
    struct tail *t = self;
    return stream_init(&t->stream, t->o, &t->frame.capture, &t->session, e);
}

static bool open(void *self, bool again, bool *checked, struct err *e)
{
    struct tail *t = self;
    if (!session_open(&t->session, t->o, &t->frame.capture, again ? &t->stream.written : NULL, checked, e))
        return false;
    frame_default_prefix(&t->frame, t->session.database);
    return true;
}

// The snapshot that is due, then the place in the log where its rows end.
static bool run_snapshot(struct tail *t, struct err *e)
{
    struct session *s = &t->session;
    struct stream *stream = &t->stream;
    bool reached;
    if (s->log_until_lsn != 0) {
        if (!stream_run_until(stream, s->log_until_lsn, &reached, e))
            return false;
        if (!reached)
            return true;
        s->from = pg_snapshot_beginning(s->state.snapshot.epoch);
        s->log_lsn = s->log_until_lsn;
    }
    bool ok = pg_snapshot_run(s, t->o, &t->frame.capture, &stream->out, &stream->rows, &t->row, e);
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
    s->log_until_lsn = 0;
    s->from = pg_snapshot_end(&s->state);
    stream_passed(stream, &s->from);
    return true;
}

static bool run(void *self, struct err *e)
{
    struct tail *t = self;
    stream_begin(&t->stream);
    if (t->session.snapshot_due && !run_snapshot(t, e))
        return false;
    // Still due: the run was asked to stop, or to end before it.
    if (t->session.snapshot_due || t->o->snapshot_only)
        return true;
    return (t->session.streaming || session_stream(&t->session, t->o, e)) && stream_run(&t->stream, e);
}

static void disconnect(void *self)
{
    struct tail *t = self;
    session_close(&t->session, t->o, false);
}

static uint64_t progress(const void *self)
{
    const struct tail *t = self;
    return t->stream.done_lsn + t->stream.events + t->stream.rows;
}

// A temporary slot was lost with its connection.
static bool can_reconnect(void *self, struct err *e)
{
    struct tail *t = self;
    struct err lost = *e;
    if (t->session.kept_out)
        return false;
    if (!t->session.temporary)
        return true;
    err_set(e, STATUS_PEER,
            "%s; the temporary slot went with the connection: what commits after %s is not seen", lost.text,
            lsn_text(t->stream.done_lsn).at);
    return err_hint(e, "--offset keeps a position, and a slot that outlives the connection");
}

static bool finish(void *self, int status, struct err *e)
{
    struct tail *t = self;
    return stream_finish(&t->stream, status, e);
}

static bool gone(const void *self)
{
    const struct tail *t = self;
    return t->stream.out.gone;
}

static bool pg_tail(const struct tail_options *o, struct err *e)
{
    struct tail *t = calloc(1, sizeof *t);
    if (t == NULL)
        return err_no_memory(e);
    t->o = o;
    buf_init(&t->row, POS_MAX_BYTES);
    t->frame = (struct frame_source){
        .self = t,
        .time = SHAPE_ADAPTIVE,
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
    session_close(&t->session, o, ok && o->slot_drop_on_stop);
    record_release(&t->session.state.snapshot);
    stream_release(&t->stream);
    buf_release(&t->row);
    frame_release(&t->frame);
    free(t);
    return ok;
}

static const char *const schemes[] = {"postgres://", "postgresql://", NULL};

const struct source_ops pg_source_ops = {schemes, pg_tail, pg_dump_run};
