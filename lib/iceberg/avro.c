#include "iceberg/avro.h"

#include "event/json.h"
#include "iceberg/files.h"

#include <stdlib.h>
#include <sys/random.h>

#define RECORDS_MAX_BYTES (1u << 30)
#define INFLATE_STEP (256u << 10)

static bool fail(struct err *e, const char *what)
{
    return err_set(e, STATUS_DATA, "%s: %s", what, avro_strerror());
}

// ---- writing

bool ice_avro_open(struct ice_avro_writer *w, const char *json, struct err *e)
{
    *w = (struct ice_avro_writer){0};
    buf_init(&w->records, RECORDS_MAX_BYTES);
    if (avro_schema_from_json_length(json, strlen(json), &w->schema) != 0)
        return fail(e, "a manifest's schema");
    w->class = avro_generic_class_from_schema(w->schema);
    return (w->class != NULL && avro_generic_value_new(w->class, &w->value) == 0) || err_no_memory(e);
}

void ice_avro_release(struct ice_avro_writer *w)
{
    if (w->value.iface != NULL)
        avro_value_decref(&w->value);
    if (w->class != NULL)
        avro_value_iface_decref(w->class);
    if (w->schema != NULL)
        avro_schema_decref(w->schema);
    buf_release(&w->records);
}

bool ice_avro_add(struct ice_avro_writer *w, struct err *e)
{
    size_t n;
    if (avro_value_sizeof(&w->value, &n) != 0 || n > INT32_MAX)
        return fail(e, "a manifest's record");
    if (!buf_room(&w->records, n))
        return buf_ok(&w->records, "a manifest", e);
    avro_writer_t out = avro_writer_memory(w->records.p + w->records.n, (int64_t)n);
    bool ok = avro_value_write(out, &w->value) == 0 || fail(e, "a manifest's record");
    avro_writer_free(out);
    w->records.n += n;
    w->n++;
    return ok && (avro_value_reset(&w->value) == 0 || err_no_memory(e));
}

// A number as Avro writes one: zigzag, seven bits a byte, the lowest first.
static void put_long(struct buf *out, int64_t v)
{
    uint64_t u = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
    for (; u >= 128; u >>= 7)
        buf_char(out, (char)(u | 128));
    buf_char(out, (char)u);
}

static void put_bytes(struct buf *out, struct span s)
{
    put_long(out, (int64_t)s.n);
    buf_span(out, s);
}

bool ice_avro_finish(struct ice_avro_writer *w, const char *json, const struct ice_avro_pair *pairs, size_t n,
                     struct buf *out, struct err *e)
{
    char sync[16];
    if (getrandom(sync, sizeof sync, 0) != sizeof sync)
        return err_errno(e, STATUS_IO, "no random numbers");
    buf_bytes(out, "Obj\1", 4);
    put_long(out, (int64_t)n + 2);
    put_bytes(out, span_of("avro.schema"));
    put_bytes(out, span_of(json));
    put_bytes(out, span_of("avro.codec"));
    put_bytes(out, span_of("null"));
    for (size_t i = 0; i < n; i++) {
        put_bytes(out, span_of(pairs[i].key));
        put_bytes(out, pairs[i].value);
    }
    put_long(out, 0);
    buf_bytes(out, sync, sizeof sync);
    if (w->n != 0) {
        put_long(out, w->n);
        put_bytes(out, buf_view(&w->records));
        buf_bytes(out, sync, sizeof sync);
    }
    return buf_ok(out, "a manifest", e);
}

// ---- reading

static int64_t take_long(struct cursor *c)
{
    uint64_t u = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = cursor_u8(c);
        u |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
    }
    c->bad = true;
    return 0;
}

static struct span take_bytes(struct cursor *c)
{
    int64_t n = take_long(c);
    if (n < 0)
        c->bad = true;
    return cursor_bytes(c, c->bad ? SIZE_MAX : (size_t)n);
}

// The blocks of a map are counted; a negative count has the block's bytes behind it.
static int64_t take_count(struct cursor *c)
{
    int64_t n = take_long(c);
    if (n >= 0 || c->bad)
        return n;
    take_long(c);
    c->bad = c->bad || n == INT64_MIN;
    return -n;
}

// Where an unpartitioned table's data_file.partition stands among the schema's fields: a record without
// fields, which takes no byte and which libavro refuses.
static bool find_empty_record(struct span schema, struct span *field)
{
    struct json_walk outer, inner;
    struct span fields, type, none;
    if (!json_member(schema, span_of("fields"), &fields))
        return false;
    for (json_walk_begin(&outer, fields); json_walk_next(&outer);) {
        if (!json_at(outer.value, "type.fields", &type))
            continue;
        for (json_walk_begin(&inner, type); json_walk_next(&inner);)
            if (json_at(inner.value, "type.fields", &none) && none.n >= 2 && none.p[0] == '[' &&
                strspn(none.p + 1, " \t\r\n") == none.n - 2) {
                *field = inner.value;
                return true;
            }
    }
    return false;
}

