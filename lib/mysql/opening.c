#include "mysql/opening.h"

#include "base/clock.h"
#include "mysql/ask_gtids.h"
#include "mysql/binlog.h"
#include "mysql/gtid.h"
#include "mysql/initial.h"
#include "mysql/log_dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct my_login my_opening_login(const struct tail_options *o, int64_t read_timeout_ms)
{
    return (struct my_login){.url = o->url,
                             .password_file = o->password_file,
                             .defaults_file = o->defaults_file,
                             .ssl_mode = o->ssl_mode,
                             .read_timeout_ms = read_timeout_ms};
}

// At random, so that two runs do not take each other's place. Below 2^31, above what people choose.
uint32_t my_opening_server_id(const struct tail_options *o)
{
    if (o->server_id != 0)
        return (uint32_t)o->server_id;
    uint64_t x = (uint64_t)clock_wall_ns() ^ (uint64_t)getpid() << 32;
    x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(UINT64_C(1000000000) + x % 1000000000);
}

// ---- where to begin

bool my_opening_lost(const struct my_opening *p, struct err *e, const char *why)
{
    const char *first = p->server.n != 0 ? p->server.log[0].name : "nothing";
    err_set(e, STATUS_LOST, "the position is lost: %s; the server's log begins with %s", why, first);
    return my_session_way_out(p->s, p->o, e);
}

// The dump begins at the transaction of p->s->from, or behind its progress.
bool my_opening_point_at(struct my_opening *p, uint64_t number, uint64_t pos, struct err *e)
{
    char why[300];
    const struct my_log_entry *file = my_server_file(&p->server, number);
    if (file == NULL || pos > file->size || pos < FIRST_POS) {
        snprintf(why, sizeof why, "it is in file %llu at %llu, which this server %s",
                 (unsigned long long)number, (unsigned long long)pos,
                 file == NULL ? "does not have (any more)" : "has not written that far");
        return my_opening_lost(p, e, why);
    }
    snprintf(p->s->file, sizeof p->s->file, "%s", file->name);
    p->s->pos = pos;
    return true;
}

// Begins to read the log, up to the first file's format description, which tells when the file was begun.
static bool peek(struct my_opening *p, const struct my_dump *d, uint32_t *made_s, struct err *e)
{
    struct my_login login = my_opening_login(p->o, READ_LEAST_MS);
    struct my_client *c;
    struct binlog_format format = {0};
    struct binlog_event ev = {0};
    struct span bytes;
    if (!my_connect(&login, &c, e))
        return false;
    bool ok = my_dump_start(c, d, &format.checksum, e);
    while (ok && ev.type != BINLOG_FORMAT) {
        enum my_read got = my_dump_read(c, true, &bytes, e);
        ok = got == MY_GOT    ? binlog_event_read(&format, bytes, &ev, e)
             : got == MY_FAIL ? false
                              : err_set(e, STATUS_PEER, "the log ended");
    }
    *made_s = ev.time_s;
    my_close(c);
    return ok;
}

static bool file_made(struct my_opening *p, const struct my_log_entry *file, uint32_t *made_s, struct err *e)
{
    struct my_dump d = {.file = file->name,
                        .pos = FIRST_POS,
                        .server_id = my_opening_server_id(p->o),
                        .heartbeat_ms = HEARTBEAT_MS};
    return peek(p, &d, made_s, e) || err_wrap(e, "cannot look at %s", file->name);
}

// The last file that was begun before the time has what was committed at it.
static bool find_time(struct my_opening *p, int64_t time_us, const struct my_log_entry **file, struct err *e)
{
    for (size_t i = p->server.n; i-- > 0;) {
        uint32_t made_s;
        *file = &p->server.log[i];
        if (!file_made(p, *file, &made_s, e))
            return false;
        if ((int64_t)made_s * 1000000 < time_us)
            return true;
    }
    return true;
}

static bool find_start(struct my_opening *p, struct err *e)
{
    struct my_session *s = p->s;
    const struct my_place_in_log *start = &p->start;
    const struct my_log_entry *file = &p->server.log[0];
    if (p->server.n == 0)
        return err_set(e, STATUS_PEER, "the server lists no log files");
    switch (start->kind) {
    case MY_PLACE_TOKEN:
    case MY_PLACE_FILE:
        s->from = start->pos;
        return my_opening_point_at(p, start->pos.n[0], start->pos.n[1], e);
    case MY_PLACE_GTID:
        p->by_gtid = true;
        buf_str(&p->gtid, start->text);
        buf_str(&s->state.start_gtid, start->text);
        s->from.n[0] = 0;
        return true;
    case MY_PLACE_TIME:
        s->since_us = start->time_us;
        if (!find_time(p, start->time_us, &file, e))
            return false;
        break;
    case MY_PLACE_LATEST:
    case MY_PLACE_INITIAL:
        file = &p->server.end;
        break;
    default:
        break;
    }
    s->from.n[0] = file->number;
    s->from.n[1] = file == &p->server.end ? file->size : FIRST_POS;
    snprintf(s->file, sizeof s->file, "%s", file->name);
    s->pos = s->from.n[1];
    return true;
}

