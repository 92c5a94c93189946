#include "mysql/inflate.h"

#include "base/cursor.h"

#include <limits.h>
#include <zlib.h>

static bool run(z_stream *z, struct span bytes, size_t n, struct buf *out)
{
    buf_reset(out);
    if (bytes.n > UINT_MAX || n > UINT_MAX || !buf_room(out, n))
        return false;
    z->next_in = (Bytef *)(uintptr_t)bytes.p; // zlib does not write there
    z->avail_in = (uInt)bytes.n;
    z->next_out = (Bytef *)out->p;
    z->avail_out = (uInt)n;
    bool ok = inflate(z, Z_FINISH) == Z_STREAM_END && z->avail_out == 0;
    out->n = ok ? n : 0;
    return ok;
}

static bool inflate_to(struct cursor c, uint64_t n, int window_bits, struct buf *out, struct err *e)
{
    z_stream z = {0};
    if (n > out->max_bytes)
        return err_set(e, STATUS_DATA, "compressed bytes are larger than the limit of %zu bytes",
                       out->max_bytes);
    if (inflateInit2(&z, window_bits) != Z_OK)
        return err_no_memory(e);
    bool ok = run(&z, cursor_bytes(&c, cursor_left(&c)), (size_t)n, out);
    inflateEnd(&z);
    return ok || err_set(e, STATUS_DATA, "compressed bytes are malformed");
}

bool inflate_event(struct span bytes, struct buf *out, struct err *e)
{
    struct cursor c = cursor_of(bytes);
    uint8_t head = cursor_u8(&c);
    size_t n_bytes = head & 7;
    uint64_t n = cursor_uint(&c, n_bytes);
    if (c.bad || (head & 0xf0) != 0x80 || n_bytes == 0 || n_bytes > 4)
        return err_set(e, STATUS_DATA, "an event is compressed in an unknown way (0x%02x)", (unsigned)head);
    return inflate_to(c, n, MAX_WBITS, out, e);
}

bool inflate_value(struct span bytes, struct buf *out, struct err *e)
{
    struct cursor c = cursor_of(bytes);
    buf_reset(out);
    if (bytes.n == 0)
        return true;
    uint8_t head = cursor_u8(&c);
    if (head == 0) {
        buf_span(out, cursor_bytes(&c, cursor_left(&c)));
        return buf_ok(out, "a value", e);
    }
    size_t n_bytes = head & 7;
    uint64_t n = cursor_uint(&c, n_bytes);
    if (c.bad || (head & 0xf0) != 0x80 || n_bytes == 0)
        return err_set(e, STATUS_DATA, "a value is compressed in an unknown way (0x%02x)", (unsigned)head);
    return inflate_to(c, n, (head & 8) != 0 ? -MAX_WBITS : MAX_WBITS, out, e);
}