static bool make_schema(struct ice_avro_reader *r, struct span schema, struct err *e)
{
    struct span field;
    struct buf *text = &r->bare;
    r->json = schema;
    buf_init(text, schema.n + 1);
    buf_span(text, schema);
    if (find_empty_record(buf_view(text), &field)) {
        // With the comma before it, or else the one behind.
        char *begin = text->p + (field.p - text->p), *end = begin + field.n;
        while (begin[-1] != ',' && begin[-1] != '[')
            begin--;
        if (begin[-1] == ',')
            begin--;
        else
            end += strspn(end, " \t\r\n,");
        memmove(begin, end, (size_t)(text->p + text->n - end));
        text->n -= (size_t)(end - begin);
    }
    return buf_ok(text, "a manifest's schema", e) &&
           (avro_schema_from_json_length(text->p, text->n, &r->schema) == 0 ||
            fail(e, "a manifest's schema"));
}

static bool read_header(struct ice_avro_reader *r, struct err *e)
{
    struct span schema = {NULL, 0}, codec = span_of("null");
    struct cursor *c = &r->rest;
    if (!span_eq(cursor_bytes(c, 4), (struct span){"Obj\1", 4}))
        return err_set(e, STATUS_DATA, "no Avro file");
    for (int64_t n; (n = take_count(c)) > 0;)
        for (; n > 0 && !c->bad; n--) {
            struct span key = take_bytes(c), value = take_bytes(c);
            if (r->n_meta < ICE_AVRO_META)
                r->meta[r->n_meta].key = key, r->meta[r->n_meta++].value = value;
            if (span_is(key, "avro.schema"))
                schema = value;
            else if (span_is(key, "avro.codec"))
                codec = value;
        }
    r->sync = cursor_bytes(c, 16);
    size_t bad_at;
    if (c->bad || !json_check(schema, &bad_at))
        return err_set(e, STATUS_DATA, "the Avro header is broken");
    r->deflated = span_is(codec, "deflate");
    if (!r->deflated && !span_is(codec, "null")) {
        err_set(e, STATUS_USAGE, "the Avro codec %.*s is not known", SPAN_ARG(codec));
        return err_hint(e, "let the table's other writers use write.manifest.compression-codec gzip or none");
    }
    return make_schema(r, schema, e);
}

bool ice_avro_read(struct ice_avro_reader *r, struct span location, struct err *e)
{
    *r = (struct ice_avro_reader){0};
    buf_init(&r->file, RECORDS_MAX_BYTES);
    buf_init(&r->block, RECORDS_MAX_BYTES);
    if (!ice_files_read(location, &r->file, e))
        return false;
    r->rest = cursor_of(buf_view(&r->file));
    if (!read_header(r, e))
        return err_wrap(e, "%.*s", SPAN_ARG(location));
    r->class = avro_generic_class_from_schema(r->schema);
    return (r->class != NULL && avro_generic_value_new(r->class, &r->value) == 0) || err_no_memory(e);
}

static bool inflate_block(struct ice_avro_reader *r, struct span packed, struct err *e)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.p, .avail_in = (uInt)packed.n};
    int rc;
    if (packed.n > UINT32_MAX || inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return err_no_memory(e);
    buf_reset(&r->block);
    do {
        if (!buf_room(&r->block, INFLATE_STEP))
            break;
        z.next_out = (Bytef *)r->block.p + r->block.n;
        z.avail_out = INFLATE_STEP;
        rc = inflate(&z, Z_NO_FLUSH);
        r->block.n += INFLATE_STEP - z.avail_out;
    } while (rc == Z_OK);
    inflateEnd(&z);
    return buf_ok(&r->block, "a manifest's block", e) &&
           (rc == Z_STREAM_END || err_set(e, STATUS_DATA, "a manifest's block is no deflated one"));
}

static bool next_block(struct ice_avro_reader *r, struct err *e)
{
    r->records = take_long(&r->rest);
    struct span block = take_bytes(&r->rest);
    struct span sync = cursor_bytes(&r->rest, 16);
    if (r->rest.bad || r->records < 0 || !span_eq(sync, r->sync))
        return err_set(e, STATUS_DATA, "a manifest is cut or broken");
    if (r->deflated && !inflate_block(r, block, e))
        return false;
    if (r->deflated)
        block = buf_view(&r->block);
    if (r->reader != NULL)
        avro_reader_free(r->reader);
    r->reader = avro_reader_memory(block.p, (int64_t)block.n);
    return r->reader != NULL || err_no_memory(e);
}

