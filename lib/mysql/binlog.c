#include "mysql/binlog.h"

#include "base/buf.h"

#include <stdio.h>
#include <zlib.h>

#define CHECKSUM_BYTES 4

// ---- the event

uint64_t cursor_packed(struct cursor *c)
{
    uint8_t first = cursor_u8(c);
    switch (first) {
    case 252:
        return cursor_le(c, 2);
    case 253:
        return cursor_le(c, 3);
    case 254:
        return cursor_le(c, 8);
    case 251:
    case 255:
        c->bad = true;
        return 0;
    default:
        return first;
    }
}

struct span cursor_packed_bytes(struct cursor *c)
{
    uint64_t n = cursor_packed(c);
    if (n > cursor_left(c)) {
        c->bad = true;
        return (struct span){"", 0};
    }
    return cursor_bytes(c, (size_t)n);
}

static bool check_sum(struct span bytes, uint32_t want, const struct binlog_event *ev, struct err *e)
{
    uint32_t got = (uint32_t)crc32_z(0, (const unsigned char *)bytes.p, bytes.n);
    return got == want ||
           err_set(e, STATUS_DATA,
                   "%s event of %u bytes before position %u: its checksum is %08x, its bytes have %08x",
                   binlog_type_name(ev->type), (unsigned)ev->size, (unsigned)ev->next_pos, (unsigned)want,
                   (unsigned)got);
}

bool binlog_event_read(const struct binlog_format *f, struct span bytes, struct binlog_event *ev,
                       struct err *e)
{
    struct cursor c = cursor_of(bytes);
    *ev = (struct binlog_event){0};
    ev->time_s = (uint32_t)cursor_le(&c, 4);
    ev->type = cursor_u8(&c);
    ev->server_id = (uint32_t)cursor_le(&c, 4);
    ev->size = (uint32_t)cursor_le(&c, 4);
    ev->next_pos = (uint32_t)cursor_le(&c, 4);
    ev->flags = (uint16_t)cursor_le(&c, 2);
    // A format description always has its checksum, and says so itself.
    bool checksum = f->checksum && ev->type != BINLOG_FORMAT;
    size_t tail = checksum ? CHECKSUM_BYTES : 0;
    if (c.bad || ev->size != bytes.n || cursor_left(&c) < tail)
        return err_set(e, STATUS_DATA, "an event of %zu bytes says that it has %u", bytes.n,
                       (unsigned)ev->size);
    ev->body = cursor_bytes(&c, cursor_left(&c) - tail);
    return !checksum || check_sum((struct span){bytes.p, bytes.n - tail}, (uint32_t)cursor_le(&c, 4), ev, e);
}

const char *binlog_type_name(uint8_t type)
{
    static const char *const names[] = {
        [BINLOG_QUERY] = "query",
        [BINLOG_STOP] = "stop",
        [BINLOG_ROTATE] = "rotate",
        [BINLOG_FORMAT] = "format description",
        [BINLOG_XID] = "XID",
        [BINLOG_TABLE_MAP] = "table map",
        [BINLOG_WRITE_V1] = "write rows",
        [BINLOG_UPDATE_V1] = "update rows",
        [BINLOG_DELETE_V1] = "delete rows",
        [BINLOG_INCIDENT] = "incident",
        [BINLOG_HEARTBEAT] = "heartbeat",
        [BINLOG_ROWS_QUERY] = "rows query",
        [BINLOG_WRITE_V2] = "write rows",
        [BINLOG_UPDATE_V2] = "update rows",
        [BINLOG_DELETE_V2] = "delete rows",
        [BINLOG_GTID] = "GTID",
        [BINLOG_ANONYMOUS_GTID] = "anonymous GTID",
        [BINLOG_XA_PREPARE] = "XA prepare",
        [BINLOG_PARTIAL_UPDATE] = "partial update rows",
        [BINLOG_PAYLOAD] = "transaction payload",
        [BINLOG_HEARTBEAT_V2] = "heartbeat",
        [BINLOG_GTID_TAGGED] = "tagged GTID",
        [BINLOG_ANNOTATE] = "annotate rows",
        [BINLOG_MARIA_GTID] = "GTID",
        [BINLOG_MARIA_GTID_LIST] = "GTID list",
        [BINLOG_START_ENCRYPTION] = "start encryption",
        [BINLOG_QUERY_COMPRESSED] = "compressed query",
        [BINLOG_WRITE_COMPRESSED_V1] = "compressed write rows",
        [BINLOG_UPDATE_COMPRESSED_V1] = "compressed update rows",
        [BINLOG_DELETE_COMPRESSED_V1] = "compressed delete rows",
        [BINLOG_WRITE_COMPRESSED] = "compressed write rows",
        [BINLOG_UPDATE_COMPRESSED] = "compressed update rows",
        [BINLOG_DELETE_COMPRESSED] = "compressed delete rows",
    };
    const char *name = type < sizeof names / sizeof names[0] ? names[type] : NULL;
    return name != NULL ? name : "unknown";
}

