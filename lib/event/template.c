#include "event/template.h"

#include "event/envelope.h"
#include "event/json.h"
#include "event/topic.h"
#include "event/value.h"

static struct template_piece *add(struct template *t, enum template_part part, struct span text)
{
    if (t->n == TEMPLATE_PARTS_MAX)
        return NULL;
    t->pieces[t->n] = (struct template_piece){.part = part, .text = text};
    return &t->pieces[t->n++];
}

static bool add_path(struct template *t, struct span text, struct span path)
{
    struct template_piece *piece = add(t, TEMPLATE_PATH, text);
    t->by_line = true;
    while (piece != NULL) {
        const char *dot = memchr(path.p, '.', path.n);
        size_t n = dot != NULL ? (size_t)(dot - path.p) : path.n;
        if (n == 0 || piece->depth == TEMPLATE_DEPTH_MAX)
            return false;
        piece->path[piece->depth++] = (struct span){path.p, n};
        if (dot == NULL)
            return true;
        path.p += n + 1, path.n -= n + 1;
    }
    return false;
}

// What the expression has; names[0] is nobody's.
struct groups {
    int n;
    const struct span *names;
};

static bool add_group(struct template *t, struct span text, int group, const struct groups *g)
{
    struct template_piece *piece = add(t, TEMPLATE_GROUP, text);
    if (piece == NULL || group > g->n)
        return false;
    piece->group = group;
    return true;
}

static int group_named(const struct groups *g, struct span name)
{
    for (int i = 1; i <= g->n; i++)
        if (g->names[i].n != 0 && span_eq(g->names[i], name))
            return i;
    return 0;
}

static bool add_named(struct template *t, struct span text, struct span name, const struct groups *g)
{
    static const struct {
        const char *name, *path;
    } places[] = {{"db", "source.db"}, {"schema", "source.schema"}, {"table", "source.table"}};
    if (name.n == 1 && name.p[0] >= '1' && name.p[0] <= '9')
        return add_group(t, text, name.p[0] - '0', g);
    if (name.n > 1 && name.p[0] == '.')
        return add_path(t, text, (struct span){name.p + 1, name.n - 1});
    if (group_named(g, name) != 0)
        return add_group(t, text, group_named(g, name), g);
    if (span_is(name, "topic"))
        return add(t, TEMPLATE_TOPIC, text) != NULL;
    if (span_is(name, "op")) {
        t->by_line = true;
        return add(t, TEMPLATE_OP, text) != NULL;
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (span_is(name, places[i].name))
            return add_path(t, text, span_of(places[i].path));
    return false;
}

// At a dollar sign; *n: how many bytes it takes.
static bool add_dollar(struct template *t, struct span rest, const struct groups *g, size_t *n)
{
    char next = rest.n > 1 ? rest.p[1] : '\0';
    *n = 2;
    if (next == '$')
        return add(t, TEMPLATE_TEXT, (struct span){rest.p, 1}) != NULL;
    if (next >= '1' && next <= '9')
        return add_group(t, (struct span){rest.p, 2}, next - '0', g);
    const char *close = next == '{' ? memchr(rest.p, '}', rest.n) : NULL;
    if (close == NULL)
        return false;
    *n = (size_t)(close + 1 - rest.p);
    return add_named(t, (struct span){rest.p, *n}, (struct span){rest.p + 2, *n - 3}, g);
}

bool template_parse(struct template *t, struct span text, int groups, const struct span *names, struct err *e)
{
    const struct groups g = {groups, names};
    *t = (struct template){0};
    while (text.n != 0) {
        const char *dollar = memchr(text.p, '$', text.n);
        size_t n = dollar != NULL ? (size_t)(dollar - text.p) : text.n;
        bool ok =
            n != 0 ? add(t, TEMPLATE_TEXT, (struct span){text.p, n}) != NULL : add_dollar(t, text, &g, &n);
        if (!ok) {
            err_set(e, STATUS_USAGE, "\"%.*s\" is no part of a topic's name", SPAN_ARG(text));
            return err_hint(e, "$1 of a group that is there, ${op}, ${db}, ${schema}, ${table}, ${topic}, "
                               "${.path.in.the.line}, $$ for a dollar sign");
        }
        text.p += n, text.n -= n;
    }
    return t->n != 0 || err_set(e, STATUS_USAGE, "an empty name is no topic");
}

static bool put_path(const struct template_piece *piece, struct span line, struct arena *arena,
                     struct buf *out)
{
    struct span json;
    struct value v;
    if (!json_path(line, piece->path, piece->depth, &json) || !value_of(json, arena, &v))
        return false;
    if (v.kind == VALUE_NULL || v.kind >= VALUE_ARRAY)
        return false;
    topic_write(out, v.text);
    return true;
}

static bool put(const struct template_piece *piece, const struct line *l, const struct span *groups,
                struct arena *arena, struct buf *out)
{
    switch (piece->part) {
    case TEMPLATE_TEXT:
        topic_write(out, piece->text);
        return true;
    case TEMPLATE_GROUP:
        topic_write(out, groups[piece->group]);
        return true;
    case TEMPLATE_TOPIC:
        buf_span(out, l->topic);
        return true;
    case TEMPLATE_OP: {
        char op = envelope_op(l->text);
        topic_write(out, (struct span){&op, op != '\0'});
        return op != '\0';
    }
    default:
        return put_path(piece, l->text, arena, out);
    }
}

bool template_expand(const struct template *t, const struct line *l, const struct span *groups,
                     struct arena *arena, struct buf *out, struct err *e)
{
    size_t start = out->n;
    for (size_t i = 0; i < t->n; i++)
        if (!put(&t->pieces[i], l, groups, arena, out))
            return err_set(e, STATUS_DATA, "the line has no %.*s, which its topic is made of",
                           SPAN_ARG(t->pieces[i].text));
    return out->n != start || err_set(e, STATUS_DATA, "the topic made for the line is empty");
}
