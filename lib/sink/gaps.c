#define _GNU_SOURCE // memmem()
#include "sink/gaps.h"

#include "base/base64.h"
#include "event/json.h"

// Where a part of g->text begins and ends, until the text moves no more.
struct part {
    size_t from, to;
};

static void put_numbers(struct buf *b, struct span text, const char *suffix)
{
    for (size_t i = 0; i < text.n; i++)
        buf_printf(b, "%s%u%s", i == 0 ? "" : ",", (unsigned)(unsigned char)text.p[i], suffix);
}

static void put_base64(struct buf *b, struct span text)
{
    base64_write(b, (const unsigned char *)text.p, text.n);
}

static void put_map(struct buf *b, struct span quoted)
{
    buf_char(b, '{');
    buf_span(b, quoted);
    buf_char(b, ':');
    buf_span(b, quoted);
    buf_char(b, '}');
}

// The forms in gaps' order, quoted: the placeholder as JSON.
static void put_form(struct buf *b, int form, struct span text, struct span quoted)
{
    struct buf map;
    switch (form) {
    case 0: // text, hex bytes, JSON, …
        buf_span(b, quoted);
        break;
    case 1: // bytes
        buf_char(b, '"');
        put_base64(b, text);
        buf_char(b, '"');
        break;
    case 2: // hstore as JSON
        buf_init(&map, SIZE_MAX / 2);
        put_map(&map, quoted);
        json_quote(b, buf_view(&map));
        buf_release(&map);
        break;
    case 3: // hstore as a map
        put_map(b, quoted);
        break;
    case 4: // an array of text
        buf_char(b, '[');
        buf_span(b, quoted);
        buf_char(b, ']');
        break;
    case 5: // geometry
        buf_lit(b, "{\"wkb\":\"");
        put_base64(b, text);
        buf_lit(b, "\",\"srid\":null}");
        break;
    default: // arrays of numbers
        buf_char(b, '[');
        put_numbers(b, text, form == 6 ? "" : ".0");
        buf_char(b, ']');
    }
}

static struct span inner(struct span s)
{
    return (struct span){s.p + 1, s.n - 2};
}

bool gaps_init(struct gaps *g, const char *placeholder, struct err *e)
{
    struct part parts[GAPS_FORMS];
    struct buf quoted;
    *g = (struct gaps){0};
    if (placeholder[0] == '\0')
        return err_set(e, STATUS_USAGE, "the placeholder for unavailable values is empty");
    buf_init(&g->text, SIZE_MAX / 2);
    buf_init(&quoted, SIZE_MAX / 2);
    json_quote(&quoted, span_of(placeholder));
    for (int i = 0; i < GAPS_FORMS; i++) {
        parts[i].from = g->text.n;
        put_form(&g->text, i, span_of(placeholder), buf_view(&quoted));
        parts[i].to = g->text.n;
    }
    bool ok = !g->text.bad && !quoted.bad;
    buf_release(&quoted);
    if (!ok)
        return err_no_memory(e);
    for (int i = 0; i < GAPS_FORMS; i++)
        g->forms[i] = (struct span){g->text.p + parts[i].from, parts[i].to - parts[i].from};
    g->needles[0] = inner(g->forms[0]);
    g->needles[1] = inner(g->forms[1]);
    g->needles[2] = inner(g->forms[6]);
    g->needles[3] = inner(g->forms[7]);
    return true;
}

void gaps_release(struct gaps *g)
{
    buf_release(&g->text);
}

static bool is_gap(const struct gaps *g, struct span value)
{
    for (int i = 0; i < GAPS_FORMS; i++)
        if (span_eq(value, g->forms[i]))
            return true;
    return false;
}

bool gaps_has(const struct gaps *g, struct span row)
{
    struct json_walk w;
    bool found = false;
    for (int i = 0; i < GAPS_NEEDLES && !found; i++)
        found = row.n != 0 && memmem(row.p, row.n, g->needles[i].p, g->needles[i].n) != NULL;
    if (!found)
        return false;
    for (json_walk_begin(&w, row); json_walk_next(&w);)
        if (is_gap(g, w.value))
            return true;
    return false;
}

size_t gaps_fill(const struct gaps *g, struct span row, struct span base, struct buf *out)
{
    struct json_walk w;
    size_t left_out = 0;
    char before = '{';
    for (json_walk_begin(&w, row); json_walk_next(&w);) {
        struct span value = w.value;
        if (is_gap(g, value) && (!json_member(base, inner(w.name), &value) || is_gap(g, value))) {
            left_out++;
            continue;
        }
        buf_char(out, before);
        before = ',';
        buf_span(out, w.name);
        buf_char(out, ':');
        buf_span(out, value);
    }
    if (before == '{')
        buf_char(out, '{');
    buf_char(out, '}');
    return left_out;
}
