#include "postgres/session.h"

#include "base/clock.h"
#include "base/stop.h"
#include "postgres/catalog_load.h"
#include "postgres/opening.h"
#include "postgres/preflight.h"
#include "state/position.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define APPLICATION "cdc-tail"
#define TEMPORARY_PREFIX "cdc_tmp_"
// How long a slot's last user, killed a moment ago, may take to leave it.
#define SLOT_BUSY_MS 10000

// ---- names

// Slot names are of [a-z0-9_], at most 63 bytes.
static void name_from(char *to, size_t size, const char *prefix, const char *text, size_t n)
{
    size_t at = (size_t)snprintf(to, size, "%s", prefix);
    for (size_t i = 0; i < n && at + 1 < size; i++) {
        char c = (char)tolower((unsigned char)text[i]);
        to[at++] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
    }
    to[at] = '\0';
}

static void temporary_name(char *to, size_t size, long pid)
{
    char host[32] = "";
    gethostname(host, sizeof host - 1);
    name_from(to, size - 12, TEMPORARY_PREFIX, host, strlen(host));
    size_t n = strlen(to);
    if (pid >= 0)
        snprintf(to + n, size - n, "_%ld", pid);
    else
        snprintf(to + n, size - n, "_");
}

// shop.offset/ names the slot cdc_shop.
static void folder_name(char *to, size_t size, const char *dir)
{
    size_t n = strlen(dir);
    while (n > 0 && dir[n - 1] == '/')
        n--;
    size_t from = n;
    while (from > 0 && dir[from - 1] != '/')
        from--;
    const char *dot = memchr(dir + from, '.', n - from);
    name_from(to, size, "cdc_", dir + from,
              dot != NULL && dot != dir + from ? (size_t)(dot - dir) - from : n - from);
}

static void pick(char to[PG_STATE_NAME_MAX], const char *option, const char *stored, const char *made)
{
    snprintf(to, PG_STATE_NAME_MAX, "%s", option != NULL ? option : stored[0] != '\0' ? stored : made);
}

static void pick_names(struct session *s, const struct tail_options *o)
{
    char made[PG_STATE_NAME_MAX];
    s->temporary = o->slot_name == NULL && o->offset == NULL;
    if (o->offset != NULL)
        folder_name(made, sizeof made, o->offset);
    else
        temporary_name(made, sizeof made, (long)getpid());
    pick(s->slot, o->slot_name, s->state.slot, made);
    pick(s->publication, o->publication_name, s->state.publication, s->slot);
}

// ---- what there is

static bool identify(struct opening *p, struct err *e)
{
    struct pg_rows *rows;
    if (!pg_query(p->s->client, "IDENTIFY_SYSTEM", 0, NULL, &rows, NULL, e))
        return err_wrap(e, "cannot identify the server");
    bool ok = pg_row_count(rows) == 1 && pg_cell(rows, 0, 0) != NULL && pg_cell(rows, 0, 3) != NULL;
    if (ok) {
        snprintf(p->server.system, sizeof p->server.system, "%s", pg_cell(rows, 0, 0));
        p->server.timeline = strtoull(pg_cell(rows, 0, 1), NULL, 10);
        snprintf(p->s->database, sizeof p->s->database, "%s", pg_cell(rows, 0, 3));
    }
    pg_rows_free(rows);
    return ok || err_set(e, STATUS_PEER, "the server does not identify itself");
}

// The history lists the timelines that this one descends from, each with the LSN where it was left.
static uint64_t switch_point(const char *history, uint64_t timeline)
{
    for (const char *line = history; line != NULL; line = strchr(line, '\n')) {
        unsigned long long id;
        char lsn[24];
        uint64_t at;
        line += *line == '\n';
        if (sscanf(line, "%llu %23[0-9A-Fa-f/]", &id, lsn) == 2 && id == timeline && lsn_parse(lsn, &at))
            return at;
    }
    return UINT64_MAX;
}

