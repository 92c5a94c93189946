#include "postgres/geometry.h"

#include "base/base64.h"
#include "event/binary.h"
#include "event/decimal.h"

#include <stdlib.h>

static bool take_coordinate(struct span *text, char end, double *v, struct buf *out)
{
    char number[64];
    const char *stop = memchr(text->p, end, text->n);
    if (stop == NULL || stop == text->p || (size_t)(stop - text->p) >= sizeof number)
        return false;
    struct span part = {text->p, (size_t)(stop - text->p)};
    memcpy(number, part.p, part.n);
    number[part.n] = '\0';
    *v = strtod(number, NULL);
    text->n -= part.n + 1;
    text->p = stop + 1;
    return float_write(part, false, out);
}

// Byte order 1 (little-endian), type 1 (point), x, y.
static void write_wkb(double x, double y, struct buf *out)
{
    unsigned char wkb[21] = {1, 1};
    double values[2] = {x, y};
    for (size_t i = 0; i < 2; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        for (size_t byte = 0; byte < 8; byte++)
            wkb[5 + i * 8 + byte] = (unsigned char)(bits >> 8 * byte);
    }
    base64_write(out, wkb, sizeof wkb);
}

bool point_write(struct span text, struct buf *out)
{
    double x, y;
    if (!span_take(&text, '('))
        return false;
    buf_lit(out, "{\"x\":");
    if (!take_coordinate(&text, ',', &x, out))
        return false;
    buf_lit(out, ",\"y\":");
    if (!take_coordinate(&text, ')', &y, out) || text.n != 0)
        return false;
    buf_lit(out, ",\"wkb\":\"");
    write_wkb(x, y, out);
    buf_lit(out, "\",\"srid\":null}");
    return true;
}

// ---- PostGIS

// EWKB: a byte that is 1 for little-endian, UInt32 type, of which one bit says that UInt32 SRID follows.
#define EWKB_HAS_SRID 0x20000000u

static uint32_t ewkb_u32(const unsigned char *ewkb, const unsigned char *p)
{
    uint32_t little = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return ewkb[0] == 1 ? little : __builtin_bswap32(little);
}

bool geometry_write(struct span text, struct buf *out)
{
    size_t n = text.n / 2;
    const unsigned char *ewkb = binary_unhex(text, binary_room(n) + 64, out);
    if (ewkb == NULL)
        return out->bad;
    if (n < 9 || ewkb[0] > 1)
        return false;
    bool has_srid = (ewkb_u32(ewkb, ewkb + 1) & EWKB_HAS_SRID) != 0;
    uint32_t srid = has_srid ? ewkb_u32(ewkb, ewkb + 5) : 0;
    buf_lit(out, "{\"wkb\":");
    binary_write(out, ewkb, n, SHAPE_BYTES);
    buf_lit(out, ",\"srid\":");
    if (has_srid)
        buf_i64(out, (int32_t)srid);
    else
        buf_lit(out, "null");
    buf_char(out, '}');
    return true;
}
