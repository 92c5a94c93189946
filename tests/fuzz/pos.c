// A token that is taken is written back as the same bytes. Two tokens, a line each: their order turns round
// with them, and where the epochs differ the versions are ordered alike.
#include "fuzz.h"

#include "event/pos.h"

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static bool try_token(struct span text, struct pos *p)
{
    struct err e;
    struct buf again;
    uint64_t version;
    if (!pos_parse(text, p, &e)) {
        must(e.status == STATUS_DATA);
        return false;
    }
    buf_init(&again, POS_MAX_BYTES);
    pos_format(&again, p);
    must(span_eq(buf_view(&again), text));
    buf_release(&again);
    must(pos_compare(p, p) == 0);
    if (pos_version(p, &version, &e))
        must(version >> 63 == 0 && version >> 56 == p->epoch);
    return true;
}

static void try_versions(const struct pos *a, const struct pos *b)
{
    struct err e;
    uint64_t va, vb;
    if (pos_is_progress(a) || pos_is_progress(b) || !pos_version(a, &va, &e) || !pos_version(b, &vb, &e))
        return;
    if (a->epoch != b->epoch)
        must((va < vb) == (pos_compare(a, b) < 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size}, second = {"", 0};
    const char *newline = size != 0 ? memchr(data, '\n', size) : NULL;
    if (newline != NULL) {
        second = (struct span){newline + 1, (size_t)(text.p + text.n - newline - 1)};
        text.n = (size_t)(newline - text.p);
    }
    struct pos a, b;
    bool both = try_token(text, &a);
    both = try_token(second, &b) && both;
    if (both && a.source == b.source) {
        must(sign(pos_compare(&a, &b)) == -sign(pos_compare(&b, &a)));
        try_versions(&a, &b);
    }
    return 0;
}
