#include "state/position.h"

#include "base/clock.h"
#include "base/stop.h"
#include "event/json.h"
#include "state/folder.h"

#include <stdio.h>

// How long a sink is waited for that has not said yet whether it is exact.
#define EXACTNESS_MS 30000

void position_init(struct position *p)
{
    p->n = 0;
}

void position_release(struct position *p)
{
    for (size_t i = 0; i < p->n; i++)
        buf_release(&p->sinks[i].token);
    p->n = 0;
}

static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '-' && (c != '.' || i == 0))
            return false;
    }
    return name.n != 0 && name.n <= SINK_NAME_MAX;
}

struct position_sink *position_find(struct position *p, struct span name)
{
    for (size_t i = 0; i < p->n; i++)
        if (span_is(name, p->sinks[i].name))
            return &p->sinks[i];
    return NULL;
}

static struct position_sink *add(struct position *p, struct span name, struct err *e)
{
    if (!is_name(name)) {
        err_set(e, STATUS_USAGE, "\"%.*s\" is not a sink's name", SPAN_ARG(name));
        err_hint(e, "a name is up to %d letters, digits, '.', '_' and '-', with no '.' in front",
                 SINK_NAME_MAX);
        return NULL;
    }
    if (p->n == SINK_MAX) {
        err_set(e, STATUS_USAGE, "there are %d sinks already, the most that a folder takes", SINK_MAX);
        return NULL;
    }
    struct position_sink *sink = &p->sinks[p->n++];
    *sink = (struct position_sink){0};
    memcpy(sink->name, name.p, name.n);
    buf_init(&sink->token, POS_MAX_BYTES + 1);
    return sink;
}

static bool set_token(struct position_sink *sink, struct span token, int64_t time_ms, struct err *e)
{
    buf_reset(&sink->token);
    buf_span(&sink->token, token);
    sink->time_ms = time_ms;
    return buf_ok(&sink->token, "a position", e) || err_no_memory(e);
}

// A stored token was checked when it was read or set.
static struct pos pos_of(const struct position_sink *sink)
{
    struct pos p;
    struct err ignored;
    if (!pos_parse(buf_view(&sink->token), &p, &ignored))
        p = (struct pos){0};
    return p;
}

const struct position_sink *position_lowest(const struct position *p)
{
    const struct position_sink *lowest = NULL;
    for (size_t i = 0; i < p->n; i++) {
        const struct position_sink *sink = &p->sinks[i];
        if (sink->token.n == 0)
            return NULL;
        struct pos at = pos_of(sink), least = lowest != NULL ? pos_of(lowest) : at;
        if (lowest == NULL || pos_compare(&at, &least) < 0)
            lowest = sink;
    }
    return lowest;
}

// The sink whose token is of another kind of source; NULL where all agree.
static const struct position_sink *find_other_source(const struct position *p, enum pos_source source)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->sinks[i].token.n != 0 && pos_of(&p->sinks[i]).source != source)
            return &p->sinks[i];
    return NULL;
}

// ---- the file's text

// Takes the quotes off; what is in a name, a token or a time needs no escapes, and with some is none.
static bool plain_string(struct span value, struct span *text)
{
    if (value.n < 2 || value.p[0] != '"')
        return false;
    *text = (struct span){value.p + 1, value.n - 2};
    return true;
}

static bool parse_sink(struct position *p, struct span quoted, struct span entry, struct err *e)
{
    struct span name, token, time;
    if (!plain_string(quoted, &name) || !is_name(name))
        return err_set(e, STATUS_DATA, "%.*s is not a sink's name", SPAN_ARG(quoted));
    if (position_find(p, name) != NULL)
        return err_set(e, STATUS_DATA, "sink %.*s is there twice", SPAN_ARG(name));
    struct position_sink *sink = add(p, name, e);
    if (sink == NULL)
        return false;
    if (!json_member(entry, (struct span)SPAN_LIT("token"), &token) ||
        !json_member(entry, (struct span)SPAN_LIT("time"), &time))
        return err_set(e, STATUS_DATA, "sink %s has no token or no time", sink->name);
    struct span exact;
    sink->exact = json_member(entry, (struct span)SPAN_LIT("exact"), &exact) && span_is(exact, "true");
    if (span_is(token, "null"))
        return true;
    struct pos at;
    int64_t time_ms;
    if (!plain_string(token, &token) || !plain_string(time, &time) || !clock_parse(time, &time_ms))
        return err_set(e, STATUS_DATA, "sink %s: the token or the time is malformed", sink->name);
    if (!pos_parse(token, &at, e))
        return err_wrap(e, "sink %s", sink->name);
    if (find_other_source(p, at.source) != NULL)
        return err_set(e, STATUS_DATA, "the tokens are of different kinds of source");
    return set_token(sink, token, time_ms, e);
}

