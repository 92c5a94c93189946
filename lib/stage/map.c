#include "stage/map.h"

#include "event/json.h"
#include "event/json_scan.h"

static bool failed(struct libjq *q, const char *why)
{
    buf_reset(&q->message);
    buf_str(&q->message, why);
    return false;
}

// What an output says of the header. Members are invalid where they are missing; all are the struct's.
struct header {
    jv pos, topic, key, unique, headers;
    int members;
};

static struct header header_of(jv cdc)
{
    struct header h;
    jv *to[] = {&h.pos, &h.topic, &h.key, &h.unique, &h.headers};
    static const char *const names[] = {"pos", "topic", "key", "unique", "headers"};
    h.members = 0;
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        *to[i] = jv_object_get(jv_copy(cdc), jv_string(names[i]));
        h.members += jv_is_valid(*to[i]);
    }
    return h;
}

static void header_release(struct header *h)
{
    jv_free(h->pos), jv_free(h->topic), jv_free(h->key), jv_free(h->unique), jv_free(h->headers);
}

static struct span text_of(jv string)
{
    if (jv_get_kind(string) != JV_KIND_STRING)
        return (struct span){NULL, 0};
    return (struct span){jv_string_value(string), (size_t)jv_string_length_bytes(jv_copy(string))};
}

static bool is_plain(struct span text)
{
    return text.n != 0 && json_plain_end(text.p, text.p + text.n) == text.p + text.n;
}

static bool put_header(struct libjq *q, const struct line *l, const struct header *h, int members,
                       struct buf *out)
{
    struct span topic = jv_is_valid(h->topic) ? text_of(h->topic) : l->topic;
    if (members != h->members)
        return failed(q, "the expression gives \"cdc\" other members than pos, topic, key, unique and "
                         "headers");
    if (jv_is_valid(h->pos) && !span_eq(text_of(h->pos), l->pos))
        return failed(q, "the expression changes the line's position");
    if (!is_plain(topic))
        return failed(q, "the expression gives a topic that is no string of ASCII without escapes");
    buf_lit(out, "{\"cdc\":{");
    if (l->pos.n != 0) {
        buf_lit(out, "\"pos\":\"");
        buf_span(out, l->pos);
        buf_lit(out, "\",");
    }
    buf_lit(out, "\"topic\":\"");
    buf_span(out, topic);
    buf_lit(out, "\",\"key\":");
    if (!jv_is_valid(h->key))
        buf_lit(out, "null");
    else if (!libjq_write(q, h->key, out))
        return false;
    if (jv_get_kind(h->unique) == JV_KIND_FALSE)
        buf_lit(out, ",\"unique\":false");
    if (jv_get_kind(h->headers) == JV_KIND_OBJECT) {
        buf_lit(out, ",\"headers\":");
        if (!libjq_write(q, h->headers, out))
            return false;
    } else if (jv_is_valid(h->headers) && jv_get_kind(h->headers) != JV_KIND_NULL) {
        return failed(q, "the expression gives headers that are no object");
    }
    buf_char(out, '}');
    return true;
}

static bool put_new_header(struct libjq *q, const struct line *l, jv cdc, struct buf *out)
{
    if (jv_get_kind(cdc) != JV_KIND_OBJECT)
        return failed(q, "the expression gives a \"cdc\" that is no object");
    struct header h = header_of(cdc);
    bool ok = put_header(q, l, &h, jv_object_length(jv_copy(cdc)), out);
    header_release(&h);
    return ok;
}

// Up to the comma before the value's members.
static bool put_front(struct libjq *q, const struct line *l, jv cdc, struct buf *out)
{
    static const size_t before = sizeof("{\"cdc\":") - 1;
    struct span old = line_front(l);
    bool keeps = !jv_is_valid(cdc) || jv_get_kind(cdc) == JV_KIND_NULL ||
                 (old.n != 0 && libjq_is(q, cdc, (struct span){old.p + before, old.n - before}));
    if (!keeps)
        return put_new_header(q, l, cdc, out);
    buf_span(out, old);
    return true;
}

static bool put_output(struct libjq *q, const struct line *l, jv *output, struct buf *out)
{
    if (jv_get_kind(*output) != JV_KIND_OBJECT)
        return failed(q, "the expression gives a value that is no object, so no line");
    size_t start = out->n;
    jv cdc = jv_object_get(jv_copy(*output), jv_string("cdc"));
    *output = jv_object_delete(*output, jv_string("cdc"));
    bool ok = put_front(q, l, cdc, out);
    jv_free(cdc);
    size_t members = out->n;
    if (!ok || !libjq_write(q, *output, out))
        return false;
    if (out->bad)
        return failed(q, "what the expression gives is too large");
    if (out->n - members == 2 && line_is_tombstone(l)) {
        out->n -= 2;
        buf_lit(out, "}\n");
        return true;
    }
    if (out->n - members == 2)
        return failed(q, "the expression leaves nothing of the line but its header");
    // The object's brace becomes the comma behind the header.
    if (members != start)
        out->p[members] = ',';
    buf_char(out, '\n');
    return true;
}

bool map_line(struct libjq *q, const struct line *l, struct buf *out)
{
    enum libjq_got got;
    jv output;
    if (!libjq_start(q, l->text))
        return false;
    while ((got = libjq_next(q, &output)) == LIBJQ_OUTPUT) {
        bool ok = put_output(q, l, &output, out);
        jv_free(output);
        if (!ok)
            return false;
    }
    return got == LIBJQ_END;
}
