// A stream of pgoutput messages becomes lines, whatever the peer sends: decoded, taken into the relation
// cache, written. A line is a whole change line with one token, valid JSON where what the server sent is
// UTF-8; a change that cannot be written leaves nothing.
//
// Input: a byte that chooses how values are shaped; then each message behind its length (2 bytes,
// big-endian).
#include "fuzz.h"

#include "base/cursor.h"
#include "event/json.h"
#include "event/line.h"
#include "postgres/envelope.h"

#define LINES_MAX_BYTES (4u << 20)

struct run {
    struct pgo_decoder decoder;
    struct catalog catalog;
    struct relations relations;
    struct capture capture;
    struct envelope envelope;
    struct buf lines;
    bool utf8; // of all that came
};

static void ignore(const char *fmt, ...)
{
    (void)fmt;
}

// The bits choose among all forms of a value.
static void shape(struct shape *s, unsigned bits)
{
    *s = (struct shape){
        .decimal = (enum shape_decimal)(bits % 3),
        .time = (enum shape_time)(bits / 3 % 6),
        .binary = (enum shape_binary)(bits / 18 % 4),
        .interval_string = bits / 72 % 2 != 0,
        .hstore_map = bits / 144 % 2 != 0,
        .money_scale = 2,
        .unknown = bits % 2 != 0,
        .placeholder = SPAN_LIT("__debezium_unavailable_value"),
    };
}

// The golden stream's first tables have oids from 18900 on: some are known, with a key and with defaults.
static void fill(struct catalog *c)
{
    struct err e;
    static const char *const defaults[] = {"'x'::text", "7", "(-1)", "true", "now()", NULL};
    for (uint32_t oid = 18900; oid < 19000; oid += 3)
        must(catalog_add_column(c, oid, "id", true, defaults[oid % 6], 1, &e) &&
             catalog_add_column(c, oid, "v", oid % 2 != 0, defaults[oid / 3 % 6], 0, &e));
}

static bool is_utf8(struct span text)
{
    struct buf quoted;
    size_t bad_at;
    buf_init(&quoted, 1u << 20);
    json_quote(&quoted, text);
    bool ok = !quoted.bad && json_check(buf_view(&quoted), &bad_at);
    buf_release(&quoted);
    return ok;
}

static bool is_tuple_utf8(const struct pgo_tuple *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->at[i].kind == PGO_TEXT && !is_utf8(t->at[i].text))
            return false;
    return true;
}

static bool is_message_utf8(const struct pgo_message *m)
{
    bool ok = true;
    if (m->type == 'R') {
        ok = is_utf8(m->relation.schema) && is_utf8(m->relation.name);
        for (size_t i = 0; ok && i < m->relation.n; i++)
            ok = is_utf8(m->relation.column[i].name);
    } else if (m->type == 'I' || m->type == 'U' || m->type == 'D') {
        ok = is_tuple_utf8(&m->row.old) && is_tuple_utf8(&m->row.new);
    } else if (m->type == 'M') {
        ok = is_utf8(m->logical.prefix);
    } else if (m->type == 'O') {
        ok = is_utf8(m->origin.name);
    }
    return ok;
}

static void check_lines(struct run *r, size_t before, bool ok, int want)
{
    struct span rest = {r->lines.p + before, r->lines.n - before};
    must(!r->lines.bad && (ok || rest.n == 0));
    for (int n = 0; rest.n != 0; n++) {
        const char *end = memchr(rest.p, '\n', rest.n);
        struct line line;
        struct err e;
        size_t bad_at;
        must(end != NULL && n < want);
        struct span text = {rest.p, (size_t)(end - rest.p)};
        if (r->utf8) {
            must(json_check(text, &bad_at));
            must(line_parse(text, &line, &e) && line.kind == LINE_CHANGE && line.pos.n != 0);
        }
        rest.p += text.n + 1, rest.n -= text.n + 1;
    }
}

typedef bool write_line(struct envelope *v, const struct relation *r, const struct pgo_row *row,
                        struct change_place at, struct buf *out, struct err *e);

