#include "mysql/session.h"

#include "base/clock.h"
#include "mysql/ask_gtids.h"
#include "mysql/gtid.h"
#include "mysql/initial.h"
#include "mysql/preflight.h"
#include "mysql/reader.h"
#include "mysql/server.h"
#include "state/position.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// A heartbeat each second: the run looks at its clock, and at the stop flag, at least so often.
#define HEARTBEAT_MS 1000
#define HEARTBEAT_LEAST_MS 50
#define READ_LEAST_MS 5000
// A file's first bytes are its magic.
#define FIRST_POS 4

struct opening {
    struct my_session *s;
    const struct tail_options *o;
    const struct capture *capture;
    const struct pos *again;
    struct my_server server;
    struct pos token;
    bool has_token;
    bool by_gtid;    // the dump begins behind a GTID set
    struct buf gtid; // that
    struct my_place_in_log start;
};

void my_session_init(struct my_session *s)
{
    *s = (struct my_session){0};
    my_state_init(&s->state);
    my_journal_init(&s->journal);
    my_replay_init(&s->replay);
    buf_init(&s->from_text, POS_MAX_BYTES);
}

void my_session_close(struct my_session *s)
{
    my_close(s->dump);
    my_close(s->sql);
    s->dump = s->sql = NULL;
}

void my_session_release(struct my_session *s)
{
    my_session_close(s);
    my_state_release(&s->state);
    my_journal_release(&s->journal);
    my_replay_end(&s->replay);
    my_judge_release(&s->judge);
    buf_release(&s->from_text);
}

// ---- connections

static struct my_login login_of(const struct tail_options *o, int64_t read_timeout_ms)
{
    return (struct my_login){.url = o->url,
                             .password_file = o->password_file,
                             .defaults_file = o->defaults_file,
                             .ssl_mode = o->ssl_mode,
                             .read_timeout_ms = read_timeout_ms};
}

bool my_session_sql(struct my_session *s, const struct tail_options *o, struct err *e)
{
    struct my_login login = login_of(o, 60000);
    if (s->sql != NULL)
        return true;
    return my_connect(&login, &s->sql, e);
}

bool my_metadata_by_catalog(const struct tail_options *o)
{
    return o->metadata != NULL && strcmp(o->metadata, "catalog") == 0;
}

bool my_session_ask(struct my_session *s, const struct tail_options *o, my_ask *ask, void *context,
                    struct err *e)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        if (my_session_sql(s, o, e) && ask(context, s->sql, e))
            return true;
        my_close(s->sql);
        s->sql = NULL;
    }
    return false;
}

static int64_t heartbeat_ms(const struct tail_options *o)
{
    int64_t ms = HEARTBEAT_MS;
    if (o->idle_ms != 0 && o->idle_ms / 2 < ms)
        ms = o->idle_ms / 2;
    return ms < HEARTBEAT_LEAST_MS ? HEARTBEAT_LEAST_MS : ms;
}

// At random, so that two runs do not take each other's place. Below 2^31, above what people choose.
static uint32_t server_id_of(const struct tail_options *o)
{
    if (o->server_id != 0)
        return (uint32_t)o->server_id;
    uint64_t x = (uint64_t)clock_wall_ns() ^ (uint64_t)getpid() << 32;
    x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(UINT64_C(1000000000) + x % 1000000000);
}

// ---- what there is

static bool load_folder(struct opening *p, struct err *e)
{
    const char *dir = p->o->offset;
    if (dir == NULL)
        return true;
    struct buf *text = &p->s->from_text;
    return my_state_load(&p->s->state, dir, e) &&
           my_journal_open(&p->s->journal, dir, my_is_mariadb(p->s->sql), e) &&
           position_resume(dir, text, &p->has_token, e) &&
           (!p->has_token || pos_parse(buf_view(text), &p->token, e));
}

