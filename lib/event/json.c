#include "event/json.h"

#include "event/json_scan.h"

#define MAX_LEVELS 512

// Names in a path of json_at().
#define PATH_LEVELS 16

static inline bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// An empty span may have no address.
static inline const char *end_of(struct span s)
{
    return s.n != 0 ? s.p + s.n : s.p;
}

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

// ---- finding

// The place behind the value that starts at p; NULL where it is cut.
static const char *skip_value(const char *p, const char *end)
{
    if (p == end)
        return NULL;
    if (*p == '"')
        return json_skip_string(p + 1, end);
    if (*p == '{' || *p == '[')
        return json_skip_container(p + 1, end);
    const char *start = p;
    while (p < end && *p != ',' && *p != '}' && *p != ']' && !is_space(*p))
        p++;
    return p != start ? p : NULL;
}

bool json_first(struct span text, struct span *value)
{
    const char *end = skip_value(text.p, end_of(text));
    if (end != NULL)
        *value = (struct span){text.p, (size_t)(end - text.p)};
    return end != NULL;
}

void json_walk_begin(struct json_walk *w, struct span text)
{
    const char *end = end_of(text), *p = skip_space(text.p, end);
    *w = (struct json_walk){.bad = true};
    if (p == end || (*p != '{' && *p != '['))
        return;
    w->in_array = *p == '[';
    w->bad = false;
    w->rest = (struct span){p, (size_t)(end - p)};
}

// rest begins at the opening bracket or at the comma before the next member.
static const char *walk_member(struct json_walk *w, const char *p, const char *end)
{
    if (!w->in_array) {
        if (p == end || *p != '"')
            return NULL;
        const char *name_end = json_skip_string(p + 1, end);
        if (name_end == NULL)
            return NULL;
        w->name = (struct span){p, (size_t)(name_end - p)};
        p = skip_space(name_end, end);
        if (p == end || *p != ':')
            return NULL;
        p = skip_space(p + 1, end);
    }
    const char *value_end = skip_value(p, end);
    if (value_end == NULL)
        return NULL;
    w->value = (struct span){p, (size_t)(value_end - p)};
    p = skip_space(value_end, end);
    return p < end && (*p == ',' || *p == (w->in_array ? ']' : '}')) ? p : NULL;
}

bool json_walk_next(struct json_walk *w)
{
    if (w->bad || w->rest.n == 0)
        return false;
    const char *end = w->rest.p + w->rest.n;
    char before = *w->rest.p;
    const char *p = skip_space(w->rest.p + 1, end);
    char close = w->in_array ? ']' : '}';
    if (before == close || (before != ',' && p < end && *p == close)) {
        w->rest.n = 0;
        return false;
    }
    p = walk_member(w, p, end);
    w->bad = p == NULL;
    if (!w->bad)
        w->rest = (struct span){p, (size_t)(end - p)};
    return !w->bad;
}

bool json_member(struct span object, struct span name, struct span *value)
{
    struct json_walk w;
    json_walk_begin(&w, object);
    if (w.in_array)
        return false;
    while (json_walk_next(&w))
        if (span_eq((struct span){w.name.p + 1, w.name.n - 2}, name)) {
            *value = w.value;
            return true;
        }
    return false;
}

bool json_path(struct span object, const struct span *names, size_t n, struct span *value)
{
    *value = object;
    for (size_t i = 0; i < n; i++)
        if (!json_member(*value, names[i], value))
            return false;
    return true;
}

bool json_at(struct span object, const char *path, struct span *value)
{
    struct span names[PATH_LEVELS];
    size_t n = 0;
    for (const char *p = path + (path[0] == '.'); n < PATH_LEVELS; p += names[n - 1].n + 1) {
        names[n] = (struct span){p, strcspn(p, ".")};
        if (p[names[n++].n] == '\0')
            return json_path(object, names, n, value);
    }
    return false;
}

// ---- checking

struct check {
    const char *p, *end;
    unsigned levels;
    uint64_t in_array[MAX_LEVELS / 64]; // a bit a level
};

static bool check_hex(struct check *c)
{
    for (int i = 0; i < 4; i++, c->p++) {
        if (c->p == c->end)
            return false;
        char digit = *c->p;
        if (!((digit >= '0' && digit <= '9') || ((digit | 32) >= 'a' && (digit | 32) <= 'f')))
            return false;
    }
    return true;
}

