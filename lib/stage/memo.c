#include "stage/memo.h"

// A longer name is not remembered.
#define NAME_MAX_BYTES 1024

void memo_init(struct memo *m)
{
    for (size_t i = 0; i < MEMO_PLACES; i++) {
        struct memo_entry *entry = &m->at[i];
        *entry = (struct memo_entry){0};
        buf_init(&entry->name, NAME_MAX_BYTES);
        buf_init(&entry->text, SIZE_MAX / 4);
    }
}

void memo_release(struct memo *m)
{
    for (size_t i = 0; i < MEMO_PLACES; i++) {
        buf_release(&m->at[i].name);
        buf_release(&m->at[i].text);
    }
}

static size_t place_of(struct span name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * 16777619u;
    return (hash ^ hash >> 16) % MEMO_PLACES;
}

struct memo_entry *memo_find(struct memo *m, struct span name)
{
    struct memo_entry *entry = &m->at[place_of(name)];
    entry->known = entry->known && !entry->name.bad && span_eq(buf_view(&entry->name), name);
    if (!entry->known) {
        buf_reset(&entry->name);
        buf_span(&entry->name, name);
        buf_reset(&entry->text);
    }
    return entry;
}
