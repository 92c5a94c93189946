#include "postgres/hstore.h"

#include "event/java_map.h"
#include "event/json.h"

#include <stdlib.h>

// PostgreSQL's values are smaller than this.
#define VALUE_MAX (1u << 30)

// The pairs as JSON, in the order of the text, and where each is in it.
struct pairs {
    struct buf plain, json;
    struct java_key *key;
    size_t *end;
    size_t n;
};

// A quoted string with backslash escapes, as JSON.
static bool take_quoted(struct span *text, struct pairs *p)
{
    if (!span_take(text, '"'))
        return false;
    buf_reset(&p->plain);
    while (text->n != 0 && text->p[0] != '"') {
        (void)span_take(text, '\\');
        if (text->n == 0)
            return false;
        buf_char(&p->plain, text->p[0]);
        text->p++, text->n--;
    }
    json_quote(&p->json, buf_view(&p->plain));
    return span_take(text, '"');
}

static bool grow(struct pairs *p)
{
    if ((p->n & (p->n - 1)) != 0)
        return true;
    size_t size = p->n == 0 ? 1 : p->n * 2;
    struct java_key *key = realloc(p->key, size * sizeof *key);
    if (key != NULL)
        p->key = key;
    size_t *end = realloc(p->end, size * sizeof *end);
    if (end != NULL)
        p->end = end;
    return key != NULL && end != NULL;
}

static bool take_pair(struct span *text, struct pairs *p)
{
    if (!grow(p) || !take_quoted(text, p) || !span_take_word(text, "=>"))
        return false;
    p->key[p->n] = (struct java_key){.hash = java_hash(buf_view(&p->plain)), .index = p->n};
    buf_char(&p->json, ':');
    if (span_take_word(text, "NULL"))
        buf_lit(&p->json, "null");
    else if (!take_quoted(text, p))
        return false;
    p->end[p->n++] = p->json.n;
    return true;
}

static bool take_pairs(struct span *text, struct pairs *p)
{
    for (bool first = true; text->n != 0; first = false)
        if ((!first && !span_take_word(text, ", ")) || !take_pair(text, p))
            return false;
    return !p->plain.bad && !p->json.bad;
}

// Debezium reads the pairs into a java.util.HashMap.
static void write_pairs(struct pairs *p, struct buf *out)
{
    java_sort(p->key, p->n);
    buf_char(out, '{');
    for (size_t i = 0; i < p->n; i++) {
        size_t index = p->key[i].index, from = index == 0 ? 0 : p->end[index - 1];
        if (i != 0)
            buf_char(out, ',');
        buf_bytes(out, p->json.p + from, p->end[index] - from);
    }
    buf_char(out, '}');
}

bool hstore_write(struct span text, bool as_map, struct buf *out)
{
    struct pairs p = {0};
    struct buf object;
    buf_init(&p.plain, VALUE_MAX);
    buf_init(&p.json, VALUE_MAX);
    buf_init(&object, VALUE_MAX);
    bool ok = take_pairs(&text, &p);
    if (ok)
        write_pairs(&p, as_map ? out : &object);
    ok = ok && !object.bad;
    if (ok && !as_map)
        json_quote(out, buf_view(&object));
    buf_release(&p.plain);
    buf_release(&p.json);
    buf_release(&object);
    free(p.key);
    free(p.end);
    return ok;
}