static bool check_escape(struct check *c)
{
    c->p++;
    if (c->p == c->end || strchr("\"\\/bfnrtu", *c->p) == NULL || *c->p == '\0')
        return false;
    return *c->p++ != 'u' || check_hex(c);
}

// RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF.
static bool check_utf8(struct check *c)
{
    unsigned lead = (unsigned char)*c->p;
    if (lead < 0xc2 || lead > 0xf4)
        return false;
    unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1; more > 0; more--, low = 0x80, high = 0xbf) {
        c->p++;
        if (c->p == c->end || (unsigned char)*c->p < low || (unsigned char)*c->p > high)
            return false;
    }
    c->p++;
    return true;
}

static bool check_string(struct check *c)
{
    if (c->p == c->end || *c->p != '"')
        return false;
    c->p++;
    for (;;) {
        c->p = json_plain_end(c->p, c->end);
        while (c->p < c->end && (unsigned char)*c->p >= 0x80)
            if (!check_utf8(c))
                return false;
        if (c->p == c->end || (unsigned char)*c->p < 0x20)
            return false;
        if (*c->p == '"') {
            c->p++;
            return true;
        }
        if (*c->p == '\\' && !check_escape(c))
            return false;
    }
}

static bool check_digits(struct check *c)
{
    const char *start = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
        c->p++;
    return c->p != start;
}

static bool check_number(struct check *c)
{
    if (*c->p == '-')
        c->p++;
    if (c->p < c->end && *c->p == '0')
        c->p++;
    else if (!check_digits(c))
        return false;
    if (c->p < c->end && *c->p == '.') {
        c->p++;
        if (!check_digits(c))
            return false;
    }
    if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
        c->p++;
        if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
            c->p++;
        return check_digits(c);
    }
    return true;
}

static bool check_word(struct check *c, const char *word)
{
    for (; *word != '\0'; word++, c->p++)
        if (c->p == c->end || *c->p != *word)
            return false;
    return true;
}

static bool in_array(const struct check *c)
{
    return c->in_array[(c->levels - 1) / 64] >> (c->levels - 1) % 64 & 1;
}

static bool check_name(struct check *c)
{
    if (!check_string(c))
        return false;
    c->p = skip_space(c->p, c->end);
    if (c->p == c->end || *c->p != ':')
        return false;
    c->p = skip_space(c->p + 1, c->end);
    return true;
}

// Enters a container. *done: it is empty, and left again.
static bool check_open(struct check *c, bool *done)
{
    if (c->levels == MAX_LEVELS)
        return false;
    uint64_t bit = UINT64_C(1) << c->levels % 64, *bits = &c->in_array[c->levels / 64];
    bool array = *c->p == '[';
    *bits = array ? *bits | bit : *bits & ~bit;
    c->levels++;
    c->p = skip_space(c->p + 1, c->end);
    *done = c->p < c->end && *c->p == (array ? ']' : '}');
    if (*done) {
        c->p++;
        c->levels--;
        return true;
    }
    return array || check_name(c);
}

// One scalar, or the opening of a container; *done: a whole value lies behind p.
static bool check_start(struct check *c, bool *done)
{
    *done = true;
    if (c->p == c->end)
        return false;
    switch (*c->p) {
    case '{':
    case '[':
        return check_open(c, done);
    case '"':
        return check_string(c);
    case 't':
        return check_word(c, "true");
    case 'f':
        return check_word(c, "false");
    case 'n':
        return check_word(c, "null");
    default:
        return check_number(c);
    }
}

// Behind a value: to the next one of the container, or out of it and behind that.
static bool check_next(struct check *c)
{
    while (c->levels != 0) {
        c->p = skip_space(c->p, c->end);
        if (c->p == c->end)
            return false;
        if (*c->p == ',') {
            c->p = skip_space(c->p + 1, c->end);
            return in_array(c) || check_name(c);
        }
        if (*c->p != (in_array(c) ? ']' : '}'))
            return false;
        c->p++;
        c->levels--;
    }
    return true;
}

static bool check_value(struct check *c)
{
    do {
        bool done;
        if (!check_start(c, &done))
            return false;
        if (done && !check_next(c))
            return false;
    } while (c->levels != 0);
    return true;
}

