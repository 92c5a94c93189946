#include "mysql/payload.h"

#include <zstd.h>

enum { COMPRESSION_ZSTD = 0, COMPRESSION_NONE = 255 };

void payload_init(struct payload *p, size_t max_event_bytes)
{
    *p = (struct payload){0};
    buf_init(&p->bytes, max_event_bytes);
}

void payload_release(struct payload *p)
{
    ZSTD_freeDStream(p->stream);
    buf_release(&p->bytes);
    *p = (struct payload){0};
}

static bool begin_stream(struct payload *p, struct err *e)
{
    if (p->stream == NULL)
        p->stream = ZSTD_createDStream();
    return (p->stream != NULL && !ZSTD_isError(ZSTD_initDStream(p->stream))) || err_no_memory(e);
}

bool payload_open(struct payload *p, const struct binlog_event *ev, struct err *e)
{
    struct cursor c = cursor_of(ev->body);
    uint64_t compression = COMPRESSION_NONE, size = UINT64_MAX, type;
    p->size = 0;
    while (!c.bad && (type = cursor_packed(&c)) != 0) {
        struct cursor value = cursor_of(cursor_packed_bytes(&c));
        if (type == 1)
            size = cursor_packed(&value);
        else if (type == 2)
            compression = cursor_packed(&value);
        else if (type == 3)
            p->size = cursor_packed(&value);
        c.bad = c.bad || value.bad;
    }
    p->packed = cursor_bytes(&c, cursor_left(&c));
    if (c.bad || (size != UINT64_MAX && size != p->packed.n))
        return binlog_malformed(ev, e);
    p->packed_at = p->at = 0;
    p->given = 0;
    buf_reset(&p->bytes);
    p->plain = compression == COMPRESSION_NONE;
    if (p->plain)
        p->size = p->packed.n;
    if (!p->plain && compression != COMPRESSION_ZSTD)
        return err_set(e, STATUS_DATA, "a transaction is compressed in an unknown way (%llu)",
                       (unsigned long long)compression);
    return p->plain || begin_stream(p, e);
}

// Inflates more. false: there is none, or e is set.
static bool inflate_some(struct payload *p, bool *failed, struct err *e)
{
    size_t room = ZSTD_DStreamOutSize();
    if (p->packed_at == p->packed.n)
        return false;
    *failed = true;
    if (p->plain) {
        buf_bytes(&p->bytes, p->packed.p, p->packed.n);
        p->packed_at = p->packed.n;
        *failed = !buf_ok(&p->bytes, "an event", e);
        return !*failed;
    }
    if (p->bytes.n + room > p->bytes.max_bytes)
        room = p->bytes.max_bytes - p->bytes.n;
    if (room == 0 || !buf_room(&p->bytes, room))
        return err_set(e, STATUS_DATA, "an event is larger than its limit of %zu bytes", p->bytes.max_bytes);
    ZSTD_inBuffer in = {p->packed.p, p->packed.n, p->packed_at};
    ZSTD_outBuffer out = {p->bytes.p + p->bytes.n, room, 0};
    size_t left = ZSTD_decompressStream(p->stream, &out, &in);
    if (ZSTD_isError(left) || (out.pos == 0 && in.pos == p->packed_at))
        return err_set(e, STATUS_DATA, "a compressed transaction is malformed: %s",
                       ZSTD_isError(left) ? ZSTD_getErrorName(left) : "it does not end");
    p->packed_at = in.pos;
    p->bytes.n += out.pos;
    *failed = false;
    return true;
}

// Until n bytes of the next event are there.
static enum payload_got need(struct payload *p, size_t n, struct err *e)
{
    bool failed = false;
    while (p->bytes.n - p->at < n) {
        if (p->at != 0) {
            buf_shift(&p->bytes, p->at);
            p->at = 0;
        }
        if (inflate_some(p, &failed, e))
            continue;
        if (failed)
            return PAYLOAD_FAIL;
        if (p->bytes.n == 0)
            return PAYLOAD_END;
        err_set(e, STATUS_DATA, "a compressed transaction ends within an event");
        return PAYLOAD_FAIL;
    }
    return PAYLOAD_GOT;
}

enum payload_got payload_next(struct payload *p, struct span *event, uint64_t *offset, struct err *e)
{
    enum payload_got got = need(p, BINLOG_HEADER_BYTES, e);
    if (got != PAYLOAD_GOT)
        return got;
    struct cursor c = cursor_of((struct span){p->bytes.p + p->at + 9, 4});
    size_t size = (size_t)cursor_le(&c, 4);
    if (size < BINLOG_HEADER_BYTES) {
        err_set(e, STATUS_DATA, "an event in a compressed transaction says that it has %zu bytes", size);
        return PAYLOAD_FAIL;
    }
    if (need(p, size, e) != PAYLOAD_GOT)
        return PAYLOAD_FAIL;
    *event = (struct span){p->bytes.p + p->at, size};
    *offset = p->given;
    p->at += size;
    p->given += size;
    return PAYLOAD_GOT;
}