bool position_parse(struct position *p, struct span text, struct err *e)
{
    struct span version, sinks;
    position_release(p);
    if (!json_member(text, (struct span)SPAN_LIT("version"), &version))
        return err_set(e, STATUS_DATA, "it has no version");
    if (!span_is(version, "1"))
        return err_set(e, STATUS_DATA, "this program knows version 1, not %.*s", SPAN_ARG(version));
    if (!json_member(text, (struct span)SPAN_LIT("sinks"), &sinks))
        return err_set(e, STATUS_DATA, "it has no sinks");
    struct json_walk w;
    json_walk_begin(&w, sinks);
    if (w.in_array)
        return err_set(e, STATUS_DATA, "its sinks are no object");
    while (json_walk_next(&w))
        if (!parse_sink(p, w.name, w.value, e))
            return false;
    return !w.bad || err_set(e, STATUS_DATA, "its sinks are no object");
}

void position_format(const struct position *p, struct buf *b)
{
    buf_str(b, "{\"version\":1,\n\"sinks\":{");
    for (size_t i = 0; i < p->n; i++) {
        const struct position_sink *sink = &p->sinks[i];
        buf_printf(b, "%s\n\"%s\":", i == 0 ? "" : ",", sink->name);
        const char *exact = sink->exact ? ",\"exact\":true" : "";
        if (sink->token.n == 0) {
            buf_printf(b, "{\"token\":null,\"time\":null%s}", exact);
            continue;
        }
        char time[CLOCK_TEXT_BYTES];
        clock_format(sink->time_ms, time);
        buf_str(b, "{\"token\":\"");
        buf_span(b, buf_view(&sink->token));
        buf_printf(b, "\",\"time\":\"%s\"%s}", time, exact);
    }
    buf_str(b, "\n}}\n");
}

// ---- the file

bool position_load(struct position *p, const char *dir, struct err *e)
{
    struct buf content;
    bool found;
    position_release(p);
    buf_init(&content, FOLDER_FILE_MAX_BYTES);
    bool ok = folder_read(dir, POSITION_FILE, &content, &found, e);
    if (ok && found && !position_parse(p, buf_view(&content), e)) {
        struct err why = *e;
        ok = folder_damaged(dir, POSITION_FILE, why.text, e);
    }
    buf_release(&content);
    return ok;
}

static bool store(const struct position *p, const char *dir, struct err *e)
{
    struct buf content;
    buf_init(&content, FOLDER_FILE_MAX_BYTES);
    position_format(p, &content);
    bool ok = (buf_ok(&content, POSITION_FILE, e) || err_no_memory(e)) &&
              folder_replace_locked(dir, POSITION_FILE, buf_view(&content), e);
    buf_release(&content);
    return ok;
}

bool position_resume(const char *dir, struct buf *text, struct pos *token, bool *found, struct err *e)
{
    struct position p;
    position_init(&p);
    *found = false;
    buf_reset(text);
    bool ok = position_load(&p, dir, e);
    const struct position_sink *lowest = ok ? position_lowest(&p) : NULL;
    if (lowest != NULL) {
        buf_span(text, buf_view(&lowest->token));
        ok = buf_ok(text, "the position to resume from", e) && pos_parse(buf_view(text), token, e);
        *found = ok;
    }
    position_release(&p);
    return ok;
}

// One change of the file: what and with what; *changed is whether there is something to store.
struct change {
    struct span name, token;
    bool force, exact;
    bool behind; // the token was below the stored one
};
typedef bool change_fn(struct position *p, struct change *c, bool *changed, struct err *e);

static bool modify(const char *dir, change_fn *change, struct change *c, struct err *e)
{
    struct folder_lock lock;
    struct position p;
    bool changed = false;
    if (!folder_lock(dir, &lock, e))
        return false;
    position_init(&p);
    bool ok = position_load(&p, dir, e) && change(&p, c, &changed, e) && (!changed || store(&p, dir, e));
    position_release(&p);
    folder_unlock(&lock);
    return ok;
}

static bool declare(struct position *p, struct change *c, bool *changed, struct err *e)
{
    *changed = position_find(p, c->name) == NULL;
    return !*changed || add(p, c->name, e) != NULL;
}

static bool undeclared(const struct position *p, struct span name, struct err *e)
{
    char names[sizeof e->hint];
    size_t n = 0;
    err_set(e, STATUS_USAGE, "sink \"%.*s\" is not declared", SPAN_ARG(name));
    names[0] = '\0';
    for (size_t i = 0; i < p->n && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i == 0 ? "" : ", ", p->sinks[i].name);
    if (p->n == 0)
        return err_hint(e, "declare it: cdc-offset init DIR --sinks %.*s", SPAN_ARG(name));
    return err_hint(e, "give one of %.200s with --sink, or declare it: cdc-offset init DIR --sinks %.*s",
                    names, SPAN_ARG(name));
}

