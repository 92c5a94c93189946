// What the check takes the walk reads to the end, every string in it is read and written back, and the
// finders find what the walk sees; what it refuses is read without harm. Any bytes are quoted so that they
// come back.
#include "fuzz.h"

#include "event/json.h"

#define TEXT_MAX_BYTES (8u << 20)

static bool checks(struct span text)
{
    size_t bad_at;
    return json_check(text, &bad_at);
}

// What a valid string stands for is UTF-8 and survives being written again.
static void try_string(struct span quoted)
{
    struct buf plain, again;
    buf_init(&plain, TEXT_MAX_BYTES);
    buf_init(&again, TEXT_MAX_BYTES);
    must(json_unquote(quoted, &plain));
    json_quote(&again, buf_view(&plain));
    must(checks(buf_view(&again)));
    size_t n = plain.n;
    must(json_unquote(buf_view(&again), &plain));
    must(plain.n == 2 * n && (n == 0 || memcmp(plain.p, plain.p + n, n) == 0));
    buf_release(&plain);
    buf_release(&again);
}

static void walk_valid(struct span text)
{
    struct json_walk w;
    struct span found;
    if (text.p[0] == '"')
        try_string(text);
    if (text.p[0] != '{' && text.p[0] != '[')
        return;
    for (json_walk_begin(&w, text); json_walk_next(&w);) {
        must(checks(w.value));
        must(json_first(w.value, &found) && span_eq(found, w.value));
        walk_valid(w.value);
        if (w.in_array)
            continue;
        try_string(w.name);
        // The first of equal names wins.
        must(json_member(text, (struct span){w.name.p + 1, w.name.n - 2}, &found) && found.p <= w.value.p);
    }
    must(!w.bad);
}

static void walk_any(struct span text)
{
    static const struct span names[] = {SPAN_LIT("a"), SPAN_LIT("b")};
    struct json_walk w;
    struct span found;
    for (json_walk_begin(&w, text); json_walk_next(&w);)
        must(w.value.n != 0 && w.value.p >= text.p && w.value.p + w.value.n <= text.p + text.n);
    if (json_path(text, names, 2, &found))
        must(found.p >= text.p && found.p + found.n <= text.p + text.n);
    if (json_first(text, &found))
        must(found.p == text.p && found.n <= text.n);
}

// The byte that is blamed cannot be; without it, and what follows, the text is at worst unfinished.
static void try_blame(struct span text)
{
    size_t at, sooner, same;
    if (json_check(text, &at)) {
        must(at == text.n);
        return;
    }
    must(at <= text.n);
    must(json_check((struct span){text.p, at}, &sooner) || sooner == at);
    if (at < text.n)
        must(!json_check((struct span){text.p, at + 1}, &same) && same == at);
}

static void try_quote(struct span text)
{
    struct buf quoted, back;
    buf_init(&quoted, TEXT_MAX_BYTES);
    buf_init(&back, TEXT_MAX_BYTES);
    json_quote(&quoted, text);
    if (checks(buf_view(&quoted)))
        must(json_unquote(buf_view(&quoted), &back) && span_eq(buf_view(&back), text));
    else
        must(!json_unquote(buf_view(&quoted), &back));
    buf_release(&quoted);
    buf_release(&back);
}

static void try_numbers(struct span text)
{
    uint64_t u;
    int64_t i;
    if (json_u64(text, &u))
        must(checks(text) && (json_i64(text, &i) ? i >= 0 && (uint64_t)i == u : u > INT64_MAX));
    if (json_i64(text, &i))
        must(checks(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    try_blame(text);
    walk_any(text);
    try_quote(text);
    try_numbers(text);
    struct span value;
    if (checks(text) && json_first(text, &value))
        walk_valid(value);
    return 0;
}
