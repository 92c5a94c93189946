#include "mysql/dump.h"

#include "event/line.h"
#include "mysql/envelope.h"
#include "mysql/initial.h"
#include "mysql/server.h"
#include "mysql/snapshot.h"
#include "mysql/tables.h"
#include "state/folder.h"
#include "state/position.h"

#include <stdio.h>

struct dump {
    const struct tail_options *o;
    struct capture capture;
    struct my_session session;
    struct my_server server;
    struct output out;
    struct folder_lock hold;
    struct pos done;     // the end's progress
    bool begins_by_hand; // somebody set the beginning of an epoch
    bool begun;          // the `start` line is gathered
};

static bool tick(void *dump, struct err *e)
{
    (void)dump, (void)e;
    return true;
}

// What the folder knows; *begins: nothing, or what somebody set to begin anew.
static bool load(struct dump *d, bool *begins, struct err *e)
{
    struct my_session *s = &d->session;
    struct pos token;
    bool found;
    *begins = true;
    if (d->o->offset == NULL)
        return true;
    if (!my_state_load(&s->state, d->o->offset, e) ||
        !position_resume(d->o->offset, &s->from_text, &token, &found, e))
        return false;
    const struct my_epoch *newest = my_state_newest(&s->state);
    d->begins_by_hand = found && newest != NULL && token.epoch > newest->epoch;
    if (newest == NULL || d->begins_by_hand)
        return true;
    if (strcmp(newest->server, d->server.identity) != 0)
        return err_set(e, STATUS_LOST, "%s is of another server: this one is %s, the folder's was %s",
                       d->o->offset, d->server.identity, newest->server);
    if (s->state.snapshot.epoch == 0)
        return err_set(e, STATUS_USAGE, "%s is of a pipeline that follows the log: it takes --start initial",
                       d->o->offset);
    *begins = false;
    s->from = found ? token : s->state.start;
    return true;
}

static bool begin(struct dump *d, struct err *e)
{
    struct my_session *s = &d->session;
    // A beginning that was set by hand, my/EPOCH/l/0/0/0/0, is above all rows of its epoch.
    for (int more = d->begins_by_hand; more >= 0; more--)
        if (!my_state_begin(&s->state, d->server.identity, d->server.base, e))
            return false;
    if (!my_initial_begin(s, &d->capture, e))
        return false;
    snprintf(s->state.kind, sizeof s->state.kind, "%s", s->mariadb ? "mariadb" : "mysql");
    s->state.start = s->from;
    s->begins = true;
    return d->o->offset == NULL || my_state_store(&s->state, d->o->offset, e);
}

static bool open(struct dump *d, bool *finished, struct err *e)
{
    struct my_session *s = &d->session;
    bool begins;
    if (!my_session_sql(s, d->o, e) || !my_server_look(&d->server, s->sql, e) || !load(d, &begins, e))
        return false;
    s->mariadb = my_is_mariadb(s->sql);
    s->now_file = d->server.end.number, s->now_pos = d->server.end.size;
    if (begins && !begin(d, e))
        return false;
    *finished = !begins && !record_is_ahead(&s->state.snapshot, &s->from);
    if (*finished)
        d->o->note("%s has all rows already", d->o->offset);
    return true;
}

static bool run(struct dump *d, struct err *e)
{
    struct my_session *s = &d->session;
    bool finished;
    struct buf last;
    uint64_t rows = 0;
    if (!open(d, &finished, e))
        return false;
    if (d->o->control)
        line_write_start(&d->out.lines, &s->from,
                         &(struct line_start){span_of(s->state.identity), s->begins, !finished});
    d->begun = true;
    buf_init(&last, POS_MAX_BYTES);
    bool ok = finished || my_snapshot_run(s, d->o, &d->capture, &d->out, &rows, &last, e);
    buf_release(&last);
    if (!ok)
        return false;
    d->done = finished ? s->from : my_snapshot_end(&s->state);
    if (d->o->control && s->state.snapshot.done)
        line_write_progress(&d->out.lines, &d->done);
    return true;
}

// The `end` line comes whatever the end was.
static bool finish(struct dump *d, int status, struct err *e)
{
    const struct my_state *state = &d->session.state;
    if (d->o->control && !d->out.gone)
        line_write_end(&d->out.lines, d->begun && state->snapshot.done ? &d->done : NULL, status);
    return d->out.gone || output_flush(&d->out, e);
}

static bool prepare(struct dump *d, struct err *e)
{
    if (!capture_compile(&d->capture, d->o, SHAPE_ADAPTIVE_MICROSECONDS, e))
        return false;
    if (d->capture.topic_prefix == NULL)
        d->capture.topic_prefix = MY_DEFAULT_PREFIX;
    return d->o->offset == NULL ||
           (folder_create(d->o->offset, e) && folder_hold(d->o->offset, "source", &d->hold, e));
}

bool my_dump_run(const struct tail_options *o, struct err *e)
{
    struct dump d = {.o = o, .hold = {-1}};
    struct err last;
    output_init(&d.out, 1, o->max_line_bytes, tick, NULL);
    my_session_init(&d.session);
    bool ok = prepare(&d, e) && run(&d, e);
    if (!finish(&d, ok ? STATUS_DONE : (int)e->status, &last) && ok) {
        *e = last;
        ok = false;
    }
    // Without a folder a reader that has seen enough, as head(1), is how many a run ends.
    if (d.out.gone && o->offset == NULL)
        ok = true;
    my_session_release(&d.session);
    my_server_release(&d.server);
    capture_release(&d.capture);
    output_release(&d.out);
    folder_unlock(&d.hold);
    return ok;
}
