#include "postgres/opening.h"

#include "base/clock.h"
#include "base/stop.h"
#include "state/position.h"

#include <stdio.h>
#include <unistd.h>

static bool new_slot(struct opening *p, uint64_t *from_lsn, struct err *e)
{
    struct slot_wish wish = {p->s->slot, p->s->temporary, p->o->slot_failover,
                             p->start.kind == PLACE_INITIAL};
    // The server waits, in silence, for every transaction that is open.
    pg_patience(p->s->client, 0);
    bool ok = slot_create(p->s->client, &wish, from_lsn, p->s->exported, e);
    pg_patience(p->s->client, p->o->stall_ms);
    return ok;
}

static bool start_in_slot(struct opening *p, const struct place *start, uint64_t *lsn, struct err *e)
{
    *lsn = start->kind == PLACE_LATEST ? p->s->now_lsn : p->slot.confirmed_lsn;
    if (start->kind != PLACE_TOKEN && start->kind != PLACE_LSN)
        return true;
    *lsn = start->pos.n[0];
    return *lsn >= p->slot.confirmed_lsn ||
           err_set(e, STATUS_LOST, "--start %s lies before %s, up to where slot \"%s\" was confirmed",
                   p->o->start, lsn_text(p->slot.confirmed_lsn).at, p->s->slot);
}

// Waits until all transactions that are open now have ended: one of them may have written its commit to the
// log, and not be visible yet.
static bool wait_for_open(struct pg_client *c, struct err *e)
{
    char sql[128];
    struct pg_rows *rows;
    if (!pg_query(c, "SELECT txid_snapshot_xmax(txid_current_snapshot())", 0, NULL, &rows, NULL, e))
        return false;
    snprintf(sql, sizeof sql, "SELECT txid_snapshot_xmin(txid_current_snapshot()) >= %.40s",
             pg_cell(rows, 0, 0));
    pg_rows_free(rows);
    for (bool over = false; !over;) {
        if (!pg_query(c, sql, 0, NULL, &rows, NULL, e))
            return false;
        over = pg_cell(rows, 0, 0)[0] == 't';
        pg_rows_free(rows);
        if (stop_count() != 0)
            return err_set(e, STATUS_PEER, "stopped while a transaction was open");
        if (!over)
            clock_nap_us(20000);
    }
    return true;
}

// A slot of ours that no state knows of: a run was killed when it had just made it.
static bool is_left_over(const struct opening *p)
{
    return p->start.kind == PLACE_INITIAL && p->o->slot_name == NULL && p->slot.active_pid == 0 &&
           p->s->state.epochs == 0;
}

// The snapshot that the epoch begins with.
static bool begin_snapshot(struct opening *p, struct err *e)
{
    struct session *s = p->s;
    struct record *record = &s->state.snapshot;
    // A beginning that was set by hand, pg/EPOCH/l/0/0/0, is above all rows of its epoch.
    if (p->has_token && p->token.epoch == pg_state_newest(&s->state)->epoch &&
        !pg_state_begin(&s->state, p->server.system, p->server.timeline, s->log_lsn, e))
        return false;
    *record = p->tables_to_read;
    p->tables_to_read = (struct record){0};
    record->epoch = pg_state_newest(&s->state)->epoch;
    for (size_t i = 0; i < record->tables; i++)
        record->table[i].epoch = record->epoch;
    s->from = pg_snapshot_beginning(record->epoch);
    s->snapshot_due = true;
    return s->exported[0] != '\0' || wait_for_open(s->client, e);
}

// Begins an epoch where --start says.
bool opening_begin(struct opening *p, struct err *e)
{
    struct session *s = p->s;
    struct place start = p->start;
    if (p->slot.exists && (p->slot.lost || is_left_over(p))) {
        if (!slot_drop(s->client, s->slot, e))
            return false;
        p->slot.exists = false;
    }
    if (!(p->slot.exists ? start_in_slot(p, &start, &s->log_lsn, e) : new_slot(p, &s->log_lsn, e)))
        return false;
    record_release(&s->state.snapshot);
    if (!pg_state_begin(&s->state, p->server.system, p->server.timeline, s->log_lsn, e))
        return false;
    s->since_us = start.kind == PLACE_TIME ? start.time_us : 0;
    s->from = start.kind == PLACE_TOKEN ? start.pos : pos_pg(1, s->log_lsn, 0, 0);
    s->from.epoch = pg_state_newest(&s->state)->epoch;
    s->from.view = 0;
    if (start.kind == PLACE_INITIAL && !begin_snapshot(p, e))
        return false;
    s->state.start = s->from;
    s->begins = true;
    return true;
}

// A snapshot that was begun and is not acknowledged to its end.
static bool go_on_with_snapshot(struct opening *p, struct err *e)
{
    struct session *s = p->s;
    const struct record *record = &s->state.snapshot;
    s->log_lsn = pg_state_from(&s->state, record->epoch);
    if (record->done && s->from.epoch == record->epoch && record_is_output(record, STDOUT_FILENO)) {
        // Written to the reader that we have now, whatever was acknowledged of it so far.
        s->from = pg_snapshot_end(&s->state);
        return true;
    }
    if (p->start.kind != PLACE_INITIAL) {
        err_set(e, STATUS_USAGE, "%s: the snapshot is not finished", p->o->offset);
        return err_hint(e, "--start initial goes on with it, as does cdc-snapshot");
    }
    s->snapshot_due = true;
    if (s->from.phase != POS_LOG)
        return true;
    s->log_until_lsn = s->log_lsn, s->log_lsn = s->from.n[0];
    return wait_for_open(s->client, e);
}

