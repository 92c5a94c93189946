#include "snapshot/lines.h"

#include "base/clock.h"
#include "event/line.h"

#include <stdio.h>

static bool write_held(struct snapshot_run *r, const char *mark, struct err *e)
{
    struct held *h = &r->held;
    if (!h->any)
        return true;
    struct buf *out = &r->out->lines;
    struct line line;
    if (!line_parse((struct span){h->line.p, h->line.n - 1}, &line, e))
        return false;
    buf_reset(r->last);
    buf_span(r->last, line.pos);
    buf_bytes(out, h->line.p, h->mark);
    buf_str(out, mark);
    buf_bytes(out, h->line.p + h->mark + 4, h->line.n - h->mark - 4);
    h->any = false;
    return buf_ok(out, "a line", e) && (!output_is_full(r->out) || output_flush(r->out, e));
}

// A row of the same table follows.
bool snapshot_write_held_within(struct snapshot_run *r, struct err *e)
{
    const struct held *h = &r->held;
    return write_held(r, h->first ? "first" : h->first_in_table ? "first_in_data_collection" : "true", e);
}

bool snapshot_write_held_at_table_end(struct snapshot_run *r, bool last, struct err *e)
{
    return write_held(r, last ? "last" : r->held.first ? "first" : "last_in_data_collection", e);
}

static void hold(struct snapshot_run *r, struct span line, size_t mark)
{
    struct held *h = &r->held;
    h->any = true;
    h->first = !r->table_begun && r->begun_tables == 0 && !r->resumed;
    h->first_in_table = !r->table_begun;
    h->mark = mark;
    buf_reset(&h->line);
    buf_span(&h->line, line);
}

// In front of the table's first line, with its token. text: lines.
static bool describe(struct snapshot_run *r, struct span text, struct err *e)
{
    struct line line;
    struct pos pos;
    const char *end = memchr(text.p, '\n', text.n);
    if (!r->o->schemas || r->schema_told)
        return true;
    r->schema_told = true;
    if (!line_parse((struct span){text.p, (size_t)(end - text.p)}, &line, e) || !pos_parse(line.pos, &pos, e))
        return false;
    r->ops->write_schema(r->self, &pos, &r->out->lines);
    return buf_ok(&r->out->lines, "a schema", e);
}

// All lines but the last go on; that one waits for what follows.
bool snapshot_write_piece(struct snapshot_run *r, const struct ordered_piece *p, struct err *e)
{
    if (p->rows == 0)
        return true;
    r->rows += p->rows;
    r->chunk_rows += p->rows;
    struct span text = buf_view(&p->lines);
    struct span last = {text.p + p->last_line, text.n - p->last_line};
    bool ok =
        r->table_begun ? snapshot_write_held_within(r, e) : snapshot_write_held_at_table_end(r, false, e);
    ok = ok && describe(r, text, e);
    struct span rest = {text.p, p->last_line};
    if (ok && rest.n != 0 && !r->table_begun) {
        const char *end = memchr(text.p, '\n', text.n);
        hold(r, (struct span){text.p, (size_t)(end - text.p) + 1}, p->first_mark);
        rest.n -= r->held.line.n, rest.p += r->held.line.n;
        r->begun_tables++;
        r->table_begun = true;
        ok = buf_ok(&r->held.line, "a line", e) && snapshot_write_held_within(r, e);
    }
    if (ok && rest.n != 0)
        ok = output_write(r->out, rest, e);
    if (!ok)
        return false;
    hold(r, last, p->last_mark - p->last_line);
    r->begun_tables += !r->table_begun;
    r->table_begun = true;
    return buf_ok(&r->held.line, "a line", e);
}

// ---- progress

void snapshot_tell_end(struct snapshot_run *r)
{
    double seconds = (double)(clock_mono_ms() - r->begun_ms) / 1000;
    r->o->note("snapshot: %llu rows of %zu table%s in %.1f s, %.0f rows/s", (unsigned long long)r->rows,
               r->record->tables, r->record->tables == 1 ? "" : "s", seconds,
               seconds > 0 ? (double)r->rows / seconds : 0);
}

void snapshot_tell(struct snapshot_run *r)
{
    int64_t now_ms = clock_mono_ms();
    if (r->o->progress == NULL || now_ms - r->told_ms < r->o->progress_ms)
        return;
    r->told_ms = now_ms;
    double rate = (double)r->rows * 1000 / (double)(now_ms - r->begun_ms);
    char left[64] = "";
    if (r->rows != 0 && r->expected > r->rows)
        snprintf(left, sizeof left, ", about %.0f s left", (double)(r->expected - r->rows) / rate);
    r->o->progress("snapshot: table %zu of %zu, %s, %llu rows, %.0f rows/s%s", r->table + 1,
                   r->record->tables, r->record->table[r->table].name, (unsigned long long)r->rows, rate,
                   left);
}
