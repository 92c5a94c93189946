#include "sink/es_answer.h"

#include "event/json.h"

static struct span text_of(struct span object, const char *name)
{
    struct span value;
    if (!json_member(object, span_of(name), &value) || value.n < 2 || value.p[0] != '"')
        return (struct span){"", 0};
    return (struct span){value.p + 1, value.n - 2};
}

static void read_error(struct span object, struct es_item *item)
{
    static const struct span name = SPAN_LIT("error");
    struct span error;
    item->error = json_member(object, name, &error);
    item->type = item->reason = (struct span){"", 0};
    if (!item->error)
        return;
    item->type = text_of(error, "type");
    item->reason = text_of(error, "reason");
    // Proxies and old versions answer with a bare text.
    if (error.n >= 2 && error.p[0] == '"')
        item->reason = (struct span){error.p + 1, error.n - 2};
}

// {"index":{"status":201}}
static bool read_item(struct span object, struct es_item *item)
{
    uint64_t status;
    struct json_walk w;
    json_walk_begin(&w, object);
    if (w.in_array || !json_walk_next(&w) || !json_u64_member(w.value, "status", &status) || status < 100 ||
        status > 599)
        return false;
    item->status = (int)status;
    read_error(w.value, item);
    return true;
}

// Begins a walk through the array of that name.
static bool walk_array(struct span body, const char *name, struct json_walk *w)
{
    size_t bad_at;
    struct span array;
    if (!json_check(body, &bad_at) || !json_member(body, span_of(name), &array))
        return false;
    json_walk_begin(w, array);
    return w->in_array;
}

bool es_answer_items(struct span body, struct es_item *items, size_t n)
{
    struct json_walk w;
    size_t i = 0;
    if (!walk_array(body, "items", &w))
        return false;
    for (; json_walk_next(&w); i++)
        if (i == n || !read_item(w.value, &items[i]))
            return false;
    return i == n;
}

static bool read_doc(struct span object, struct es_found *doc)
{
    struct span value;
    struct es_item item;
    *doc = (struct es_found){.source = {"", 0}};
    read_error(object, &item);
    if (item.error)
        return span_is(item.type, "index_not_found_exception");
    if (!json_member(object, span_of("found"), &value))
        return false;
    doc->found = span_is(value, "true");
    if (doc->found && !json_member(object, span_of("_source"), &doc->source))
        doc->source = span_of("{}");
    return !doc->found || !json_member(object, span_of("_version"), &value) || json_u64(value, &doc->version);
}

bool es_answer_docs(struct span body, struct es_found *docs, size_t n)
{
    struct json_walk w;
    size_t i = 0;
    if (!walk_array(body, "docs", &w))
        return false;
    for (; json_walk_next(&w); i++)
        if (i == n || !read_doc(w.value, &docs[i]))
            return false;
    return i == n;
}

struct es_item es_answer_error(struct span body)
{
    struct es_item item = {.type = {"", 0}, .reason = {"", 0}};
    size_t bad_at;
    if (json_check(body, &bad_at))
        read_error(body, &item);
    return item;
}
