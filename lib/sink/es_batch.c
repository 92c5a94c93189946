#include "sink/es_batch.h"

#include "event/json.h"

#include <stdlib.h>

#define TABLE (ES_BATCH_LINES * 2)

bool es_batch_init(struct es_batch *b, size_t max_bytes, struct err *e)
{
    *b = (struct es_batch){
        .lines = calloc(ES_BATCH_LINES, sizeof *b->lines),
        .table = calloc(TABLE, sizeof *b->table),
    };
    buf_init(&b->text, max_bytes);
    return (b->lines != NULL && b->table != NULL) || err_no_memory(e);
}

void es_batch_release(struct es_batch *b)
{
    free(b->lines);
    free(b->table);
    buf_release(&b->text);
    *b = (struct es_batch){0};
}

// What a batch may keep for the next one.
#define KEPT_BYTES (8u << 20)

void es_batch_reset(struct es_batch *b)
{
    if (b->n != 0)
        memset(b->table, 0, TABLE * sizeof *b->table);
    b->n = b->to_send = 0;
    if (b->text.cap > KEPT_BYTES)
        buf_release(&b->text);
    buf_reset(&b->text);
}

uint32_t es_hash(struct span index, struct span id)
{
    uint32_t h = 2166136261u; // FNV-1a
    for (size_t i = 0; i < index.n; i++)
        h = (h ^ (unsigned char)index.p[i]) * 16777619u;
    for (size_t i = 0; i < id.n; i++)
        h = (h ^ (unsigned char)id.p[i]) * 16777619u;
    return h ^ h >> 15;
}

static struct span part(const struct es_batch *b, size_t at, size_t n)
{
    return (struct span){b->text.p + at, n};
}

struct span es_line_index(const struct es_batch *b, const struct es_line *l)
{
    return part(b, l->at, l->index_n);
}

struct span es_line_id(const struct es_batch *b, const struct es_line *l)
{
    return part(b, l->at + l->index_n, l->id_n);
}

struct span es_line_topic(const struct es_batch *b, const struct es_line *l)
{
    return part(b, l->at + l->index_n + l->id_n, l->topic_n);
}

struct span es_line_key(const struct es_batch *b, const struct es_line *l)
{
    return part(b, l->at + l->index_n + l->id_n + l->topic_n, l->key_n);
}

struct span es_line_headers(const struct es_batch *b, const struct es_line *l)
{
    return part(b, l->at + l->index_n + l->id_n + l->topic_n + l->key_n, l->headers_n);
}

struct span es_line_value(const struct es_batch *b, const struct es_line *l)
{
    return part(b, l->at + l->index_n + l->id_n + l->topic_n + l->key_n + l->headers_n, l->value_n);
}

struct span es_line_row(const struct es_batch *b, const struct es_line *l)
{
    return part(b, l->row_at, l->row_n);
}

static bool is_of(const struct es_batch *b, const struct es_line *l, const struct es_new *line)
{
    return l->hash == line->hash && span_eq(es_line_id(b, l), line->id) &&
           span_eq(es_line_index(b, l), line->index);
}

// The table's place for that id.
static uint32_t *place_of(const struct es_batch *b, const struct es_new *line)
{
    size_t i = line->hash % TABLE;
    while (b->table[i] != 0 && !is_of(b, &b->lines[b->table[i] - 1], line))
        i = (i + 1) % TABLE;
    return &b->table[i];
}

static void put_text(struct buf *b, const struct es_new *line)
{
    struct span parts[] = {line->index, line->id, line->topic, line->key, line->headers, line->value};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        buf_span(b, parts[i]);
}

bool es_batch_add(struct es_batch *b, const struct es_new *line, struct err *e)
{
    struct es_line *l = &b->lines[b->n];
    uint32_t *place = place_of(b, line);
    *l = (struct es_line){
        .seq = line->seq,
        .number = line->number,
        .version = line->version,
        .action = line->action,
        .state = ES_TO_SEND,
        .needs_base = line->needs_base,
        .left_out = line->left_out,
        .at = b->text.n,
        .index_n = line->index.n,
        .id_n = line->id.n,
        .topic_n = line->topic.n,
        .key_n = line->key.n,
        .headers_n = line->headers.n,
        .value_n = line->value.n,
        .row_n = line->row.n,
        .before = *place == 0 ? ES_NONE : *place - 1,
        .hash = line->hash,
    };
    put_text(&b->text, line);
    uintptr_t from = (uintptr_t)line->value.p, row = (uintptr_t)line->row.p;
    if (row >= from && row + line->row.n <= from + line->value.n) {
        l->row_at = b->text.n - line->value.n + (row - from);
    } else {
        l->row_at = b->text.n;
        buf_span(&b->text, line->row);
    }
    if (!buf_ok(&b->text, "a batch", e))
        return false;
    if (l->before != ES_NONE)
        b->lines[l->before].state = ES_WAITS;
    else
        b->to_send++;
    *place = (uint32_t)++b->n;
    return true;
}

uint32_t es_batch_root(const struct es_batch *b, uint32_t i)
{
    while (b->lines[i].needs_base && b->lines[i].before != ES_NONE)
        i = b->lines[i].before;
    return b->lines[i].needs_base ? i : ES_NONE;
}

void es_batch_refuse(struct es_batch *b, uint32_t i)
{
    b->lines[i].state = ES_SETTLED;
    b->to_send--;
    if (b->lines[i].before == ES_NONE)
        return;
    b->lines[b->lines[i].before].state = ES_TO_SEND;
    b->to_send++;
}

void es_batch_put(const struct es_batch *b, const struct es_line *l, struct span document, struct buf *out)
{
    if (l->action == ES_DELETE)
        buf_lit(out, "{\"delete\":{\"_index\":\"");
    else
        buf_lit(out, "{\"index\":{\"_index\":\"");
    buf_span(out, es_line_index(b, l));
    buf_lit(out, "\",\"_id\":");
    json_quote(out, es_line_id(b, l));
    if (l->version != 0) {
        buf_lit(out, ",\"version\":");
        buf_u64(out, l->version);
        buf_lit(out, ",\"version_type\":\"external_gte\"");
    }
    buf_lit(out, "}}\n");
    if (l->action == ES_DELETE)
        return;
    buf_span(out, document);
    buf_char(out, '\n');
}
