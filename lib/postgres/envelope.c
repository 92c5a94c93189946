#include "postgres/envelope.h"

#include "event/binary.h"
#include "event/json.h"

#include <stdio.h>

// Each holds a few names of at most 63 bytes, and the prefix.
#define PART_MAX 65536

void envelope_init(struct envelope *v, const char *topic_prefix, const char *database)
{
    *v = (struct envelope){.topic_prefix = topic_prefix, .database = database};
    buf_init(&v->prefix, PART_MAX);
    buf_init(&v->source, PART_MAX);
    buf_init(&v->times, PART_MAX);
    buf_init(&v->origin, PART_MAX);
}

void envelope_release(struct envelope *v)
{
    buf_release(&v->prefix);
    buf_release(&v->source);
    buf_release(&v->times);
    buf_release(&v->origin);
}

static void write_origin(struct buf *b, struct span name, uint64_t lsn)
{
    buf_reset(b);
    buf_lit(b, ",\"xmin\":null,\"origin\":");
    if (name.n == 0) {
        buf_lit(b, "null,\"origin_lsn\":null");
    } else {
        json_quote(b, name);
        buf_lit(b, ",\"origin_lsn\":");
        buf_u64(b, lsn);
    }
    buf_lit(b, "},\"transaction\":");
}

static bool parts_ok(const struct envelope *v, struct err *e)
{
    return buf_ok(&v->prefix, "the line's header", e) && buf_ok(&v->source, "the source block", e) &&
           buf_ok(&v->times, "the source block", e) && buf_ok(&v->origin, "the origin's name", e);
}

// Whole milliseconds of an instant, rounded down; times before 1970 come from a peer alone.
static int64_t floor_ms(int64_t us)
{
    return us >= 0 ? us / 1000 : -((999 - us) / 1000);
}

bool envelope_begin(struct envelope *v, const struct pos *at, int64_t commit_us, uint32_t xid, struct err *e)
{
    v->xid = xid;
    v->view = at->view;
    if (commit_us > INT64_MAX / 1000 || commit_us < INT64_MIN / 1000)
        return err_set(e, STATUS_DATA, "the commit time %lld is out of range", (long long)commit_us);
    buf_reset(&v->prefix);
    buf_lit(&v->prefix, "{\"cdc\":{\"pos\":\"pg/");
    buf_u64(&v->prefix, at->epoch);
    buf_lit(&v->prefix, "/l/");
    buf_u64(&v->prefix, at->n[0]);
    buf_char(&v->prefix, '/');

    buf_reset(&v->source);
    buf_lit(&v->source,
            "\"source\":{\"version\":\"" ENVELOPE_VERSION "\",\"connector\":\"postgresql\",\"name\":");
    json_quote(&v->source, span_of(v->topic_prefix));
    buf_lit(&v->source, ",\"ts_ms\":");
    buf_i64(&v->source, floor_ms(commit_us));
    buf_lit(&v->source, ",\"snapshot\":\"false\",\"db\":");
    json_quote(&v->source, span_of(v->database));
    buf_lit(&v->source, ",\"sequence\":\"[");
    if (v->last_commit == 0)
        buf_lit(&v->source, "null");
    else
        buf_printf(&v->source, "\\\"%llu\\\"", (unsigned long long)v->last_commit);
    buf_lit(&v->source, ",\\\"");

    buf_reset(&v->times);
    buf_lit(&v->times, "\\\"]\",\"ts_us\":");
    buf_i64(&v->times, commit_us);
    buf_lit(&v->times, ",\"ts_ns\":");
    buf_i64(&v->times, commit_us * 1000);

    write_origin(&v->origin, (struct span){"", 0}, 0);
    return parts_ok(v, e);
}

bool envelope_origin(struct envelope *v, struct span name, uint64_t lsn, struct err *e)
{
    write_origin(&v->origin, name, lsn);
    return parts_ok(v, e);
}

// One line's sides. A value that the new row lacks (unchanged TOAST) is taken from old.
struct image {
    const struct pgo_tuple *tuple; // NULL: null
    const struct pgo_tuple *fallback;
    bool key_only; // the log has the identity's columns; the others print what relation_column.absent says
};

