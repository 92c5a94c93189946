#include "mysql/envelope.h"

#include "event/json.h"
#include "mysql/cell.h"
#include "mysql/type_value.h"

// Each holds a few names, the prefix, and with --include-query a statement.
#define PART_MAX_BYTES (64u << 20)

void my_envelope_init(struct my_envelope *v, const char *topic_prefix, const char *connector)
{
    *v = (struct my_envelope){.topic_prefix = topic_prefix, .connector = connector};
    struct buf *parts[] = {&v->prefix, &v->source,      &v->times,        &v->event,
                           &v->end,    &v->parts.topic, &v->parts.source, &v->parts.tail};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        buf_init(parts[i], PART_MAX_BYTES);
}

void my_envelope_release(struct my_envelope *v)
{
    struct buf *parts[] = {&v->prefix, &v->source,      &v->times,        &v->event,
                           &v->end,    &v->parts.topic, &v->parts.source, &v->parts.tail};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        buf_release(parts[i]);
}

void my_envelope_begin(struct my_envelope *v, const struct pos *at, struct span transaction)
{
    struct pos p = {.source = POS_MY, .phase = POS_LOG, .epoch = at->epoch, .n = {at->n[0], at->n[1]}};
    v->transaction = transaction;
    v->view = at->view;
    buf_reset(&v->prefix);
    buf_lit(&v->prefix, "{\"cdc\":{\"pos\":\"");
    pos_format(&v->prefix, &p);
    v->prefix.n -= sizeof "0/0" - 1; // the two numbers that differ from line to line
    v->has_token = false;
}

void my_envelope_snapshot(struct my_envelope *v, uint64_t epoch, uint64_t view)
{
    buf_reset(&v->prefix);
    buf_printf(&v->prefix, "{\"cdc\":{\"pos\":\"my/%llu/s/%llu/", (unsigned long long)epoch,
               (unsigned long long)view);
    v->view_n = v->prefix.n;
    v->has_token = true;
}

void my_envelope_row(struct my_envelope *v, uint64_t seq, const char *table, struct span key)
{
    v->prefix.n = v->view_n;
    buf_u64(&v->prefix, seq);
    buf_char(&v->prefix, '/');
    buf_str(&v->prefix, table);
    buf_char(&v->prefix, '/');
    buf_span(&v->prefix, key);
}

static void write_times(struct my_envelope *v, int64_t us)
{
    buf_reset(&v->source);
    buf_lit(&v->source, "\"source\":{\"version\":\"" MY_ENVELOPE_VERSION "\",\"connector\":\"");
    buf_str(&v->source, v->connector);
    buf_lit(&v->source, "\",\"name\":");
    json_quote(&v->source, span_of(v->topic_prefix));
    buf_lit(&v->source, ",\"ts_ms\":");
    buf_i64(&v->source, us / 1000);
    buf_reset(&v->times);
    buf_i64(&v->times, us);
    buf_lit(&v->times, ",\"ts_ns\":");
    buf_i64(&v->times, us * 1000);
}

static void write_event(struct my_envelope *v, const struct my_source *s)
{
    buf_reset(&v->event);
    buf_u64(&v->event, s->server_id);
    buf_lit(&v->event, ",\"gtid\":");
    if (s->gtid.n != 0)
        json_quote(&v->event, s->gtid);
    else
        buf_lit(&v->event, "null");
    buf_lit(&v->event, ",\"file\":");
    json_quote(&v->event, s->file);
    buf_lit(&v->event, ",\"pos\":");
    buf_u64(&v->event, s->pos);
    buf_lit(&v->event, ",\"row\":");
}

static void write_end(struct my_envelope *v, const struct my_source *s)
{
    buf_reset(&v->end);
    buf_lit(&v->end, ",\"thread\":");
    if (s->has_thread)
        buf_u64(&v->end, s->thread);
    else
        buf_lit(&v->end, "null");
    buf_lit(&v->end, ",\"query\":");
    if (s->query.n != 0)
        json_quote(&v->end, s->query);
    else
        buf_lit(&v->end, "null");
    buf_char(&v->end, '}');
}

