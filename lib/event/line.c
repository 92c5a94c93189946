#include "event/line.h"

#include "event/json.h"
#include "event/json_scan.h"

// How far a line is read.
struct reader {
    const char *p, *end;
};

static struct span rest_of(const struct reader *r)
{
    return (struct span){r->p, (size_t)(r->end - r->p)};
}

static bool broken(const struct line *l, const char *at, const char *needed, struct err *e)
{
    return err_set(e, STATUS_DATA, "byte %zu: the line's header is broken: needed is %s",
                   (size_t)(at - l->text.p) + 1, needed);
}

static inline bool take(struct reader *r, const char *literal, size_t n)
{
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, literal, n) != 0)
        return false;
    r->p += n;
    return true;
}
#define TAKE(r, literal) take(r, literal, sizeof(literal) - 1)

// ASCII of at least one character and without escapes, behind its opening quote: what positions and topics
// are made of, so that no stage needs to look for broken UTF-8. On failure p is at the byte that cannot be.
static bool take_plain(struct reader *r, struct span *s)
{
    const char *stop = json_plain_end(r->p, r->end);
    *s = (struct span){r->p, (size_t)(stop - r->p)};
    r->p = stop;
    return s->n != 0 && TAKE(r, "\"");
}

// One whole JSON value, without space before it. On failure p is at the byte that cannot be.
static bool take_value(struct reader *r, struct span *value)
{
    struct span rest = rest_of(r);
    if (!json_first(rest, value)) // cut, or none: all there is, for the check to say where
        *value = (struct span){rest.p, rest.n != 0 && (unsigned char)*rest.p <= ' ' ? 0 : rest.n};
    size_t bad_at;
    bool ok = json_check(*value, &bad_at);
    r->p += ok ? value->n : bad_at;
    return ok;
}

static bool parse_control(struct line *l, struct reader r, struct err *e)
{
    l->kind = LINE_CONTROL;
    struct reader whole = {l->text.p + sizeof("{\"cdc\":") - 1, r.end};
    if (!take_plain(&r, &l->control))
        return broken(l, r.p, "the control line's kind, a string of ASCII without escapes", e);
    if (TAKE(&r, ",\"pos\":\"") && !take_plain(&r, &l->pos))
        return broken(l, r.p, "a position, a string of ASCII without escapes", e);
    if (!take_value(&whole, &l->header))
        return broken(l, whole.p, "a JSON object", e);
    if (!TAKE(&whole, "}") || whole.p != whole.end)
        return broken(l, whole.p, "the end of the control line", e);
    static const struct span name = SPAN_LIT("pos");
    struct span elsewhere;
    if (l->pos.n == 0 && json_member(l->header, name, &elsewhere))
        return broken(l, elsewhere.p, "\"pos\" right behind \"control\"", e);
    return true;
}

static bool parse_change(struct line *l, struct reader r, struct err *e)
{
    l->kind = LINE_CHANGE;
    if (TAKE(&r, "\"pos\":\"") && (!take_plain(&r, &l->pos) || !TAKE(&r, ",")))
        return broken(l, r.p, "a position, a string of ASCII without escapes, and a comma", e);
    if (!TAKE(&r, "\"topic\":\"") || !take_plain(&r, &l->topic))
        return broken(l, r.p, "\"topic\":, a string of ASCII without escapes", e);
    if (!TAKE(&r, ",\"key\":") || !take_value(&r, &l->key))
        return broken(l, r.p, ",\"key\":, a JSON value", e);
    l->not_unique = TAKE(&r, ",\"unique\":false");
    if (TAKE(&r, ",\"headers\":") && (r.p == r.end || *r.p != '{' || !take_value(&r, &l->headers)))
        return broken(l, r.p, "a JSON object behind \"headers\":", e);
    if (span_is(rest_of(&r), "}}"))
        return true; // a tombstone
    if (!TAKE(&r, "},"))
        return broken(l, r.p, "the header's end, and a comma", e);
    if (r.p == r.end || *r.p != '"')
        return broken(l, r.p, "the value's first member", e);
    l->value = rest_of(&r);
    return true;
}

// A header that some tool moved or spaced out would be taken for a part of the value.
static bool parse_bare(struct line *l, struct err *e)
{
    static const struct span name = SPAN_LIT("cdc");
    struct span member;
    if (json_member(l->text, name, &member) && member.p[0] == '{')
        return broken(l, member.p, "its place at the line's beginning, {\"cdc\":{, without spaces", e);
    l->value = l->text;
    return true;
}

bool line_parse(struct span text, struct line *l, struct err *e)
{
    *l = (struct line){.kind = LINE_BARE, .text = text};
    struct reader r = {text.p, text.n != 0 ? text.p + text.n : text.p};
    if (!TAKE(&r, "{\"cdc\":{"))
        return parse_bare(l, e);
    return TAKE(&r, "\"control\":\"") ? parse_control(l, r, e) : parse_change(l, r, e);
}

struct span line_value(const struct line *l)
{
    if (l->kind != LINE_CHANGE || line_is_tombstone(l))
        return l->value;
    char *brace = (char *)l->value.p - 1;
    *brace = '{';
    return (struct span){brace, l->value.n + 1};
}

void line_restore(const struct line *l)
{
    if (l->kind == LINE_CHANGE && !line_is_tombstone(l))
        *((char *)l->value.p - 1) = ',';
}

