#include "event/pos.h"

#define VERSION_BITS 56
#define VIEW_LIMIT (UINT64_C(1) << 20)
#define FILE_LIMIT (UINT64_C(1) << 24)
#define OFFSET_LIMIT (UINT64_C(1) << 32)

static const char *const source_names[] = {[POS_PG] = "pg", [POS_MY] = "my"};

static bool reject(struct span text, const char *why, struct err *e)
{
    return err_set(e, STATUS_DATA, "\"%.*s\" is not a position: %s", text.n > 200 ? 200 : (int)text.n,
                   text.p != NULL ? text.p : "", why);
}

// Takes the part up to the next '/' or the end; false where no part is left.
static bool next_part(struct span *rest, struct span *part)
{
    if (rest->p == NULL)
        return false;
    const char *slash = memchr(rest->p, '/', rest->n);
    part->p = rest->p;
    part->n = slash != NULL ? (size_t)(slash - rest->p) : rest->n;
    if (slash != NULL) {
        rest->n -= part->n + 1;
        rest->p = slash + 1;
    } else {
        *rest = (struct span){NULL, 0};
    }
    return true;
}

static bool parse_number(struct span part, uint64_t *v)
{
    if (part.n == 0 || part.n > 20 || (part.p[0] == '0' && part.n > 1))
        return false;
    *v = 0;
    for (size_t i = 0; i < part.n; i++) {
        unsigned digit = (unsigned)(unsigned char)part.p[i] - '0';
        if (digit > 9 || *v > (UINT64_MAX - digit) / 10)
            return false;
        *v = *v * 10 + digit;
    }
    return true;
}

// Table and key: printable ASCII, so that a token is one word on a line of acknowledgements.
static bool is_word(struct span part)
{
    for (size_t i = 0; i < part.n; i++)
        if (part.p[i] <= ' ' || part.p[i] > '~' || part.p[i] == '"' || part.p[i] == '\\')
            return false;
    return part.n != 0;
}

static int numbers_of(const struct pos *p)
{
    if (p->phase == POS_SNAPSHOT)
        return 2;
    return p->source == POS_PG ? 3 : 4;
}

static bool parse_view(struct span *rest, struct pos *p)
{
    struct span part;
    if (rest->p == NULL)
        return true;
    if (!next_part(rest, &part) || part.n == 0 || part.p[0] != 'v')
        return false;
    return parse_number((struct span){part.p + 1, part.n - 1}, &p->view) && p->view != 0;
}

static bool parse_head(struct span *rest, struct pos *p)
{
    struct span source, epoch, phase;
    if (!next_part(rest, &source) || !next_part(rest, &epoch) || !next_part(rest, &phase))
        return false;
    if (!span_is(source, "pg") && !span_is(source, "my"))
        return false;
    if (!span_is(phase, "l") && !span_is(phase, "s"))
        return false;
    p->source = span_is(source, "pg") ? POS_PG : POS_MY;
    p->phase = span_is(phase, "l") ? POS_LOG : POS_SNAPSHOT;
    return parse_number(epoch, &p->epoch);
}

bool pos_parse(struct span text, struct pos *p, struct err *e)
{
    *p = (struct pos){0};
    if (text.n > POS_MAX_BYTES)
        return reject(text, "it is too long", e);
    struct span rest = text, part;
    if (!parse_head(&rest, p))
        return reject(text, "it does not begin with pg/EPOCH/l/, my/EPOCH/l/, pg/EPOCH/s/ or my/EPOCH/s/", e);
    if (p->epoch == 0 || p->epoch > POS_MAX_EPOCH)
        return reject(text, "the epoch is not within 1 to 127", e);
    for (int i = 0; i < numbers_of(p); i++)
        if (!next_part(&rest, &part) || !parse_number(part, &p->n[i]))
            return reject(text, "a number is missing, malformed or too large", e);
    if (p->phase == POS_SNAPSHOT &&
        !(next_part(&rest, &p->table) && is_word(p->table) && next_part(&rest, &p->key) && is_word(p->key)))
        return reject(text, "the table or the key is missing or not percent-encoded", e);
    if (p->phase == POS_LOG && !parse_view(&rest, p))
        return reject(text, "something other than /vVIEW follows its last number", e);
    if (rest.p != NULL)
        return reject(text, "something follows its last part", e);
    if (p->phase == POS_LOG && p->n[2] == 0 && (p->source == POS_PG ? p->n[1] : p->n[3]) != 0)
        return reject(text, "a progress position ends in /0/0", e);
    return true;
}

void pos_format_view(struct buf *b, uint64_t view)
{
    if (view == 0)
        return;
    buf_lit(b, "/v");
    buf_u64(b, view);
}

void pos_format(struct buf *b, const struct pos *p)
{
    buf_str(b, source_names[p->source]);
    buf_char(b, '/');
    buf_u64(b, p->epoch);
    buf_str(b, p->phase == POS_LOG ? "/l" : "/s");
    for (int i = 0; i < numbers_of(p); i++) {
        buf_char(b, '/');
        buf_u64(b, p->n[i]);
    }
    if (p->phase == POS_LOG)
        pos_format_view(b, p->view);
    if (p->phase == POS_SNAPSHOT) {
        buf_char(b, '/');
        buf_span(b, p->table);
        buf_char(b, '/');
        buf_span(b, p->key);
    }
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int pos_compare(const struct pos *a, const struct pos *b)
{
    int order = compare_u64(a->epoch, b->epoch);
    if (order == 0)
        order = (a->phase > b->phase) - (a->phase < b->phase);
    // n[3] is OFFSET, the only number that does not count.
    for (int i = 0; order == 0 && i < 3; i++)
        order = compare_u64(a->n[i], b->n[i]);
    return order;
}

bool pos_is_progress(const struct pos *p)
{
    return p->phase == POS_LOG && p->n[2] == 0;
}

bool pos_version(const struct pos *p, uint64_t *version, struct err *e)
{
    uint64_t v, limit;
    const char *part;
    if (p->phase == POS_SNAPSHOT) {
        v = p->n[0], limit = VIEW_LIMIT, part = "VIEW";
    } else if (p->source == POS_PG) {
        v = p->n[1], limit = UINT64_C(1) << VERSION_BITS, part = "CHANGE_LSN";
    } else {
        if (p->n[0] >= FILE_LIMIT)
            return err_set(e, STATUS_DATA, "binlog number %llu has no version: it is not below 2^24",
                           (unsigned long long)p->n[0]);
        if (p->n[3] >= OFFSET_LIMIT)
            return err_set(e, STATUS_DATA, "binlog offset %llu has no version: it is not below 2^32",
                           (unsigned long long)p->n[3]);
        v = p->n[0] << 32 | p->n[3], limit = UINT64_C(1) << VERSION_BITS, part = "FILE";
    }
    if (v >= limit)
        return err_set(e, STATUS_DATA, "a position's %s of %llu is too large for a version", part,
                       (unsigned long long)v);
    *version = p->epoch << VERSION_BITS | v;
    return true;
}