static void put(struct run *r, const struct pgo_row *row, write_line *write)
{
    struct err e;
    size_t before = r->lines.n;
    struct change_place place = {.lsn = 200, .k = 1, .now_ns = INT64_C(1700000000123456789)};
    bool ok = write(&r->envelope, relations_find(&r->relations, row->oid), row, place, &r->lines, &e);
    check_lines(r, before, ok, 1);
}

static void put_row(struct run *r, char type, const struct pgo_row *row)
{
    const struct relation *relation = relations_find(&r->relations, row->oid);
    if (relation == NULL)
        return;
    envelope_changes_nothing(relation, row);
    if (type == 'I') {
        put(r, row, envelope_insert);
    } else if (type == 'D') {
        put(r, row, envelope_delete);
    } else if (!envelope_changes_key(relation, row)) {
        put(r, row, envelope_update);
    } else {
        put(r, row, envelope_old_key);
        put(r, row, envelope_new_key);
    }
}

static void put_truncate(struct run *r, const struct pgo_truncate *t)
{
    struct err e;
    for (size_t i = 0; i < t->n; i++) {
        const struct relation *relation = relations_find(&r->relations, pgo_truncated(t, i));
        size_t before = r->lines.n;
        if (relation != NULL)
            check_lines(r, before,
                        envelope_truncate(&r->envelope, relation, (struct change_place){.lsn = 1, .k = 1},
                                          &r->lines, &e),
                        1);
    }
}

static void take(struct run *r, const struct pgo_message *m)
{
    struct err e;
    size_t before = r->lines.n;
    bool ok = true;
    if (m->type == 'R')
        ok = relations_put(&r->relations, &m->relation, &r->catalog, &r->capture, ignore, &e);
    else if (m->type == 'B')
        ok = envelope_begin(&r->envelope, &(struct pos){.epoch = 1, .n = {m->begin.commit_lsn}},
                            m->begin.commit_us, m->begin.xid, &e);
    else if (m->type == 'O')
        ok = envelope_origin(&r->envelope, m->origin.name, m->origin.lsn, &e);
    else if (m->type == 'T')
        put_truncate(r, &m->truncate);
    else if (m->type == 'I' || m->type == 'U' || m->type == 'D')
        put_row(r, m->type, &m->row);
    else if (m->type == 'M')
        check_lines(r, before,
                    envelope_message(&r->envelope, &m->logical, r->capture.shape.binary,
                                     (struct change_place){.lsn = 1, .k = 1}, &r->lines, &e),
                    1);
    must(ok || e.text[0] != '\0');
    buf_reset(&r->lines);
}

static void begin(struct run *r, unsigned bits)
{
    struct err e;
    *r = (struct run){.utf8 = true};
    r->capture = (struct capture){.topic_prefix = "shop", .topic_delimiter = "."};
    shape(&r->capture.shape, bits);
    fill(&r->catalog);
    envelope_init(&r->envelope, "shop", "db");
    buf_init(&r->lines, LINES_MAX_BYTES);
    must(buf_room(&r->lines, 1));
    must(envelope_begin(&r->envelope, &(struct pos){.epoch = 1, .n = {1000}}, 0, 1, &e));
}

static void end(struct run *r)
{
    catalog_release(&r->catalog);
    relations_release(&r->relations);
    envelope_release(&r->envelope);
    buf_release(&r->lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_of((struct span){(const char *)data, size});
    static struct run r;
    begin(&r, cursor_u8(&c) * 2654435761u >> 16);
    while (!c.bad && cursor_left(&c) != 0) {
        struct span bytes = cursor_bytes(&c, cursor_u16(&c));
        struct pgo_message m;
        struct err e;
        if (c.bad)
            break;
        if (!pgo_decode(&r.decoder, bytes, &m, &e)) {
            must(e.status == STATUS_DATA);
            continue;
        }
        r.utf8 = r.utf8 && is_message_utf8(&m);
        take(&r, &m);
    }
    end(&r);
    return 0;
}
