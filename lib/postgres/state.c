#include "postgres/state.h"

#include "event/json.h"
#include "state/folder.h"

#include <stdio.h>

static bool text_member(struct span object, const char *name, char *to, size_t size)
{
    struct span value;
    if (!json_member(object, span_of(name), &value) || value.n < 2 || value.n - 2 >= size)
        return false;
    struct buf text;
    buf_init(&text, size - 1);
    bool ok = json_unquote(value, &text);
    if (ok)
        snprintf(to, size, "%.*s", (int)text.n, text.n != 0 ? text.p : "");
    buf_release(&text);
    return ok;
}

static bool number_member(struct span object, const char *name, uint64_t *to)
{
    struct span value;
    return json_member(object, span_of(name), &value) && json_u64(value, to);
}

struct pos pg_snapshot_beginning(uint64_t epoch)
{
    return (struct pos){.source = POS_PG,
                        .phase = POS_SNAPSHOT,
                        .epoch = epoch,
                        .table = SPAN_LIT("-"),
                        .key = SPAN_LIT("%5B%5D")};
}

static bool parse_epochs(struct pg_state *s, struct span list)
{
    struct json_walk w;
    for (json_walk_begin(&w, list); json_walk_next(&w);) {
        struct pg_epoch *at = &s->at[s->epochs];
        if (s->epochs == POS_MAX_EPOCH || !number_member(w.value, "epoch", &at->epoch) ||
            !text_member(w.value, "system", at->system, sizeof at->system) ||
            !number_member(w.value, "timeline", &at->timeline) ||
            !number_member(w.value, "from", &at->from) || at->epoch == 0 || at->epoch > POS_MAX_EPOCH ||
            (s->epochs != 0 && at->epoch <= s->at[s->epochs - 1].epoch))
            return false;
        s->epochs++;
    }
    return !w.bad && w.in_array && s->epochs != 0;
}

static bool parse_snapshot(struct pg_state *s, struct span text, struct err *e)
{
    struct span snapshot;
    return !json_member(text, (struct span)SPAN_LIT("snapshot"), &snapshot) ||
           record_parse(&s->snapshot, snapshot, e);
}

void pg_state_release(struct pg_state *s)
{
    record_release(&s->snapshot);
    *s = (struct pg_state){0};
}

bool pg_state_parse(struct pg_state *s, struct span text, struct err *e)
{
    *s = (struct pg_state){0};
    struct span epochs;
    char start[128];
    if (text_member(text, "identity", s->identity, sizeof s->identity) &&
        text_member(text, "database", s->database, sizeof s->database) &&
        text_member(text, "slot", s->slot, sizeof s->slot) &&
        text_member(text, "publication", s->publication, sizeof s->publication) &&
        text_member(text, "start", start, sizeof start) && pos_parse(span_of(start), &s->start, e) &&
        json_member(text, (struct span)SPAN_LIT("epochs"), &epochs) && parse_epochs(s, epochs)) {
        if (s->start.phase == POS_SNAPSHOT)
            s->start = pg_snapshot_beginning(s->start.epoch); // whose table and key outlive the text
        return parse_snapshot(s, text, e);
    }
    pg_state_release(s);
    return err_set(e, STATUS_DATA, "a member of a PostgreSQL source's state is missing or malformed");
}

bool pg_state_load(struct pg_state *s, const char *dir, struct err *e)
{
    struct buf text;
    bool found;
    *s = (struct pg_state){0};
    buf_init(&text, FOLDER_FILE_MAX_BYTES);
    bool ok = folder_read(dir, PG_STATE_FILE, &text, &found, e);
    if (ok && found && !pg_state_parse(s, buf_view(&text), e)) {
        char why[200];
        snprintf(why, sizeof why, "%.199s", e->text);
        ok = folder_damaged(dir, PG_STATE_FILE, why, e);
    }
    buf_release(&text);
    return ok;
}

static void write_member(struct buf *b, const char *name, const char *value)
{
    json_quote(b, span_of(name));
    buf_char(b, ':');
    json_quote(b, span_of(value));
    buf_char(b, ',');
}

void pg_state_format(const struct pg_state *s, struct buf *b)
{
    buf_char(b, '{');
    write_member(b, "identity", s->identity);
    buf_printf(b, "\"epoch\":%llu,", (unsigned long long)s->at[s->epochs - 1].epoch);
    write_member(b, "database", s->database);
    write_member(b, "slot", s->slot);
    write_member(b, "publication", s->publication);
    buf_lit(b, "\n\"start\":\"");
    pos_format(b, &s->start);
    buf_lit(b, "\",\n\"epochs\":[");
    for (size_t i = 0; i < s->epochs; i++)
        buf_printf(b, "%s{\"epoch\":%llu,\"system\":\"%s\",\"timeline\":%llu,\"from\":%llu}",
                   i == 0 ? "" : ",\n", (unsigned long long)s->at[i].epoch, s->at[i].system,
                   (unsigned long long)s->at[i].timeline, (unsigned long long)s->at[i].from);
    buf_char(b, ']');
    if (s->snapshot.epoch != 0) {
        buf_lit(b, ",\n\"snapshot\":");
        record_format(&s->snapshot, b);
    }
    buf_lit(b, "}\n");
}

bool pg_state_store(const struct pg_state *s, const char *dir, struct err *e)
{
    struct buf text;
    buf_init(&text, FOLDER_FILE_MAX_BYTES);
    pg_state_format(s, &text);
    bool ok =
        buf_ok(&text, "the source's state", e) && folder_replace(dir, PG_STATE_FILE, buf_view(&text), e);
    buf_release(&text);
    return ok;
}

bool pg_state_begin(struct pg_state *s, const char *system, uint64_t timeline, uint64_t from, struct err *e)
{
    if (s->epochs == POS_MAX_EPOCH || (s->epochs != 0 && s->at[s->epochs - 1].epoch == POS_MAX_EPOCH)) {
        err_set(e, STATUS_LOST, "epoch %d was the last that a position can have", POS_MAX_EPOCH);
        return err_hint(e, "begin again with a new offset folder");
    }
    if (s->identity[0] == '\0' && !identity_make(system, s->identity, e))
        return false;
    struct pg_epoch *at = &s->at[s->epochs];
    *at = (struct pg_epoch){s->epochs == 0 ? 1 : s->at[s->epochs - 1].epoch + 1, "", timeline, from};
    snprintf(at->system, sizeof at->system, "%s", system);
    s->epochs++;
    return true;
}

const struct pg_epoch *pg_state_newest(const struct pg_state *s)
{
    return s->epochs == 0 ? NULL : &s->at[s->epochs - 1];
}

uint64_t pg_state_epoch_at(const struct pg_state *s, uint64_t commit_lsn)
{
    size_t i = s->epochs - 1;
    // Only a switch of timelines shares LSNs with the epoch before it; another system's LSNs are its own.
    while (i > 0 && commit_lsn < s->at[i].from && strcmp(s->at[i].system, s->at[i - 1].system) == 0)
        i--;
    return s->at[i].epoch;
}

uint64_t pg_state_from(const struct pg_state *s, uint64_t epoch)
{
    for (size_t i = 0; i < s->epochs; i++)
        if (s->at[i].epoch == epoch)
            return s->at[i].from;
    return 0;
}

struct pos pg_snapshot_end(const struct pg_state *s)
{
    struct pos end = pos_pg(s->snapshot.epoch, pg_state_from(s, s->snapshot.epoch), 0, 0);
    end.view = record_last_view(&s->snapshot);
    return end;
}
