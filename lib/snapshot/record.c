#include "snapshot/record.h"

#include "event/json.h"

#include <stdlib.h>
#include <sys/stat.h>

// A chunk's key and the transactions in progress: far below this.
#define TEXT_MAX (1u << 20)

static void release_range(struct record_range *range)
{
    free(range->after);
    free(range->columns);
    free(range->seen);
    free(range->older_seen);
}

void record_release(struct record *r)
{
    for (size_t i = 0; i < r->ranges; i++)
        release_range(&r->range[i]);
    for (size_t i = 0; i < r->tables; i++)
        free(r->table[i].name);
    free(r->table);
    free(r->range);
    *r = (struct record){0};
}

static bool room_for_one(void **array, size_t *room, size_t n, size_t size, struct err *e)
{
    if (n < *room)
        return true;
    size_t wanted = *room == 0 ? 16 : *room * 2;
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL)
        return err_no_memory(e);
    *array = grown;
    *room = wanted;
    return true;
}

bool record_add_table(struct record *r, uint64_t id, const char *name, uint64_t epoch, struct err *e)
{
    if (!room_for_one((void **)&r->table, &r->table_room, r->tables, sizeof *r->table, e))
        return false;
    struct record_table *t = &r->table[r->tables];
    *t = (struct record_table){.id = id, .name = strdup(name), .epoch = epoch};
    if (t->name == NULL)
        return err_no_memory(e);
    r->tables++;
    return true;
}

static bool copy(char **to, const char *from, struct err *e)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL || err_no_memory(e);
}

bool record_add_range(struct record *r, const struct record_range *range, struct err *e)
{
    if (!room_for_one((void **)&r->range, &r->range_room, r->ranges, sizeof *r->range, e))
        return false;
    struct record_range *to = &r->range[r->ranges];
    *to = *range;
    to->after = to->columns = to->seen = to->older_seen = NULL;
    if (copy(&to->after, range->after, e) && copy(&to->columns, range->columns, e) &&
        copy(&to->seen, range->seen, e) && copy(&to->older_seen, range->older_seen, e)) {
        r->ranges++;
        return true;
    }
    release_range(to);
    return false;
}

static size_t find_view(const struct record *r, uint64_t view)
{
    size_t i = 0;
    while (i < r->ranges && r->range[i].view != view)
        i++;
    return i;
}

// Whether range a begins before b does, a being of a view that b's goes on within or behind: its keys of the
// same table are the lower ones.
static bool begins_before(const struct record_range *a, const struct record_range *b)
{
    return a->table < b->table || (a->table == b->table && b->after != NULL);
}

size_t record_chain(const struct record *r, uint64_t view, size_t *chain)
{
    // From the view back to the first: every range that begins before the one behind it.
    size_t n = 0, steps = 0;
    for (size_t at = find_view(r, view); at < r->ranges && steps++ <= r->ranges;) {
        size_t last = at;
        while (last + 1 < r->ranges && r->range[last + 1].view == r->range[at].view)
            last++;
        for (size_t i = last + 1; i-- > at;)
            if (n == 0 || begins_before(&r->range[i], &r->range[chain[n - 1]]))
                chain[n++] = i;
        uint64_t parent = r->range[at].parent;
        at = parent < r->range[at].view ? find_view(r, parent) : r->ranges;
    }
    for (size_t i = 0; i < n / 2; i++) {
        size_t swap = chain[i];
        chain[i] = chain[n - 1 - i];
        chain[n - 1 - i] = swap;
    }
    return n;
}

// A view all of whose ranges begin where its child's does, or behind, is in no chain; but its parent may be.
static uint64_t kept_parent(const struct record *r, const struct record_range *range, const bool *kept)
{
    uint64_t parent = range->parent, below = range->view;
    for (size_t at; parent < below && (at = find_view(r, parent)) < r->ranges && !kept[at];) {
        below = parent;
        parent = r->range[at].parent;
    }
    return parent;
}

static void drop_others(struct record *r, const bool *kept)
{
    size_t n = 0;
    for (size_t i = 0; i < r->ranges; i++)
        if (kept[i])
            r->range[i].parent = kept_parent(r, &r->range[i], kept);
    for (size_t i = 0; i < r->ranges; i++)
        if (kept[i])
            r->range[n++] = r->range[i];
        else
            release_range(&r->range[i]);
    r->ranges = n;
}

