#include "mysql/session.h"

#include "mysql/ask_gtids.h"
#include "mysql/log_dump.h"
#include "mysql/opening.h"
#include "mysql/preflight.h"
#include "mysql/reader.h"
#include "state/position.h"

// A heartbeat at least so often, unless --idle wants more.
#define HEARTBEAT_LEAST_MS 50

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

bool my_session_sql(struct my_session *s, const struct tail_options *o, struct err *e)
{
    struct my_login login = my_opening_login(o, 60000);
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

// ---- what there is

static bool load_folder(struct my_opening *p, struct err *e)
{
    const char *dir = p->o->offset;
    if (dir == NULL)
        return true;
    struct buf *text = &p->s->from_text;
    return my_state_load(&p->s->state, dir, e) &&
           my_journal_open(&p->s->journal, dir, my_is_mariadb(p->s->sql), e) &&
           position_resume(dir, text, &p->token, &p->has_token, e);
}

static bool preflight(struct my_opening *p, struct err *e)
{
    struct buf faults;
    buf_init(&faults, 1u << 20);
    bool ok = my_preflight(p->s->sql, p->o, my_metadata_by_catalog(p->o), &faults, e) &&
              tail_report_faults(p->o, buf_view(&faults), e);
    buf_release(&faults);
    return ok;
}

static bool look(struct my_opening *p, struct err *e)
{
    struct my_session *s = p->s;
    if (!my_server_look(&p->server, s->sql, e))
        return err_wrap(e, "cannot look at the server's log");
    s->mariadb = my_is_mariadb(s->sql);
    s->now_file = p->server.end.number;
    s->now_pos = p->server.end.size;
    return true;
}

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

// ---- the dump

// The GTIDs of what commits before the dump begins, for the folder.
static bool find_gtids(struct my_opening *p, struct my_gtids *before, struct err *e)
{
    struct my_session *s = p->s;
    struct my_login login = my_opening_login(p->o, 60000);
    struct my_client *c = NULL;
    struct my_dump d = {.file = s->file,
                        .pos = s->pos,
                        .server_id = my_opening_server_id(p->o),
                        .heartbeat_ms = HEARTBEAT_MS};
    if (p->by_gtid)
        return my_gtids_add(before, buf_view(&p->gtid), e);
    bool ok = (s->mariadb || my_connect(&login, &c, e)) && my_gtids_before(s->sql, c, &d, before, e);
    my_close(c);
    return ok;
}

static bool keep_gtids(struct my_opening *p, struct err *e)
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

static bool start_dump(struct my_opening *p, struct err *e)
{
    struct my_session *s = p->s;
    int64_t timeout_ms =
        p->o->stall_ms < READ_LEAST_MS && p->o->stall_ms != 0 ? READ_LEAST_MS : p->o->stall_ms;
    struct my_login login = my_opening_login(p->o, timeout_ms);
    struct buf encoded;
    struct my_dump d = {
        .file = p->by_gtid ? "" : s->file,
        .pos = p->by_gtid ? FIRST_POS : s->pos,
        .server_id = my_opening_server_id(p->o),
        .statements = p->o->include_query,
        .heartbeat_ms = heartbeat_ms(p->o),
    };
    buf_init(&encoded, 16u << 20);
    bool ok = my_connect(&login, &s->dump, e) &&
              (!p->by_gtid || my_opening_encode_gtids(p, &d, &encoded, e)) &&
              my_dump_start(s->dump, &d, &s->checksum, e);
    buf_release(&encoded);
    if (p->by_gtid)
        s->file[0] = '\0', s->pos = 0;
    return ok;
}

static bool begin_dump(struct my_opening *p, struct err *e)
{
    return keep_gtids(p, e) && start_dump(p, e);
}

static bool open_all(struct my_opening *p, bool *checked, struct err *e)
{
    if (!my_session_sql(p->s, p->o, e) || !preflight(p, e))
        return false;
    *checked = p->o->check;
    if (*checked)
        return true;
    return (p->again != NULL || load_folder(p, e)) && look(p, e) && my_opening_decide(p, e) &&
           (p->o->offset == NULL || my_state_store(&p->s->state, p->o->offset, e)) &&
           ((p->s->snapshot_due && p->s->log_until.n[0] == 0) || begin_dump(p, e));
}

bool my_session_stream(struct my_session *s, const struct tail_options *o, struct err *e)
{
    struct my_opening p = {.s = s, .o = o};
    uint64_t now_file = s->now_file, now_pos = s->now_pos;
    const struct pos *log = &s->state.log;
    my_close(s->dump);
    s->dump = NULL;
    bool ok = my_session_sql(s, o, e) && look(&p, e) && my_opening_point_at(&p, log->n[0], log->n[1], e) &&
              begin_dump(&p, e);
    s->now_file = now_file, s->now_pos = now_pos;
    my_server_release(&p.server);
    return ok;
}

bool my_session_open(struct my_session *s, const struct tail_options *o, const struct capture *capture,
                     const struct pos *again, bool *checked, struct err *e)
{
    struct my_opening p = {.s = s, .o = o, .capture = capture, .again = again};
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
