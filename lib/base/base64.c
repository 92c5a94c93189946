#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(struct buf *b, const unsigned char *bytes, size_t n)
{
    if (n > SIZE_MAX / 2 || !buf_room(b, (n + 2) / 3 * 4)) {
        b->bad = true;
        return;
    }
    char *out = b->p + b->n;
    for (; n >= 3; n -= 3, bytes += 3) {
        unsigned v = (unsigned)bytes[0] << 16 | (unsigned)bytes[1] << 8 | bytes[2];
        *out++ = alphabet[v >> 18];
        *out++ = alphabet[v >> 12 & 63];
        *out++ = alphabet[v >> 6 & 63];
        *out++ = alphabet[v & 63];
    }
    if (n != 0) {
        unsigned v = (unsigned)bytes[0] << 16 | (n == 2 ? (unsigned)bytes[1] << 8 : 0);
        *out++ = alphabet[v >> 18];
        *out++ = alphabet[v >> 12 & 63];
        *out++ = n == 2 ? alphabet[v >> 6 & 63] : '=';
        *out++ = '=';
    }
    b->n = (size_t)(out - b->p);
}

// What a character stands for, or a number above 63.
static unsigned digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

// The last four, of which up to two are padding: the bits that are not used must be zero.
static bool read_last(const char *p, unsigned char *bytes, size_t *n)
{
    unsigned a = digit(p[0]), b = digit(p[1]);
    unsigned c = p[2] == '=' ? 0 : digit(p[2]), d = p[3] == '=' ? 0 : digit(p[3]);
    unsigned v = a << 18 | b << 12 | c << 6 | d;
    size_t keep = p[3] != '=' ? 3 : p[2] != '=' ? 2 : 1;
    if ((a | b | c | d) > 63 || (p[2] == '=' && p[3] != '=') || (v & ((1u << (3 - keep) * 8) - 1)) != 0)
        return false;
    for (size_t i = 0; i < keep; i++)
        bytes[i] = (unsigned char)(v >> (16 - 8 * i));
    *n += keep;
    return true;
}

bool base64_read(struct span text, unsigned char *bytes, size_t *n)
{
    *n = 0;
    if (text.n == 0)
        return true;
    if (text.n % 4 != 0)
        return false;
    const char *p = text.p, *last = text.p + text.n - 4;
    for (; p < last; p += 4, *n += 3) {
        unsigned a = digit(p[0]), b = digit(p[1]), c = digit(p[2]), d = digit(p[3]);
        unsigned v = a << 18 | b << 12 | c << 6 | d;
        if ((a | b | c | d) > 63)
            return false;
        bytes[*n] = (unsigned char)(v >> 16);
        bytes[*n + 1] = (unsigned char)(v >> 8);
        bytes[*n + 2] = (unsigned char)v;
    }
    return read_last(p, bytes + *n, n);
}