bool json_check(struct span text, size_t *bad_at)
{
    struct check c = {.p = text.p, .end = end_of(text)};
    c.p = skip_space(c.p, c.end);
    bool ok = check_value(&c);
    if (ok) {
        c.p = skip_space(c.p, c.end);
        ok = c.p == c.end;
    }
    *bad_at = (size_t)(c.p - text.p);
    return ok;
}

// ---- reading

static void put_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_char(out, (char)c);
    } else if (c < 0x800) {
        buf_char(out, (char)(0xc0 | c >> 6));
        buf_char(out, (char)(0x80 | (c & 63)));
    } else if (c < 0x10000) {
        buf_char(out, (char)(0xe0 | c >> 12));
        buf_char(out, (char)(0x80 | (c >> 6 & 63)));
        buf_char(out, (char)(0x80 | (c & 63)));
    } else {
        buf_char(out, (char)(0xf0 | c >> 18));
        buf_char(out, (char)(0x80 | (c >> 12 & 63)));
        buf_char(out, (char)(0x80 | (c >> 6 & 63)));
        buf_char(out, (char)(0x80 | (c & 63)));
    }
}

// The four digits at p, which check_string() has seen.
static uint32_t hex4(const char *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
    return v;
}

// Half of a surrogate pair stands for nothing: U+FFFD.
static const char *unquote_unicode(const char *p, const char *end, struct buf *out)
{
    uint32_t c = hex4(p);
    p += 4;
    if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' && hex4(p + 2) >= 0xdc00 &&
        hex4(p + 2) < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (hex4(p + 2) - 0xdc00);
        p += 6;
    }
    put_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
    return p;
}

static const char *unquote_escape(const char *p, const char *end, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (*p == 'u')
        return unquote_unicode(p + 1, end, out);
    buf_char(out, to[strchr(from, *p) - from]);
    return p + 1;
}

bool json_unquote(struct span quoted, struct buf *out)
{
    struct check c = {.p = quoted.p, .end = end_of(quoted)};
    if (!check_string(&c) || c.p != c.end)
        return false;
    const char *end = c.end - 1;
    for (const char *p = quoted.p + 1; p < end;) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        const char *stop = slash != NULL ? slash : end;
        buf_bytes(out, p, (size_t)(stop - p));
        p = slash != NULL ? unquote_escape(slash + 1, end, out) : end;
    }
    return true;
}

static bool parse_u64(struct span value, uint64_t *v)
{
    if (value.n == 0 || value.n > 20 || (value.p[0] == '0' && value.n > 1))
        return false;
    *v = 0;
    for (size_t i = 0; i < value.n; i++) {
        unsigned digit = (unsigned)(unsigned char)value.p[i] - '0';
        if (digit > 9 || *v > (UINT64_MAX - digit) / 10)
            return false;
        *v = *v * 10 + digit;
    }
    return true;
}

bool json_u64(struct span value, uint64_t *v)
{
    return parse_u64(value, v);
}

bool json_i64(struct span value, int64_t *v)
{
    uint64_t magnitude;
    bool negative = value.n != 0 && value.p[0] == '-';
    if (negative)
        value.p++, value.n--;
    if (!parse_u64(value, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *v = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

// ---- writing

static void put_escaped(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};
    char text[6] = {'\\', letters[c]};
    if (letters[c] != '\0') {
        buf_bytes(b, text, 2);
        return;
    }
    memcpy(text + 1, "u00", 3);
    text[4] = hex[c >> 4];
    text[5] = hex[c & 15];
    buf_bytes(b, text, sizeof text);
}

void json_quote(struct buf *b, struct span text)
{
    const char *p = text.p, *end = end_of(text), *stop = json_clean_end(p, end);
    buf_char(b, '"');
    for (; p != end; stop = json_clean_end(p, end)) {
        buf_bytes(b, p, (size_t)(stop - p));
        if (stop != end)
            put_escaped(b, (unsigned char)*stop++);
        p = stop;
    }
    buf_char(b, '"');
}

bool json_text_member(struct span object, const char *name, char *to, size_t size)
{
    struct span value;
    struct buf text = {.p = to, .cap = size - 1, .max_bytes = size - 1};
    if (!json_member(object, span_of(name), &value) || value.n < 2 || value.n - 2 >= size ||
        !json_unquote(value, &text) || text.bad)
        return false;
    to[text.n] = '\0';
    return strlen(to) == text.n;
}

bool json_u64_member(struct span object, const char *name, uint64_t *to)
{
    struct span value;
    return json_member(object, span_of(name), &value) && json_u64(value, to);
}