static bool look_at_timeline(struct opening *p, struct err *e)
{
    const struct pg_epoch *newest = pg_state_newest(&p->s->state);
    if (newest == NULL || newest->timeline == p->server.timeline)
        return true;
    char command[64];
    struct pg_rows *rows;
    snprintf(command, sizeof command, "TIMELINE_HISTORY %llu", (unsigned long long)p->server.timeline);
    if (!pg_query(p->s->client, command, 0, NULL, &rows, NULL, e))
        return err_wrap(e, "cannot read the timeline's history");
    const char *history = pg_row_count(rows) == 1 ? pg_cell(rows, 0, 1) : NULL;
    p->server.switch_lsn = history != NULL ? switch_point(history, newest->timeline) : UINT64_MAX;
    pg_rows_free(rows);
    return true;
}

static bool load_folder(struct opening *p, struct err *e)
{
    const char *dir = p->o->offset;
    if (dir == NULL)
        return true;
    pg_state_release(&p->s->state);
    return pg_state_load(&p->s->state, dir, e) &&
           position_resume(dir, &p->s->from_text, &p->token, &p->has_token, e);
}

static bool look(struct opening *p, struct err *e)
{
    struct session *s = p->s;
    struct publication *publication = &p->publication;
    if (!identify(p, e) || !load_folder(p, e) || !look_at_timeline(p, e))
        return false;
    pick_names(s, p->o);
    *publication = (struct publication){
        .name = s->publication,
        .insert_only = p->o->allow_insert_only,
        .via_root = p->o->via_root,
        .insists = p->o->table.n != 0 || p->o->schema.n != 0,
    };
    return publication_mode_parse(p->o->publication_mode, &publication->mode, e) &&
           slot_look(s->client, s->slot, &p->slot, e) &&
           publication_look(s->client, s->publication, &p->publication_facts, e) &&
           pg_tables_load(&p->tables, s->client, p->capture, s->publication, e);
}

// ---- the preflight

// FOR ALL TABLES publishes what is not captured too.
static bool check_publication(struct opening *p, struct buf *faults, struct err *e)
{
    struct pg_tables all = {0};
    bool makes_all = p->publication.mode == PUBLICATION_ALL_TABLES && !p->publication_facts.exists;
    if (makes_all && !pg_tables_load(&all, p->s->client, &(struct capture){0}, p->s->publication, e))
        return false;
    publication_check(&p->publication, &p->publication_facts, makes_all ? &all : &p->tables, faults,
                      p->o->note);
    if (p->publication_facts.unsent[0] != '\0')
        p->o->warn("publication \"%s\" does not send%s", p->s->publication, p->publication_facts.unsent);
    pg_tables_release(&all);
    return true;
}

