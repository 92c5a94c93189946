#include "iceberg/catalog_config.h"

#include "event/json.h"

bool ice_config_get(struct span config, const char *name, struct buf *out)
{
    static const char *const parts[] = {"overrides", "defaults"};
    struct span part, value;
    buf_reset(out);
    for (size_t i = 0; i < 2; i++)
        if (json_member(config, span_of(parts[i]), &part) && json_member(part, span_of(name), &value))
            return json_unquote(value, out) && !out->bad;
    return false;
}

// It goes into URLs as it stands, with the slashes that it may have.
static bool is_path(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c <= ' ' || c > '~' || strchr("?#\\\"<>^`{|}", c) != NULL)
            return false;
    }
    return true;
}

bool ice_config_prefix(struct span config, struct buf *out, struct err *e)
{
    struct buf text;
    buf_init(&text, 4096);
    bool found = ice_config_get(config, "prefix", &text), ok = is_path(buf_view(&text));
    if (!ok)
        err_set(e, STATUS_DATA, "the server's setting prefix cannot stand in a URL: %.200s", buf_cstr(&text));
    buf_reset(out);
    if (ok && found && text.n != 0) {
        buf_char(out, '/');
        buf_span(out, buf_view(&text));
    }
    buf_release(&text);
    return ok && buf_ok(out, "the server's setting prefix", e);
}

// ---- properties

// Where properties come from, those that win first; of a source just the names with the prefix, without it.
struct source {
    struct span object;
    const char *prefix;
};
#define SOURCES 6

static struct span part_of(struct span config, const char *name)
{
    struct span part;
    return json_member(config, span_of(name), &part) ? part : span_of("{}");
}

// A quoted name without the prefix and the opening quote.
static bool take_name(const struct source *s, struct span quoted, struct span *rest)
{
    *rest = quoted;
    return span_take(rest, '"') && span_take_word(rest, s->prefix);
}

static bool has(const struct source *s, struct span rest)
{
    struct json_walk w;
    struct span name;
    for (json_walk_begin(&w, s->object); json_walk_next(&w);)
        if (take_name(s, w.name, &name) && span_eq(name, rest))
            return true;
    return false;
}

static bool had_before(const struct source *sources, size_t n, struct span rest)
{
    for (size_t i = 0; i < n; i++)
        if (has(&sources[i], rest))
            return true;
    return false;
}

void ice_config_properties(struct span config, struct span ours, struct buf *out)
{
    struct span overrides = part_of(config, "overrides"), defaults = part_of(config, "defaults");
    const struct source sources[SOURCES] = {
        {span_of("{\"format-version\":\"2\"}"), ""},
        {overrides, "table-override."},
        {defaults, "table-override."},
        {ours, ""},
        {overrides, "table-default."},
        {defaults, "table-default."},
    };
    const char *before = "{\"";
    for (size_t i = 0; i < SOURCES; i++) {
        struct json_walk w;
        struct span rest;
        for (json_walk_begin(&w, sources[i].object); json_walk_next(&w);) {
            if (!take_name(&sources[i], w.name, &rest) || had_before(sources, i, rest))
                continue;
            buf_str(out, before);
            buf_span(out, rest);
            buf_char(out, ':');
            buf_span(out, w.value);
            before = ",\"";
        }
    }
    buf_char(out, '}');
}