struct change {
    char op;
    struct image before, after;
    const struct image *key; // NULL: null
    const char *header;      // NULL: none
    const struct image *header_key;
};

static struct pgo_value value_of(const struct image *image, size_t i)
{
    struct pgo_value v = image->tuple->at[i];
    if (v.kind == PGO_UNCHANGED && image->fallback != NULL && i < image->fallback->n)
        v = image->fallback->at[i];
    return v;
}

static bool write_value(const struct pg_type *type, struct pgo_value v, struct buf *out, struct err *e)
{
    if (v.kind == PGO_TEXT)
        return pg_type_write(type, v.text, out, e);
    if (v.kind == PGO_UNCHANGED)
        return pg_type_write_unavailable(type, out, e);
    return pg_type_write_null(type, out, e);
}

// The column's name as an error shows it: without the comma and colon, with its quotes.
static bool wrap_column(const struct relation_column *column, struct err *e)
{
    return err_wrap(e, "column %.*s", (int)(column->member.n - 2), column->member.p + 1);
}

static bool write_image(const struct relation *r, const struct image *image, struct buf *out, struct err *e)
{
    if (image->tuple == NULL) {
        buf_lit(out, "null");
        return true;
    }
    buf_char(out, '{');
    bool first = true;
    for (size_t i = 0; i < r->n; i++) {
        const struct relation_column *column = &r->column[i];
        if (!column->in_value)
            continue;
        buf_bytes(out, column->member.p + first, column->member.n - first);
        first = false;
        if (image->key_only && !column->in_identity)
            buf_span(out, column->absent);
        else if (!write_value(&column->type, value_of(image, i), out, e))
            return wrap_column(column, e);
    }
    buf_char(out, '}');
    return true;
}

// A column that --message-key-columns names may lack its old value.
static bool write_key_value(const struct image *image, size_t i, const struct relation_column *column,
                            struct buf *out, struct err *e)
{
    struct pgo_value v = value_of(image, i);
    if (image->key_only && !column->in_identity)
        buf_span(out, column->absent);
    else if (v.kind == PGO_UNCHANGED)
        return err_set(e, STATUS_DATA, "the log has no value of this key column");
    else
        return write_value(&column->key_type, v, out, e);
    return true;
}

static bool write_key(const struct relation *r, const struct image *image, struct buf *out, struct err *e)
{
    if (r->n_key == 0 || image == NULL) {
        buf_lit(out, "null");
        return true;
    }
    buf_char(out, '{');
    for (size_t i = 0; i < r->n_key; i++) {
        const struct relation_column *column = &r->column[r->key[i]];
        buf_bytes(out, column->member.p + (i == 0), column->member.n - (i == 0));
        if (!write_key_value(image, r->key[i], column, out, e))
            return wrap_column(column, e);
    }
    buf_char(out, '}');
    return true;
}

// {"cdc":{"pos":"…","topic":"
static void write_pos(const struct envelope *v, struct change_place at, struct buf *out)
{
    buf_span(out, buf_view(&v->prefix));
    buf_u64(out, at.lsn);
    buf_char(out, '/');
    buf_u64(out, at.k);
    pos_format_view(out, v->view);
    buf_lit(out, "\",\"topic\":\"");
}

// … and …","key":
static void write_head(const struct envelope *v, struct change_place at, struct span topic, struct buf *out)
{
    write_pos(v, at, out);
    buf_span(out, topic);
    buf_lit(out, "\",\"key\":");
}

struct transaction_id pg_transaction_id(uint32_t xid, uint64_t lsn)
{
    struct transaction_id id;
    id.n = (size_t)snprintf(id.text, sizeof id.text, "%u:%llu", (unsigned)xid, (unsigned long long)lsn);
    return id;
}

static void write_transaction(const struct envelope *v, struct change_place at, struct buf *out)
{
    struct transaction_id id = pg_transaction_id(v->xid, at.lsn);
    transaction_write_place((struct span){id.text, id.n}, at.transaction, out);
    buf_char(out, ',');
}

