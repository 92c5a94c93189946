#include "state/frame.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/stop.h"
#include "event/line.h"
#include "state/folder.h"

#include <unistd.h>

// Between attempts to connect again: from FIRST, doubled up to LAST.
#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS 5000
#define PREFIX_MAX_BYTES 4096

// An outage: since when, and what was done before it. Connections that brought nothing are part of it,
// however often the server took us back.
struct outage {
    int64_t lost_ms, pause_ms, connected_ms;
    uint64_t progress;
};

static bool check_prefix(const char *prefix, struct err *e)
{
    struct buf topic;
    if (prefix == NULL)
        return true;
    buf_init(&topic, PREFIX_MAX_BYTES);
    topic_write(&topic, span_of(prefix));
    bool ok = prefix[0] != '\0' && span_is(buf_view(&topic), prefix);
    buf_release(&topic);
    return ok ||
           err_set(e, STATUS_USAGE,
                   "--topic-prefix \"%.100s\": a topic is made of letters, digits, '.', '_', '-'", prefix);
}

void frame_default_prefix(struct frame_source *s, const char *name)
{
    if (s->capture.topic_prefix != NULL)
        return;
    buf_init(&s->prefix, PREFIX_MAX_BYTES);
    topic_write(&s->prefix, span_of(name));
    s->capture.topic_prefix = buf_cstr(&s->prefix);
}

void frame_release(struct frame_source *s)
{
    capture_release(&s->capture);
    buf_release(&s->prefix);
}

// Naps that end with the stop signal.
static bool nap(int64_t ms)
{
    for (int64_t end_ms = clock_mono_ms() + ms; clock_mono_ms() < end_ms && stop_count() == 0;)
        clock_nap_us(ms < 100 ? ms * 1000 : 100000);
    return stop_count() == 0;
}

static void note_outage(struct outage *t, const struct frame_source *s, int64_t retry_ms)
{
    int64_t now_ms = clock_mono_ms();
    uint64_t progress = s->progress(s->self);
    if (t->pause_ms != 0 && progress <= t->progress && now_ms - t->connected_ms < retry_ms)
        return;
    *t = (struct outage){.lost_ms = now_ms, .pause_ms = RETRY_FIRST_MS, .progress = progress};
}

// A connection that was lost is made again and goes on behind the last line written. A server that loses it
// again and again over the same piece of log is given up like one that is not there.
static bool connect_again(struct outage *t, struct frame_source *s, const struct tail_options *o,
                          struct err *e)
{
    struct err lost = *e;
    if (s->can_reconnect != NULL && !s->can_reconnect(s->self, e))
        return false;
    note_outage(t, s, o->retry_ms);
    if (clock_mono_ms() - t->lost_ms >= o->retry_ms)
        return false;
    if (stop_count() == 0)
        o->warn("%s; connecting again", lost.text);
    while (nap(t->pause_ms)) {
        bool checked;
        t->pause_ms = t->pause_ms < RETRY_LAST_MS / 2 ? t->pause_ms * 2 : RETRY_LAST_MS;
        s->disconnect(s->self);
        if (s->open(s->self, true, &checked, e)) {
            t->connected_ms = clock_mono_ms();
            return true;
        }
        if (e->status != STATUS_PEER || clock_mono_ms() - t->lost_ms >= o->retry_ms)
            return false;
    }
    return true; // asked to stop; the stream sees that before it reads
}

static bool stream(struct frame_source *s, const struct tail_options *o, struct err *e)
{
    struct outage outage = {0};
    for (;;) {
        if (s->run(s->self, e))
            return true;
        bool from_server = e->status == STATUS_PEER && !s->gone(s->self);
        if (!from_server || o->retry_ms == 0 || !connect_again(&outage, s, o, e))
            return false;
    }
}

static bool hold_folder(const struct tail_options *o, struct folder_lock *hold, struct err *e)
{
    if (o->offset == NULL || o->check)
        return true;
    return folder_create(o->offset, e) && folder_hold(o->offset, "source", hold, e);
}

// A run that failed before there was a stream tells its status all the same: without the `end` line the
// pipeline would end with "the source died", which a restart is thought to mend.
static bool end_lines(struct frame_source *s, const struct tail_options *o, int status, struct err *e)
{
    if (s->initialised)
        return s->finish(s->self, status, e);
    struct buf line;
    buf_init(&line, 4096);
    if (o->control)
        line_write_end(&line, NULL, status);
    bool ok = io_write_all(STDOUT_FILENO, buf_view(&line), "standard output", e);
    buf_release(&line);
    return ok;
}

static bool init(struct frame_source *s, struct err *e)
{
    s->initialised = s->init(s->self, e);
    return s->initialised;
}

bool frame_run(struct frame_source *s, const struct tail_options *o, struct err *e)
{
    struct folder_lock hold = {.fd = -1};
    bool checked = false;
    bool ok = check_prefix(o->topic_prefix, e) && capture_compile(&s->capture, o, s->time, e) &&
              hold_folder(o, &hold, e) && init(s, e) && s->open(s->self, false, &checked, e) &&
              (checked || stream(s, o, e));
    struct err last;
    if (!checked && !s->gone(s->self) && !end_lines(s, o, ok ? STATUS_DONE : (int)e->status, &last) && ok) {
        *e = last;
        ok = false;
    }
    // Without an offset folder a reader that has seen enough, as head(1), is how many a run ends.
    if (s->gone(s->self) && o->offset == NULL)
        ok = true;
    if (hold.fd >= 0)
        folder_unlock(&hold);
    return ok;
}