bool record_prune(struct record *r, uint64_t view, struct err *e)
{
    size_t *chain = calloc(r->ranges + 1, sizeof *chain);
    bool *kept = calloc(r->ranges + 1, sizeof *kept);
    bool ok = chain != NULL && kept != NULL;
    if (ok) {
        size_t n = record_chain(r, view, chain);
        for (size_t i = 0; i < n; i++)
            kept[chain[i]] = true;
        for (size_t i = 0; i < r->ranges; i++)
            kept[i] = kept[i] || r->range[i].view >= view;
        drop_others(r, kept);
    }
    free(chain);
    free(kept);
    return ok || err_no_memory(e);
}

void record_end_with(struct record *r, uint64_t view)
{
    size_t n = 0;
    for (size_t i = 0; i < r->ranges; i++)
        if (r->range[i].view <= view)
            r->range[n++] = r->range[i];
        else
            release_range(&r->range[i]);
    r->ranges = n;
    r->done = true;
}

size_t record_find(const struct record *r, uint64_t id)
{
    size_t i = 0;
    while (i < r->tables && r->table[i].id != id)
        i++;
    return i;
}

size_t record_find_name(const struct record *r, struct span name)
{
    for (size_t i = r->tables; i-- > 0;)
        if (span_is(name, r->table[i].name))
            return i;
    return r->tables;
}

bool record_is_ahead(const struct record *r, const struct pos *from)
{
    return r->epoch != 0 &&
           (from->epoch < r->epoch || (from->epoch == r->epoch && from->phase == POS_SNAPSHOT));
}

void record_set_output(struct record *r, int fd)
{
    struct stat st;
    bool known = fd >= 0 && fstat(fd, &st) == 0;
    r->output[0] = known ? (uint64_t)st.st_dev : 0;
    r->output[1] = known ? (uint64_t)st.st_ino : 0;
}

bool record_is_output(const struct record *r, int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && r->output[0] == (uint64_t)st.st_dev && r->output[1] == (uint64_t)st.st_ino;
}

bool record_has_older(const struct record *r)
{
    for (size_t i = 0; i < r->ranges; i++)
        if (r->range[i].has_older)
            return true;
    return false;
}

uint64_t record_last_view(const struct record *r)
{
    uint64_t view = 0;
    for (size_t i = 0; i < r->ranges; i++)
        view = r->range[i].view > view ? r->range[i].view : view;
    return view;
}

uint64_t record_past(const struct record *r)
{
    uint64_t past = 0;
    for (size_t i = 0; i < r->ranges; i++)
        past = r->range[i].past > past ? r->range[i].past : past;
    return past;
}

// ---- the text

static bool number(struct span object, const char *name, uint64_t *to)
{
    struct span value;
    return json_member(object, span_of(name), &value) && json_u64(value, to);
}

static bool pair(struct span object, const char *name, uint64_t to[2])
{
    struct span list;
    struct json_walk w;
    size_t n = 0;
    if (!json_member(object, span_of(name), &list))
        return false;
    for (json_walk_begin(&w, list); json_walk_next(&w); n++)
        if (n == 2 || !json_u64(w.value, &to[n]))
            return false;
    return !w.bad && w.in_array && n == 2;
}

// A string, or null.
static bool text(struct span object, const char *name, struct buf *to, const char **value)
{
    struct span quoted;
    if (!json_member(object, span_of(name), &quoted))
        return false;
    buf_reset(to);
    *value = NULL;
    if (span_is(quoted, "null"))
        return true;
    if (!json_unquote(quoted, to))
        return false;
    *value = buf_cstr(to);
    return !to->bad;
}

static bool parse_table(struct record *r, struct span entry, struct buf *name, struct err *e)
{
    uint64_t id, epoch;
    const char *value;
    if (!number(entry, "id", &id) || !number(entry, "epoch", &epoch) || !text(entry, "name", name, &value) ||
        value == NULL)
        return false;
    if (!record_add_table(r, id, value, epoch, e))
        return false;
    struct span cut;
    return !json_member(entry, (struct span)SPAN_LIT("cut"), &cut) ||
           (pair(entry, "cut", r->table[r->tables - 1].cut) &&
            number(entry, "cut_view", &r->table[r->tables - 1].cut_view));
}

static bool parse_older(struct record_range *range, struct span entry, struct buf *text)
{
    struct span older;
    struct json_walk w;
    range->older_seen = NULL;
    range->has_older = json_member(entry, (struct span)SPAN_LIT("older"), &older);
    if (!range->has_older)
        return true;
    json_walk_begin(&w, older);
    if (!w.in_array || !json_walk_next(&w))
        return false;
    buf_reset(text);
    if (!span_is(w.value, "null")) {
        if (!json_unquote(w.value, text))
            return false;
        range->older_seen = (char *)buf_cstr(text);
    }
    return json_walk_next(&w) && json_u64(w.value, &range->older_past) && !json_walk_next(&w) && !w.bad;
}