// Tables that came to a folder which has a position: their rows come behind the log up to now, in a new
// epoch.
static bool add_tables(struct opening *p, struct err *e)
{
    struct session *s = p->s;
    struct record *record = &s->state.snapshot, *wanted = &p->tables_to_read;
    uint64_t epoch = pg_state_newest(&s->state)->epoch + 1;
    size_t before = record->tables;
    for (size_t i = 0; i < wanted->tables; i++)
        if (record_find(record, wanted->table[i].id) == record->tables &&
            !record_add_table(record, wanted->table[i].id, wanted->table[i].name, epoch, e))
            return false;
    if (record->tables == before)
        return true;
    // The view that is to come shows what is left out of the log until then, also after a kill.
    if (!session_end_of_log(s->client, &s->log_until_lsn, e) || !wait_for_open(s->client, e) ||
        !pg_state_begin(&s->state, p->server.system, p->server.timeline, s->log_until_lsn, e))
        return false;
    p->o->note("%zu table%s of %s that %s not read yet: a snapshot of %s, behind the log up to now. A Kafka "
               "topic that "
               "had its changes before gets old rows after newer ones: give such a table a topic of its own",
               record->tables - before, record->tables - before == 1 ? "" : "s", p->o->offset,
               record->tables - before == 1 ? "was" : "were", record->tables - before == 1 ? "it" : "them");
    record->epoch = epoch;
    record->done = false;
    s->snapshot_due = true;
    return true;
}

bool opening_go_on(struct opening *p, struct err *e)
{
    struct session *s = p->s;
    struct record *record = &s->state.snapshot;
    s->from = p->resume.from;
    s->log_lsn = p->resume.log_lsn;
    s->begins = !p->resume.acknowledged;
    if (p->resume.new_epoch &&
        !pg_state_begin(&s->state, p->server.system, p->server.timeline, p->server.switch_lsn, e))
        return false;
    if (record_is_ahead(record, &s->from)) {
        if (!go_on_with_snapshot(p, e))
            return false;
    } else {
        record_end_with(record, s->from.view);
        if (p->start.kind == PLACE_INITIAL && p->again == NULL && !add_tables(p, e))
            return false;
    }
    return true;
}

// Before anything is made on the server.
static bool choose_start(struct opening *p, struct err *e)
{
    if (p->has_token && p->token.n[0] != 0)
        p->start = (struct place){.kind = PLACE_TOKEN, .pos = p->token}; // set by hand in a new folder
    else if (!place_parse(p->o->start, "--start", &p->start, e))
        return false;
    if (p->start.kind == PLACE_LATEST || p->start.kind == PLACE_INITIAL || (p->slot.exists && !p->slot.lost))
        return true;
    err_set(e, STATUS_USAGE,
            "--start %s needs a slot that has kept the log since, and there is no slot \"%s\"", p->o->start,
            p->s->slot);
    return err_hint(e, "--slot-name names one; --start latest makes one");
}

// As a shell takes it back.
static void write_word(struct buf *b, const char *text)
{
    buf_char(b, '\'');
    for (; *text != '\0'; text++)
        if (*text == '\'')
            buf_lit(b, "'\\''");
        else
            buf_char(b, *text);
    buf_char(b, '\'');
}

// The way out of a lost position: an epoch that nothing was written of yet, in every sink.
static void hint_begin(const struct opening *p, struct err *e)
{
    const char *dir = p->o->offset;
    struct position position;
    struct buf commands;
    struct err other;
    position_init(&position);
    buf_init(&commands, sizeof e->hint - 256);
    bool ok = dir != NULL && position_load(&position, dir, &other);
    for (size_t i = 0; ok && (i == 0 || i < position.n); i++) {
        buf_printf(&commands, "%scdc-offset set --force --sink %s ", i == 0 ? "" : "; ",
                   position.n != 0 ? position.sinks[i].name : SINK_DEFAULT);
        write_word(&commands, dir);
        buf_printf(&commands, " pg/%llu/l/0/0/0",
                   (unsigned long long)pg_state_newest(&p->s->state)->epoch + 1);
    }
    if (ok && !commands.bad)
        err_hint(e,
                 "to go on without what is missing, start again after this, with --start where it is to go "
                 "on, and load the tables anew: %s",
                 buf_cstr(&commands));
    position_release(&position);
    buf_release(&commands);
}

bool opening_decide(struct opening *p, struct err *e)
{
    const struct pos *token = p->again != NULL ? p->again : p->has_token ? &p->token : NULL;
    const char *offset = p->o->offset != NULL ? p->o->offset : "";
    if (!resume_decide(&p->s->state, token, &p->slot, p->s->slot, &p->server, offset, &p->resume, e)) {
        if (e->status == STATUS_LOST)
            hint_begin(p, e);
        return false;
    }
    if (p->resume.begins && !choose_start(p, e))
        return false;
    if (!p->resume.begins && !place_parse(p->o->start, "--start", &p->start, e))
        return false;
    if (!p->resume.begins && p->again == NULL && p->start.kind != PLACE_LATEST &&
        p->start.kind != PLACE_INITIAL)
        p->o->note("%s has a position, so --start does not apply", offset);
    return true;
}