static bool preflight(struct opening *p, struct err *e)
{
    struct buf faults;
    buf_init(&faults, 1u << 20);
    bool ok =
        my_preflight(p->s->sql, p->o->server_id, my_metadata_by_catalog(p->o), &faults, p->o->note, e) &&
        tail_report_faults(p->o, buf_view(&faults), e);
    buf_release(&faults);
    return ok;
}

static bool look(struct opening *p, struct err *e)
{
    struct my_session *s = p->s;
    if (!my_server_look(&p->server, s->sql, e))
        return err_wrap(e, "cannot look at the server's log");
    s->mariadb = my_is_mariadb(s->sql);
    s->now_file = p->server.end.number;
    s->now_pos = p->server.end.size;
    return true;
}

// ---- where to begin

bool my_session_way_out(const struct my_session *s, const struct tail_options *o, struct err *e)
{
    const struct my_epoch *newest = my_state_newest(&s->state);
    if (o->offset == NULL)
        return false;
    return err_hint(
        e,
        "changes may be missing from here on. To go on without them: cdc-offset set --force %s "
        "my/%llu/l/0/0/0/0, then start again, and --start says where; load the tables anew for what lies "
        "between",
        o->offset, (unsigned long long)(newest != NULL ? newest->epoch + 1 : 1));
}

static bool lost(const struct opening *p, struct err *e, const char *why)
{
    const char *first = p->server.n != 0 ? p->server.log[0].name : "nothing";
    err_set(e, STATUS_LOST, "the position is lost: %s; the server's log begins with %s", why, first);
    return my_session_way_out(p->s, p->o, e);
}

// The dump begins at the transaction of p->s->from, or behind its progress.
static bool point_at(struct opening *p, uint64_t number, uint64_t pos, struct err *e)
{
    char why[300];
    const struct my_log_entry *file = my_server_file(&p->server, number);
    if (file == NULL || pos > file->size || pos < FIRST_POS) {
        snprintf(why, sizeof why, "it is in file %llu at %llu, which this server %s",
                 (unsigned long long)number, (unsigned long long)pos,
                 file == NULL ? "does not have (any more)" : "has not written that far");
        return lost(p, e, why);
    }
    snprintf(p->s->file, sizeof p->s->file, "%s", file->name);
    p->s->pos = pos;
    return true;
}

// Begins to read the log, up to the first file's format description, which tells when the file was begun.
static bool peek(struct opening *p, const struct my_dump *d, uint32_t *made_s, struct err *e)
{
    struct my_login login = login_of(p->o, READ_LEAST_MS);
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

static bool file_made(struct opening *p, const struct my_log_entry *file, uint32_t *made_s, struct err *e)
{
    struct my_dump d = {
        .file = file->name, .pos = FIRST_POS, .server_id = server_id_of(p->o), .heartbeat_ms = HEARTBEAT_MS};
    return peek(p, &d, made_s, e) || err_wrap(e, "cannot look at %s", file->name);
}

// The last file that was begun before the time has what was committed at it.
static bool find_time(struct opening *p, int64_t time_us, const struct my_log_entry **file, struct err *e)
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

static bool find_start(struct opening *p, struct err *e)
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
        return point_at(p, start->pos.n[0], start->pos.n[1], e);
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

static bool begin_initial(struct opening *p, struct err *e)
{
    struct my_session *s = p->s;
    // A beginning that was set by hand, my/EPOCH/l/0/0/0/0, is above all rows of its epoch.
    if (p->has_token && p->token.epoch == my_state_newest(&s->state)->epoch &&
        !my_state_begin(&s->state, p->server.identity, p->server.base, e))
        return false;
    return my_initial_begin(s, p->capture, e);
}

// Begins an epoch where --start says.
static bool begin(struct opening *p, struct err *e)
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
static bool is_same_server(const struct opening *p, char why[900])
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

static bool encode_gtids(struct opening *p, struct my_dump *d, struct buf *encoded, struct err *e)
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
static bool check_has(struct opening *p, struct err *e)
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
        ok = lost(p, e, why);
    }
    my_journal_walk_end(&w);
    my_gtids_release(&all);
    buf_release(&missing);
    return ok;
}

