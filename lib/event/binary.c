#include "event/binary.h"

#include "base/base64.h"

static void write_hex(struct buf *out, const unsigned char *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    if (!buf_room(out, 2 * n))
        return;
    for (size_t i = 0; i < n; i++) {
        out->p[out->n++] = digits[bytes[i] >> 4];
        out->p[out->n++] = digits[bytes[i] & 15];
    }
}

static void write_url_safe(struct buf *out, const unsigned char *bytes, size_t n)
{
    size_t start = out->n;
    base64_write(out, bytes, n);
    for (size_t i = start; i < out->n; i++)
        out->p[i] = out->p[i] == '+' ? '-' : out->p[i] == '/' ? '_' : out->p[i];
}

void binary_write(struct buf *out, const unsigned char *bytes, size_t n, enum shape_binary mode)
{
    buf_char(out, '"');
    if (mode == SHAPE_HEX)
        write_hex(out, bytes, n);
    else if (mode == SHAPE_BASE64_URL)
        write_url_safe(out, bytes, n);
    else
        base64_write(out, bytes, n);
    buf_char(out, '"');
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

unsigned char *binary_unhex(struct span digits, size_t before, struct buf *out)
{
    size_t n = digits.n / 2;
    if (digits.n % 2 != 0 || !buf_room(out, before + n))
        return NULL;
    unsigned char *bytes = (unsigned char *)out->p + out->n + before;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(digits.p[2 * i]), low = hex_digit(digits.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return NULL;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return bytes;
}
