// A line with columns left out and masked, with and without its envelope: what comes of valid JSON is valid
// JSON with the same position and key.
#include "fuzz.h"

#include "event/json.h"
#include "stage/rewrite.h"

static const char *drop[] = {"public\\.orders\\.s.?", "shop\\..*\\.x"}, *mask[] = {".*\\.n=3", ".*\\.(id|y)"};

static const struct rewrite_options columns = {.drop = {drop, 2}, .mask = {mask, 2}};
static const struct rewrite_options row = {.drop = {drop, 2},
                                           .mask = {mask, 2},
                                           .unwrap = {.on = true,
                                                      .deletes = UNWRAP_REWRITE_WITH_TOMBSTONE,
                                                      .add_fields = "op,table,source.ts_ms:when,before.id",
                                                      .add_fields_prefix = "__",
                                                      .add_headers = "op,id,table",
                                                      .add_headers_prefix = "h_"}};
static const struct rewrite_options routed = {
    .drop = {drop, 2},
    .unwrap = {.on = true, .add_fields = "op", .add_fields_prefix = "", .route_by_field = "id"}};

static bool checks(struct span text)
{
    size_t bad_at;
    return json_check(text, &bad_at);
}

static void try(const struct rewrite_options *o, const struct line *l)
{
    struct rewrite w;
    struct buf out;
    struct err e;
    buf_init(&out, 64u << 20);
    must(rewrite_init(&w, o, &e));
    if (rewrite_line(&w, l, &out) == REWRITE_DONE && checks(l->text)) {
        must(out.p[out.n - 1] == '\n');
        for (const char *p = out.p, *end = out.p + out.n; p < end;) {
            struct line again;
            struct span text = {p, (size_t)((const char *)memchr(p, '\n', (size_t)(end - p)) - p)};
            must(checks(text) && line_parse(text, &again, &e));
            must(again.kind == l->kind && span_eq(again.pos, l->pos) && span_eq(again.key, l->key));
            p += text.n + 1;
        }
    }
    buf_release(&out);
    rewrite_release(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct line l;
    struct err e;
    struct span text = {(const char *)data, size};
    if (size < 2 || memchr(text.p, '\n', size) != NULL || !line_parse(text, &l, &e) || l.kind == LINE_CONTROL)
        return 0;
    try(&columns, &l);
    try(&row, &l);
    try(&routed, &l);
    return 0;
}
