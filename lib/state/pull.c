#include "state/pull.h"

#include "event/json.h"
#include "state/folder.h"
#include "state/identity.h"
#include "state/position.h"

static bool identity_of(struct span state, char to[IDENTITY_BYTES])
{
    return json_text_member(state, "identity", to, IDENTITY_BYTES);
}

static bool check(const struct pulled *p, struct err *e)
{
    struct pos at;
    char identity[IDENTITY_BYTES];
    if (!pos_parse(p->token, &at, e))
        return err_wrap(e, "the sink's position");
    if (at.phase == POS_SNAPSHOT) {
        err_set(e, STATUS_LOST, "position %.*s lies in a snapshot, whose views only the lost folder knew",
                SPAN_ARG(p->token));
        return err_hint(e,
                        "begin again: a new folder with --start initial, and a transactional.id and topics "
                        "of their own");
    }
    if (p->state.n == 0) {
        err_set(e, STATUS_LOST, "the sink has position %.*s, and not the state of the source to go on there",
                SPAN_ARG(p->token));
        return err_hint(e, "it comes from cdc-tail --offset; a state above 512 KiB is not kept: bring the "
                           "folder itself");
    }
    if (!identity_of(p->state, identity) || !span_is(p->identity, identity))
        return err_set(e, STATUS_DATA, "the sink's position is of source %.*s, and the state it keeps is not",
                       SPAN_ARG(p->identity));
    return true;
}

static bool check_source(const char *dir, const struct pulled *p, struct err *e)
{
    struct buf content;
    char identity[IDENTITY_BYTES] = "";
    bool found;
    buf_init(&content, FOLDER_FILE_MAX_BYTES);
    bool ok = folder_read(dir, "source", &content, &found, e);
    if (ok && found && (!identity_of(buf_view(&content), identity) || !span_is(p->identity, identity))) {
        ok = err_set(e, STATUS_USAGE, "%s is of source %s, the sink's position of %.*s", dir, identity,
                     SPAN_ARG(p->identity));
        err_hint(e, "give a folder that is not there yet");
    }
    buf_release(&content);
    return ok;
}

static bool check_position(const char *dir, const char *sink, const struct pulled *p, bool force,
                           struct err *e)
{
    struct position position;
    struct pos at, has;
    position_init(&position);
    bool ok = position_load(&position, dir, e) && pos_parse(p->token, &at, e);
    const struct position_sink *of = ok ? position_find(&position, span_of(sink)) : NULL;
    if (of != NULL && of->token.n != 0 && !force) {
        ok = pos_parse(buf_view(&of->token), &has, e);
        if (ok && pos_compare(&has, &at) > 0) {
            ok = err_set(e, STATUS_USAGE, "%s is at %.*s, ahead of the sink's %.*s", dir,
                         SPAN_ARG(buf_view(&of->token)), SPAN_ARG(p->token));
            err_hint(e, "--force moves it back to where the sink is");
        }
    }
    position_release(&position);
    return ok;
}

// The state first: a position without it would begin another source.
static bool store(const char *dir, const char *sink, const struct pulled *p, bool force, struct err *e)
{
    struct buf line;
    buf_init(&line, FOLDER_FILE_MAX_BYTES);
    buf_span(&line, p->state);
    buf_char(&line, '\n');
    bool ok = buf_ok(&line, "the source's state", e) && folder_replace(dir, "source", buf_view(&line), e) &&
              position_set(dir, span_of(sink), p->token, force, e) &&
              position_mark(dir, span_of(sink), true, e);
    buf_release(&line);
    return ok;
}

bool pull_store(const char *dir, const char *sink, const struct pulled *p, bool force, struct err *e)
{
    struct folder_lock source_hold = {-1}, sink_hold = {-1};
    bool ok = check(p, e) && folder_create(dir, e) && position_require(dir, span_of(sink), e) &&
              folder_hold(dir, "source", &source_hold, e) &&
              position_hold(dir, span_of(sink), &sink_hold, e) && check_source(dir, p, e) &&
              check_position(dir, sink, p, force, e) && store(dir, sink, p, force, e);
    folder_unlock(&sink_hold);
    folder_unlock(&source_hold);
    return ok;
}
