#include "mysql/tail.h"

#include "mysql/dump.h"
#include "mysql/stream.h"
#include "state/frame.h"

#include <stdlib.h>

struct tail {
    const struct tail_options *o;
    struct my_session session;
    struct my_stream stream;
    struct frame_source frame;
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
    return my_session_open(&t->session, t->o, again ? &t->stream.written : NULL, checked, e);
}

static bool run(void *self, struct err *e)
{
    struct tail *t = self;
    return my_stream_run(&t->stream, e);
}

static void disconnect(void *self)
{
    struct tail *t = self;
    my_session_close(&t->session);
}

static uint64_t progress(const void *self)
{
    const struct tail *t = self;
    return t->stream.reader.events + t->stream.reader.transactions_read;
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
    if (strcmp(o->start, "initial") == 0) {
        err_set(e, STATUS_USAGE,
                "there is no --start initial, and no offset folder of a snapshot, for MySQL and MariaDB");
        return err_hint(e, "cdc-snapshot without one writes the rows, and in source the log's file and pos "
                           "that they are of, "
                           "where cdc-tail --start FILE:POS goes on");
    }
    struct tail *t = calloc(1, sizeof *t);
    if (t == NULL)
        return err_no_memory(e);
    t->o = o;
    my_session_init(&t->session);
    t->frame = (struct frame_source){
        .self = t,
        .time = SHAPE_ADAPTIVE_MICROSECONDS,
        .init = init,
        .open = open,
        .run = run,
        .disconnect = disconnect,
        .progress = progress,
        .finish = finish,
        .gone = gone,
    };
    bool ok = frame_run(&t->frame, o, e);
    my_session_release(&t->session);
    my_stream_release(&t->stream);
    frame_release(&t->frame);
    free(t);
    return ok;
}

static const char *const schemes[] = {"mysql://", "mariadb://", NULL};

const struct source_ops my_source_ops = {.schemes = schemes, .tail = my_tail, .dump = my_dump_run};