static bool check_log_has(struct opening *p, struct err *e)
{
    struct my_dump d = {
        .file = "", .pos = FIRST_POS, .server_id = server_id_of(p->o), .heartbeat_ms = HEARTBEAT_MS};
    struct buf encoded;
    uint32_t made_s;
    buf_init(&encoded, MY_GTIDS_MAX_BYTES);
    bool ok = encode_gtids(p, &d, &encoded, e);
    if (ok && !peek(p, &d, &made_s, e)) {
        char why[900];
        snprintf(why, sizeof why, "%.899s", e->text);
        ok = e->status == STATUS_LOST ? lost(p, e, why) : false;
    }
    buf_release(&encoded);
    return ok;
}

// By the GTIDs of what was read. What the journal has behind the position comes once more, with the tokens
// that it had; then the new server's log goes on as an epoch of its own.
static bool go_on_by_gtid(struct opening *p, bool same, struct err *e)
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
static bool go_on_initial(struct opening *p, bool same, const char *why, bool *within, struct err *e)
{
    struct my_session *s = p->s;
    bool initial = strcmp(p->o->start, "initial") == 0;
    struct pos log = s->from;
    *within = my_initial_is_within(s);
    // Its views are of the log of the server that it was read from.
    if (!same)
        return !(*within || my_initial_matters(s)) || lost(p, e, why);
    if (!my_initial_go_on(s, p->o, p->capture, initial, &log, e))
        return false;
    *within = *within || s->snapshot_due;
    // Before the first view nothing of the log is needed.
    return !*within || (s->snapshot_due && log.n[0] == 0) || point_at(p, log.n[0], log.n[1], e);
}

static bool go_on(struct opening *p, const struct pos *token, struct err *e)
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
        return lost(p, e, why);
    // On a server that was gone over to, the log may have in another order what was read before.
    if (!same || s->from.epoch != newest->epoch || (known && newest->epoch != s->state.at[0].epoch))
        return known ? go_on_by_gtid(p, same, e) : lost(p, e, "the GTIDs up to it are not known");
    if (!acknowledged && s->state.start_gtid.n != 0) {
        p->by_gtid = true;
        buf_span(&p->gtid, buf_view(&s->state.start_gtid));
        return true;
    }
    return point_at(p, s->from.n[0], s->from.n[1], e);
}

static bool decide(struct opening *p, struct err *e)
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

// ---- the dump

// The GTIDs of what commits before the dump begins, for the folder.
static bool find_gtids(struct opening *p, struct my_gtids *before, struct err *e)
{
    struct my_session *s = p->s;
    struct my_login login = login_of(p->o, 60000);
    struct my_client *c = NULL;
    struct my_dump d = {
        .file = s->file, .pos = s->pos, .server_id = server_id_of(p->o), .heartbeat_ms = HEARTBEAT_MS};
    if (p->by_gtid)
        return my_gtids_add(before, buf_view(&p->gtid), e);
    bool ok = (s->mariadb || my_connect(&login, &c, e)) && my_gtids_before(s->sql, c, &d, before, e);
    my_close(c);
    return ok;
}

static bool keep_gtids(struct opening *p, struct err *e)
{
    struct my_session *s = p->s;
    struct my_gtids before = {.mariadb = s->mariadb};
    struct pos at = s->from;
    bool has;
    if (p->o->offset == NULL || s->replaying || p->again != NULL)
        return true;
    // Of a snapshot it is the place in the log where the dump begins.
    if (at.phase == POS_LOG && my_journal_covers(&s->journal, &at))
        return my_journal_tidy(&s->journal, &at, true, e);
    at = (struct pos){.source = POS_MY, .phase = POS_LOG, .epoch = at.epoch, .n = {0, s->pos}};
    if (p->by_gtid)
        at.n[1] = 0;
    else if (!binlog_file_number(span_of(s->file), &at.n[0]))
        return err_set(e, STATUS_DATA, "\"%s\" is no name of a log file", s->file);
    if (!my_has_gtids(s->sql, &has, e) || !has)
        return !has;
    bool ok = find_gtids(p, &before, e) && my_journal_begin(&s->journal, &at, &before, e);
    my_gtids_release(&before);
    return ok;
}