bool my_envelope_event(struct my_envelope *v, const struct my_source *s, struct err *e)
{
    if (s->commit_us < 0 || s->commit_us > INT64_MAX / 1000)
        return err_set(e, STATUS_DATA, "the commit time %lld is out of range", (long long)s->commit_us);
    write_times(v, s->commit_us);
    write_event(v, s);
    write_end(v, s);
    v->parts.relation = NULL;
    return buf_ok(&v->prefix, "the line's header", e) && buf_ok(&v->source, "the source block", e) &&
           buf_ok(&v->event, "the source block", e) && buf_ok(&v->end, "the statement", e);
}

// ---- values

// One line's sides.
struct change {
    char op;
    const struct value *before, *after; // NULL: null
    const struct value *key;            // NULL: null
    const char *header;                 // NULL: none
    const struct value *header_key;
    const struct value *old; // what a difference in `after` is one to, or NULL
};

// The column's name as an error shows it: without the comma and colon, with its quotes.
static bool wrap_column(const struct my_relation_column *column, struct err *e)
{
    return err_wrap(e, "column %.*s", (int)(column->member.n - 2), column->member.p + 1);
}

static bool write_value(const struct my_type *type, const struct value *v, const struct value *old,
                        struct my_writing *w, struct buf *out, struct err *e)
{
    if (v->kind == VALUE_BYTES)
        return my_type_write(type, v->bytes, w, out, e);
    if (v->kind == VALUE_CELL)
        return my_cell_write(type, v->bytes, w, out, e);
    if (v->kind == VALUE_NULL)
        return my_type_write_null(type, out, e);
    if (v->kind == VALUE_PARTIAL && old != NULL && old->kind == VALUE_BYTES)
        return my_type_write_difference(type, old->bytes, v->bytes, w, out, e);
    return err_set(e, STATUS_DATA, "the log has a difference to the old value, but not that value");
}

// A column that is not in the image is left out.
static bool write_image(const struct my_relation *r, const struct value *image, const struct value *old,
                        struct my_writing *w, struct buf *out, struct err *e)
{
    if (image == NULL) {
        buf_lit(out, "null");
        return true;
    }
    buf_char(out, '{');
    bool first = true;
    for (size_t i = 0; i < r->map.n; i++) {
        const struct my_relation_column *column = &r->column[i];
        if (!column->in_value || image[i].kind == VALUE_ABSENT)
            continue;
        buf_bytes(out, column->member.p + first, column->member.n - first);
        first = false;
        if (!write_value(&column->type, &image[i], old != NULL ? &old[i] : NULL, w, out, e))
            return wrap_column(column, e);
    }
    buf_char(out, '}');
    return true;
}

// A key's values are as they are, whatever the command line wants of the columns.
static bool write_key_value(const struct my_type *type, const struct value *v, const struct value *old,
                            struct my_writing *w, struct buf *out, struct err *e)
{
    if (type->rule == NULL)
        return write_value(type, v, old, w, out, e);
    struct my_type plain = *type;
    plain.rule = NULL;
    return write_value(&plain, v, old, w, out, e);
}

static bool write_key(const struct my_relation *r, const struct value *image, const struct value *old,
                      struct my_writing *w, struct buf *out, struct err *e)
{
    if (r->n_key == 0 || image == NULL) {
        buf_lit(out, "null");
        return true;
    }
    buf_char(out, '{');
    for (size_t i = 0; i < r->n_key; i++) {
        size_t at = r->key[i];
        const struct my_relation_column *column = &r->column[at];
        buf_bytes(out, column->member.p + (i == 0), column->member.n - (i == 0));
        const struct value *v = image[at].kind == VALUE_ABSENT && old != NULL ? &old[at] : &image[at];
        bool ok =
            v->kind != VALUE_ABSENT || err_set(e, STATUS_DATA, "the log has no value of this key column");
        if (!ok || !write_key_value(&column->type, v, old != NULL ? &old[at] : NULL, w, out, e))
            return wrap_column(column, e);
    }
    buf_char(out, '}');
    return true;
}

