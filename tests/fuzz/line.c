// A header that is taken has one form only: written again from its parts it is the same bytes. The parts are
// what a path through the JSON finds, and the value in place is JSON where the line was.
#include "fuzz.h"

#include "event/json.h"
#include "event/line.h"

#define TEXT_MAX_BYTES (8u << 20)

static bool checks(struct span text)
{
    size_t bad_at;
    return json_check(text, &bad_at);
}

static void must_find(struct span text, const char *name, struct span want)
{
    struct span names[] = {SPAN_LIT("cdc"), span_of(name)}, found;
    must(json_path(text, names, 2, &found) && found.n == want.n + 2 && found.p + 1 == want.p);
}

static void put_change(struct buf *b, const struct line *l)
{
    line_write_front(b, l);
    buf_str(b, line_is_tombstone(l) ? "}" : ",");
    buf_span(b, l->value);
}

static void try_change(const struct line *l)
{
    struct buf again;
    struct line copy;
    struct err e;
    buf_init(&again, TEXT_MAX_BYTES);
    put_change(&again, l);
    must(span_eq(buf_view(&again), l->text));
    must(checks(l->key));
    if (checks(l->text)) {
        must_find(l->text, "topic", l->topic);
        if (l->pos.n != 0)
            must_find(l->text, "pos", l->pos);
    }
    bool valid = checks(l->text);
    must(line_parse(buf_view(&again), &copy, &e));
    struct span value = line_value(&copy);
    if (line_is_tombstone(l))
        must(value.n == 0);
    else
        must(value.p + value.n == again.p + again.n && checks(value) == valid);
    buf_release(&again);
}

static void try_control(const struct line *l)
{
    struct line_start start;
    struct err e;
    int status;
    must(checks(l->text) && checks(l->header) && l->value.n == 0 && line_value(l).n == 0);
    must_find(l->text, "control", l->control);
    if (l->pos.n != 0)
        must_find(l->text, "pos", l->pos);
    if (line_read_start(l, &start, &e))
        must_find(l->text, "source", start.identity);
    if (line_read_end(l, &status, &e))
        must(status >= 0 && status <= 255);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct line l;
    struct err e;
    struct span text = {(const char *)data, size};
    if (!line_parse(text, &l, &e)) {
        must(e.status == STATUS_DATA);
        return 0;
    }
    must(span_eq(l.text, text));
    if (l.kind == LINE_CHANGE)
        try_change(&l);
    else if (l.kind == LINE_CONTROL)
        try_control(&l);
    else
        must(span_eq(l.value, text));
    return 0;
}
