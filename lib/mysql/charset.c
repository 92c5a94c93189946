#include "mysql/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

enum set {
    UNKNOWN,
    BIG5,
    LATIN2,
    DEC8,
    CP850,
    LATIN1,
    HP8,
    KOI8R,
    SWE7,
    ASCII,
    UJIS,
    SJIS,
    CP1251,
    HEBREW,
    TIS620,
    EUCKR,
    LATIN7,
    KOI8U,
    GB2312,
    GREEK,
    CP1250,
    GBK,
    CP1257,
    LATIN5,
    ARMSCII8,
    UTF8MB3,
    UCS2,
    CP866,
    KEYBCS2,
    MACCE,
    MACROMAN,
    CP852,
    UTF8MB4,
    UTF16,
    UTF16LE,
    CP1256,
    UTF32,
    BINARY,
    GEOSTD8,
    CP932,
    EUCJPMS,
    GB18030,
    SETS
};

// The server's name and iconv's. latin1 is done by hand: it is Windows' code page 1252, whose five holes are
// control characters.
static const struct {
    const char *name, *iconv;
} sets[SETS] = {
    [BIG5] = {"big5", "BIG5"},
    [LATIN2] = {"latin2", "ISO-8859-2"},
    [DEC8] = {"dec8", "DEC-MCS"},
    [CP850] = {"cp850", "CP850"},
    [LATIN1] = {"latin1", NULL},
    [HP8] = {"hp8", "HP-ROMAN8"},
    [KOI8R] = {"koi8r", "KOI8-R"},
    [SWE7] = {"swe7", "SEN_850200_C"},
    [ASCII] = {"ascii", NULL},
    [UJIS] = {"ujis", "EUC-JP"},
    [SJIS] = {"sjis", "SJIS"},
    [CP1251] = {"cp1251", "CP1251"},
    [HEBREW] = {"hebrew", "ISO-8859-8"},
    [TIS620] = {"tis620", "TIS-620"},
    [EUCKR] = {"euckr", "EUC-KR"},
    [LATIN7] = {"latin7", "ISO-8859-13"},
    [KOI8U] = {"koi8u", "KOI8-U"},
    [GB2312] = {"gb2312", "GB2312"},
    [GREEK] = {"greek", "ISO-8859-7"},
    [CP1250] = {"cp1250", "CP1250"},
    [GBK] = {"gbk", "GBK"},
    [CP1257] = {"cp1257", "CP1257"},
    [LATIN5] = {"latin5", "ISO-8859-9"},
    [ARMSCII8] = {"armscii8", "ARMSCII-8"},
    [UTF8MB3] = {"utf8mb3", NULL},
    [UCS2] = {"ucs2", "UCS-2BE"},
    [CP866] = {"cp866", "CP866"},
    [KEYBCS2] = {"keybcs2", NULL},
    [MACCE] = {"macce", "MAC-CENTRALEUROPE"},
    [MACROMAN] = {"macroman", "MACINTOSH"},
    [CP852] = {"cp852", "CP852"},
    [UTF8MB4] = {"utf8mb4", NULL},
    [UTF16] = {"utf16", "UTF-16BE"},
    [UTF16LE] = {"utf16le", "UTF-16LE"},
    [CP1256] = {"cp1256", "CP1256"},
    [UTF32] = {"utf32", "UTF-32BE"},
    [BINARY] = {"binary", NULL},
    [GEOSTD8] = {"geostd8", "GEORGIAN-PS"},
    [CP932] = {"cp932", "CP932"},
    [EUCJPMS] = {"eucjpms", "EUC-JP-MS"},
    [GB18030] = {"gb18030", "GB18030"},
};

