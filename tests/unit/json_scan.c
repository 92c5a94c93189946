// The scanner as it is built, the portable one and a byte-by-byte one must agree on any bytes, and none may
// read past either edge.
#include "page.h"

#include "event/json_scan.h"

#undef CDC_EVENT_JSON_SCAN_H
#define CDC_PORTABLE
#define json_skip_string portable_skip_string
#define json_skip_container portable_skip_container
#define json_clean_end portable_clean_end
#define json_plain_end portable_plain_end
#include "event/json_scan.c"
#undef json_skip_string
#undef json_skip_container
#undef json_clean_end
#undef json_plain_end

static const char *slow_skip_string(const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '"')
            return p + 1;
        if (*p == '\\')
            p++;
    }
    return NULL;
}

// A backslash outside a string escapes the next byte too: valid JSON has none there, and the quick ways do
// not tell the two apart.
static const char *slow_skip_container(const char *p, const char *end)
{
    long level = 1;
    bool in_string = false;
    for (; p < end; p++) {
        if (*p == '"')
            in_string = !in_string;
        else if (!in_string && (*p == '{' || *p == '['))
            level++;
        else if (!in_string && (*p == '}' || *p == ']') && --level == 0)
            return p + 1;
        else if (*p == '\\' && p + 1 < end && (p[1] == '"' || p[1] == '\\'))
            p++;
    }
    return NULL;
}

static const char *slow_clean_end(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
        p++;
    return p;
}

static const char *slow_plain_end(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

typedef const char *search_fn(const char *p, const char *end);

static const struct {
    const char *name;
    search_fn *built, *portable, *slow;
} searches[] = {
    {"skip_string", json_skip_string, portable_skip_string, slow_skip_string},
    {"skip_container", json_skip_container, portable_skip_container, slow_skip_container},
    {"clean_end", json_clean_end, portable_clean_end, slow_clean_end},
    {"plain_end", json_plain_end, portable_plain_end, slow_plain_end},
};

static void all_agree(struct span text)
{
    const char *end = text.p + text.n;
    for (size_t i = 0; i < COUNT_OF(searches); i++) {
        const char *want = searches[i].slow(text.p, end);
        if (searches[i].built(text.p, end) != want || searches[i].portable(text.p, end) != want)
            fail_msg("%s of %zu bytes: %.*s", searches[i].name, text.n, SPAN_ARG(text));
    }
}

static void all_agree_at_the_edges(struct pages g, const char *text, size_t n)
{
    all_agree(pages_at_end(g, text, n));
    all_agree(pages_at_begin(g, text, n));
}

// Every byte value at every place of lengths around those of a lane and a block.
static void one_byte_among_clean_ones(void **state)
{
    (void)state;
    struct pages g = pages_map();
    char text[80];
    for (size_t n = 0; n <= sizeof text; n++)
        for (size_t at = 0; at < n; at++)
            for (int c = 0; c < 256; c += n < 40 ? 1 : 3) {
                memset(text, 'x', n);
                text[at] = (char)c;
                all_agree(pages_at_end(g, text, n));
            }
    pages_unmap(g);
}

static void random_structure(void **state)
{
    (void)state;
    static const char letters[] = "{}[]\"\\\\\\\\ ab,:\"xyz\x01\x7f\x80\xff";
    struct pages g = pages_map();
    srand(11);
    for (int round = 0; round < 200000; round++) {
        char text[300];
        size_t n = (size_t)rand() % sizeof text;
        int density = rand() % 12 + 1;
        for (size_t i = 0; i < n; i++)
            text[i] = rand() % density ? 'x' : letters[(size_t)rand() % (sizeof letters - 1)];
        all_agree_at_the_edges(g, text, n);
    }
    pages_unmap(g);
}

// A run of backslashes of each length, ended by a quote, across the edge of a block.
static void backslashes_across_blocks(void **state)
{
    (void)state;
    struct pages g = pages_map();
    for (size_t before = 0; before < 130; before++)
        for (size_t run = 0; run < 70; run++) {
            char text[256];
            size_t n = before;
            memset(text, '[', sizeof text);
            text[0] = '"';
            memset(text + n, '\\', run);
            memcpy(text + n + run, "\"]]\"]]", 6);
            all_agree_at_the_edges(g, text, n + run + 6);
        }
    pages_unmap(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_byte_among_clean_ones),
        cmocka_unit_test(random_structure),
        cmocka_unit_test(backslashes_across_blocks),
    };
    return cmocka_run_group_tests_name("json_scan", tests, NULL, NULL);
}
