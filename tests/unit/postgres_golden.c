// The pgoutput messages that a real Debezium read, decoded without a server, against what it made of them.
#include "golden.h"

#include "postgres/envelope.h"

struct run {
    struct pgo_decoder decoder;
    struct catalog catalog;
    struct capture capture;
    struct relations relations;
    struct envelope envelope;
    struct buf lines;
    uint64_t lsn, k;
};

// ---- files of lines of fields

static struct span take_until(struct span *text, char end)
{
    const char *p = text->n != 0 ? memchr(text->p, end, text->n) : NULL;
    size_t n = p != NULL ? (size_t)(p - text->p) : text->n;
    struct span taken = {text->p, n};
    n += p != NULL;
    text->p += n, text->n -= n;
    return taken;
}

// A field as a C string, overwriting what stands behind it.
static char *take_field(struct span *line)
{
    struct span field = take_until(line, '\t');
    char *text = (char *)field.p;
    text[field.n] = '\0';
    return text;
}

static char *or_null(char *text)
{
    return strcmp(text, "-") == 0 ? NULL : text;
}

static uint32_t take_oid(struct span *line)
{
    return (uint32_t)strtoul(take_field(line), NULL, 10);
}

static void fill_catalog(struct catalog *c, struct span text)
{
    struct err e;
    while (text.n != 0) {
        struct span line = take_until(&text, '\n');
        char kind = *take_field(&line);
        if (kind == 'T') {
            uint32_t oid = take_oid(&line);
            struct pg_type_info info = {.is_array = *take_field(&line) == 't'};
            info.base = take_oid(&line);
            info.typmod = atoi(take_field(&line));
            info.kind = *take_field(&line);
            info.name = take_field(&line);
            info.labels = or_null(take_field(&line));
            assert_true(catalog_add_type(c, oid, &info, &e));
        } else if (kind == 'C') {
            uint32_t table = take_oid(&line);
            const char *name = take_field(&line);
            bool not_null = *take_field(&line) == 't';
            int key = atoi(take_field(&line));
            assert_true(catalog_add_column(c, table, name, not_null, or_null(take_field(&line)), key, &e));
        }
    }
}

// ---- messages, as stream.c takes them

static struct change_place place(struct run *r, uint64_t lsn)
{
    r->k = lsn == r->lsn ? r->k + 1 : 1;
    r->lsn = lsn;
    return (struct change_place){.lsn = lsn, .k = r->k, .now_ns = INT64_C(1700000000000000000)};
}

static bool on_row(struct run *r, char type, const struct pgo_row *row, uint64_t lsn, struct err *e)
{
    const struct relation *t = relations_find(&r->relations, row->oid);
    assert_non_null(t);
    struct change_place at = place(r, lsn);
    if (type == 'I')
        return envelope_insert(&r->envelope, t, row, at, &r->lines, e);
    if (type == 'D')
        return envelope_delete(&r->envelope, t, row, at, &r->lines, e);
    if (!envelope_changes_key(t, row))
        return envelope_update(&r->envelope, t, row, at, &r->lines, e);
    return envelope_old_key(&r->envelope, t, row, at, &r->lines, e) &&
           envelope_new_key(&r->envelope, t, row, place(r, lsn), &r->lines, e);
}

static bool on_message(struct run *r, const struct pgo_message *m, uint64_t lsn, struct err *e)
{
    switch (m->type) {
    case 'B':
        return envelope_begin(&r->envelope, &(struct pos){.epoch = 1, .n = {m->begin.commit_lsn}},
                              m->begin.commit_us, m->begin.xid, e);
    case 'C':
        r->envelope.last_commit = m->commit.end_lsn;
        return true;
    case 'R':
        return relations_put(&r->relations, &m->relation, &r->catalog, &r->capture, NULL, e);
    case 'M':
        r->envelope.xid = m->logical.transactional ? r->envelope.xid : 0;
        return envelope_message(&r->envelope, &m->logical, SHAPE_BYTES, place(r, lsn), &r->lines, e);
    case 'I':
    case 'U':
    case 'D':
        return on_row(r, m->type, &m->row, lsn, e);
    default:
        return true; // Debezium leaves truncates out, too
    }
}

static uint64_t lsn_of(const char *text)
{
    unsigned high, low;
    assert_int_equal(sscanf(text, "%X/%X", &high, &low), 2);
    return (uint64_t)high << 32 | low;
}

// Two digits a byte, in place.
static struct span unhex(char *hex)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned v;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
        hex[i] = (char)v;
    }
    return (struct span){hex, n};
}

static void decode(struct run *r, struct span text)
{
    struct err e;
    while (text.n != 0) {
        struct span line = take_until(&text, '\n');
        uint64_t lsn = lsn_of(take_field(&line));
        take_field(&line); // the xid
        struct pgo_message m;
        if (!pgo_decode(&r->decoder, unhex(take_field(&line)), &m, &e) || !on_message(r, &m, lsn, &e))
            fail_msg("%s", e.text);
    }
}

static void default_events(void **state)
{
    (void)state;
    static struct run r;
    struct tail_options options = {
        .topic_prefix = "pg", .topic_delimiter = ".", .shape = SHAPE_OPTIONS_DEFAULT};
    struct buf catalog, messages;
    struct err e;
    buf_init(&catalog, 1u << 20);
    buf_init(&messages, 16u << 20);
    buf_init(&r.lines, 16u << 20);
    golden_read("postgres/catalog.tsv", &catalog);
    golden_read("postgres/default.pgoutput.tsv.gz", &messages);
    buf_char(&catalog, '\0'); // room for the last field's end
    buf_char(&messages, '\0');
    catalog.n--, messages.n--;
    fill_catalog(&r.catalog, buf_view(&catalog));
    assert_true(capture_compile(&r.capture, &options, SHAPE_ADAPTIVE, &e));
    envelope_init(&r.envelope, "pg", "zoo");
    decode(&r, buf_view(&messages));
    golden_compare("postgres", "default", buf_view(&r.lines));
    envelope_release(&r.envelope);
    relations_release(&r.relations);
    catalog_release(&r.catalog);
    capture_release(&r.capture);
    buf_release(&r.lines);
    buf_release(&catalog);
    buf_release(&messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(default_events)};
    return cmocka_run_group_tests_name("postgres_golden", tests, NULL, NULL);
}
