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
