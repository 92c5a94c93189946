#include "mysql/state.h"

#include "event/json.h"
#include "state/folder.h"

#include <stdio.h>

void my_state_init(struct my_state *s)
{
    *s = (struct my_state){0};
    buf_init(&s->start_gtid, MY_START_GTID_MAX);
}

void my_state_release(struct my_state *s)
{
    buf_release(&s->start_gtid);
    record_release(&s->snapshot);
}

struct pos my_snapshot_beginning(uint64_t epoch)
{
    return (struct pos){.source = POS_MY,
                        .phase = POS_SNAPSHOT,
                        .epoch = epoch,
                        .table = SPAN_LIT("-"),
                        .key = SPAN_LIT("%5B%5D")};
}

struct pos my_snapshot_end(const struct my_state *s)
{
    struct pos end = s->log;
    end.view = record_last_view(&s->snapshot);
    return end;
}

static void reset(struct my_state *s)
{
    my_state_release(s);
    my_state_init(s);
}

static bool parse_epochs(struct my_state *s, struct span list)
{
    struct json_walk w;
    for (json_walk_begin(&w, list); json_walk_next(&w);) {
        struct my_epoch *at = &s->at[s->epochs];
        if (s->epochs == POS_MAX_EPOCH || !json_u64_member(w.value, "epoch", &at->epoch) ||
            !json_text_member(w.value, "server", at->server, sizeof at->server) ||
            !json_text_member(w.value, "base", at->base, sizeof at->base) || at->epoch == 0 ||
            at->epoch > POS_MAX_EPOCH || (s->epochs != 0 && at->epoch <= s->at[s->epochs - 1].epoch))
            return false;
        s->epochs++;
    }
    return !w.bad && w.in_array && s->epochs != 0;
}

static bool parse_files(struct my_state *s, struct span list)
{
    struct json_walk w;
    for (json_walk_begin(&w, list); json_walk_next(&w);) {
        struct my_log_file *at = &s->file[s->n_files];
        if (s->n_files == MY_FILES_MAX || !json_u64_member(w.value, "epoch", &at->epoch) ||
            !json_u64_member(w.value, "file", &at->file) || !json_u64_member(w.value, "made", &at->made_s))
            return false;
        s->n_files++;
    }
    return !w.bad && w.in_array;
}

static bool parse_start(struct my_state *s, struct span text, struct err *e)
{
    char start[128];
    struct span gtid;
    return json_text_member(text, "start", start, sizeof start) && pos_parse(span_of(start), &s->start, e) &&
           json_member(text, (struct span)SPAN_LIT("start_gtid"), &gtid) &&
           json_unquote(gtid, &s->start_gtid);
}

static bool parse_snapshot(struct my_state *s, struct span text, struct err *e)
{
    struct span snapshot;
    char log[128];
    if (!json_member(text, (struct span)SPAN_LIT("snapshot"), &snapshot))
        return true;
    return json_text_member(text, "log", log, sizeof log) && pos_parse(span_of(log), &s->log, e) &&
           s->log.phase == POS_LOG && record_parse(&s->snapshot, snapshot, e);
}

bool my_state_parse(struct my_state *s, struct span text, struct err *e)
{
    reset(s);
    struct span epochs, files;
    if (json_text_member(text, "kind", s->kind, sizeof s->kind) &&
        json_text_member(text, "identity", s->identity, sizeof s->identity) && parse_start(s, text, e) &&
        json_member(text, (struct span)SPAN_LIT("epochs"), &epochs) && parse_epochs(s, epochs) &&
        json_member(text, (struct span)SPAN_LIT("files"), &files) && parse_files(s, files) &&
        parse_snapshot(s, text, e)) {
        if (s->start.phase == POS_SNAPSHOT)
            s->start = my_snapshot_beginning(s->start.epoch); // whose table and key outlive the text
        return true;
    }
    reset(s);
    return err_set(e, STATUS_DATA, "a member of a MySQL source's state is missing or malformed");
}

// PostgreSQL's has a slot, and no kind.
static bool is_another_kind(struct span text)
{
    struct span value;
    return json_member(text, (struct span)SPAN_LIT("slot"), &value);
}

bool my_state_load(struct my_state *s, const char *dir, struct err *e)
{
    struct buf text;
    bool found;
    reset(s);
    buf_init(&text, FOLDER_FILE_MAX_BYTES);
    bool ok = folder_read(dir, MY_STATE_FILE, &text, &found, e);
    if (ok && found && is_another_kind(buf_view(&text))) {
        ok = err_set(e, STATUS_USAGE, "%s is of another kind of source", dir);
    } else if (ok && found && !my_state_parse(s, buf_view(&text), e)) {
        char why[200];
        snprintf(why, sizeof why, "%.199s", e->text);
        ok = folder_damaged(dir, MY_STATE_FILE, why, e);
    }
    buf_release(&text);
    return ok;
}

