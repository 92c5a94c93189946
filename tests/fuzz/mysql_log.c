// Whatever events a log has, they are decoded to lines of JSON or refused. The input: for each event its type
// 1, length of its body 2, body.
#include "fuzz.h"

#include "event/json.h"
#include "mysql/reader.h"

#define MAX_BYTES (1u << 20)

static void put_le(unsigned char *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++, v >>= 8)
        p[i] = (unsigned char)v;
}

static bool feed(struct my_reader *r, uint8_t type, struct span body, uint64_t pos)
{
    unsigned char event[BINLOG_HEADER_BYTES + UINT16_MAX] = {0};
    struct err e;
    size_t size = BINLOG_HEADER_BYTES + body.n;
    put_le(event, 1700000000, 4);
    event[4] = type;
    put_le(event + 9, size, 4);
    put_le(event + 13, pos + size, 4);
    if (body.n != 0)
        memcpy(event + BINLOG_HEADER_BYTES, body.p, body.n);
    return my_reader_event(r, (struct span){(const char *)event, size}, &e);
}

// Names and texts that are UTF-8 by what the log says are handed on as they are, so their bytes are not judged.
static void check_lines(struct span lines)
{
    size_t bad_at;
    char *p = (char *)(uintptr_t)lines.p;
    for (size_t i = 0; i < lines.n; i++)
        if ((unsigned char)p[i] >= 0x80)
            p[i] = 'x';
    while (lines.n != 0) {
        const char *end = memchr(lines.p, '\n', lines.n);
        must(end != NULL);
        must(json_check((struct span){lines.p, (size_t)(end - lines.p)}, &bad_at));
        lines.n -= (size_t)(end + 1 - lines.p);
        lines.p = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct capture capture = {
        .topic_prefix = "my", .topic_delimiter = ".", .topic_transaction = "transaction"};
    struct my_catalog catalog = {0};
    struct my_reader r;
    struct buf lines;
    struct err e;
    struct cursor c = {data, data + size, false};
    buf_init(&lines, MAX_BYTES);
    must(my_reader_init(&r, &capture, &catalog, &lines, "mysql", MAX_BYTES, &e));
    must(my_reader_begin(&r, (struct span)SPAN_LIT("binlog.000001"), 4, false, &e));
    memset(r.format.fixed_bytes, 8, sizeof r.format.fixed_bytes);
    r.epoch = 1;
    r.transactions = r.include_query = true;
    for (bool ok = true; ok && cursor_left(&c) >= 3;) {
        uint8_t type = cursor_u8(&c);
        size_t n = (size_t)cursor_le(&c, 2);
        if (n > cursor_left(&c))
            n = cursor_left(&c);
        ok = feed(&r, type, cursor_bytes(&c, n), r.pos);
        if (lines.n > MAX_BYTES / 2)
            break;
    }
    check_lines(buf_view(&lines));
    my_reader_release(&r);
    my_catalog_release(&catalog);
    buf_release(&lines);
    return 0;
}