static bool start_dump(struct opening *p, struct err *e)
{
    struct my_session *s = p->s;
    int64_t timeout_ms =
        p->o->stall_ms < READ_LEAST_MS && p->o->stall_ms != 0 ? READ_LEAST_MS : p->o->stall_ms;
    struct my_login login = login_of(p->o, timeout_ms);
    struct buf encoded;
    struct my_dump d = {
        .file = p->by_gtid ? "" : s->file,
        .pos = p->by_gtid ? FIRST_POS : s->pos,
        .server_id = server_id_of(p->o),
        .statements = p->o->include_query,
        .heartbeat_ms = heartbeat_ms(p->o),
    };
    buf_init(&encoded, 16u << 20);
    bool ok = my_connect(&login, &s->dump, e) && (!p->by_gtid || encode_gtids(p, &d, &encoded, e)) &&
              my_dump_start(s->dump, &d, &s->checksum, e);
    buf_release(&encoded);
    if (p->by_gtid)
        s->file[0] = '\0', s->pos = 0;
    return ok;
}

static bool begin_dump(struct opening *p, struct err *e)
{
    return keep_gtids(p, e) && start_dump(p, e);
}

static bool open_all(struct opening *p, bool *checked, struct err *e)
{
    if (!my_session_sql(p->s, p->o, e) || !preflight(p, e))
        return false;
    *checked = p->o->check;
    if (*checked)
        return true;
    return (p->again != NULL || load_folder(p, e)) && look(p, e) && decide(p, e) &&
           (p->o->offset == NULL || my_state_store(&p->s->state, p->o->offset, e)) &&
           ((p->s->snapshot_due && p->s->log_until.n[0] == 0) || begin_dump(p, e));
}

bool my_session_stream(struct my_session *s, const struct tail_options *o, struct err *e)
{
    struct opening p = {.s = s, .o = o};
    uint64_t now_file = s->now_file, now_pos = s->now_pos;
    const struct pos *log = &s->state.log;
    my_close(s->dump);
    s->dump = NULL;
    bool ok =
        my_session_sql(s, o, e) && look(&p, e) && point_at(&p, log->n[0], log->n[1], e) && begin_dump(&p, e);
    s->now_file = now_file, s->now_pos = now_pos;
    my_server_release(&p.server);
    return ok;
}

bool my_session_open(struct my_session *s, const struct tail_options *o, const struct capture *capture,
                     const struct pos *again, bool *checked, struct err *e)
{
    struct opening p = {.s = s, .o = o, .capture = capture, .again = again};
    s->again = again != NULL;
    s->snapshot_due = false;
    s->log_until = (struct pos){0};
    *checked = false;
    s->replaying = false;
    buf_init(&p.gtid, MY_GTIDS_MAX_BYTES);
    bool ok = open_all(&p, checked, e);
    buf_release(&p.gtid);
    my_server_release(&p.server);
    return ok;
}

bool my_session_note_file(struct my_session *s, const struct tail_options *o, uint64_t file, uint32_t made_s,
                          struct err *e)
{
    uint64_t known_s = my_state_made(&s->state, file);
    if (known_s != 0 && known_s != made_s) {
        err_set(e, STATUS_LOST,
                "the position is lost: the server's log was begun anew: its file %llu is not the one that "
                "was read",
                (unsigned long long)file);
        return err_hint(
            e,
            "changes may be missing from here on. To go on without them: cdc-offset set --force %s "
            "my/%llu/l/0/0/0/0, then start again, and --start says where",
            o->offset != NULL ? o->offset : "DIR", (unsigned long long)my_state_newest(&s->state)->epoch + 1);
    }
    return !my_state_note(&s->state, file, made_s, &s->from) || o->offset == NULL ||
           my_state_store(&s->state, o->offset, e);
}
