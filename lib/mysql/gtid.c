#include "mysql/gtid.h"

#include <ctype.h>
#include <stdlib.h>

void gtid_set_release(struct gtid_set *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->source[i].at);
    free(s->source);
    *s = (struct gtid_set){0};
}

static bool is_tag(struct span tag)
{
    for (size_t i = 0; i < tag.n; i++) {
        unsigned char c = (unsigned char)tag.p[i];
        if (!isalpha(c) && c != '_' && (i == 0 || !isdigit(c)))
            return false;
    }
    return tag.n <= GTID_TAG_MAX;
}

static struct gtid_source *find(const struct gtid_set *s, const unsigned char uuid[16], const char *tag)
{
    for (size_t i = 0; i < s->n; i++)
        if (memcmp(s->source[i].uuid, uuid, 16) == 0 && strcmp(s->source[i].tag, tag) == 0)
            return &s->source[i];
    return NULL;
}

static struct gtid_source *source_of(struct gtid_set *s, const unsigned char uuid[16], const char *tag)
{
    struct gtid_source *found = find(s, uuid, tag);
    if (found != NULL)
        return found;
    struct gtid_source *grown = realloc(s->source, (s->n + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    s->source = grown;
    found = &grown[s->n++];
    *found = (struct gtid_source){0};
    memcpy(found->uuid, uuid, 16);
    memcpy(found->tag, tag, strlen(tag));
    return found;
}

// Puts the interval in its place and joins those that it touches.
static bool add_interval(struct gtid_source *source, struct gtid_interval v)
{
    size_t i = 0;
    while (i < source->n && source->at[i].last + 1 < v.first)
        i++;
    size_t end = i;
    for (; end < source->n && source->at[end].first <= v.last + 1; end++) {
        if (source->at[end].first < v.first)
            v.first = source->at[end].first;
        if (source->at[end].last > v.last)
            v.last = source->at[end].last;
    }
    if (end == i) {
        struct gtid_interval *grown = realloc(source->at, (source->n + 1) * sizeof *grown);
        if (grown == NULL)
            return false;
        source->at = grown;
        end = i + 1;
        memmove(grown + end, grown + i, (source->n - i) * sizeof *grown);
        source->n++;
    }
    source->at[i] = v;
    memmove(source->at + i + 1, source->at + end, (source->n - end) * sizeof *source->at);
    source->n -= end - i - 1;
    return true;
}

bool gtid_set_add(struct gtid_set *s, const unsigned char uuid[16], struct span tag, uint64_t first,
                  uint64_t last, struct err *e)
{
    char lower[GTID_TAG_MAX + 1] = "";
    if (!is_tag(tag) || first == 0 || last < first || last > INT64_MAX - 1)
        return err_set(e, STATUS_USAGE, "a GTID's tag or number is malformed");
    for (size_t i = 0; i < tag.n; i++)
        lower[i] = (char)tolower((unsigned char)tag.p[i]);
    struct gtid_source *source = source_of(s, uuid, lower);
    return (source != NULL && add_interval(source, (struct gtid_interval){first, last})) || err_no_memory(e);
}

// ---- text

static void skip_space(struct span *s)
{
    while (s->n != 0 && isspace((unsigned char)s->p[0]))
        s->p++, s->n--;
}

static bool take_char(struct span *s, char c)
{
    skip_space(s);
    if (s->n == 0 || s->p[0] != c)
        return false;
    s->p++, s->n--;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_uuid(struct span *s, unsigned char uuid[16])
{
    skip_space(s);
    for (size_t i = 0; i < 16; i++) {
        if (s->n > 2 && s->p[0] == '-' && i != 0)
            s->p++, s->n--;
        if (s->n < 2 || hex_digit(s->p[0]) < 0 || hex_digit(s->p[1]) < 0)
            return false;
        uuid[i] = (unsigned char)(hex_digit(s->p[0]) << 4 | hex_digit(s->p[1]));
        s->p += 2, s->n -= 2;
    }
    return true;
}

static bool take_number(struct span *s, uint64_t *v)
{
    size_t n = 0;
    skip_space(s);
    *v = 0;
    for (; n < s->n && n < 19 && isdigit((unsigned char)s->p[n]); n++)
        *v = *v * 10 + (uint64_t)(s->p[n] - '0');
    s->p += n, s->n -= n;
    return n != 0;
}

static bool take_interval(struct span *s, struct gtid_interval *v)
{
    if (!take_number(s, &v->first))
        return false;
    v->last = v->first;
    return !take_char(s, '-') || take_number(s, &v->last);
}

static struct span take_tag(struct span *s)
{
    skip_space(s);
    struct span tag = {s->p, 0};
    while (s->n != 0 && (isalnum((unsigned char)s->p[0]) || s->p[0] == '_')) {
        tag.n++;
        s->p++, s->n--;
    }
    return tag;
}

// UUID[:TAG]:INTERVAL[:INTERVAL…][:TAG:INTERVAL…]
static bool take_source(struct gtid_set *s, struct span *text, struct err *e)
{
    unsigned char uuid[16];
    struct span tag = {"", 0};
    struct gtid_interval v;
    if (!take_uuid(text, uuid))
        return false;
    bool any = false;
    while (take_char(text, ':')) {
        skip_space(text);
        if (text->n != 0 && !isdigit((unsigned char)text->p[0])) {
            tag = take_tag(text);
            if (tag.n == 0)
                return false;
            continue;
        }
        if (!take_interval(text, &v) || !gtid_set_add(s, uuid, tag, v.first, v.last, e))
            return false;
        any = true;
    }
    return any;
}

bool gtid_set_parse(struct gtid_set *s, struct span text, struct err *e)
{
    struct span rest = text;
    skip_space(&rest);
    while (rest.n != 0) {
        if (!take_source(s, &rest, e))
            return err_set(e, STATUS_USAGE, "\"%.*s\" is no GTID set", text.n > 200 ? 200 : (int)text.n,
                           text.p);
        if (!take_char(&rest, ','))
            break;
        skip_space(&rest);
    }
    skip_space(&rest);
    return rest.n == 0 ||
           err_set(e, STATUS_USAGE, "\"%.*s\" is no GTID set", text.n > 200 ? 200 : (int)text.n, text.p);
}

void gtid_set_format(const struct gtid_set *s, struct buf *out)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct gtid_source *source = &s->source[i];
        if (i != 0)
            buf_char(out, ',');
        for (size_t k = 0; k < 16; k++)
            buf_printf(out, "%s%02x", k == 4 || k == 6 || k == 8 || k == 10 ? "-" : "", source->uuid[k]);
        if (source->tag[0] != '\0')
            buf_printf(out, ":%s", source->tag);
        for (size_t k = 0; k < source->n; k++) {
            buf_printf(out, ":%llu", (unsigned long long)source->at[k].first);
            if (source->at[k].last != source->at[k].first)
                buf_printf(out, "-%llu", (unsigned long long)source->at[k].last);
        }
    }
}

bool gtid_set_is_subset(const struct gtid_set *a, const struct gtid_set *b)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct gtid_source *in = find(b, a->source[i].uuid, a->source[i].tag);
        for (size_t k = 0; k < a->source[i].n; k++) {
            struct gtid_interval v = a->source[i].at[k];
            bool has = false;
            for (size_t m = 0; in != NULL && m < in->n; m++)
                has = has || (in->at[m].first <= v.first && in->at[m].last >= v.last);
            if (!has)
                return false;
        }
    }
    return true;
}