static bool forget(struct position *p, struct change *c, bool *changed, struct err *e)
{
    struct position_sink *sink = position_find(p, c->name);
    if (sink == NULL)
        return undeclared(p, c->name, e);
    buf_release(&sink->token);
    p->n--;
    memmove(sink, sink + 1, (size_t)(p->sinks + p->n - sink) * sizeof *sink);
    *changed = true;
    return true;
}

static struct position_sink *find_or_default(struct position *p, struct span name, struct err *e)
{
    struct position_sink *sink = position_find(p, name);
    if (sink == NULL && p->n == 0 && span_is(name, SINK_DEFAULT))
        return add(p, name, e);
    if (sink == NULL)
        undeclared(p, name, e);
    return sink;
}

bool position_hold(const char *dir, struct span name, struct folder_lock *hold, struct err *e)
{
    char role[sizeof "sink." + SINK_NAME_MAX];
    snprintf(role, sizeof role, "sink.%.*s", SPAN_ARG(name));
    return folder_hold(dir, role, hold, e);
}

bool position_require(const char *dir, struct span name, struct err *e)
{
    struct position p;
    position_init(&p);
    bool ok = position_load(&p, dir, e) && find_or_default(&p, name, e) != NULL;
    position_release(&p);
    return ok;
}

static bool advance(struct position *p, struct change *c, bool *changed, struct err *e)
{
    struct pos at;
    if (!pos_parse(c->token, &at, e))
        return false;
    struct position_sink *sink = find_or_default(p, c->name, e);
    if (sink == NULL)
        return false;
    const struct position_sink *other = find_other_source(p, at.source);
    if (other != NULL)
        return err_set(e, STATUS_USAGE, "%.*s and sink %s's %.*s are of different kinds of source",
                       SPAN_ARG(c->token), other->name, SPAN_ARG(buf_view(&other->token)));
    int order = 1;
    if (sink->token.n != 0) {
        struct pos stored = pos_of(sink);
        order = pos_compare(&at, &stored);
    }
    c->behind = order < 0;
    *changed = order > 0 || (order < 0 && c->force);
    return !*changed || set_token(sink, c->token, clock_wall_ns() / 1000000, e);
}

static bool mark(struct position *p, struct change *c, bool *changed, struct err *e)
{
    struct position_sink *sink = find_or_default(p, c->name, e);
    if (sink == NULL)
        return false;
    *changed = sink->exact != c->exact;
    sink->exact = c->exact;
    return true;
}

bool position_mark(const char *dir, struct span name, bool exact, struct err *e)
{
    return modify(dir, mark, &(struct change){.name = name, .exact = exact}, e);
}

bool position_is_exact(const char *dir, bool *exact, struct err *e)
{
    struct position p;
    position_init(&p);
    bool ok = position_load(&p, dir, e);
    *exact = ok && p.n == 1 && p.sinks[0].exact;
    position_release(&p);
    return ok;
}

bool position_wait_exact(const char *dir, bool *exact, struct err *e)
{
    struct buf text;
    struct pos token;
    bool found, ok;
    int64_t give_up_ms = clock_mono_ms() + EXACTNESS_MS;
    buf_init(&text, POS_MAX_BYTES);
    // In this order: a sink says that it is exact before its first token is stored.
    while ((ok = position_resume(dir, &text, &token, &found, e) && position_is_exact(dir, exact, e))) {
        if (*exact || found || clock_mono_ms() >= give_up_ms || stop_count() != 0)
            break;
        clock_nap_us(20000);
    }
    buf_release(&text);
    return ok;
}

bool position_declare(const char *dir, struct span name, struct err *e)
{
    return modify(dir, declare, &(struct change){.name = name}, e);
}

bool position_forget(const char *dir, struct span name, struct err *e)
{
    return modify(dir, forget, &(struct change){.name = name}, e);
}

bool position_advance(const char *dir, struct span name, struct span token, bool *behind, struct err *e)
{
    struct change c = {.name = name, .token = token};
    bool ok = modify(dir, advance, &c, e);
    *behind = ok && c.behind;
    return ok;
}

bool position_set(const char *dir, struct span name, struct span token, bool force, struct err *e)
{
    struct change c = {.name = name, .token = token, .force = force};
    if (!modify(dir, advance, &c, e))
        return false;
    if (!c.behind || force)
        return true;
    err_set(e, STATUS_USAGE, "%.*s is below the stored position of sink \"%.*s\"", SPAN_ARG(token),
            SPAN_ARG(name));
    return err_hint(e, "--force moves it back; the sink then gets again what lies between");
}