// Collations by number, as MySQL 9.7 and MariaDB 10.11 list them.
static const struct {
    uint16_t first, last;
    uint8_t set;
} ranges[] = {
    {1, 1, BIG5},        {2, 2, LATIN2},      {3, 3, DEC8},        {4, 4, CP850},       {5, 5, LATIN1},
    {6, 6, HP8},         {7, 7, KOI8R},       {8, 8, LATIN1},      {9, 9, LATIN2},      {10, 10, SWE7},
    {11, 11, ASCII},     {12, 12, UJIS},      {13, 13, SJIS},      {14, 14, CP1251},    {15, 15, LATIN1},
    {16, 16, HEBREW},    {18, 18, TIS620},    {19, 19, EUCKR},     {20, 20, LATIN7},    {21, 21, LATIN2},
    {22, 22, KOI8U},     {23, 23, CP1251},    {24, 24, GB2312},    {25, 25, GREEK},     {26, 26, CP1250},
    {27, 27, LATIN2},    {28, 28, GBK},       {29, 29, CP1257},    {30, 30, LATIN5},    {31, 31, LATIN1},
    {32, 32, ARMSCII8},  {33, 33, UTF8MB3},   {34, 34, CP1250},    {35, 35, UCS2},      {36, 36, CP866},
    {37, 37, KEYBCS2},   {38, 38, MACCE},     {39, 39, MACROMAN},  {40, 40, CP852},     {41, 42, LATIN7},
    {43, 43, MACCE},     {44, 44, CP1250},    {45, 46, UTF8MB4},   {47, 49, LATIN1},    {50, 52, CP1251},
    {53, 53, MACROMAN},  {54, 55, UTF16},     {56, 56, UTF16LE},   {57, 57, CP1256},    {58, 59, CP1257},
    {60, 61, UTF32},     {62, 62, UTF16LE},   {63, 63, BINARY},    {64, 64, ARMSCII8},  {65, 65, ASCII},
    {66, 66, CP1250},    {67, 67, CP1256},    {68, 68, CP866},     {69, 69, DEC8},      {70, 70, GREEK},
    {71, 71, HEBREW},    {72, 72, HP8},       {73, 73, KEYBCS2},   {74, 74, KOI8R},     {75, 75, KOI8U},
    {76, 76, UTF8MB3},   {77, 77, LATIN2},    {78, 78, LATIN5},    {79, 79, LATIN7},    {80, 80, CP850},
    {81, 81, CP852},     {82, 82, SWE7},      {83, 83, UTF8MB3},   {84, 84, BIG5},      {85, 85, EUCKR},
    {86, 86, GB2312},    {87, 87, GBK},       {88, 88, SJIS},      {89, 89, TIS620},    {90, 90, UCS2},
    {91, 91, UJIS},      {92, 93, GEOSTD8},   {94, 94, LATIN1},    {95, 96, CP932},     {97, 98, EUCJPMS},
    {99, 99, CP1250},    {101, 124, UTF16},   {128, 151, UCS2},    {159, 159, UCS2},    {160, 183, UTF32},
    {192, 215, UTF8MB3}, {223, 223, UTF8MB3}, {224, 247, UTF8MB4}, {248, 250, GB18030}, {255, 271, UTF8MB4},
    {273, 275, UTF8MB4}, {277, 294, UTF8MB4}, {296, 298, UTF8MB4}, {300, 300, UTF8MB4}, {303, 323, UTF8MB4},
    {576, 578, UTF8MB3}, {608, 610, UTF8MB4}, {640, 642, UCS2},    {672, 674, UTF16},   {736, 738, UTF32}};

// Of MariaDB alone: 1024 and up are NO PAD twins, from 2048 on come 256 of the UCA 14.0.0 for each Unicode
// set.
static enum set set_of(uint32_t collation)
{
    static const uint8_t uca1400[] = {UTF8MB3, UTF8MB4, UCS2, UTF16, UTF32};
    if (collation >= 2048)
        return (collation - 2048) / 256 < sizeof uca1400 ? uca1400[(collation - 2048) / 256] : UNKNOWN;
    if (collation >= 1024)
        collation -= 1024;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (collation >= ranges[i].first && collation <= ranges[i].last)
            return ranges[i].set;
    return UNKNOWN;
}

struct charsets {
    iconv_t converter[SETS];
    bool open[SETS];
    uint32_t collation; // the last value's, and its set: the next one's is the same as a rule
    enum set set;
    struct buf text;
};

// The largest value, in the set that grows most: a byte of latin1 becomes up to three.
#define TEXT_MAX_BYTES (SIZE_MAX / 2)

bool charsets_make(struct charsets **c, struct err *e)
{
    *c = calloc(1, sizeof **c);
    if (*c == NULL)
        return err_no_memory(e);
    buf_init(&(*c)->text, TEXT_MAX_BYTES);
    return true;
}

void charsets_free(struct charsets *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < SETS; i++)
        if (c->open[i])
            iconv_close(c->converter[i]);
    buf_release(&c->text);
    free(c);
}

const char *charset_name(uint32_t collation)
{
    return sets[set_of(collation)].name;
}

unsigned charset_char_bytes(uint32_t collation)
{
    switch (set_of(collation)) {
    case UTF8MB4:
    case UTF16:
    case UTF16LE:
    case UTF32:
    case GB18030:
        return 4;
    case UTF8MB3:
    case UJIS:
    case EUCJPMS:
        return 3;
    case UCS2:
    case BIG5:
    case SJIS:
    case CP932:
    case EUCKR:
    case GB2312:
    case GBK:
        return 2;
    default:
        return 1;
    }
}

uint32_t charset_collation(const char *name)
{
    enum { MOST = 2048 };
    if (strcmp(name, "utf8") == 0)
        name = "utf8mb3";
    for (uint32_t i = 1; i < MOST; i++)
        if (charset_name(i) != NULL && strcmp(charset_name(i), name) == 0)
            return i;
    return 0;
}

