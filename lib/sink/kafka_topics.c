#include "sink/kafka_topics.h"

#include <stdlib.h>

static size_t hash(struct span name)
{
    size_t h = 2166136261u; // FNV-1a
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 16777619u;
    return h;
}

static struct kafka_topic *slot(const struct kafka_topics *t, struct span name)
{
    size_t i = hash(name) & (t->size - 1);
    while (t->at[i].name != NULL && !span_is(name, t->at[i].name))
        i = (i + 1) & (t->size - 1);
    return &t->at[i];
}

static bool grow(struct kafka_topics *t, struct err *e)
{
    struct kafka_topics old = *t;
    t->size = old.size == 0 ? 64 : old.size * 2;
    t->at = calloc(t->size, sizeof *t->at);
    if (t->at == NULL) {
        t->at = old.at, t->size = old.size;
        return err_no_memory(e);
    }
    for (size_t i = 0; i < old.size; i++)
        if (old.at[i].name != NULL)
            *slot(t, span_of(old.at[i].name)) = old.at[i];
    free(old.at);
    t->last = NULL;
    return true;
}

struct kafka_topic *kafka_topics_find(struct kafka_topics *t, struct span name, struct err *e)
{
    if (t->last != NULL && span_is(name, t->last->name))
        return t->last;
    if (t->n * 2 >= t->size && !grow(t, e))
        return NULL;
    struct kafka_topic *topic = slot(t, name);
    if (topic->name == NULL) {
        topic->name = strndup(name.p, name.n);
        if (topic->name == NULL) {
            (void)err_no_memory(e);
            return NULL;
        }
        kafka_schema_init(&topic->schema);
        t->n++;
    }
    return t->last = topic;
}

void kafka_topics_release(struct kafka_topics *t)
{
    kafka_topics_keep(t);
    for (size_t i = 0; i < t->size; i++) {
        struct kafka_topic *topic = &t->at[i];
        if (topic->name == NULL)
            continue;
        free(topic->name);
        kafka_schema_release(&topic->schema);
        if (topic->handle != NULL)
            rd_kafka_topic_destroy(topic->handle);
    }
    free(t->at);
}

bool kafka_topics_describe(struct kafka_topics *t, const struct line_schema *line, struct err *e)
{
    struct kafka_topic *topic = kafka_topics_find(t, line->topic, e);
    if (topic == NULL)
        return false;
    if (!topic->changed) {
        topic->before = topic->schema;
        kafka_schema_init(&topic->schema);
        topic->changed = t->changed = true;
    }
    return kafka_schema_read(&topic->schema, line, e);
}

static void settle(struct kafka_topics *t, bool keep)
{
    for (size_t i = 0; t->changed && i < t->size; i++) {
        struct kafka_topic *topic = &t->at[i];
        if (!topic->changed)
            continue;
        kafka_schema_release(keep ? &topic->before : &topic->schema);
        if (!keep)
            topic->schema = topic->before;
        topic->changed = false;
    }
    t->changed = false;
}

void kafka_topics_keep(struct kafka_topics *t)
{
    settle(t, true);
}

void kafka_topics_undo(struct kafka_topics *t)
{
    settle(t, false);
}