static bool same(const struct value *a, const struct value *b)
{
    return b->kind == VALUE_ABSENT || (a->kind == b->kind && span_eq(a->bytes, b->bytes));
}

bool my_changes_key(const struct my_relation *r, const struct my_row *row)
{
    for (size_t i = 0; i < r->n_key; i++)
        if (!same(&row->before[r->key[i]], &row->after[r->key[i]]))
            return true;
    return false;
}

bool my_is_unchanged(const struct my_relation *r, const struct my_row *row)
{
    for (size_t i = 0; i < r->map.n; i++)
        if (r->column[i].in_value && !same(&row->before[i], &row->after[i]))
            return false;
    return true;
}

// ---- the line

void my_envelope_write_source(const struct my_envelope *v, const char *snapshot, struct span db,
                              struct span table, struct buf *out)
{
    buf_span(out, buf_view(&v->source));
    buf_lit(out, ",\"snapshot\":\"");
    buf_str(out, snapshot);
    buf_lit(out, "\",\"db\":");
    json_quote(out, db);
    buf_lit(out, ",\"sequence\":null,\"ts_us\":");
    buf_span(out, buf_view(&v->times));
    buf_lit(out, ",\"table\":");
    if (table.n != 0)
        json_quote(out, table);
    else
        buf_lit(out, "null");
    buf_lit(out, ",\"server_id\":");
    buf_span(out, buf_view(&v->event));
    buf_char(out, '0');
    buf_span(out, buf_view(&v->end));
}

// Coarser units are the first digits of the finest: now_ns has 19 from 2001 to 2262.
static void render_now(int64_t now_ns, struct buf *out)
{
    char digits[20];
    struct buf ns = {.p = digits, .cap = sizeof digits, .max_bytes = sizeof digits};
    buf_i64(&ns, now_ns);
    bool whole = ns.n == 19;
    buf_lit(out, "\",\"ts_ms\":");
    buf_bytes(out, digits, whole ? 13 : ns.n);
    buf_lit(out, ",\"ts_us\":");
    buf_bytes(out, digits, whole ? 16 : ns.n);
    buf_lit(out, ",\"ts_ns\":");
    buf_bytes(out, digits, ns.n);
    buf_lit(out, "}\n");
}

static void render_parts(struct my_envelope *v, const struct my_relation *r, char op, int64_t now_ns)
{
    struct my_parts *p = &v->parts;
    p->relation = r, p->op = op, p->now_ns = now_ns;
    buf_reset(&p->topic);
    buf_lit(&p->topic, "\",\"topic\":\"");
    buf_span(&p->topic, r->topic);
    buf_lit(&p->topic, "\",\"key\":");
    buf_reset(&p->source);
    buf_char(&p->source, ',');
    buf_span(&p->source, buf_view(&v->source));
    p->mark = p->source.n + sizeof ",\"snapshot\":\"" - 1;
    buf_span(&p->source, r->source_db);
    buf_span(&p->source, buf_view(&v->times));
    buf_span(&p->source, r->source_table);
    buf_span(&p->source, buf_view(&v->event));
    buf_reset(&p->tail);
    buf_span(&p->tail, buf_view(&v->end));
    buf_lit(&p->tail, ",\"transaction\":");
    p->transaction = p->tail.n;
    buf_lit(&p->tail, ",\"op\":\"");
    buf_char(&p->tail, op);
    render_now(now_ns, &p->tail);
}

static bool use_parts(struct my_envelope *v, const struct my_relation *r, char op, int64_t now_ns,
                      struct err *e)
{
    const struct my_parts *p = &v->parts;
    if (p->relation == r && p->op == op && p->now_ns == now_ns)
        return true;
    render_parts(v, r, op, now_ns);
    return buf_ok(&p->topic, "the topic", e) && buf_ok(&p->source, "the source block", e) &&
           buf_ok(&p->tail, "the source block", e);
}