static void write_member(struct buf *b, const char *name, struct span value)
{
    json_quote(b, span_of(name));
    buf_char(b, ':');
    json_quote(b, value);
}

static void write_epochs(const struct my_state *s, struct buf *b)
{
    buf_lit(b, ",\n\"epochs\":[");
    for (size_t i = 0; i < s->epochs; i++) {
        buf_printf(b, "%s{\"epoch\":%llu,", i == 0 ? "" : ",\n", (unsigned long long)s->at[i].epoch);
        write_member(b, "server", span_of(s->at[i].server));
        buf_char(b, ',');
        write_member(b, "base", span_of(s->at[i].base));
        buf_char(b, '}');
    }
    buf_char(b, ']');
}

void my_state_format(const struct my_state *s, struct buf *b)
{
    buf_char(b, '{');
    write_member(b, "identity", span_of(s->identity));
    buf_printf(b, ",\"epoch\":%llu,", (unsigned long long)s->at[s->epochs - 1].epoch);
    write_member(b, "kind", span_of(s->kind));
    buf_lit(b, ",\n\"start\":\"");
    pos_format(b, &s->start);
    buf_lit(b, "\",");
    write_member(b, "start_gtid", buf_view(&s->start_gtid));
    write_epochs(s, b);
    buf_lit(b, ",\n\"files\":[");
    for (size_t i = 0; i < s->n_files; i++)
        buf_printf(b, "%s{\"epoch\":%llu,\"file\":%llu,\"made\":%llu}", i == 0 ? "" : ",\n",
                   (unsigned long long)s->file[i].epoch, (unsigned long long)s->file[i].file,
                   (unsigned long long)s->file[i].made_s);
    buf_char(b, ']');
    if (s->snapshot.epoch != 0) {
        buf_lit(b, ",\n\"log\":\"");
        pos_format(b, &s->log);
        buf_lit(b, "\",\n\"snapshot\":");
        record_format(&s->snapshot, b);
    }
    buf_lit(b, "}\n");
}

bool my_state_store(const struct my_state *s, const char *dir, struct err *e)
{
    struct buf text;
    buf_init(&text, FOLDER_FILE_MAX_BYTES);
    my_state_format(s, &text);
    bool ok =
        buf_ok(&text, "the source's state", e) && folder_replace(dir, MY_STATE_FILE, buf_view(&text), e);
    buf_release(&text);
    return ok;
}

bool my_state_begin(struct my_state *s, const char *server, const char *base, struct err *e)
{
    if (s->epochs == POS_MAX_EPOCH || (s->epochs != 0 && s->at[s->epochs - 1].epoch == POS_MAX_EPOCH)) {
        err_set(e, STATUS_LOST, "epoch %d was the last that a position can have", POS_MAX_EPOCH);
        return err_hint(e, "begin again with a new offset folder");
    }
    if (s->identity[0] == '\0' && !identity_make(server, s->identity, e))
        return false;
    struct my_epoch *at = &s->at[s->epochs];
    *at = (struct my_epoch){.epoch = s->epochs == 0 ? 1 : s->at[s->epochs - 1].epoch + 1};
    snprintf(at->server, sizeof at->server, "%s", server);
    snprintf(at->base, sizeof at->base, "%s", base);
    s->epochs++;
    s->n_files = 0;
    return true;
}

const struct my_epoch *my_state_newest(const struct my_state *s)
{
    return s->epochs == 0 ? NULL : &s->at[s->epochs - 1];
}

uint64_t my_state_made(const struct my_state *s, uint64_t file)
{
    for (size_t i = 0; i < s->n_files; i++)
        if (s->file[i].file == file && s->file[i].epoch == my_state_newest(s)->epoch)
            return s->file[i].made_s;
    return 0;
}

bool my_state_note(struct my_state *s, uint64_t file, uint64_t made_s, const struct pos *from)
{
    size_t kept = 0;
    if (my_state_made(s, file) != 0)
        return false;
    for (size_t i = 0; i < s->n_files; i++)
        if (s->file[i].epoch != from->epoch || s->file[i].file >= from->n[0])
            s->file[kept++] = s->file[i];
    // A sink that is so many files behind is told of a RESET by their numbers alone.
    if (kept == MY_FILES_MAX)
        memmove(s->file, s->file + 1, --kept * sizeof s->file[0]);
    s->file[kept++] = (struct my_log_file){my_state_newest(s)->epoch, file, made_s};
    s->n_files = kept;
    return true;
}