bool binlog_malformed(const struct binlog_event *ev, struct err *e)
{
    return err_set(e, STATUS_DATA, "a %s event (type %u) of %u bytes before position %u is malformed",
                   binlog_type_name(ev->type), (unsigned)ev->type, (unsigned)ev->size,
                   (unsigned)ev->next_pos);
}

static bool whole(const struct cursor *c, const struct binlog_event *ev, struct err *e)
{
    return !c->bad || binlog_malformed(ev, e);
}

// ---- format description
//
//   binlog version 2  server version 50, NUL-padded  time 4  header length 1  fixed length of each type 1 …
//   [checksum algorithm 1  CRC32 4]
//
// The last two are there from MySQL 5.6.1 and MariaDB 5.3 on, all that are supported.

bool binlog_format_read(struct binlog_format *f, const struct binlog_event *ev, struct err *e)
{
    struct cursor c = cursor_of(ev->body);
    uint16_t version = (uint16_t)cursor_le(&c, 2);
    struct span name = cursor_bytes(&c, 50);
    cursor_le(&c, 4);
    uint8_t header_bytes = cursor_u8(&c);
    if (c.bad || cursor_left(&c) < 1 + CHECKSUM_BYTES)
        return binlog_malformed(ev, e);
    if (version != 4 || header_bytes != BINLOG_HEADER_BYTES)
        return err_set(e, STATUS_DATA,
                       "the log is of version %u with headers of %u bytes, needed are 4 and %d",
                       (unsigned)version, (unsigned)header_bytes, BINLOG_HEADER_BYTES);
    *f = (struct binlog_format){.known = true};
    snprintf(f->server_version, sizeof f->server_version, "%.*s", (int)name.n, name.p);
    f->mariadb = strstr(f->server_version, "MariaDB") != NULL;
    struct span fixed = cursor_bytes(&c, cursor_left(&c) - 1 - CHECKSUM_BYTES);
    // Type 0 has no place in the list.
    memcpy(f->fixed_bytes + 1, fixed.p, fixed.n > 255 ? 255 : fixed.n);
    uint8_t algorithm = cursor_u8(&c);
    f->checksum = algorithm == 1;
    return algorithm <= 1 ||
           err_set(e, STATUS_DATA, "the log has checksums of an unknown kind (%u)", (unsigned)algorithm);
}

// ---- rotate: position 8, file name

bool binlog_rotate_read(const struct binlog_event *ev, struct binlog_rotate *r, struct err *e)
{
    struct cursor c = cursor_of(ev->body);
    r->pos = cursor_le(&c, 8);
    r->file = cursor_bytes(&c, cursor_left(&c));
    return whole(&c, ev, e);
}

// ---- GTIDs