static bool begin_initial(struct my_opening *p, struct err *e)
{
    struct my_session *s = p->s;
    // A beginning that was set by hand, my/EPOCH/l/0/0/0/0, is above all rows of its epoch.
    if (p->has_token && p->token.epoch == my_state_newest(&s->state)->epoch &&
        !my_state_begin(&s->state, p->server.identity, p->server.base, e))
        return false;
    return my_initial_begin(s, p->capture, e);
}

// Begins an epoch where --start says.
static bool begin(struct my_opening *p, struct err *e)
{
    struct my_session *s = p->s;
    if (p->has_token && p->token.n[0] != 0)
        p->start =
            (struct my_place_in_log){.kind = MY_PLACE_TOKEN, .pos = p->token}; // set by hand in a new folder
    else if (!my_place_parse(p->o->start, "--start", &p->start, e))
        return false;
    s->from = (struct pos){.source = POS_MY, .phase = POS_LOG, .epoch = 1};
    buf_reset(&s->state.start_gtid);
    if (!find_start(p, e) || !my_state_begin(&s->state, p->server.identity, p->server.base, e))
        return false;
    snprintf(s->state.kind, sizeof s->state.kind, "%s", s->mariadb ? "mariadb" : "mysql");
    s->from.epoch = my_state_newest(&s->state)->epoch;
    record_release(&s->state.snapshot);
    if (p->start.kind == MY_PLACE_INITIAL && !begin_initial(p, e))
        return false;
    s->state.start = s->from;
    s->begins = true;
    return true;
}

// The beginning of an epoch is written my/EPOCH/l/0/0/0/0.
static bool is_beginning(const struct pos *token)
{
    return token->n[0] == 0 && pos_is_progress(token);
}

// Whether it is the server of the newest epoch; else *why says what differs.
static bool is_same_server(const struct my_opening *p, char why[900])
{
    const struct my_epoch *newest = my_state_newest(&p->s->state);
    if (strcmp(newest->server, p->server.identity) != 0) {
        snprintf(why, 900, "this server is %s, the folder's source was %s", p->server.identity,
                 newest->server);
        return false;
    }
    snprintf(why, 900, "the log is called %.200s here, and was called %.200s", p->server.base, newest->base);
    return strcmp(newest->base, p->server.base) == 0;
}

bool my_opening_encode_gtids(struct my_opening *p, struct my_dump *d, struct buf *encoded, struct err *e)
{
    struct gtid_set set = {0};
    if (p->s->mariadb) {
        d->gtid_list = buf_cstr(&p->gtid);
        return buf_ok(&p->gtid, "the GTIDs", e);
    }
    bool ok = buf_ok(&p->gtid, "the GTIDs", e) && gtid_set_parse(&set, buf_view(&p->gtid), e);
    if (ok)
        gtid_set_encode(&set, encoded);
    gtid_set_release(&set);
    d->gtid_set = buf_view(encoded);
    return ok && buf_ok(encoded, "the GTID set", e);
}

// Of a server that is new to us: it must have all that was read, and in its log what was not.
static bool check_has(struct my_opening *p, struct err *e)
{
    struct my_gtids all = {.mariadb = p->s->mariadb};
    struct pos end = {.epoch = UINT64_MAX};
    struct my_journal_walk w = {0};
    struct buf missing;
    buf_init(&missing, MY_GTIDS_MAX_BYTES);
    bool ok = my_journal_walk(&p->s->journal, &end, &all, &w, e) &&
              my_gtids_not_there(p->s->sql, &all, &missing, e);
    if (ok && missing.n != 0) {
        char why[900];
        snprintf(why, sizeof why, "this server, %s, does not have %.700s, which was read from %s",
                 p->server.identity, buf_cstr(&missing), my_state_newest(&p->s->state)->server);
        ok = my_opening_lost(p, e, why);
    }
    my_journal_walk_end(&w);
    my_gtids_release(&all);
    buf_release(&missing);
    return ok;
}

static bool check_log_has(struct my_opening *p, struct err *e)
{
    struct my_dump d = {
        .file = "", .pos = FIRST_POS, .server_id = my_opening_server_id(p->o), .heartbeat_ms = HEARTBEAT_MS};
    struct buf encoded;
    uint32_t made_s;
    buf_init(&encoded, MY_GTIDS_MAX_BYTES);
    bool ok = my_opening_encode_gtids(p, &d, &encoded, e);
    if (ok && !peek(p, &d, &made_s, e)) {
        char why[900];
        snprintf(why, sizeof why, "%.899s", e->text);
        ok = e->status == STATUS_LOST ? my_opening_lost(p, e, why) : false;
    }
    buf_release(&encoded);
    return ok;
}