// ---- for the server

static void put_u64(struct buf *out, uint64_t v)
{
    for (int i = 0; i < 8; i++, v >>= 8)
        buf_char(out, (char)(v & 0xff));
}

void gtid_set_encode(const struct gtid_set *s, struct buf *out)
{
    bool tagged = false;
    for (size_t i = 0; i < s->n; i++)
        tagged = tagged || s->source[i].tag[0] != '\0';
    put_u64(out, tagged ? UINT64_C(1) << 56 | (uint64_t)s->n << 8 | 1 : s->n);
    for (size_t i = 0; i < s->n; i++) {
        const struct gtid_source *source = &s->source[i];
        buf_bytes(out, source->uuid, 16);
        if (tagged) {
            buf_char(out, (char)(strlen(source->tag) * 2));
            buf_str(out, source->tag);
        }
        put_u64(out, source->n);
        for (size_t k = 0; k < source->n; k++) {
            put_u64(out, source->at[k].first);
            put_u64(out, source->at[k].last + 1);
        }
    }
}

// ---- MariaDB's

bool maria_gtid_take(struct span *text, struct maria_gtid *g)
{
    if (!take_number(text, &g->domain) || !take_char(text, '-') || !take_number(text, &g->server) ||
        !take_char(text, '-') || !take_number(text, &g->n))
        return false;
    skip_space(text);
    return text->n == 0 || (take_char(text, ',') && text->n != 0);
}

bool gtid_list_check(struct span text)
{
    struct maria_gtid g;
    do {
        if (!maria_gtid_take(&text, &g))
            return false;
    } while (text.n != 0);
    return true;
}