// 33, 34: flags 1  uuid 16  number 8  [clock kind 1  last committed 8  sequence 8  [immediate commit 7 (its
// highest bit: another follows)  [original commit 7] …]]
static void read_gtid(struct cursor *c, struct binlog_gtid *g)
{
    cursor_u8(c);
    struct span uuid = cursor_bytes(c, 16);
    g->n = cursor_le(c, 8);
    if (uuid.n == 16)
        memcpy(g->uuid, uuid.p, 16);
    if (cursor_left(c) < 17 + 7)
        return; // MySQL 5.7
    cursor_bytes(c, 17);
    uint64_t immediate_us = cursor_le(c, 7);
    bool has_original = immediate_us >> 55 != 0;
    g->commit_us = (int64_t)(has_original ? cursor_le(c, 7) : immediate_us);
}

// MySQL's serialization library ("Serialization library", MySQL source documentation): as many low one bits
// as bytes follow the first, a zero, then the number.
static uint64_t cursor_varlen(struct cursor *c)
{
    uint8_t first = cursor_u8(c);
    size_t more = 0;
    while (more < 8 && (first >> more & 1) != 0)
        more++;
    uint64_t high = cursor_le(c, more);
    if (more >= 7)
        return high;
    return (uint64_t)first >> (more + 1) | high << (7 - more);
}

// 42: version, size, the last field that must be known, then pairs of a field's number and value:
// 0 flags, 1 uuid (16 numbers), 2 number (its lowest bit the sign), 3 tag, 4 last committed, 5 sequence,
// 6 immediate commit, 7 original commit if it differs, 8 …
static void read_tagged(struct cursor *c, struct binlog_gtid *g)
{
    cursor_varlen(c);
    cursor_varlen(c);
    cursor_varlen(c);
    uint64_t immediate_us = 0, original_us = 0;
    while (!c->bad && cursor_left(c) != 0) {
        uint64_t field = cursor_varlen(c);
        if (field > 7)
            break;
        uint64_t v = 0;
        if (field == 3)
            g->tag = cursor_bytes(c, (size_t)cursor_varlen(c));
        else if (field == 1)
            for (size_t i = 0; i < 16; i++)
                g->uuid[i] = (unsigned char)cursor_varlen(c);
        else
            v = cursor_varlen(c);
        if (field == 2)
            g->n = v >> 1;
        else if (field == 6)
            immediate_us = v;
        else if (field == 7)
            original_us = v;
    }
    g->commit_us = (int64_t)(original_us != 0 ? original_us : immediate_us);
}

// 162 (MariaDB Knowledge Base, "GTID_EVENT"): number 8  domain 4  flags 1, then by flag a commit id 8, or an
// XID: format 4, lengths of gtrid and bqual 1 each, and their bytes.
static void read_maria(struct cursor *c, const struct binlog_event *ev, struct binlog_gtid *g)
{
    enum { STANDALONE = 1, GROUP_COMMIT = 2, PREPARED_XA = 64, COMPLETED_XA = 128 };
    g->n = cursor_le(c, 8);
    g->domain = (uint32_t)cursor_le(c, 4);
    g->server_id = ev->server_id;
    uint8_t flags = cursor_u8(c);
    g->standalone = (flags & STANDALONE) != 0;
    if ((flags & GROUP_COMMIT) != 0)
        cursor_le(c, 8);
    if ((flags & (PREPARED_XA | COMPLETED_XA)) == 0)
        return;
    g->xa_prepared = (flags & PREPARED_XA) != 0;
    g->xid_format = (uint32_t)cursor_le(c, 4);
    size_t gtrid = cursor_u8(c), bqual = cursor_u8(c);
    g->gtrid = cursor_bytes(c, gtrid);
    g->bqual = cursor_bytes(c, bqual);
}

bool binlog_gtid_read(const struct binlog_event *ev, struct binlog_gtid *g, struct err *e)
{
    struct cursor c = cursor_of(ev->body);
    *g = (struct binlog_gtid){.has_uuid = ev->type == BINLOG_GTID || ev->type == BINLOG_GTID_TAGGED,
                              .has_domain = ev->type == BINLOG_MARIA_GTID};
    if (g->has_domain)
        read_maria(&c, ev, g);
    else if (ev->type == BINLOG_GTID_TAGGED)
        read_tagged(&c, g);
    else
        read_gtid(&c, g);
    return whole(&c, ev, e);
}