static bool preflight(struct opening *p, struct err *e)
{
    struct buf faults;
    struct preflight_needs needs = {
        .slot = !p->slot.exists,
        .publication = !p->publication_facts.exists && p->publication.mode != PUBLICATION_DISABLED,
        .failover = p->o->slot_failover,
    };
    buf_init(&faults, 1u << 20);
    bool ok = preflight_server(p->s->client, &needs, &faults, e) && check_publication(p, &faults, e);
    if (ok) {
        if (strspn(p->s->slot, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(p->s->slot))
            buf_printf(&faults, "slot \"%s\": a slot's name is made of a-z, 0-9 and '_'\n", p->s->slot);
        if (p->slot.exists && !p->slot.ours)
            buf_printf(
                &faults,
                "slot \"%s\" is of %s, needed is pgoutput of this database: give another --slot-name\n",
                p->s->slot, p->slot.what);
        ok = tail_report_faults(p->o, buf_view(&faults), e);
    }
    buf_release(&faults);
    return ok;
}

// A role without the right, or a server without a free sender, refuses the replication connection itself. A
// plain one then tells what is wrong, all of it.
static bool connect(struct opening *p, struct err *e)
{
    if (pg_connect(p->o->url, PG_STREAM, APPLICATION, &p->s->client, e)) {
        pg_patience(p->s->client, p->o->stall_ms);
        return true;
    }
    struct err other;
    struct pg_client *plain;
    if (e->status != STATUS_PEER || !pg_connect(p->o->url, PG_SQL, APPLICATION, &plain, &other))
        return false;
    struct buf faults;
    buf_init(&faults, 65536);
    bool asked = preflight_server(plain, &(struct preflight_needs){0}, &faults, &other);
    if (asked && !tail_report_faults(p->o, buf_view(&faults), &other))
        *e = other;
    buf_release(&faults);
    pg_close(plain);
    return false;
}

bool session_end_of_log(struct pg_client *c, uint64_t *lsn, struct err *e)
{
    struct pg_rows *rows;
    // A transaction that gets an xid makes the server flush the log up to it in a moment, synchronous_commit
    // or not; on a standby there is none to be had, and the replayed log is on disk already.
    static const char sql[] = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE "
                              "pg_current_wal_insert_lsn() END, CASE WHEN NOT pg_is_in_recovery() THEN "
                              "txid_current() END, current_setting('wal_block_size')";
    if (!pg_query(c, sql, 0, NULL, &rows, NULL, e))
        return err_wrap(e, "cannot ask where the log ends");
    bool ok = lsn_parse(pg_cell(rows, 0, 0), lsn);
    uint64_t page = strtoull(pg_cell(rows, 0, 2), NULL, 10);
    pg_rows_free(rows);
    if (!ok)
        return err_set(e, STATUS_PEER, "the server does not say where its log ends");
    // The insert position stands behind the header of a page that nothing was written to yet (24 bytes, 40
    // for a segment's first); what is sent never gets that far.
    if (page != 0 && (*lsn % page == 24 || *lsn % page == 40))
        *lsn -= *lsn % page;
    return true;
}

// ---- the stream

// Those of this host whose process is gone, and with it the temporary slot of the same name.
static bool drop_stale_publications(struct opening *p, struct err *e)
{
    struct pg_rows *rows;
    char mine[PG_STATE_NAME_MAX];
    temporary_name(mine, sizeof mine, -1);
    if (!pg_query(p->s->client,
                  "SELECT pubname FROM pg_publication WHERE starts_with(pubname, '" TEMPORARY_PREFIX
                  "') AND NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = pubname)",
                  0, NULL, &rows, NULL, e))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < pg_row_count(rows); i++) {
        const char *name = pg_cell(rows, i, 0);
        if (strncmp(name, mine, strlen(mine)) != 0)
            continue;
        char *rest;
        long pid = strtol(name + strlen(mine), &rest, 10);
        if (*rest == '\0' && pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            ok = publication_drop(p->s->client, name, e);
    }
    pg_rows_free(rows);
    return ok;
}

static bool start_command(struct session *s, struct buf *command, struct err *e)
{
    buf_lit(command, "START_REPLICATION SLOT ");
    bool ok = pg_quote_name(s->client, s->slot, command, e);
    buf_printf(command, " LOGICAL %s (proto_version '1', publication_names ", lsn_text(s->log_lsn).at);
    ok = ok && pg_quote_literal(s->client, buf_cstr(&s->publications), command, e);
    buf_str(command, pg_server_version(s->client) >= 140000 ? ", messages 'true')" : ")");
    return ok && buf_ok(command, "the command", e);
}

static bool start_stream(struct session *s, struct err *e)
{
    struct buf command;
    buf_init(&command, 8192);
    bool ok = start_command(s, &command, e);
    int64_t give_up_ms = clock_mono_ms() + SLOT_BUSY_MS;
    while (ok && !pg_stream_start(s->client, buf_cstr(&command), e)) {
        struct slot_facts facts;
        struct err other;
        // Refused because the slot is in use: its last user may be gone already and the server not know it
        // yet.
        bool facts_known = slot_look(s->client, s->slot, &facts, &other);
        ok = facts_known && facts.active_pid != 0 && clock_mono_ms() < give_up_ms && stop_count() == 0;
        if (ok) {
            clock_nap_us(50000);
        } else {
            // Its user may go: a restart may find it free.
            if (facts_known && facts.active_pid != 0)
                e->status = STATUS_PEER;
            err_wrap(e, "cannot start the stream");
        }
    }
    s->streaming = ok;
    buf_release(&command);
    return ok;
}

bool session_stream(struct session *s, const struct tail_options *o, struct err *e)
{
    if (!s->temporary) {
        pg_close(s->client);
        s->client = NULL;
        if (!pg_connect(o->url, PG_STREAM, APPLICATION, &s->client, e))
            return false;
        pg_patience(s->client, o->stall_ms);
    }
    return start_stream(s, e);
}

// What --start initial reads: found before the slot is made, whose snapshot ends with the connection's next
// statement.
static bool list_tables(struct opening *p, struct err *e)
{
    return p->start.kind != PLACE_INITIAL || pg_tables_record(&p->tables_to_read, 0, p->s->client, p->capture,
                                                              p->s->publication, p->o->via_root, e);
}

static bool keep_state(struct opening *p, struct err *e)
{
    struct session *s = p->s;
    snprintf(s->state.database, sizeof s->state.database, "%s", s->database);
    snprintf(s->state.slot, sizeof s->state.slot, "%s", s->slot);
    snprintf(s->state.publication, sizeof s->state.publication, "%s", s->publication);
    return p->o->offset == NULL || pg_state_store(&s->state, p->o->offset, e);
}

static bool open_all(struct opening *p, bool *checked, struct err *e)
{
    struct session *s = p->s;
    if (!connect(p, e) || !look(p, e) || !preflight(p, e))
        return false;
    *checked = p->o->check;
    if (*checked)
        return true;
    if (!s->temporary && p->o->offset == NULL && p->again == NULL)
        p->o->note("without --offset slot \"%s\" is never told what was read, and the server keeps its log",
                   s->slot);
    if (!opening_decide(p, e) || !session_end_of_log(s->client, &s->now_lsn, e) ||
        !drop_stale_publications(p, e))
        return false;
    return publication_ensure(s->client, &p->publication, &p->publication_facts, &p->tables, &s->publications,
                              e) &&
           list_tables(p, e) && catalog_load(&s->catalog, s->client, &p->tables, e) &&
           (p->resume.begins ? opening_begin(p, e) : opening_go_on(p, e)) && keep_state(p, e) &&
           ((s->snapshot_due && s->log_until_lsn == 0) || start_stream(s, e));
}

bool session_open(struct session *s, const struct tail_options *o, const struct capture *capture,
                  const struct pos *again, bool *checked, struct err *e)
{
    struct session before = *s;
    *s = (struct session){0};
    *checked = false;
    struct opening p = {.s = s, .o = o, .capture = capture, .again = again};
    if (again != NULL)
        s->state = before.state, s->since_us = before.since_us;
    s->again = again != NULL;
    buf_init(&s->publications, 1024);
    buf_init(&s->from_text, POS_MAX_BYTES);
    bool ok = open_all(&p, checked, e);
    pg_tables_release(&p.tables);
    record_release(&p.tables_to_read);
    return ok;
}

void session_close(struct session *s, const struct tail_options *o, bool drop)
{
    bool made = s->temporary && s->publication[0] != '\0' && !o->check;
    pg_close(s->client);
    s->client = NULL;
    catalog_release(&s->catalog);
    judge_release(&s->judge);
    buf_release(&s->publications);
    buf_release(&s->from_text);
    struct pg_client *c;
    struct err e;
    if ((!made && !drop) || !pg_connect(o->url, PG_SQL, APPLICATION, &c, &e))
        return;
    // A publication that somebody named or made is his.
    bool ours = o->publication_name == NULL && strcmp(o->publication_mode, "disabled") != 0;
    bool ok = (!drop || slot_drop(c, s->slot, &e)) && (!ours || publication_drop(c, s->publication, &e));
    if (!ok)
        o->warn("%s", e.text);
    pg_close(c);
}
