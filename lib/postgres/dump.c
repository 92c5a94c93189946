#include "postgres/dump.h"

#include "base/stop.h"
#include "event/line.h"
#include "postgres/catalog_load.h"
#include "postgres/snapshot.h"
#include "state/folder.h"
#include "state/position.h"

#include <stdio.h>
#include <stdlib.h>

struct dump {
    const struct tail_options *o;
    struct capture capture;
    struct session session;
    struct output out;
    struct folder_lock hold;
    struct buf prefix;
    bool begun;          // the `start` line is gathered
    struct pos done;     // the end's progress
    bool begins_by_hand; // somebody set the beginning of an epoch
};

static bool tick(void *dump, struct err *e)
{
    (void)dump, (void)e;
    return true;
}

static bool identify(struct session *s, char system[24], uint64_t *timeline, uint64_t *lsn, struct err *e)
{
    static const char sql[] =
        "SELECT system_identifier, timeline_id, current_database(), "
        "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END "
        "FROM pg_control_system(), pg_control_checkpoint()";
    struct pg_rows *rows;
    if (!pg_query(s->client, sql, 0, NULL, &rows, NULL, e))
        return err_wrap(e, "cannot identify the server");
    snprintf(system, 24, "%s", pg_cell(rows, 0, 0));
    *timeline = strtoull(pg_cell(rows, 0, 1), NULL, 10);
    snprintf(s->database, sizeof s->database, "%s", pg_cell(rows, 0, 2));
    bool ok = lsn_parse(pg_cell(rows, 0, 3), lsn);
    pg_rows_free(rows);
    return ok || err_set(e, STATUS_PEER, "the server does not say where its log ends");
}

// What the folder knows; *begins: nothing, or what somebody set to begin anew.
static bool load(struct dump *d, const char *system, bool *begins, struct err *e)
{
    struct session *s = &d->session;
    struct pos token;
    bool found;
    *begins = true;
    if (d->o->offset == NULL)
        return true;
    if (!pg_state_load(&s->state, d->o->offset, e) ||
        !position_resume(d->o->offset, &s->from_text, &token, &found, e))
        return false;
    const struct pg_epoch *newest = pg_state_newest(&s->state);
    d->begins_by_hand = found && newest != NULL && token.epoch > newest->epoch;
    if (newest == NULL || d->begins_by_hand)
        return true;
    if (strcmp(newest->system, system) != 0)
        return err_set(e, STATUS_LOST,
                       "%s is of another server: this one has system identifier %s, the folder's had %s",
                       d->o->offset, system, newest->system);
    if (s->state.slot[0] != '\0')
        return err_set(e, STATUS_USAGE, "%s is of a pipeline that follows the log: it takes --start initial",
                       d->o->offset);
    *begins = false;
    s->from = found ? token : s->state.start;
    return true;
}

// Without a stream there needs to be none; who names one wants what it sends.
static bool look_at_publication(struct dump *d, struct err *e)
{
    const char *name = d->o->publication_name;
    struct publication_facts facts;
    if (name == NULL)
        return true;
    if (!publication_look(d->session.client, name, &facts, e))
        return false;
    if (!facts.exists)
        return err_set(e, STATUS_USAGE, "there is no publication \"%.63s\"", name);
    snprintf(d->session.publication, sizeof d->session.publication, "%s", name);
    return true;
}

static bool begin(struct dump *d, const char *system, uint64_t timeline, uint64_t lsn, struct err *e)
{
    struct session *s = &d->session;
    record_release(&s->state.snapshot);
    // A beginning that was set by hand, pg/EPOCH/l/0/0/0, is above all rows of its epoch.
    for (int more = d->begins_by_hand; more >= 0; more--)
        if (!pg_state_begin(&s->state, system, timeline, lsn, e))
            return false;
    struct record *record = &s->state.snapshot;
    record->epoch = pg_state_newest(&s->state)->epoch;
    s->from = s->state.start = pg_snapshot_beginning(record->epoch);
    s->begins = true;
    snprintf(s->state.database, sizeof s->state.database, "%s", s->database);
    return pg_tables_record(record, record->epoch, s->client, &d->capture, d->o->publication_name,
                            d->o->via_root, e) &&
           (d->o->offset == NULL || pg_state_store(&s->state, d->o->offset, e));
}