enum ice_avro_got ice_avro_next(struct ice_avro_reader *r, struct err *e)
{
    while (r->records == 0) {
        if (cursor_left(&r->rest) == 0)
            return ICE_AVRO_END;
        if (!next_block(r, e))
            return ICE_AVRO_FAIL;
    }
    r->records--;
    if (avro_value_reset(&r->value) == 0 && avro_value_read(r->reader, &r->value) == 0)
        return ICE_AVRO_GOT;
    fail(e, "a manifest's record");
    return ICE_AVRO_FAIL;
}

void ice_avro_close(struct ice_avro_reader *r)
{
    if (r->reader != NULL)
        avro_reader_free(r->reader);
    if (r->value.iface != NULL)
        avro_value_decref(&r->value);
    if (r->class != NULL)
        avro_value_iface_decref(r->class);
    if (r->schema != NULL)
        avro_schema_decref(r->schema);
    buf_release(&r->file);
    buf_release(&r->block);
    buf_release(&r->bare);
}

struct span ice_avro_meta(const struct ice_avro_reader *r, const char *key)
{
    for (size_t i = 0; i < r->n_meta; i++)
        if (span_is(r->meta[i].key, key))
            return r->meta[i].value;
    return (struct span){"", 0};
}

// ---- members

bool ice_avro_get(const avro_value_t *record, const char *name, avro_value_t *value)
{
    avro_value_t branch;
    if (avro_value_get_type(record) != AVRO_RECORD || avro_value_get_by_name(record, name, value, NULL) != 0)
        return false;
    if (avro_value_get_type(value) == AVRO_UNION) {
        if (avro_value_get_current_branch(value, &branch) != 0)
            return false;
        *value = branch;
    }
    return avro_value_get_type(value) != AVRO_NULL;
}

bool ice_avro_get_long(const avro_value_t *record, const char *name, int64_t *v)
{
    avro_value_t value;
    int32_t narrow;
    if (!ice_avro_get(record, name, &value))
        return false;
    if (avro_value_get_type(&value) == AVRO_INT64)
        return avro_value_get_long(&value, v) == 0;
    if (avro_value_get_type(&value) != AVRO_INT32 || avro_value_get_int(&value, &narrow) != 0)
        return false;
    *v = narrow;
    return true;
}

bool ice_avro_get_bytes(const avro_value_t *record, const char *name, struct span *v)
{
    avro_value_t value;
    const void *p;
    const char *text;
    if (!ice_avro_get(record, name, &value))
        return false;
    if (avro_value_get_type(&value) == AVRO_STRING) {
        // libavro counts the closing NUL.
        if (avro_value_get_string(&value, &text, &v->n) != 0 || v->n == 0)
            return false;
        v->p = text;
        v->n--;
        return true;
    }
    if (avro_value_get_type(&value) != AVRO_BYTES || avro_value_get_bytes(&value, &p, &v->n) != 0)
        return false;
    v->p = p;
    return true;
}

avro_value_t ice_avro_set(avro_value_t *record, const char *name)
{
    avro_value_t value, branch = {0};
    avro_value_get_by_name(record, name, &value, NULL);
    if (avro_value_get_type(&value) != AVRO_UNION)
        return value;
    avro_value_set_branch(&value, 1, &branch);
    return branch;
}

void ice_avro_set_long(avro_value_t *record, const char *name, int64_t v)
{
    avro_value_t value = ice_avro_set(record, name);
    if (avro_value_get_type(&value) == AVRO_INT32)
        avro_value_set_int(&value, (int32_t)v);
    else
        avro_value_set_long(&value, v);
}

void ice_avro_put_text(avro_value_t value, struct span text)
{
    // libavro copies it with the NUL behind it.
    char *copy = malloc(text.n + 1);
    if (copy == NULL)
        return;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    avro_value_set_string_len(&value, copy, text.n + 1);
    free(copy);
}

void ice_avro_set_text(avro_value_t *record, const char *name, struct span text)
{
    ice_avro_put_text(ice_avro_set(record, name), text);
}

void ice_avro_set_bytes(avro_value_t *record, const char *name, struct span bytes)
{
    avro_value_t value = ice_avro_set(record, name);
    // libavro does not write to it.
    avro_value_set_bytes(&value, (void *)(uintptr_t)bytes.p, bytes.n);
}

void ice_avro_set_null(avro_value_t *record, const char *name)
{
    avro_value_t value, branch;
    avro_value_get_by_name(record, name, &value, NULL);
    avro_value_set_branch(&value, 0, &branch);
    avro_value_set_null(&branch);
}
