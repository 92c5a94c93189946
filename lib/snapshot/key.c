#include "snapshot/key.h"

#include "base/calendar.h"
#include "event/json.h"

// ---- order

static bool take_digits(struct span *text, size_t most, int64_t *v)
{
    size_t n = 0;
    *v = 0;
    for (; n < text->n && n < most && text->p[n] >= '0' && text->p[n] <= '9'; n++)
        *v = *v * 10 + (text->p[n] - '0');
    text->p += n, text->n -= n;
    return n != 0;
}

static bool take_char(struct span *text, char c)
{
    if (text->n == 0 || text->p[0] != c)
        return false;
    text->p++, text->n--;
    return true;
}

static bool take_ending(struct span *text, const char *ending)
{
    size_t n = strlen(ending);
    if (text->n < n || memcmp(text->p + text->n - n, ending, n) != 0)
        return false;
    text->n -= n;
    return true;
}

// HH:MM:SS[.ffffff], in microseconds.
static bool take_clock(struct span *text, int64_t *us)
{
    int64_t hour, minute, second, fraction = 0;
    if (!take_digits(text, 2, &hour) || !take_char(text, ':') || !take_digits(text, 2, &minute) ||
        !take_char(text, ':') || !take_digits(text, 2, &second))
        return false;
    if (take_char(text, '.')) {
        size_t before = text->n;
        if (!take_digits(text, 6, &fraction))
            return false;
        for (size_t digits = before - text->n; digits < 6; digits++)
            fraction *= 10;
    }
    *us = ((hour * 60 + minute) * 60 + second) * 1000000 + fraction;
    return true;
}

// DATE[ TIME][+00][ BC], infinity, -infinity. Microseconds from 4714 BC to the year 294276 fit; a date's
// years go to 5874897, so both count days and microseconds apart.
struct moment {
    int64_t days, us;
};

static bool parse_moment(struct span text, struct moment *m)
{
    *m = (struct moment){0};
    if (span_is(text, "infinity") || span_is(text, "-infinity")) {
        m->days = text.p[0] == '-' ? INT64_MIN : INT64_MAX;
        return true;
    }
    int64_t year, month, day;
    bool bc = take_ending(&text, " BC");
    (void)take_ending(&text, "+00");
    if (!take_digits(&text, 7, &year) || !take_char(&text, '-') || !take_digits(&text, 2, &month) ||
        !take_char(&text, '-') || !take_digits(&text, 2, &day) || month < 1 || month > 12)
        return false;
    m->days = calendar_days(bc ? 1 - year : year, (int)month, (int)day);
    return text.n == 0 || (take_char(&text, ' ') && take_clock(&text, &m->us) && text.n == 0);
}

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static bool compare_moments(struct span a, struct span b, int *order)
{
    struct moment x, y;
    if (!parse_moment(a, &x) || !parse_moment(b, &y))
        return false;
    *order = compare_i64(x.days, y.days);
    if (*order == 0)
        *order = compare_i64(x.us, y.us);
    return true;
}

static bool compare_integers(struct span a, struct span b, int *order)
{
    int64_t x, y;
    if (!json_i64(a, &x) || !json_i64(b, &y))
        return false;
    *order = compare_i64(x, y);
    return true;
}

static bool compare_unsigned(struct span a, struct span b, int *order)
{
    uint64_t x, y;
    if (!json_u64(a, &x) || !json_u64(b, &y))
        return false;
    *order = (x > y) - (x < y);
    return true;
}

static int compare_bytes(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

bool key_compare(const enum key_kind *kinds, const struct key *a, const struct key *b, int *order)
{
    *order = 0;
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n && *order == 0; i++) {
        if (kinds[i] == KEY_INTEGER && !compare_integers(a->at[i], b->at[i], order))
            return false;
        if (kinds[i] == KEY_UNSIGNED && !compare_unsigned(a->at[i], b->at[i], order))
            return false;
        if (kinds[i] == KEY_MOMENT && !compare_moments(a->at[i], b->at[i], order))
            return false;
        if (kinds[i] == KEY_BYTES)
            *order = compare_bytes(a->at[i], b->at[i]);
        if (kinds[i] == KEY_NONE)
            return false;
    }
    return true;
}

// ---- text

void key_write(const enum key_kind *kinds, const struct key *k, struct buf *out)
{
    buf_char(out, '[');
    for (size_t i = 0; i < k->n; i++) {
        if (i != 0)
            buf_char(out, ',');
        if (kinds[i] == KEY_INTEGER || kinds[i] == KEY_UNSIGNED)
            buf_span(out, k->at[i]);
        else
            json_quote(out, k->at[i]);
    }
    buf_char(out, ']');
}

bool key_read(struct span json, struct buf *text, struct key *k)
{
    size_t end[KEY_MAX_COLUMNS];
    struct json_walk w;
    k->n = 0;
    buf_reset(text);
    json_walk_begin(&w, json);
    if (!w.in_array)
        return false;
    while (json_walk_next(&w)) {
        int64_t number;
        uint64_t natural;
        if (k->n == KEY_MAX_COLUMNS)
            return false;
        if (json_i64(w.value, &number) || json_u64(w.value, &natural))
            buf_span(text, w.value);
        else if (!json_unquote(w.value, text))
            return false;
        end[k->n++] = text->n;
    }
    if (w.bad || text->bad)
        return false;
    for (size_t i = 0, from = 0; i < k->n; from = end[i++])
        k->at[i] = (struct span){text->n == 0 ? "" : text->p + from, end[i] - from};
    return true;
}

static bool is_plain(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void percent_write(struct buf *b, struct span text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0, plain; i < text.n; i = plain + 1) {
        for (plain = i; plain < text.n && is_plain((unsigned char)text.p[plain]);)
            plain++;
        buf_bytes(b, text.p + i, plain - i);
        if (plain == text.n)
            return;
        unsigned char c = (unsigned char)text.p[plain];
        buf_bytes(b, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool percent_read(struct buf *b, struct span word)
{
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] != '%') {
            buf_char(b, word.p[i]);
            continue;
        }
        int high = i + 2 < word.n ? hex_digit(word.p[i + 1]) : -1;
        int low = high < 0 ? -1 : hex_digit(word.p[i + 2]);
        if (low < 0)
            return false;
        buf_char(b, (char)(high << 4 | low));
        i += 2;
    }
    return !b->bad;
}
