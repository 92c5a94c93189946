#include "mysql/table_map.h"

#include "mysql/decimal.h"

#include <stdlib.h>

// An event is at most this long; its names and labels are a part of it.
#define BODY_MAX_BYTES (64u << 20)

uint64_t table_map_id(const struct binlog_format *f, const struct binlog_event *ev)
{
    struct cursor c = cursor_of(ev->body);
    return cursor_le(&c, f->fixed_bytes[ev->type] == 6 ? 4 : 6);
}

void table_map_release(struct table_map *t)
{
    free(t->column);
    free(t->key);
    buf_release(&t->body);
    buf_release(&t->added);
    *t = (struct table_map){0};
}

// ---- what the types say

// CHAR, ENUM and SET are all logged as STRING; the real type stands in the metadata's first byte, and two
// bits of it, inverted, are the length's highest where a CHAR has more than 255 bytes.
static void read_string(struct cursor *c, struct table_column *column)
{
    unsigned type = cursor_u8(c), length = cursor_u8(c);
    if ((type & 0x30) != 0x30) {
        length |= ((type & 0x30) ^ 0x30) << 4;
        type |= 0x30;
    }
    column->type = (uint8_t)type;
    column->meta = (uint16_t)length;
    if (type == MY_ENUM || type == MY_SET)
        column->fixed_bytes = (uint16_t)length;
    else
        column->length_bytes = length > 255 ? 2 : 1;
    c->bad = c->bad || (type != MY_ENUM && type != MY_SET && type != MY_STRING) ||
             (type != MY_STRING && (length == 0 || length > 8));
}

static void read_decimal(struct cursor *c, struct table_column *column)
{
    unsigned precision = cursor_u8(c), scale = cursor_u8(c);
    if (precision == 0 || precision > 65 || scale > precision) {
        c->bad = true;
        return;
    }
    column->meta = (uint16_t)(precision << 8 | scale);
    column->fixed_bytes = (uint16_t)my_decimal_bytes(precision, scale);
}

static void read_bit(struct cursor *c, struct table_column *column)
{
    unsigned bits = cursor_u8(c), bytes = cursor_u8(c);
    column->meta = (uint16_t)(bytes * 8 + bits);
    column->fixed_bytes = (uint16_t)(bytes + (bits != 0));
    c->bad = c->bad || bits > 7 || column->meta == 0 || column->meta > 64;
}

static void read_fraction(struct cursor *c, struct table_column *column, unsigned bytes)
{
    column->meta = cursor_u8(c);
    column->fixed_bytes = (uint16_t)(bytes + (column->meta + 1u) / 2);
    c->bad = c->bad || column->meta > 6;
}

static void read_metadata(struct cursor *c, struct table_column *column)
{
    switch (column->type) {
    case MY_TINY:
    case MY_YEAR:
        column->fixed_bytes = 1;
        break;
    case MY_SHORT:
        column->fixed_bytes = 2;
        break;
    case MY_INT24:
    case MY_DATE:
    case MY_NEWDATE:
    case MY_TIME:
        column->fixed_bytes = 3;
        break;
    case MY_LONG:
    case MY_TIMESTAMP:
        column->fixed_bytes = 4;
        break;
    case MY_LONGLONG:
    case MY_DATETIME:
        column->fixed_bytes = 8;
        break;
    case MY_FLOAT:
    case MY_DOUBLE:
        column->fixed_bytes = cursor_u8(c);
        c->bad = c->bad || column->fixed_bytes != (column->type == MY_FLOAT ? 4 : 8);
        break;
    case MY_TIMESTAMP2:
        read_fraction(c, column, 4);
        break;
    case MY_DATETIME2:
        read_fraction(c, column, 5);
        break;
    case MY_TIME2:
        read_fraction(c, column, 3);
        break;
    case MY_NEWDECIMAL:
        read_decimal(c, column);
        break;
    case MY_BIT:
        read_bit(c, column);
        break;
    case MY_VARCHAR:
    case MY_VAR_STRING:
    case MY_VARCHAR_COMPRESSED:
        column->meta = (uint16_t)cursor_le(c, 2);
        column->length_bytes = column->meta > 255 ? 2 : 1;
        break;
    case MY_TINY_BLOB:
    case MY_MEDIUM_BLOB:
    case MY_LONG_BLOB:
    case MY_BLOB:
    case MY_BLOB_COMPRESSED:
    case MY_JSON:
    case MY_GEOMETRY:
    case MY_VECTOR:
        column->length_bytes = cursor_u8(c);
        c->bad = c->bad || column->length_bytes == 0 || column->length_bytes > 4;
        break;
    case MY_STRING:
    case MY_ENUM:
    case MY_SET:
        read_string(c, column);
        break;
    default: // the length of such a value is not known
        c->bad = true;
    }
}

