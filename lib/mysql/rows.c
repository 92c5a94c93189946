#include "mysql/rows.h"

static enum rows_kind kind_of(uint8_t type)
{
    switch (type) {
    case BINLOG_WRITE_V1:
    case BINLOG_WRITE_V2:
    case BINLOG_WRITE_COMPRESSED_V1:
    case BINLOG_WRITE_COMPRESSED:
        return ROWS_WRITE;
    case BINLOG_DELETE_V1:
    case BINLOG_DELETE_V2:
    case BINLOG_DELETE_COMPRESSED_V1:
    case BINLOG_DELETE_COMPRESSED:
        return ROWS_DELETE;
    default:
        return ROWS_UPDATE;
    }
}

// Version 2 has a longer fixed part: the extra data's length.
static bool has_extra(uint8_t type)
{
    return (type >= BINLOG_WRITE_V2 && type <= BINLOG_DELETE_V2) || type == BINLOG_PARTIAL_UPDATE ||
           type >= BINLOG_WRITE_COMPRESSED;
}

static inline bool bit(const unsigned char *bits, size_t i)
{
    return (bits[i / 8] >> i % 8 & 1) != 0;
}

static size_t count_bits(const unsigned char *bits, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += bit(bits, i);
    return count;
}

static const unsigned char *take_bits(struct cursor *c, size_t n)
{
    return (const unsigned char *)cursor_bytes(c, (n + 7) / 8).p;
}

bool rows_read(struct rows_event *r, const struct binlog_format *f, const struct binlog_event *ev,
               struct err *e)
{
    enum { STATEMENT_END = 1 };
    struct cursor c = cursor_of(ev->body);
    *r = (struct rows_event){.kind = kind_of(ev->type),
                             .partial = ev->type == BINLOG_PARTIAL_UPDATE,
                             .compressed = ev->type >= BINLOG_WRITE_COMPRESSED_V1};
    r->table_id = cursor_le(&c, f->fixed_bytes[ev->type] == 6 ? 4 : 6);
    r->last = (cursor_le(&c, 2) & STATEMENT_END) != 0;
    if (has_extra(ev->type)) {
        size_t extra = (size_t)cursor_le(&c, 2);
        cursor_bytes(&c, extra < 2 ? SIZE_MAX : extra - 2);
    }
    uint64_t n = cursor_packed(&c);
    if (c.bad || n == 0 || n > TABLE_MAX_COLUMNS)
        return binlog_malformed(ev, e);
    r->n = (size_t)n;
    r->present[0] = take_bits(&c, r->n);
    r->present[1] = r->kind == ROWS_UPDATE ? take_bits(&c, r->n) : r->present[0];
    r->data = cursor_bytes(&c, cursor_left(&c));
    if (c.bad)
        return binlog_malformed(ev, e);
    for (int i = 0; i < 2; i++)
        r->n_present[i] = count_bits(r->present[i], r->n);
    return true;
}

static inline struct span take_value(const struct table_column *column, struct cursor *c)
{
    if (column->length_bytes == 0)
        return cursor_bytes(c, column->fixed_bytes);
    uint64_t n = cursor_le(c, column->length_bytes);
    return cursor_bytes(c, (size_t)n);
}

// The bits of a partial update's after image; NULL where no value is a difference.
static const unsigned char *take_partial(const struct rows_event *r, const struct table_map *t, int which,
                                         struct cursor *c)
{
    enum { PARTIAL_JSON = 1 };
    if (!r->partial || which != 1)
        return NULL;
    uint64_t options = cursor_packed(c);
    if ((options & ~(uint64_t)PARTIAL_JSON) != 0)
        c->bad = true;
    return options == PARTIAL_JSON ? take_bits(c, t->n_json) : NULL;
}

static bool reject(const struct table_map *t, const char *why, struct err *e)
{
    err_set(e, STATUS_DATA, "%s", why);
    return err_wrap(e, "table %.*s.%.*s", SPAN_ARG(t->db), SPAN_ARG(t->name));
}

bool rows_image(const struct rows_event *r, const struct table_map *t, int which, struct cursor *c,
                struct value *values, struct err *e)
{
    const unsigned char *present = r->present[which];
    if (t->n != r->n)
        return reject(t, "the rows have another number of columns than the table", e);
    const unsigned char *partial = take_partial(r, t, which, c);
    const unsigned char *null = take_bits(c, r->n_present[which]);
    if (c->bad)
        return reject(t, "a row ends too early", e);
    size_t at = 0, json = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct table_column *column = &t->column[i];
        bool is_partial = partial != NULL && column->type == MY_JSON && bit(partial, json++);
        if (!bit(present, i)) {
            values[i] = (struct value){VALUE_ABSENT, {"", 0}};
        } else if (bit(null, at++)) {
            values[i] = (struct value){VALUE_NULL, {"", 0}};
        } else {
            values[i].kind = is_partial ? VALUE_PARTIAL : VALUE_BYTES;
            values[i].bytes = take_value(column, c);
        }
    }
    return !c->bad || reject(t, "a row ends too early", e);
}
