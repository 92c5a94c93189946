#include "postgres/tail.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/stop.h"
#include "event/line.h"
#include "postgres/stream.h"
#include "state/folder.h"

#include <stdlib.h>
#include <unistd.h>

// Between attempts to connect again: from FIRST, doubled up to LAST.
#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS 5000

struct tail {
    const struct tail_options *o;
    struct capture capture;
    struct session session;
    struct stream stream;
    struct folder_lock hold;
    struct buf prefix; // of the topics, where it is made from the database's name
    // An outage: since when, and what was done before it. Connections that brought nothing are part of it,
    // however often the server took us back.
    int64_t lost_ms, pause_ms, connected_ms;
    uint64_t lost_done_lsn, lost_events;
};

// The first connection: what cannot be had now is told at once.
static bool connect_first(struct tail *t, bool *checked, struct err *e)
{
    if (!session_open(&t->session, t->o, &t->capture, NULL, checked, e))
        return false;
    if (t->capture.topic_prefix != NULL)
        return true;
    // The database's name, in Kafka's alphabet as the rest of a topic.
    buf_init(&t->prefix, sizeof t->session.database);
    topic_write(&t->prefix, span_of(t->session.database));
    t->capture.topic_prefix = buf_cstr(&t->prefix);
    return true;
}

static bool check_prefix(const char *prefix, struct err *e)
{
    struct buf topic;
    if (prefix == NULL)
        return true;
    buf_init(&topic, 4096);
    topic_write(&topic, span_of(prefix));
    bool ok = prefix[0] != '\0' && span_is(buf_view(&topic), prefix);
    buf_release(&topic);
    return ok ||
           err_set(e, STATUS_USAGE,
                   "--topic-prefix \"%.100s\": a topic is made of letters, digits, '.', '_', '-'", prefix);
}

// Naps that end with the stop signal.
static bool nap(int64_t ms)
{
    for (int64_t end_ms = clock_mono_ms() + ms; clock_mono_ms() < end_ms && stop_count() == 0;)
        clock_nap_us(ms < 100 ? ms * 1000 : 100000);
    return stop_count() == 0;
}

static void note_outage(struct tail *t)
{
    int64_t now_ms = clock_mono_ms();
    const struct stream *s = &t->stream;
    bool brought_nothing = s->done_lsn <= t->lost_done_lsn && s->events == t->lost_events;
    if (t->pause_ms != 0 && brought_nothing && now_ms - t->connected_ms < t->o->retry_ms)
        return;
    t->lost_ms = now_ms;
    t->lost_done_lsn = s->done_lsn;
    t->lost_events = s->events;
    t->pause_ms = RETRY_FIRST_MS;
}

// A connection that was lost is made again and goes on behind the last line written. A temporary slot was
// lost with it. A server that loses it again and again over the same piece of log is given up like one that
// is not there.
static bool connect_again(struct tail *t, struct err *e)
{
    struct err lost = *e;
    if (t->session.temporary) {
        err_set(e, STATUS_PEER,
                "%s; the temporary slot went with the connection: what commits after %s is not seen",
                lost.text, lsn_text(t->stream.done_lsn).at);
        return err_hint(e, "--offset keeps a position, and a slot that outlives the connection");
    }
    note_outage(t);
    if (clock_mono_ms() - t->lost_ms >= t->o->retry_ms)
        return false;
    t->o->warn("%s; connecting again", lost.text);
    while (nap(t->pause_ms)) {
        bool checked;
        t->pause_ms = t->pause_ms < RETRY_LAST_MS / 2 ? t->pause_ms * 2 : RETRY_LAST_MS;
        session_close(&t->session, t->o, false);
        if (session_open(&t->session, t->o, &t->capture, &t->stream.written, &checked, e)) {
            t->connected_ms = clock_mono_ms();
            return true;
        }
        if (e->status != STATUS_PEER || clock_mono_ms() - t->lost_ms >= t->o->retry_ms)
            return false;
    }
    return true; // asked to stop; the stream sees that before it reads
}

static bool run(struct tail *t, struct err *e)
{
    for (;;) {
        if (stream_run(&t->stream, e))
            return true;
        bool from_server = e->status == STATUS_PEER && !t->stream.out.gone;
        if (!from_server || t->o->retry_ms == 0 || !connect_again(t, e))
            return false;
    }
}

static bool hold_folder(struct tail *t, struct err *e)
{
    if (t->o->offset == NULL || t->o->check)
        return true;
    return folder_create(t->o->offset, e) && folder_hold(t->o->offset, "source", &t->hold, e);
}

static bool tail_all(struct tail *t, bool *checked, struct err *e)
{
    return check_prefix(t->o->topic_prefix, e) && capture_compile(&t->capture, t->o, SHAPE_ADAPTIVE, e) &&
           hold_folder(t, e) && stream_init(&t->stream, t->o, &t->capture, &t->session, e) &&
           connect_first(t, checked, e) && (*checked || run(t, e));
}

// Without an offset folder a reader that has seen enough, as head(1), is how many a run ends.
static bool is_normal_end(const struct tail *t)
{
    return t->stream.out.gone && t->o->offset == NULL;
}

// A run that failed before there was a stream tells its status all the same: without the `end` line the
// pipeline would end with "the source died", which a restart is thought to mend.
static bool end_lines(struct tail *t, int status, struct err *e)
{
    if (t->stream.decoder != NULL)
        return stream_finish(&t->stream, status, e);
    struct buf line;
    buf_init(&line, 4096);
    if (t->o->control)
        line_write_end(&line, NULL, status);
    bool ok = io_write_all(STDOUT_FILENO, buf_view(&line), "standard output", e);
    buf_release(&line);
    return ok;
}

static bool pg_tail(const struct tail_options *o, struct err *e)
{
    struct tail *t = calloc(1, sizeof *t);
    if (t == NULL)
        return err_no_memory(e);
    t->o = o;
    t->hold.fd = -1;
    bool checked = false;
    bool ok = tail_all(t, &checked, e);
    struct err last;
    if (!checked && !t->stream.out.gone && !end_lines(t, ok ? STATUS_DONE : (int)e->status, &last) && ok) {
        *e = last;
        ok = false;
    }
    if (!ok && is_normal_end(t))
        ok = true;
    session_close(&t->session, o, ok && o->slot_drop_on_stop);
    stream_release(&t->stream);
    capture_release(&t->capture);
    buf_release(&t->prefix);
    if (t->hold.fd >= 0)
        folder_unlock(&t->hold);
    free(t);
    return ok;
}

static const char *const schemes[] = {"postgres://", "postgresql://", NULL};

const struct source_ops pg_source_ops = {schemes, pg_tail};
