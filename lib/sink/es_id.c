#include "sink/es_id.h"

#include "event/json.h"

// JSON in one way of writing: no white space between, strings escaped as json_quote() does it.
static bool put_json(struct span value, struct buf *out);

static bool put_container(struct span value, struct buf *out)
{
    struct json_walk w;
    bool any = false;
    json_walk_begin(&w, value);
    buf_char(out, w.in_array ? '[' : '{');
    while (json_walk_next(&w)) {
        if (any)
            buf_char(out, ',');
        any = true;
        if (!w.in_array && (!put_json(w.name, out) || (buf_char(out, ':'), false)))
            return false;
        if (!put_json(w.value, out))
            return false;
    }
    buf_char(out, w.in_array ? ']' : '}');
    return !w.bad;
}

static bool put_json(struct span value, struct buf *out)
{
    if (value.n != 0 && value.p[0] == '"') {
        struct buf text;
        buf_init(&text, ES_ID_MAX * 8);
        bool ok = json_unquote(value, &text) && !text.bad;
        json_quote(out, buf_view(&text));
        buf_release(&text);
        return ok;
    }
    if (value.n != 0 && (value.p[0] == '[' || value.p[0] == '{'))
        return put_container(value, out);
    buf_span(out, value);
    return value.n != 0;
}

static bool put_alone(struct span value, struct buf *out)
{
    size_t start = out->n;
    if (value.n == 0 || value.p[0] != '"')
        return put_json(value, out);
    if (!json_unquote(value, out) || out->bad)
        return false;
    if (out->n != start && strchr("[{\"", out->p[start]) == NULL)
        return true;
    out->n = start;
    return put_json(value, out);
}

static bool put_columns(struct span key, struct buf *out)
{
    struct json_walk w;
    struct span first = {NULL, 0};
    size_t start = out->n, n = 0;
    buf_char(out, '[');
    for (json_walk_begin(&w, key); json_walk_next(&w); n++) {
        if (n == 0)
            first = w.value;
        else
            buf_char(out, ',');
        if (!put_json(w.value, out))
            return false;
    }
    buf_char(out, ']');
    if (n != 1)
        return !w.bad && n != 0;
    out->n = start;
    return put_alone(first, out);
}

bool es_id(struct span key, struct buf *out, struct err *e)
{
    size_t start = out->n;
    if (key.n == 0 || span_is(key, "null")) {
        err_set(e, STATUS_DATA, "the line has no key to make an _id of");
        return err_hint(e, "a primary key or a replica identity gives one, or --id PATH");
    }
    bool ok = (key.p[0] == '{' ? put_columns(key, out) : put_alone(key, out)) && !out->bad;
    if (ok && out->n - start <= ES_ID_MAX)
        return true;
    out->n = start;
    if (!ok)
        return err_set(e, STATUS_DATA, "the key makes no _id");
    err_set(e, STATUS_DATA, "the _id of the key is longer than %d bytes", ES_ID_MAX);
    return err_hint(e, "--id PATH names a shorter one");
}

bool es_index_name(struct span name, struct buf *out, struct err *e)
{
    size_t start = out->n;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool upper = c >= 'A' && c <= 'Z';
        if (!upper && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && strchr("._-", c) == NULL)
            break;
        buf_char(out, upper ? (char)(c + 'a' - 'A') : c);
    }
    struct span got = {out->p + start, out->n - start};
    if (!out->bad && got.n == name.n && got.n != 0 && got.n <= ES_INDEX_MAX &&
        strchr("_-", got.p[0]) == NULL && !span_is(got, ".") && !span_is(got, ".."))
        return true;
    out->n = start;
    err_set(e, STATUS_DATA, "\"%.*s\" can be no index's name", SPAN_ARG(name));
    return err_hint(e, "--index TEMPLATE makes another, as --index 'cdc-${topic}'");
}