bool charset_is_utf8(uint32_t collation)
{
    enum set set = set_of(collation);
    return set == UTF8MB4 || set == UTF8MB3;
}

static void put_utf8(struct buf *b, unsigned c)
{
    if (c < 0x80) {
        buf_char(b, (char)c);
    } else if (c < 0x800) {
        buf_char(b, (char)(0xc0 | c >> 6));
        buf_char(b, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_char(b, (char)(0xe0 | c >> 12));
        buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_char(b, (char)(0x80 | (c & 0x3f)));
    }
}

static void from_latin1(struct buf *b, struct span text)
{
    static const uint16_t high[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                      0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                      0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                      0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        put_utf8(b, c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c);
    }
}

// Kamenický's code page, which iconv does not have.
static void from_keybcs2(struct buf *b, struct span text)
{
    static const uint16_t high[128] = {
        0x10c,  0xfc,   0xe9,   0x10f,  0xe4,   0x10e,  0x164,  0x10d,  0x11b,  0x11a,  0x139,  0xcd,
        0x13e,  0x13a,  0xc4,   0xc1,   0xc9,   0x17e,  0x17d,  0xf4,   0xf6,   0xd3,   0x16f,  0xda,
        0xfd,   0xd6,   0xdc,   0x160,  0x13d,  0xdd,   0x158,  0x165,  0xe1,   0xed,   0xf3,   0xfa,
        0x148,  0x147,  0x16e,  0xd4,   0x161,  0x159,  0x155,  0x154,  0xbc,   0xa1,   0xab,   0xbb,
        0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
        0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
        0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559,
        0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
        0x3b1,  0xdf,   0x393,  0x3c0,  0x3a3,  0x3c3,  0xb5,   0x3c4,  0x3a6,  0x398,  0x3a9,  0x3b4,
        0x221e, 0x3c6,  0x3b5,  0x2229, 0x2261, 0xb1,   0x2265, 0x2264, 0x2320, 0x2321, 0xf7,   0x2248,
        0xb0,   0x2219, 0xb7,   0x221a, 0x207f, 0xb2,   0x25a0, 0xa0};
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        put_utf8(b, c >= 0x80 ? high[c - 0x80] : c);
    }
}

static bool open_converter(struct charsets *c, enum set set, struct err *e)
{
    if (c->open[set])
        return true;
    c->converter[set] = iconv_open("UTF-8", sets[set].iconv);
    c->open[set] = c->converter[set] != (iconv_t)-1;
    return c->open[set] ||
           err_set(e, STATUS_DATA,
                   "text in character set %s: this system cannot convert it (iconv has no %s)",
                   sets[set].name, sets[set].iconv);
}

static bool by_iconv(struct charsets *c, enum set set, struct span text, struct err *e)
{
    if (!open_converter(c, set, e))
        return false;
    char *from = (char *)(uintptr_t)text.p; // iconv does not write there
    size_t left = text.n;
    while (left != 0) {
        if (!buf_room(&c->text, left + 16))
            return err_no_memory(e);
        char *to = c->text.p + c->text.n;
        size_t room = c->text.cap - c->text.n;
        size_t n = iconv(c->converter[set], &from, &left, &to, &room);
        c->text.n = (size_t)(to - c->text.p);
        if (n != (size_t)-1 || errno == E2BIG)
            continue;
        iconv(c->converter[set], NULL, NULL, NULL, NULL);
        return err_set(e, STATUS_DATA, "text is not of its character set, %s: byte %zu of %zu",
                       sets[set].name, text.n - left, text.n);
    }
    return true;
}

static bool is_ascii(struct span text)
{
    uint64_t all = 0, eight;
    size_t i = 0;
    for (; text.n - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, text.p + i, sizeof eight);
        all |= eight;
    }
    for (; i < text.n; i++)
        all |= (unsigned char)text.p[i];
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

bool charset_convert(struct charsets *c, uint32_t collation, struct span text, struct span *utf8,
                     struct err *e)
{
    if (collation != c->collation) {
        c->collation = collation;
        c->set = set_of(collation);
    }
    enum set set = c->set;
    *utf8 = text;
    if (set == UTF8MB4 || set == UTF8MB3 || set == ASCII || text.n == 0 || (set == LATIN1 && is_ascii(text)))
        return true;
    if (set == UNKNOWN)
        return err_set(e, STATUS_DATA, "text has collation %u, which is not known", (unsigned)collation);
    if (set == BINARY)
        return err_set(e, STATUS_DATA, "bytes are no text");
    buf_reset(&c->text);
    if (set == LATIN1)
        from_latin1(&c->text, text);
    else if (set == KEYBCS2)
        from_keybcs2(&c->text, text);
    else if (!by_iconv(c, set, text, e))
        return false;
    *utf8 = buf_view(&c->text);
    return buf_ok(&c->text, "a text", e);
}