// The source block and "transaction"; table: relation.source, or that of a message.
static void write_source(struct envelope *v, struct change_place at, struct span table, struct buf *out)
{
    buf_span(out, buf_view(&v->source));
    buf_u64(out, at.lsn);
    buf_span(out, buf_view(&v->times));
    buf_span(out, table);
    if (v->xid != 0)
        buf_u64(out, v->xid);
    else
        buf_lit(out, "null");
    buf_lit(out, ",\"lsn\":");
    buf_u64(out, at.lsn);
    buf_span(out, buf_view(&v->origin));
    if (at.transaction.total == 0)
        buf_lit(out, "null,");
    else
        write_transaction(v, at, out);
}

// Coarser units are the first digits of the finest, which has 19 from 2001 to 2262. A clock that nobody set
// is before that.
static void write_now(int64_t now_ns, struct buf *out)
{
    buf_lit(out, "\",\"ts_ms\":");
    size_t at = out->n;
    buf_i64(out, now_ns);
    if (out->bad || !buf_room(out, 128))
        return;
    if (out->n - at != 19) {
        out->n = at;
        buf_printf(out, "%lld,\"ts_us\":%lld,\"ts_ns\":%lld}\n", (long long)(now_ns / 1000000),
                   (long long)(now_ns / 1000), (long long)now_ns);
        return;
    }
    char digits[19];
    memcpy(digits, out->p + at, sizeof digits);
    out->n = at + 13;
    buf_lit(out, ",\"ts_us\":");
    buf_bytes(out, digits, 16);
    buf_lit(out, ",\"ts_ns\":");
    buf_bytes(out, digits, 19);
    buf_lit(out, "}\n");
}

static bool write_headers(const struct relation *r, const struct change *c, struct buf *out, struct err *e)
{
    if (c->header == NULL)
        return true;
    buf_lit(out, ",\"headers\":{\"");
    buf_str(out, c->header);
    buf_lit(out, "\":");
    if (!write_key(r, c->header_key, out, e))
        return false;
    buf_char(out, '}');
    return true;
}

static bool write_members(struct envelope *v, const struct relation *r, const struct change *c,
                          struct change_place at, struct buf *out, struct err *e)
{
    write_head(v, at, r->topic, out);
    if (!write_key(r, c->key, out, e))
        return false;
    if (r->not_unique)
        buf_lit(out, ",\"unique\":false");
    if (!write_headers(r, c, out, e))
        return false;
    buf_lit(out, "},\"before\":");
    if (!write_image(r, &c->before, out, e))
        return false;
    buf_lit(out, ",\"after\":");
    if (!write_image(r, &c->after, out, e))
        return false;
    buf_char(out, ',');
    write_source(v, at, r->source, out);
    buf_lit(out, "\"op\":\"");
    buf_char(out, c->op);
    write_now(at.now_ns, out);
    return true;
}

// What the tuples must be for the loops above to stay within them.
static bool fits(const struct relation *r, const struct pgo_tuple *t, struct err *e)
{
    return t == NULL || t->n == r->n ||
           err_set(e, STATUS_DATA, "a row of %zu columns came for a table of %zu", t->n, r->n);
}

static bool write_change(struct envelope *v, const struct relation *r, const struct change *c,
                         struct change_place at, struct buf *out, struct err *e)
{
    size_t start = out->n;
    if (fits(r, c->before.tuple, e) && fits(r, c->after.tuple, e) && fits(r, c->after.fallback, e) &&
        write_members(v, r, c, at, out, e) && buf_ok(out, "a line", e))
        return true;
    out->n = start;
    out->bad = false;
    return err_wrap(e, "table %.*s, position pg/…/%llu/%llu", SPAN_ARG(r->name), (unsigned long long)at.lsn,
                    (unsigned long long)at.k);
}

static struct image old_image(const struct pgo_row *row)
{
    return (struct image){row->old_kind != 0 ? &row->old : NULL, NULL, row->old_kind == 'K'};
}

static struct image new_image(const struct pgo_row *row)
{
    return (struct image){&row->new, row->old_kind == 'O' ? &row->old : NULL, false};
}

static bool differs(const struct pgo_row *row, size_t i)
{
    struct pgo_value old = row->old.at[i], new = row->new.at[i];
    return new.kind != PGO_UNCHANGED && (old.kind != new.kind || !span_eq(old.text, new.text));
}