static void write_head(const struct my_envelope *v, struct my_place at, struct buf *out)
{
    buf_span(out, buf_view(&v->prefix));
    if (!v->has_token) {
        buf_u64(out, at.n);
        buf_char(out, '/');
        buf_u64(out, at.offset);
        pos_format_view(out, v->view);
    }
    buf_span(out, buf_view(&v->parts.topic));
}

static void write_rest(struct my_envelope *v, struct my_place at, struct buf *out)
{
    const struct my_parts *p = &v->parts;
    v->mark = out->n + p->mark;
    buf_span(out, buf_view(&p->source));
    buf_u64(out, at.row);
    buf_bytes(out, p->tail.p, p->transaction);
    if (at.transaction.total == 0)
        buf_lit(out, "null");
    else
        transaction_write_place(v->transaction, at.transaction, out);
    buf_bytes(out, p->tail.p + p->transaction, p->tail.n - p->transaction);
}

static bool write_headers(const struct my_relation *r, const struct change *c, struct my_writing *w,
                          struct buf *out, struct err *e)
{
    if (c->header == NULL)
        return true;
    buf_lit(out, ",\"headers\":{\"");
    buf_str(out, c->header);
    buf_lit(out, "\":");
    if (!write_key(r, c->header_key, c->old, w, out, e))
        return false;
    buf_char(out, '}');
    return true;
}

static bool write_members(struct my_envelope *v, const struct my_relation *r, const struct change *c,
                          struct my_place at, struct my_writing *w, struct buf *out, struct err *e)
{
    if (!use_parts(v, r, c->op, at.now_ns, e))
        return false;
    write_head(v, at, out);
    if (!write_key(r, c->key, c->old, w, out, e))
        return false;
    if (r->not_unique)
        buf_lit(out, ",\"unique\":false");
    if (!write_headers(r, c, w, out, e))
        return false;
    buf_lit(out, "},\"before\":");
    if (!write_image(r, c->before, NULL, w, out, e))
        return false;
    buf_lit(out, ",\"after\":");
    if (!write_image(r, c->after, c->old, w, out, e))
        return false;
    write_rest(v, at, out);
    return true;
}

char my_change_op(enum my_change change)
{
    static const char ops[] = {[MY_INSERT] = 'c',  [MY_UPDATE] = 'u',   [MY_DELETE] = 'd', [MY_OLD_KEY] = 'd',
                               [MY_NEW_KEY] = 'c', [MY_TRUNCATE] = 't', [MY_READ] = 'r'};
    return ops[change];
}

static struct change change_of(enum my_change change, const struct my_row *row)
{
    struct change c = {.op = my_change_op(change)};
    switch (change) {
    case MY_INSERT:
    case MY_READ:
        c.after = c.key = row->after;
        break;
    case MY_UPDATE:
        c.before = c.old = row->before;
        c.after = c.key = row->after;
        break;
    case MY_DELETE:
        c.before = c.key = row->before;
        break;
    case MY_OLD_KEY:
        c.before = c.key = c.old = row->before;
        c.header = "__debezium.newkey";
        c.header_key = row->after;
        break;
    case MY_NEW_KEY:
        c.after = c.key = row->after;
        c.old = row->before;
        c.header = "__debezium.oldkey";
        c.header_key = row->before;
        break;
    case MY_TRUNCATE:
        break;
    }
    return c;
}

bool my_envelope_write(struct my_envelope *v, const struct my_relation *r, enum my_change change,
                       const struct my_row *row, struct my_place at, struct my_writing *w, struct buf *out,
                       struct err *e)
{
    size_t start = out->n;
    struct change c = change_of(change, row);
    if (write_members(v, r, &c, at, w, out, e) && buf_ok(out, "a line", e))
        return true;
    out->n = start;
    out->bad = false;
    if (v->has_token)
        return err_wrap(e, "table %.*s", SPAN_ARG(r->name));
    return err_wrap(e, "table %.*s, position my/…/%llu/%llu", SPAN_ARG(r->name), (unsigned long long)at.n,
                    (unsigned long long)at.offset);
}