// ---- the optional metadata
//
// A bit or number stands for each column of a kind only, in the table's order.

static bool is_numeric(const struct table_column *column)
{
    switch (column->type) {
    case MY_TINY:
    case MY_SHORT:
    case MY_INT24:
    case MY_LONG:
    case MY_LONGLONG:
    case MY_FLOAT:
    case MY_DOUBLE:
    case MY_YEAR:
    case MY_NEWDECIMAL:
        return true;
    default:
        return false;
    }
}

static bool is_text(const struct table_column *column)
{
    switch (column->type) {
    case MY_STRING:
    case MY_VARCHAR:
    case MY_VAR_STRING:
    case MY_TINY_BLOB:
    case MY_MEDIUM_BLOB:
    case MY_LONG_BLOB:
    case MY_BLOB:
    case MY_BLOB_COMPRESSED:
    case MY_VARCHAR_COMPRESSED:
        return true;
    default:
        return false;
    }
}

static bool is_enum(const struct table_column *column)
{
    return column->type == MY_ENUM;
}

static bool is_set(const struct table_column *column)
{
    return column->type == MY_SET;
}

static bool has_labels(const struct table_column *column)
{
    return is_enum(column) || is_set(column);
}

static bool is_geometry(const struct table_column *column)
{
    return column->type == MY_GEOMETRY;
}

static bool is_vector(const struct table_column *column)
{
    return column->type == MY_VECTOR;
}

static bool is_any(const struct table_column *column)
{
    (void)column;
    return true;
}

typedef bool column_test(const struct table_column *column);

// The next column of the kind from *at on, which is moved behind it; NULL if there is none.
static struct table_column *next_of(struct table_map *t, column_test *is_kind, size_t *at)
{
    while (*at < t->n)
        if (is_kind(&t->column[(*at)++]))
            return &t->column[*at - 1];
    return NULL;
}

// A bit for each column of the kind, the highest of a byte first.
static void read_bits(struct table_map *t, struct cursor *c, column_test *is_kind,
                      void (*put)(struct table_column *, bool))
{
    uint8_t byte = 0;
    unsigned i = 0;
    struct table_column *column;
    for (size_t at = 0; (column = next_of(t, is_kind, &at)) != NULL; i++) {
        if (i % 8 == 0)
            byte = cursor_u8(c);
        put(column, (byte & 0x80 >> i % 8) != 0);
    }
}

static void put_unsigned(struct table_column *column, bool set)
{
    column->is_unsigned = set;
}

static void put_visible(struct table_column *column, bool set)
{
    column->invisible = !set;
}

// One for all, then pairs of a column's place among those of its kind and its own.
static void read_default_collation(struct table_map *t, struct cursor *c, column_test *is_kind)
{
    uint32_t collation = (uint32_t)cursor_packed(c);
    size_t at = 0;
    struct table_column *column;
    while ((column = next_of(t, is_kind, &at)) != NULL)
        column->collation = collation;
    at = 0;
    for (uint64_t seen = 0; !c->bad && cursor_left(c) != 0;) {
        uint64_t place = cursor_packed(c);
        collation = (uint32_t)cursor_packed(c);
        do {
            column = next_of(t, is_kind, &at);
        } while (column != NULL && seen++ != place);
        if (column == NULL)
            c->bad = true;
        else
            column->collation = collation;
    }
}

static void read_numbers(struct table_map *t, struct cursor *c, column_test *is_kind,
                         void (*put)(struct table_column *, uint32_t))
{
    size_t at = 0;
    struct table_column *column;
    while (!c->bad && cursor_left(c) != 0 && (column = next_of(t, is_kind, &at)) != NULL)
        put(column, (uint32_t)cursor_packed(c));
}

static void put_collation(struct table_column *column, uint32_t v)
{
    column->collation = v;
}

static void put_geometry(struct table_column *column, uint32_t v)
{
    column->geometry = v;
}

static void put_dimensions(struct table_column *column, uint32_t v)
{
    column->dimensions = v;
}

static void read_names(struct table_map *t, struct cursor *c)
{
    for (size_t i = 0; i < t->n; i++)
        t->column[i].name = cursor_packed_bytes(c);
    t->has_names = !c->bad;
}

// For each column: how many labels, and each behind its length.
static void read_labels(struct table_map *t, struct cursor *c, column_test *is_kind)
{
    size_t at = 0;
    struct table_column *column;
    while (!c->bad && cursor_left(c) != 0 && (column = next_of(t, is_kind, &at)) != NULL) {
        uint64_t n = cursor_packed(c);
        const unsigned char *from = c->p;
        if (n > UINT16_MAX) {
            c->bad = true;
            return;
        }
        for (uint64_t i = 0; i < n && !c->bad; i++)
            cursor_packed_bytes(c);
        column->n_labels = (uint32_t)n;
        column->labels = (struct span){(const char *)from, (size_t)(c->p - from)};
    }
}

