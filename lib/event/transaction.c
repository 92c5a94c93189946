#include "event/transaction.h"

#include "event/json.h"

#include <stdlib.h>

// The names of all tables that one transaction touches.
#define NAMES_MAX (64u << 20)
#define TOPIC_MAX 4096

void transaction_init(struct transaction *t)
{
    *t = (struct transaction){0};
    buf_init(&t->topic, TOPIC_MAX);
    buf_init(&t->names, NAMES_MAX);
}

void transaction_release(struct transaction *t)
{
    free(t->table);
    free(t->key);
    buf_release(&t->topic);
    buf_release(&t->names);
    *t = (struct transaction){0};
}

void transaction_begin(struct transaction *t)
{
    t->events = 0;
    t->n = t->last = 0;
    buf_reset(&t->names);
}

static struct transaction_table *find(struct transaction *t, uint64_t id)
{
    if (t->last < t->n && t->table[t->last].id == id)
        return &t->table[t->last];
    for (size_t i = 0; i < t->n; i++)
        if (t->table[i].id == id) {
            t->last = i;
            return &t->table[i];
        }
    return NULL;
}

static bool grow(struct transaction *t, struct err *e)
{
    if ((t->n & (t->n - 1)) != 0)
        return true;
    size_t size = t->n == 0 ? 1 : t->n * 2;
    struct transaction_table *table = realloc(t->table, size * sizeof *table);
    if (table != NULL)
        t->table = table;
    struct java_key *key = realloc(t->key, size * sizeof *key);
    if (key != NULL)
        t->key = key;
    return (table != NULL && key != NULL) || err_no_memory(e);
}

static struct transaction_table *add(struct transaction *t, uint64_t id, struct span name, struct err *e)
{
    if (!grow(t, e))
        return NULL;
    t->last = t->n++;
    t->table[t->last] = (struct transaction_table){
        .id = id,
        .name_at = t->names.n,
        .name_n = name.n,
    };
    t->key[t->last] = (struct java_key){.hash = java_hash(name), .index = t->last};
    buf_span(&t->names, name);
    return buf_ok(&t->names, "the list of a transaction's tables", e) ? &t->table[t->last] : NULL;
}

bool transaction_count(struct transaction *t, uint64_t table, struct span name,
                       struct transaction_place *place, struct err *e)
{
    struct transaction_table *found = find(t, table);
    if (found == NULL)
        found = add(t, table, name, e);
    if (found == NULL)
        return false;
    *place = (struct transaction_place){++t->events, ++found->events};
    return true;
}

static void write_head(const struct transaction *t, const struct pos *at, struct span id, const char *status,
                       struct buf *out)
{
    buf_lit(out, "{\"cdc\":{\"pos\":\"");
    pos_format(out, at);
    buf_lit(out, "\",\"topic\":\"");
    buf_span(out, buf_view(&t->topic));
    buf_lit(out, "\",\"key\":{\"id\":");
    json_quote(out, id);
    buf_lit(out, "}},\"status\":\"");
    buf_str(out, status);
    buf_lit(out, "\",\"id\":");
    json_quote(out, id);
}

static void write_time(int64_t ts_ms, struct buf *out)
{
    buf_lit(out, ",\"ts_ms\":");
    buf_i64(out, ts_ms);
    buf_lit(out, "}\n");
}

void transaction_write_begin(const struct transaction *t, const struct pos *at, struct span id, int64_t ts_ms,
                             struct buf *out)
{
    write_head(t, at, id, "BEGIN", out);
    buf_lit(out, ",\"event_count\":null,\"data_collections\":null");
    write_time(ts_ms, out);
}

void transaction_write_end(struct transaction *t, const struct pos *at, struct span id, int64_t ts_ms,
                           struct buf *out)
{
    java_sort(t->key, t->n); // as Debezium lists them
    write_head(t, at, id, "END", out);
    buf_lit(out, ",\"event_count\":");
    buf_u64(out, t->events);
    buf_lit(out, ",\"data_collections\":[");
    for (size_t i = 0; i < t->n; i++) {
        const struct transaction_table *table = &t->table[t->key[i].index];
        buf_str(out, i == 0 ? "{\"data_collection\":" : ",{\"data_collection\":");
        json_quote(out, (struct span){t->names.p + table->name_at, table->name_n});
        buf_lit(out, ",\"event_count\":");
        buf_u64(out, table->events);
        buf_char(out, '}');
    }
    buf_char(out, ']');
    write_time(ts_ms, out);
}

void transaction_write_place(struct span id, struct transaction_place place, struct buf *out)
{
    buf_lit(out, "{\"id\":");
    json_quote(out, id);
    buf_lit(out, ",\"total_order\":");
    buf_u64(out, place.total);
    buf_lit(out, ",\"data_collection_order\":");
    buf_u64(out, place.in_table);
    buf_char(out, '}');
}