struct span line_front(const struct line *l)
{
    if (l->kind != LINE_CHANGE)
        return (struct span){NULL, 0};
    const char *end = line_is_tombstone(l) ? l->text.p + l->text.n : l->value.p;
    return (struct span){l->text.p, (size_t)(end - l->text.p) - 1};
}

void line_write_front(struct buf *b, const struct line *l)
{
    buf_lit(b, "{\"cdc\":{");
    if (l->pos.n != 0) {
        buf_lit(b, "\"pos\":\"");
        buf_span(b, l->pos);
        buf_lit(b, "\",");
    }
    buf_lit(b, "\"topic\":\"");
    buf_span(b, l->topic);
    buf_lit(b, "\",\"key\":");
    buf_span(b, l->key);
    buf_str(b, l->not_unique ? ",\"unique\":false" : "");
    if (l->headers.n != 0) {
        buf_lit(b, ",\"headers\":");
        buf_span(b, l->headers);
    }
    buf_char(b, '}');
}

static void write_control(struct buf *b, const char *kind, const struct pos *p)
{
    buf_lit(b, "{\"cdc\":{\"control\":\"");
    buf_str(b, kind);
    buf_char(b, '"');
    if (p != NULL) {
        buf_lit(b, ",\"pos\":\"");
        pos_format(b, p);
        buf_char(b, '"');
    }
}

void line_write_start(struct buf *b, const struct pos *p, const struct line_start *start)
{
    write_control(b, "start", p);
    buf_lit(b, ",\"source\":");
    json_quote(b, start->identity);
    if (start->begins)
        buf_lit(b, ",\"begins\":true");
    if (start->snapshot)
        buf_lit(b, ",\"snapshot\":true");
    buf_lit(b, "}}\n");
}

void line_write_progress(struct buf *b, const struct pos *p)
{
    write_control(b, "progress", p);
    buf_lit(b, "}}\n");
}

void line_add_state(struct buf *b, struct span state)
{
    if (b->bad || state.n == 0)
        return;
    b->n -= sizeof("}}\n") - 1;
    buf_lit(b, ",\"state\":");
    if (state.n > LINE_STATE_MAX)
        state = (struct span)SPAN_LIT("null");
    for (const char *p = state.p, *end = state.p + state.n; p < end;) { // between members, never in a string
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((stop != NULL ? stop : end) - p);
        buf_bytes(b, p, n);
        p += n + 1;
    }
    buf_lit(b, "}}\n");
}

bool line_read_state(const struct line *l, struct span *state)
{
    static const struct span name = SPAN_LIT("state");
    if (!json_member(l->header, name, state))
        return false;
    if (state->p[0] != '{')
        state->n = 0;
    return true;
}

void line_write_end(struct buf *b, const struct pos *p, int status)
{
    write_control(b, "end", p);
    buf_lit(b, ",\"status\":");
    buf_i64(b, status);
    buf_lit(b, "}}\n");
}

static bool lacks(const char *kind, const char *needed, struct err *e)
{
    return err_set(e, STATUS_DATA, "the %s line is broken: needed is %s", kind, needed);
}

// False where it is not there.
static bool read_flag(const struct line *l, const char *name, bool *flag, struct err *e)
{
    struct span value;
    *flag = false;
    if (!json_member(l->header, span_of(name), &value))
        return true;
    *flag = span_is(value, "true");
    return *flag || span_is(value, "false") ||
           err_set(e, STATUS_DATA, "the start line is broken: needed is \"%s\", true or false", name);
}

bool line_read_start(const struct line *l, struct line_start *s, struct err *e)
{
    static const struct span source = SPAN_LIT("source");
    struct span value;
    *s = (struct line_start){0};
    if (!json_member(l->header, source, &value) || value.n <= 2 || value.n > LINE_IDENTITY_MAX + 2 ||
        value.p[0] != '"' || memchr(value.p, '\\', value.n) != NULL)
        return lacks("start", "\"source\", a short string without escapes", e);
    s->identity = (struct span){value.p + 1, value.n - 2};
    return read_flag(l, "begins", &s->begins, e) && read_flag(l, "snapshot", &s->snapshot, e);
}

bool line_read_schema(const struct line *l, struct line_schema *s, struct err *e)
{
    static const struct span topic = SPAN_LIT("topic"), key = SPAN_LIT("key"), value = SPAN_LIT("value");
    if (!json_member(l->header, topic, &s->topic) || s->topic.n <= 2 || s->topic.p[0] != '"')
        return lacks("schema", "\"topic\", a string", e);
    s->topic = (struct span){s->topic.p + 1, s->topic.n - 2};
    if (!json_member(l->header, key, &s->key) || (s->key.p[0] != '{' && !span_is(s->key, "null")))
        return lacks("schema", "\"key\", an object or null", e);
    return (json_member(l->header, value, &s->value) && s->value.p[0] == '{') ||
           lacks("schema", "\"value\", an object", e);
}

bool line_read_end(const struct line *l, int *status, struct err *e)
{
    static const struct span name = SPAN_LIT("status");
    struct span value;
    uint64_t v;
    if (!json_member(l->header, name, &value) || !json_u64(value, &v) || v > 255)
        return lacks("end", "\"status\", a number from 0 to 255", e);
    *status = (int)v;
    return true;
}