// Rows of a moment may come to a topic behind changes that are newer than they.
static bool warn_of_tail(struct dump *d, struct err *e)
{
    struct pg_rows *rows;
    if (!pg_query(
            d->session.client,
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'cdc-tail' AND datname = "
            "current_database() AND backend_type = 'walsender')",
            0, NULL, &rows, NULL, e))
        return false;
    bool follows = pg_cell(rows, 0, 0)[0] == 't';
    pg_rows_free(rows);
    if (follows)
        d->o->warn("cdc-tail follows this database: where these rows go to its Kafka topics, old ones come "
                   "behind newer "
                   "changes, and stay. Safe are topics of their own (--topic-prefix), a sink that compares "
                   "versions, or "
                   "cdc-tail --start initial with its folder, for tables that it has not read yet");
    return true;
}

static bool open(struct dump *d, bool *finished, struct err *e)
{
    struct session *s = &d->session;
    char system[24];
    uint64_t timeline = 0, lsn = 0;
    bool begins;
    if (!pg_connect(d->o->url, PG_SQL, "cdc-snapshot", &s->client, e) ||
        !identify(s, system, &timeline, &lsn, e) || !look_at_publication(d, e) ||
        !load(d, system, &begins, e))
        return false;
    if (d->capture.topic_prefix == NULL) {
        topic_write(&d->prefix, span_of(s->database));
        d->capture.topic_prefix = buf_cstr(&d->prefix);
    }
    if (begins && !begin(d, system, timeline, lsn, e))
        return false;
    *finished = !begins && !record_is_ahead(&s->state.snapshot, &s->from);
    if (*finished)
        d->o->note("%s has all rows already", d->o->offset);
    return warn_of_tail(d, e) && catalog_load_types(&s->catalog, s->client, e);
}

static bool run(struct dump *d, struct err *e)
{
    struct session *s = &d->session;
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
    bool ok = finished || pg_snapshot_run(s, d->o, &d->capture, &d->out, &rows, &last, e);
    buf_release(&last);
    if (!ok)
        return false;
    d->done = finished ? s->from : pg_snapshot_end(&s->state);
    if (d->o->control && s->state.snapshot.done)
        line_write_progress(&d->out.lines, &d->done);
    return true;
}

// The `end` line comes whatever the end was.
static bool finish(struct dump *d, int status, struct err *e)
{
    bool at_end = d->begun && d->session.state.snapshot.done;
    if (d->o->control && !d->out.gone)
        line_write_end(&d->out.lines, at_end ? &d->done : NULL, status);
    return d->out.gone || output_flush(&d->out, e);
}

static bool hold(struct dump *d, struct err *e)
{
    return d->o->offset == NULL ||
           (folder_create(d->o->offset, e) && folder_hold(d->o->offset, "source", &d->hold, e));
}

bool pg_dump_run(const struct tail_options *o, struct err *e)
{
    struct dump d = {.o = o, .hold = {-1}};
    struct err last;
    output_init(&d.out, 1, o->max_line_bytes, tick, NULL);
    buf_init(&d.prefix, 4096);
    buf_init(&d.session.from_text, POS_MAX_BYTES);
    bool ok = capture_compile(&d.capture, o, SHAPE_ADAPTIVE, e) && hold(&d, e) && run(&d, e);
    if (!finish(&d, ok ? STATUS_DONE : (int)e->status, &last) && ok) {
        *e = last;
        ok = false;
    }
    // Without a folder a reader that has seen enough, as head(1), is how many a run ends.
    if (d.out.gone && o->offset == NULL)
        ok = true;
    pg_close(d.session.client);
    catalog_release(&d.session.catalog);
    pg_state_release(&d.session.state);
    buf_release(&d.session.from_text);
    buf_release(&d.prefix);
    capture_release(&d.capture);
    output_release(&d.out);
    folder_unlock(&d.hold);
    return ok;
}
