#include "mysql/initial.h"

#include "mysql/judge.h"
#include "mysql/tables.h"

#include <unistd.h>

bool my_initial_begin(struct my_session *s, const struct capture *capture, struct err *e)
{
    struct my_state *state = &s->state;
    uint64_t epoch = my_state_newest(state)->epoch;
    record_release(&state->snapshot);
    state->snapshot.epoch = epoch;
    state->log = (struct pos){.source = POS_MY, .phase = POS_LOG, .epoch = epoch};
    s->from = my_snapshot_beginning(epoch);
    s->snapshot_due = true;
    return my_tables_record(&state->snapshot, epoch, s->sql, capture, e);
}

bool my_initial_is_within(const struct my_session *s)
{
    return record_is_ahead(&s->state.snapshot, &s->from);
}

bool my_initial_matters(const struct my_session *s)
{
    return s->state.snapshot.ranges != 0;
}

// A snapshot that was begun and is not acknowledged to its end.
static bool go_on_with_snapshot(struct my_session *s, const struct tail_options *o, bool initial,
                                struct pos *log, struct err *e)
{
    const struct record *record = &s->state.snapshot;
    if (record->done && s->from.epoch == record->epoch && record_is_output(record, STDOUT_FILENO)) {
        // Written to the reader that we have now, whatever was acknowledged of it so far.
        s->from = *log = my_snapshot_end(&s->state);
        return true;
    }
    if (!initial) {
        err_set(e, STATUS_USAGE, "%s: the snapshot is not finished", o->offset);
        return err_hint(e, "--start initial goes on with it, as does cdc-snapshot");
    }
    s->snapshot_due = true;
    *log = s->state.log;
    if (s->from.phase == POS_LOG)
        s->log_until = s->state.log, *log = s->from;
    return true;
}

// Tables that came to a folder which has a position: their rows come behind the log up to now, in a new
// epoch.
static bool add_tables(struct my_session *s, const struct tail_options *o, const struct capture *capture,
                       struct err *e)
{
    struct my_state *state = &s->state;
    const struct my_epoch *newest = my_state_newest(state);
    uint64_t epoch = newest->epoch + 1;
    size_t before = state->snapshot.tables;
    if (!my_tables_record(&state->snapshot, epoch, s->sql, capture, e))
        return false;
    size_t added = state->snapshot.tables - before;
    if (added == 0)
        return true;
    char server[MY_SERVER_MAX], base[MY_BASE_MAX];
    memcpy(server, newest->server, sizeof server);
    memcpy(base, newest->base, sizeof base);
    if (!my_state_begin(state, server, base, e))
        return false;
    o->note(
        "%zu table%s of %s that %s not read yet: a snapshot of %s, behind the log up to now. A Kafka topic "
        "that had its changes before gets old rows after newer ones: give such a table a topic of its own",
        added, added == 1 ? "" : "s", o->offset, added == 1 ? "was" : "were", added == 1 ? "it" : "them");
    state->snapshot.epoch = epoch;
    state->snapshot.done = false;
    state->log =
        (struct pos){.source = POS_MY, .phase = POS_LOG, .epoch = epoch, .n = {s->now_file, s->now_pos}};
    s->log_until = state->log;
    s->snapshot_due = true;
    return true;
}

bool my_initial_go_on(struct my_session *s, const struct tail_options *o, const struct capture *capture,
                      bool initial, struct pos *log, struct err *e)
{
    if (my_initial_is_within(s))
        return go_on_with_snapshot(s, o, initial, log, e);
    return !initial || s->again || add_tables(s, o, capture, e);
}