static void read_key(struct table_map *t, struct cursor *c, bool with_prefix)
{
    t->n_key = 0;
    while (!c->bad && cursor_left(c) != 0) {
        uint64_t i = cursor_packed(c);
        if (with_prefix)
            cursor_packed(c);
        if (i >= t->n || t->n_key == t->n) {
            c->bad = true;
            return;
        }
        t->key[t->n_key++] = (uint16_t)i;
    }
}

static void read_field(struct table_map *t, uint8_t type, struct cursor *c)
{
    switch (type) {
    case 1:
        read_bits(t, c, is_numeric, put_unsigned);
        break;
    case 2:
        read_default_collation(t, c, is_text);
        break;
    case 3:
        read_numbers(t, c, is_text, put_collation);
        break;
    case 4:
        read_names(t, c);
        break;
    case 5:
        read_labels(t, c, is_set);
        break;
    case 6:
        read_labels(t, c, is_enum);
        break;
    case 7:
        read_numbers(t, c, is_geometry, put_geometry);
        break;
    case 8:
        read_key(t, c, false);
        break;
    case 9:
        read_key(t, c, true);
        break;
    case 10:
        read_default_collation(t, c, has_labels);
        break;
    case 11:
        read_numbers(t, c, has_labels, put_collation);
        break;
    case 12:
        read_bits(t, c, is_any, put_visible);
        break;
    case 13:
        read_numbers(t, c, is_vector, put_dimensions);
        break;
    default: // what a newer server adds
        break;
    }
}

static void read_optional(struct table_map *t, struct cursor *c)
{
    while (!c->bad && cursor_left(c) != 0) {
        uint8_t type = cursor_u8(c);
        struct cursor field = cursor_of(cursor_packed_bytes(c));
        if (!c->bad)
            read_field(t, type, &field);
        c->bad = c->bad || field.bad;
    }
}

// ---- the event

static bool allocate(struct table_map *t, uint64_t n, const struct binlog_event *ev, struct err *e)
{
    if (n == 0 || n > TABLE_MAX_COLUMNS)
        return binlog_malformed(ev, e);
    t->n = (size_t)n;
    t->column = calloc(t->n, sizeof *t->column);
    t->key = calloc(t->n, sizeof *t->key);
    return (t->column != NULL && t->key != NULL) || err_no_memory(e);
}

static void read_columns(struct table_map *t, struct cursor *c)
{
    struct span types = cursor_bytes(c, t->n);
    struct cursor meta = cursor_of(cursor_packed_bytes(c));
    struct span nullable = cursor_bytes(c, (t->n + 7) / 8);
    for (size_t i = 0; i < t->n && !c->bad; i++) {
        struct table_column *column = &t->column[i];
        column->type = (uint8_t)types.p[i];
        read_metadata(&meta, column);
        column->nullable = (nullable.p[i / 8] >> i % 8 & 1) != 0;
        t->n_json += column->type == MY_JSON;
        c->bad = meta.bad;
    }
}

static bool read_body(struct table_map *t, const struct binlog_format *f, const struct binlog_event *ev,
                      struct err *e)
{
    struct cursor c = cursor_of(buf_view(&t->body));
    t->id = cursor_le(&c, f->fixed_bytes[ev->type] == 6 ? 4 : 6);
    cursor_le(&c, 2);
    t->db = cursor_bytes(&c, cursor_u8(&c));
    cursor_u8(&c);
    t->name = cursor_bytes(&c, cursor_u8(&c));
    cursor_u8(&c);
    uint64_t n = cursor_packed(&c);
    if (c.bad || !allocate(t, n, ev, e))
        return c.bad ? binlog_malformed(ev, e) : false;
    read_columns(t, &c);
    read_optional(t, &c);
    return !c.bad ||
           (binlog_malformed(ev, e), err_wrap(e, "table %.*s.%.*s", SPAN_ARG(t->db), SPAN_ARG(t->name)));
}

bool table_map_read(struct table_map *t, const struct binlog_format *f, const struct binlog_event *ev,
                    struct err *e)
{
    *t = (struct table_map){0};
    buf_init(&t->body, BODY_MAX_BYTES);
    buf_span(&t->body, ev->body);
    if (buf_ok(&t->body, "a table map", e) && read_body(t, f, ev, e))
        return true;
    table_map_release(t);
    return false;
}