static void write_uuid(const unsigned char uuid[16], struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            buf_char(out, '-');
        buf_char(out, digits[uuid[i] >> 4]);
        buf_char(out, digits[uuid[i] & 15]);
    }
}

void binlog_gtid_format(const struct binlog_gtid *g, struct buf *out)
{
    if (g->has_domain)
        buf_printf(out, "%u-%u-%llu", (unsigned)g->domain, (unsigned)g->server_id, (unsigned long long)g->n);
    if (!g->has_uuid)
        return;
    write_uuid(g->uuid, out);
    if (g->tag.n != 0)
        buf_printf(out, ":%.*s", SPAN_ARG(g->tag));
    buf_char(out, ':');
    buf_u64(out, g->n);
}

static void write_hex(struct span s, struct buf *out)
{
    buf_str(out, "X'");
    for (size_t i = 0; i < s.n; i++)
        buf_printf(out, "%02x", (unsigned char)s.p[i]);
    buf_char(out, '\'');
}

void binlog_xid_format(const struct binlog_gtid *g, struct buf *out)
{
    write_hex(g->gtrid, out);
    buf_char(out, ',');
    write_hex(g->bqual, out);
    buf_printf(out, ",%u", (unsigned)g->xid_format);
}

// ---- query: thread 4  seconds 4  length of db 1  error 2  length of the variables 2, variables, db NUL,
// statement

// The variables that stand before the session's character set; each is a code and a value of a length that
// follows from it.
static void read_variables(struct span variables, struct binlog_query *q)
{
    struct cursor c = cursor_of(variables);
    while (!c.bad && cursor_left(&c) != 0) {
        uint8_t code = cursor_u8(&c);
        switch (code) {
        case 0: // flags
            cursor_le(&c, 4);
            break;
        case 1: // sql_mode
            cursor_le(&c, 8);
            break;
        case 2: // catalog and a NUL
            cursor_bytes(&c, cursor_u8(&c));
            cursor_u8(&c);
            break;
        case 3: // auto_increment
            cursor_le(&c, 4);
            break;
        case 4:
            q->charset = (uint16_t)cursor_le(&c, 2);
            cursor_le(&c, 4);
            break;
        case 5: // time zone
        case 6: // catalog
            cursor_bytes(&c, cursor_u8(&c));
            break;
        case 128: // MariaDB: microseconds
            q->commit_us = (int64_t)cursor_le(&c, 3);
            break;
        default: // of no use here, and its length is not known
            return;
        }
    }
}

bool binlog_query_read(const struct binlog_event *ev, struct binlog_query *q, struct err *e)
{
    struct cursor c = cursor_of(ev->body);
    *q = (struct binlog_query){0};
    q->thread = (uint32_t)cursor_le(&c, 4);
    cursor_le(&c, 4);
    size_t db = cursor_u8(&c);
    q->error = (uint16_t)cursor_le(&c, 2);
    struct span variables = cursor_bytes(&c, (size_t)cursor_le(&c, 2));
    q->db = cursor_bytes(&c, db);
    cursor_u8(&c);
    q->sql = cursor_bytes(&c, cursor_left(&c));
    if (!c.bad)
        read_variables(variables, q);
    return whole(&c, ev, e);
}

// 29: a length that is cut to a byte, then the text; 160: the text alone.
bool binlog_statement_read(const struct binlog_event *ev, struct span *sql, struct err *e)
{
    struct cursor c = cursor_of(ev->body);
    if (ev->type == BINLOG_ROWS_QUERY)
        cursor_u8(&c);
    *sql = cursor_bytes(&c, cursor_left(&c));
    return whole(&c, ev, e);
}

// ---- incident: number 2  length 1, message

bool binlog_incident_read(const struct binlog_event *ev, unsigned *incident, struct span *message,
                          struct err *e)
{
    struct cursor c = cursor_of(ev->body);
    *incident = (unsigned)cursor_le(&c, 2);
    *message = cursor_bytes(&c, cursor_u8(&c));
    return whole(&c, ev, e);
}