// By the GTIDs of what was read. What the journal has behind the position comes once more, with the tokens
// that it had; then the new server's log goes on as an epoch of its own.
static bool go_on_by_gtid(struct my_opening *p, bool same, struct err *e)
{
    struct my_session *s = p->s;
    struct my_gtids before = {.mariadb = s->mariadb};
    uint64_t end_epoch = same ? my_state_newest(&s->state)->epoch : UINT64_MAX;
    bool ok = my_replay_begin(&s->replay, &s->journal, &s->from, end_epoch, &before, e);
    s->replaying = ok && s->replay.awaits;
    my_gtids_format(&before, &p->gtid);
    p->by_gtid = true;
    ok = ok && (same || (check_has(p, e) && check_log_has(p, e)));
    if (ok && !same && !s->replaying)
        ok = my_state_begin(&s->state, p->server.identity, p->server.base, e) &&
             my_journal_begin_epoch(&s->journal, my_state_newest(&s->state)->epoch, &before, e);
    if (ok && !same)
        p->o->note("this server is %s: going on behind the GTIDs that were read", p->server.identity);
    my_gtids_release(&before);
    return ok;
}

// *within: a snapshot says where the log goes on.
static bool go_on_initial(struct my_opening *p, bool same, const char *why, bool *within, struct err *e)
{
    struct my_session *s = p->s;
    bool initial = strcmp(p->o->start, "initial") == 0;
    struct pos log = s->from;
    *within = my_initial_is_within(s);
    if (!*within)
        record_end_with(&s->state.snapshot, s->from.view);
    // Its views are of the log of the server that it was read from.
    if (!same) {
        char more[1100];
        snprintf(more, sizeof more, "%s, by whose log its snapshot was read and is not yet joined to it",
                 why);
        return !(*within || my_initial_matters(s)) || my_opening_lost(p, e, more);
    }
    if (!my_initial_go_on(s, p->o, p->capture, initial, &log, e))
        return false;
    *within = *within || s->snapshot_due;
    // Before the first view nothing of the log is needed.
    return !*within || (s->snapshot_due && log.n[0] == 0) || my_opening_point_at(p, log.n[0], log.n[1], e);
}

static bool go_on(struct my_opening *p, const struct pos *token, struct err *e)
{
    struct my_session *s = p->s;
    const struct my_epoch *newest = my_state_newest(&s->state);
    bool acknowledged = token != NULL && !is_beginning(token);
    char why[900];
    s->from = acknowledged ? *token : s->state.start;
    s->begins = !acknowledged;
    bool same = is_same_server(p, why), within;
    if (!go_on_initial(p, same, why, &within, e))
        return false;
    if (within)
        return true;
    bool known = my_journal_covers(&s->journal, &s->from);
    bool same_kind = strcmp(s->state.kind, s->mariadb ? "mariadb" : "mysql") == 0;
    if (!same && (!known || !same_kind))
        return my_opening_lost(p, e, why);
    // On a server that was gone over to, the log may have in another order what was read before.
    if (!same || s->from.epoch != newest->epoch || (known && newest->epoch != s->state.at[0].epoch))
        return known ? go_on_by_gtid(p, same, e) : my_opening_lost(p, e, "the GTIDs up to it are not known");
    if (!acknowledged && s->state.start_gtid.n != 0) {
        p->by_gtid = true;
        buf_span(&p->gtid, buf_view(&s->state.start_gtid));
        return true;
    }
    return my_opening_point_at(p, s->from.n[0], s->from.n[1], e);
}

bool my_opening_decide(struct my_opening *p, struct err *e)
{
    const struct my_epoch *newest = my_state_newest(&p->s->state);
    const struct pos *token = p->again != NULL ? p->again : p->has_token ? &p->token : NULL;
    const char *offset = p->o->offset != NULL ? p->o->offset : "";
    if (token != NULL && token->source != POS_MY)
        return err_set(e, STATUS_USAGE, "%s holds positions of another kind of source than MySQL", offset);
    if (token != NULL && newest != NULL && token->epoch > newest->epoch + is_beginning(token))
        return err_set(e, STATUS_DATA, "%s: the position is of epoch %llu, its source has only seen %llu",
                       offset, (unsigned long long)token->epoch, (unsigned long long)newest->epoch);
    if (newest == NULL || (token != NULL && token->epoch > newest->epoch))
        return begin(p, e);
    if (p->again == NULL && strcmp(p->o->start, "latest") != 0 && strcmp(p->o->start, "initial") != 0)
        p->o->note("%s has a position, so --start does not apply", offset);
    return go_on(p, token, e);
}
