// How fast the JSON scanner is, on one core, over lines as Debezium's of 400 to 900 bytes: the header with
// the top-level "op", the whole check, and quoting. A set of lines fits into the second-level cache, as a
// stage's buffer does. Prints the best of some rounds.
#include "base/clock.h"
#include "event/json.h"
#include "event/line.h"

#include <stdio.h>
#include <stdlib.h>

#define LINES 700
#define ROUNDS 9
#define ROUND_NS 200000000

struct bench {
    struct span lines[LINES];
    struct span texts[LINES]; // what a column holds: plain, quoted words, not ASCII
    struct buf bytes, out;
    uint64_t found; // keeps the compiler from leaving the work out
};

static struct span op_name = SPAN_LIT("op");

static const char *const words[] = {
    "a plain text column, some dozens of bytes long",
    "{\"colour\":\"red\",\"sizes\":[1,2,3],\"note\":null}",
    "Stra\u00dfe 12, 80331 M\u00fcnchen \u2013 \u65e5\u672c",
    "2025-11-24T04:02:11.250000Z",
    "one line\nand \"another\"",
};
#define WORDS (sizeof words / sizeof words[0])

static void generate_row(struct buf *b, int i)
{
    buf_printf(b, "{\"id\":%d,\"customer_id\":%d,\"status\":\"%s\",\"total\":\"%s\"", i, i * 7919 % 10007,
               i % 3 != 0 ? "shipped" : "new", i % 2 != 0 ? "AJY=" : "Ew7q");
    for (int k = 0; k <= i % 5; k++) {
        buf_printf(b, ",\"text_%d\":", k);
        json_quote(b, span_of(words[(size_t)(i + k) % WORDS]));
    }
    buf_printf(b, ",\"price\":%d.5,\"tags\":[\"a\",\"b\",null],\"deleted\":false,\"created\":%lld}", i % 1000,
               1763956931250000LL + i);
}

static void generate_line(struct buf *b, int i)
{
    buf_printf(b,
               "{\"cdc\":{\"pos\":\"pg/1/l/%d/%d/1\",\"topic\":\"shop.public.orders\",\"key\":{\"id\":%d}},"
               "\"before\":null,\"after\":",
               37524688 + i / 10 * 4096, 37524688 + i * 96, i);
    generate_row(b, i);
    buf_printf(b,
               ",\"source\":{\"version\":\"3.5.0.Final\",\"connector\":\"postgresql\",\"name\":\"shop\","
               "\"ts_ms\":1763956931250,\"snapshot\":\"false\",\"db\":\"shop\","
               "\"sequence\":\"[\\\"%d\\\",\\\"%d\\\"]\",\"ts_us\":1763956931250902,"
               "\"ts_ns\":1763956931250902000,\"schema\":\"public\",\"table\":\"orders\",\"txId\":%d,"
               "\"lsn\":%d,\"xmin\":null,\"origin\":null,\"origin_lsn\":null},\"transaction\":null,"
               "\"op\":\"%s\",\"ts_ms\":1763956932026,\"ts_us\":1763956932026800,"
               "\"ts_ns\":1763956932026800915}",
               37524688 + i, 37524688 + i * 96, 1000 + i / 10, 37524688 + i * 96, i % 4 != 0 ? "c" : "u");
}

static void generate(struct bench *b)
{
    size_t at[LINES + 1];
    buf_init(&b->bytes, 8u << 20);
    for (int i = 0; i < LINES; i++) {
        at[i] = b->bytes.n;
        generate_line(&b->bytes, i);
    }
    at[LINES] = b->bytes.n;
    for (int i = 0; i < LINES; i++) {
        b->lines[i] = (struct span){b->bytes.p + at[i], at[i + 1] - at[i]};
        b->texts[i] = span_of(words[(size_t)i % WORDS]);
    }
}

static void fail(const char *what)
{
    fprintf(stderr, "scan: %s\n", what);
    exit(1);
}

static size_t header_and_op(struct bench *b)
{
    size_t bytes = 0;
    for (int i = 0; i < LINES; bytes += b->lines[i++].n) {
        struct line l;
        struct err e;
        struct span op;
        if (!line_parse(b->lines[i], &l, &e) || !json_member(l.text, op_name, &op) || op.n != 3)
            fail("a line has no op");
        b->found += (unsigned char)op.p[1] + l.topic.n;
    }
    return bytes;
}

static size_t check(struct bench *b)
{
    size_t bytes = 0, bad_at;
    for (int i = 0; i < LINES; bytes += b->lines[i++].n)
        if (!json_check(b->lines[i], &bad_at))
            fail("a line is no JSON");
    return bytes;
}

static size_t quote(struct bench *b)
{
    size_t bytes = 0;
    buf_reset(&b->out);
    for (int i = 0; i < LINES; bytes += b->texts[i++].n)
        json_quote(&b->out, b->texts[i]);
    b->found += b->out.n;
    return bytes;
}

// One long column.
static size_t quote_long(struct bench *b)
{
    static char text[65536];
    if (text[0] == '\0')
        memset(text, 'x', sizeof text);
    buf_reset(&b->out);
    json_quote(&b->out, (struct span){text, sizeof text});
    b->found += b->out.n;
    return sizeof text;
}

static void measure(struct bench *b, const char *what, size_t (*run)(struct bench *))
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clock_wall_ns(), took = 0;
        size_t bytes = 0;
        while ((took = clock_wall_ns() - start) < ROUND_NS)
            bytes += run(b);
        double speed = (double)bytes / (double)took;
        best = speed > best ? speed : best;
    }
    printf("%-24s %6.2f GB/s\n", what, best);
}

int main(void)
{
    static struct bench b;
    generate(&b);
    buf_init(&b.out, 8u << 20);
    printf("%d lines, %zu bytes each on average\n", LINES, b.bytes.n / LINES);
    measure(&b, "header and op", header_and_op);
    measure(&b, "json_check", check);
    measure(&b, "json_quote, columns", quote);
    measure(&b, "json_quote, 64 KiB", quote_long);
    buf_release(&b.bytes);
    buf_release(&b.out);
    return b.found == 0;
}