bool envelope_changes_key(const struct relation *r, const struct pgo_row *row)
{
    if (row->old_kind == 0 || row->old.n != r->n || row->new.n != r->n)
        return false;
    for (size_t i = 0; i < r->n_key; i++)
        if ((row->old_kind == 'O' || r->column[r->key[i]].in_identity) && differs(row, r->key[i]))
            return true;
    return false;
}

bool envelope_changes_nothing(const struct relation *r, const struct pgo_row *row)
{
    if (row->old_kind != 'O' || row->old.n != r->n || row->new.n != r->n)
        return false;
    for (size_t i = 0; i < r->n; i++)
        if (r->column[i].in_value && differs(row, i))
            return false;
    return true;
}

bool envelope_insert(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                     struct change_place at, struct buf *out, struct err *e)
{
    struct image new = new_image(row);
    return write_change(v, r, &(struct change){.op = 'c', .after = new, .key = &new}, at, out, e);
}

// Without FULL the log has the old key at most, and Debezium prints no `before`.
bool envelope_update(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                     struct change_place at, struct buf *out, struct err *e)
{
    struct image new = new_image(row), old = old_image(row), none = {0}, key = new;
    if (key.fallback == NULL && row->old_kind != 0)
        key.fallback = &row->old; // a TOASTed key column that did not change
    struct change c = {.op = 'u', .before = row->old_kind == 'O' ? old : none, .after = new, .key = &key};
    return write_change(v, r, &c, at, out, e);
}

bool envelope_delete(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                     struct change_place at, struct buf *out, struct err *e)
{
    struct image old = old_image(row);
    return write_change(v, r, &(struct change){.op = 'd', .before = old, .key = &old}, at, out, e);
}

bool envelope_old_key(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                      struct change_place at, struct buf *out, struct err *e)
{
    struct image old = old_image(row), new = {&row->new, &row->old, false};
    struct change c = {
        .op = 'd', .before = old, .key = &old, .header = "__debezium.newkey", .header_key = &new};
    return write_change(v, r, &c, at, out, e);
}

bool envelope_new_key(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                      struct change_place at, struct buf *out, struct err *e)
{
    struct image old = old_image(row), new = new_image(row), key = {&row->new, &row->old, false};
    struct change c = {
        .op = 'c', .after = new, .key = &key, .header = "__debezium.oldkey", .header_key = &old};
    return write_change(v, r, &c, at, out, e);
}

bool envelope_truncate(struct envelope *v, const struct relation *r, struct change_place at, struct buf *out,
                       struct err *e)
{
    return write_change(v, r, &(struct change){.op = 't'}, at, out, e);
}

void envelope_message_topic(const struct envelope *v, struct buf *out)
{
    buf_str(out, v->topic_prefix);
    buf_lit(out, ".message");
}

bool envelope_message(struct envelope *v, const struct pgo_logical *m, enum shape_binary binary,
                      struct change_place at, struct buf *out, struct err *e)
{
    static const struct span nowhere = SPAN_LIT(",\"schema\":\"\",\"table\":\"\",\"txId\":");
    size_t start = out->n;
    write_pos(v, at, out);
    envelope_message_topic(v, out);
    buf_lit(out, "\",\"key\":{\"prefix\":");
    json_quote(out, m->prefix);
    buf_lit(out, "}},\"op\":\"m\",\"ts_ms\":");
    buf_i64(out, at.now_ns / 1000000);
    buf_char(out, ',');
    // Debezium shows the end of the message's record, which is not its place in the token.
    at.lsn = m->lsn;
    write_source(v, at, nowhere, out);
    buf_lit(out, "\"message\":{\"prefix\":");
    json_quote(out, m->prefix);
    buf_lit(out, ",\"content\":");
    binary_write(out, (const unsigned char *)m->content.p, m->content.n, binary);
    buf_lit(out, "}}\n");
    if (buf_ok(out, "a line", e))
        return true;
    out->n = start;
    out->bad = false;
    return err_wrap(e, "logical message at %llu", (unsigned long long)at.lsn);
}