static bool parse_range(struct record *r, struct span entry, struct buf parts[4], struct err *e)
{
    struct record_range range = {0};
    uint64_t table;
    const char *after, *columns, *seen;
    if (!number(entry, "view", &range.view) || !number(entry, "parent", &range.parent) ||
        !number(entry, "table", &table) || !number(entry, "past", &range.past) || table >= r->tables ||
        !text(entry, "after", &parts[0], &after) || !text(entry, "columns", &parts[1], &columns) ||
        !text(entry, "seen", &parts[2], &seen) || !parse_older(&range, entry, &parts[3]) ||
        (after == NULL) != (columns == NULL))
        return false;
    range.table = (size_t)table;
    range.after = (char *)after, range.columns = (char *)columns, range.seen = (char *)seen;
    return record_add_range(r, &range, e);
}

static bool parse_lists(struct record *r, struct span object, struct buf parts[4], struct err *e)
{
    struct span tables, ranges;
    struct json_walk w;
    if (!json_member(object, (struct span)SPAN_LIT("tables"), &tables) ||
        !json_member(object, (struct span)SPAN_LIT("ranges"), &ranges))
        return false;
    for (json_walk_begin(&w, tables); json_walk_next(&w);)
        if (!parse_table(r, w.value, &parts[0], e))
            return false;
    if (w.bad || !w.in_array)
        return false;
    for (json_walk_begin(&w, ranges); json_walk_next(&w);)
        if (!parse_range(r, w.value, parts, e))
            return false;
    return !w.bad && w.in_array;
}

bool record_parse(struct record *r, struct span object, struct err *e)
{
    struct buf parts[4];
    struct span done;
    *r = (struct record){0};
    for (size_t i = 0; i < 4; i++)
        buf_init(&parts[i], TEXT_MAX);
    err_set(e, STATUS_DATA, "a member of the snapshot's record is missing or malformed");
    bool ok = number(object, "epoch", &r->epoch) && pair(object, "output", r->output) &&
              json_member(object, (struct span)SPAN_LIT("done"), &done) &&
              (span_is(done, "true") || span_is(done, "false")) && parse_lists(r, object, parts, e);
    r->done = ok && span_is(done, "true");
    for (size_t i = 0; i < 4; i++)
        buf_release(&parts[i]);
    if (!ok)
        record_release(r);
    return ok;
}

static void write_text(struct buf *b, const char *name, const char *value)
{
    buf_printf(b, ",\"%s\":", name);
    if (value == NULL)
        buf_lit(b, "null");
    else
        json_quote(b, span_of(value));
}

static void write_table(struct buf *b, const struct record_table *t)
{
    buf_printf(b, "{\"id\":%llu,\"epoch\":%llu", (unsigned long long)t->id, (unsigned long long)t->epoch);
    write_text(b, "name", t->name);
    if (t->cut[0] != 0)
        buf_printf(b, ",\"cut\":[%llu,%llu],\"cut_view\":%llu", (unsigned long long)t->cut[0],
                   (unsigned long long)t->cut[1], (unsigned long long)t->cut_view);
    buf_char(b, '}');
}

static void write_range(struct buf *b, const struct record_range *range)
{
    buf_printf(b, "{\"view\":%llu,\"parent\":%llu,\"table\":%zu", (unsigned long long)range->view,
               (unsigned long long)range->parent, range->table);
    write_text(b, "after", range->after);
    write_text(b, "columns", range->columns);
    write_text(b, "seen", range->seen);
    buf_printf(b, ",\"past\":%llu", (unsigned long long)range->past);
    if (range->has_older) {
        buf_lit(b, ",\"older\":[");
        if (range->older_seen == NULL)
            buf_lit(b, "null");
        else
            json_quote(b, span_of(range->older_seen));
        buf_printf(b, ",%llu]", (unsigned long long)range->older_past);
    }
    buf_char(b, '}');
}

void record_format(const struct record *r, struct buf *b)
{
    buf_printf(b, "{\"epoch\":%llu,\"done\":%s,\"output\":[%llu,%llu],\n\"tables\":[",
               (unsigned long long)r->epoch, r->done ? "true" : "false", (unsigned long long)r->output[0],
               (unsigned long long)r->output[1]);
    for (size_t i = 0; i < r->tables; i++) {
        buf_str(b, i == 0 ? "" : ",\n");
        write_table(b, &r->table[i]);
    }
    buf_lit(b, "],\n\"ranges\":[");
    for (size_t i = 0; i < r->ranges; i++) {
        buf_str(b, i == 0 ? "" : ",\n");
        write_range(b, &r->range[i]);
    }
    buf_lit(b, "]}");
}
