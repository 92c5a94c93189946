#include "event/line.h"

#include "event/json.h"

static bool broken(const struct line *l, const char *at, const char *needed, struct err *e)
{
    return err_set(e, STATUS_DATA, "byte %zu: the line's header is broken, needed is %s",
                   (size_t)(at - l->text.p) + 1, needed);
}

static bool take(const char **p, const char *end, const char *literal, size_t n)
{
    if ((size_t)(end - *p) < n || memcmp(*p, literal, n) != 0)
        return false;
    *p += n;
    return true;
}
#define TAKE(p, end, literal) take(p, end, literal, sizeof(literal) - 1)

// A string without escapes, behind its opening quote.
static bool take_plain(const char **p, const char *end, struct span *s)
{
    const char *quote = memchr(*p, '"', (size_t)(end - *p));
    if (quote == NULL)
        return false;
    *s = (struct span){*p, (size_t)(quote - *p)};
    for (size_t i = 0; i < s->n; i++)
        if ((unsigned char)s->p[i] < 0x20 || s->p[i] == '\\')
            return false;
    *p = quote + 1;
    return true;
}

static bool parse_control(struct line *l, const char *p, const char *end, struct err *e)
{
    l->kind = LINE_CONTROL;
    if (!take_plain(&p, end, &l->control))
        return broken(l, p, "the control line's kind", e);
    static const struct span name = SPAN_LIT("cdc");
    if (!json_member(l->text, name, &l->header))
        return broken(l, p, "a closed object", e);
    if (TAKE(&p, end, ",\"pos\":\"") && !take_plain(&p, end, &l->pos))
        return broken(l, p, "a position", e);
    return true;
}

static bool take_value(const char **p, const char *end, struct span *value)
{
    if (!json_first((struct span){*p, (size_t)(end - *p)}, value))
        return false;
    *p += value->n;
    return true;
}

static bool parse_change(struct line *l, const char *p, const char *end, struct err *e)
{
    l->kind = LINE_CHANGE;
    if (TAKE(&p, end, "\"pos\":\"") && (!take_plain(&p, end, &l->pos) || !TAKE(&p, end, ",")))
        return broken(l, p, "a position", e);
    if (!TAKE(&p, end, "\"topic\":\"") || !take_plain(&p, end, &l->topic) || l->topic.n == 0)
        return broken(l, p, "\"topic\", a string without escapes", e);
    if (!TAKE(&p, end, ",\"key\":") || !take_value(&p, end, &l->key))
        return broken(l, p, "\"key\", an object or null", e);
    if (TAKE(&p, end, ",\"headers\":") && !take_value(&p, end, &l->headers))
        return broken(l, p, "\"headers\", an object", e);
    if (!TAKE(&p, end, "},"))
        return broken(l, p, "the header's end and a value behind it", e);
    l->value = (struct span){p, (size_t)(end - p)};
    return true;
}

bool line_parse(struct span text, struct line *l, struct err *e)
{
    *l = (struct line){.kind = LINE_BARE, .text = text, .value = text};
    const char *p = text.p, *end = text.p + text.n;
    if (!TAKE(&p, end, "{\"cdc\":{"))
        return true;
    l->value = (struct span){0};
    return TAKE(&p, end, "\"control\":\"") ? parse_control(l, p, end, e) : parse_change(l, p, end, e);
}

struct span line_value(const struct line *l)
{
    if (l->kind == LINE_BARE)
        return l->text;
    char *brace = (char *)l->value.p - 1;
    *brace = '{';
    return (struct span){brace, l->value.n + 1};
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

void line_write_start(struct buf *b, const struct pos *p, struct span identity, bool begins)
{
    write_control(b, "start", p);
    buf_lit(b, ",\"source\":");
    json_quote(b, identity);
    if (begins)
        buf_lit(b, ",\"begins\":true");
    buf_lit(b, "}}\n");
}

void line_write_progress(struct buf *b, const struct pos *p)
{
    write_control(b, "progress", p);
    buf_lit(b, "}}\n");
}

void line_write_end(struct buf *b, const struct pos *p, int status)
{
    write_control(b, "end", p);
    buf_lit(b, ",\"status\":");
    buf_i64(b, status);
    buf_lit(b, "}}\n");
}

bool line_read_start(const struct line *l, struct line_start *s, struct err *e)
{
    static const struct span source = SPAN_LIT("source"), begins = SPAN_LIT("begins");
    struct span value;
    *s = (struct line_start){0};
    if (l->pos.n == 0 || !json_member(l->header, source, &s->identity) || s->identity.n < 2 ||
        s->identity.p[0] != '"')
        return err_set(e, STATUS_DATA, "the start line has no position or no source");
    s->identity.p++, s->identity.n -= 2;
    s->begins = json_member(l->header, begins, &value) && span_is(value, "true");
    return true;
}

bool line_read_end(const struct line *l, int *status, struct err *e)
{
    static const struct span name = SPAN_LIT("status");
    struct span value;
    uint64_t v;
    if (!json_member(l->header, name, &value) || !json_u64(value, &v) || v > 255)
        return err_set(e, STATUS_DATA, "the end line has no status");
    *status = (int)v;
    return true;
}
