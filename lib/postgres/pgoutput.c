#include "postgres/pgoutput.h"

#include "base/cursor.h"

// Byte1 type, then by type (Int8 … Int64 big-endian, String NUL-terminated):
//   B  Int64 commit LSN, Int64 commit time, Int32 xid
//   C  Int8 flags, Int64 commit LSN, Int64 end LSN, Int64 time
//   O  Int64 LSN, String name
//   R  Int32 oid, String schema, String name, Int8 identity, Int16 n, n × (Int8 flags, String name, Int32
//   type,
//      Int32 typmod)
//   Y  Int32 oid, String schema, String name
//   I  Int32 oid, 'N' tuple
//   U  Int32 oid, ['K' tuple | 'O' tuple], 'N' tuple
//   D  Int32 oid, 'K' tuple | 'O' tuple
//   T  Int32 n, Int8 options, n × Int32 oid
//   M  Int8 flags, Int64 LSN, String prefix, Int32 length, bytes
//   tuple: Int16 n, n × ('n' | 'u' | 't' Int32 length, bytes)

// Times count microseconds from 2000-01-01.
#define EPOCH_2000_US INT64_C(946684800000000)

static void decode_begin(struct cursor *c, struct pgo_begin *begin)
{
    begin->commit_lsn = cursor_u64(c);
    // Unsigned, because a hostile time must not overflow.
    begin->commit_us = (int64_t)(cursor_u64(c) + (uint64_t)EPOCH_2000_US);
    begin->xid = cursor_u32(c);
}

static void decode_commit(struct cursor *c, struct pgo_commit *commit)
{
    cursor_u8(c);
    commit->commit_lsn = cursor_u64(c);
    commit->end_lsn = cursor_u64(c);
    cursor_u64(c);
}

static void decode_relation(struct pgo_decoder *d, struct cursor *c, struct pgo_relation *r)
{
    r->oid = cursor_u32(c);
    r->schema = cursor_cstr(c);
    r->name = cursor_cstr(c);
    r->identity = (char)cursor_u8(c);
    r->n = cursor_u16(c);
    r->column = d->column;
    if (r->n > PGO_MAX_COLUMNS)
        c->bad = true;
    for (size_t i = 0; i < r->n && !c->bad; i++) {
        struct pgo_column *column = &d->column[i];
        column->is_key = (cursor_u8(c) & 1) != 0;
        column->name = cursor_cstr(c);
        column->type = cursor_u32(c);
        column->typmod = (int32_t)cursor_u32(c);
    }
}

static struct pgo_tuple decode_tuple(struct cursor *c, struct pgo_value *values)
{
    struct pgo_tuple t = {cursor_u16(c), values};
    if (t.n > PGO_MAX_COLUMNS)
        c->bad = true;
    for (size_t i = 0; i < t.n && !c->bad; i++) {
        uint8_t kind = cursor_u8(c);
        values[i] = (struct pgo_value){(enum pgo_kind)kind, {"", 0}};
        if (kind == PGO_TEXT)
            values[i].text = cursor_bytes(c, cursor_u32(c));
        else if (kind != PGO_NULL && kind != PGO_UNCHANGED)
            c->bad = true; // 'b', binary, is never asked for
    }
    return t;
}

static void decode_row(struct pgo_decoder *d, struct cursor *c, char type, struct pgo_row *row)
{
    *row = (struct pgo_row){.oid = cursor_u32(c)};
    char kind = (char)cursor_u8(c);
    if (type != 'I' && (kind == 'K' || kind == 'O')) {
        row->old_kind = kind;
        row->old = decode_tuple(c, d->old);
        if (type == 'U')
            kind = (char)cursor_u8(c);
    }
    if (type == 'D')
        c->bad |= row->old_kind == 0;
    else if (kind == 'N')
        row->new = decode_tuple(c, d->new);
    else
        c->bad = true;
}

static void decode_truncate(struct cursor *c, struct pgo_truncate *t)
{
    t->n = cursor_u32(c);
    cursor_u8(c);
    if (t->n > cursor_left(c) / 4)
        c->bad = true;
    else
        t->oids = cursor_bytes(c, t->n * 4);
}

static void decode_logical(struct cursor *c, struct pgo_logical *l)
{
    l->transactional = (cursor_u8(c) & 1) != 0;
    l->lsn = cursor_u64(c);
    l->prefix = cursor_cstr(c);
    l->content = cursor_bytes(c, cursor_u32(c));
}

bool pgo_decode(struct pgo_decoder *d, struct span bytes, struct pgo_message *m, struct err *e)
{
    struct cursor c = cursor_of(bytes);
    m->type = (char)cursor_u8(&c);
    switch (m->type) {
    case 'B':
        decode_begin(&c, &m->begin);
        break;
    case 'C':
        decode_commit(&c, &m->commit);
        break;
    case 'O':
        m->origin.lsn = cursor_u64(&c);
        m->origin.name = cursor_cstr(&c);
        break;
    case 'R':
        decode_relation(d, &c, &m->relation);
        break;
    case 'Y': // The catalog tells more about a type than its name, so the message is checked and not kept.
        cursor_u32(&c);
        cursor_cstr(&c);
        cursor_cstr(&c);
        break;
    case 'I':
    case 'U':
    case 'D':
        decode_row(d, &c, m->type, &m->row);
        break;
    case 'T':
        decode_truncate(&c, &m->truncate);
        break;
    case 'M':
        decode_logical(&c, &m->logical);
        break;
    default:
        return err_set(e, STATUS_DATA, "pgoutput message of unknown type 0x%02x", (unsigned char)m->type);
    }
    if (c.bad || cursor_left(&c) != 0)
        return err_set(e, STATUS_DATA, "pgoutput message '%c' of %zu bytes is malformed at byte %zu", m->type,
                       bytes.n, bytes.n - cursor_left(&c));
    return true;
}

uint32_t pgo_truncated(const struct pgo_truncate *t, size_t i)
{
    struct cursor c = cursor_of((struct span){t->oids.p + i * 4, 4});
    return cursor_u32(&c);
}
