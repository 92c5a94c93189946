// Decodes the events of a MySQL or MariaDB binary log that are not rows: bytes in, struct out.
//
// An event (MySQL source documentation, "Binary log event header"; MariaDB Knowledge Base, "2-Binlog Event
// Header"), little-endian as everything below:
//
//   timestamp 4  type 1  server id 4  size 4  position of the next event 4  flags 2  | body | CRC32 4
//
// size counts header, body and checksum. How long an event's fixed part is, and whether there is a checksum,
// the log says itself, in the format description that opens each file.
#ifndef CDC_MYSQL_BINLOG_H
#define CDC_MYSQL_BINLOG_H

#include "base/cursor.h"
#include "base/err.h"

#define BINLOG_HEADER_BYTES 19
#define BINLOG_MAGIC                                                                                         \
    "\xfe"                                                                                                   \
    "bin" // a file begins with it

enum binlog_type {
    BINLOG_QUERY = 2,
    BINLOG_STOP = 3,
    BINLOG_ROTATE = 4,
    BINLOG_INTVAR = 5,
    BINLOG_RAND = 13,
    BINLOG_USER_VAR = 14,
    BINLOG_FORMAT = 15,
    BINLOG_XID = 16,
    BINLOG_BEGIN_LOAD = 17,
    BINLOG_EXECUTE_LOAD = 18,
    BINLOG_TABLE_MAP = 19,
    BINLOG_WRITE_V1 = 23,
    BINLOG_UPDATE_V1 = 24,
    BINLOG_DELETE_V1 = 25,
    BINLOG_INCIDENT = 26,
    BINLOG_HEARTBEAT = 27,
    BINLOG_IGNORABLE = 28,
    BINLOG_ROWS_QUERY = 29,
    BINLOG_WRITE_V2 = 30,
    BINLOG_UPDATE_V2 = 31,
    BINLOG_DELETE_V2 = 32,
    BINLOG_GTID = 33,
    BINLOG_ANONYMOUS_GTID = 34,
    BINLOG_PREVIOUS_GTIDS = 35,
    BINLOG_TRANSACTION_CONTEXT = 36,
    BINLOG_VIEW_CHANGE = 37,
    BINLOG_XA_PREPARE = 38,
    BINLOG_PARTIAL_UPDATE = 39,
    BINLOG_PAYLOAD = 40,
    BINLOG_HEARTBEAT_V2 = 41,
    BINLOG_GTID_TAGGED = 42,
    // MariaDB
    BINLOG_ANNOTATE = 160,
    BINLOG_CHECKPOINT = 161,
    BINLOG_MARIA_GTID = 162,
    BINLOG_MARIA_GTID_LIST = 163,
    BINLOG_START_ENCRYPTION = 164,
    BINLOG_QUERY_COMPRESSED = 165,
    BINLOG_WRITE_COMPRESSED_V1 = 166,
    BINLOG_UPDATE_COMPRESSED_V1 = 167,
    BINLOG_DELETE_COMPRESSED_V1 = 168,
    BINLOG_WRITE_COMPRESSED = 169,
    BINLOG_UPDATE_COMPRESSED = 170,
    BINLOG_DELETE_COMPRESSED = 171,
};

enum binlog_flag {
    BINLOG_FLAG_ARTIFICIAL = 0x20, // made by the server for the connection, not in the file
    BINLOG_FLAG_IGNORABLE = 0x80,  // who does not know the type may skip the event
};

struct binlog_format {
    bool known;    // a format description was read
    bool checksum; // events end with a CRC32
    bool mariadb;
    char server_version[51];
    uint8_t fixed_bytes[256]; // of an event's fixed part, by type; 0 where the log does not say
};

struct binlog_event {
    uint32_t time_s;
    uint8_t type; // enum binlog_type, or a type that is not known here
    uint32_t server_id;
    uint32_t size;
    uint32_t next_pos; // 0 in a payload
    uint16_t flags;
    struct span body; // without checksum
};

// Splits one event. f: of the file; before it is known an event is taken to have the checksum that
// `checksum` says. STATUS_DATA where the size or the CRC32 does not fit.
bool binlog_event_read(const struct binlog_format *f, struct span bytes, struct binlog_event *ev,
                       struct err *e) MUST_CHECK;

// What an event of unknown type is called, in an error.
const char *binlog_type_name(uint8_t type);

// For an event whose body ended too early or is malformed. Returns false.
bool binlog_malformed(const struct binlog_event *ev, struct err *e);

// bytes: the whole event, for its checksum is there whatever it says of the others.
bool binlog_format_read(struct binlog_format *f, const struct binlog_event *ev, struct err *e) MUST_CHECK;

struct binlog_rotate {
    uint64_t pos;
    struct span file;
};
bool binlog_rotate_read(const struct binlog_event *ev, struct binlog_rotate *r, struct err *e) MUST_CHECK;

// GTID events open a transaction. MySQL: 33, 34 (anonymous: no GTID), 42 (tagged). MariaDB: 162.
struct binlog_gtid {
    bool has_uuid, has_domain; // has_uuid: MySQL's; has_domain: MariaDB's; neither: anonymous
    unsigned char uuid[16];
    struct span tag;
    uint32_t domain, server_id;
    uint64_t n;
    int64_t commit_us; // when it was committed on the server where it began; 0 where the log has no such
    bool standalone;   // MariaDB: the one event that follows is all of it
    bool xa_prepared;  // MariaDB: an XA transaction of this XID is prepared here; only then:
    struct span gtrid, bqual;
    uint32_t xid_format;
};
bool binlog_gtid_read(const struct binlog_event *ev, struct binlog_gtid *g, struct err *e) MUST_CHECK;

// Appends UUID:N, UUID:TAG:N or DOMAIN-SERVER-N; nothing for an anonymous one.
struct buf;
void binlog_gtid_format(const struct binlog_gtid *g, struct buf *out);

// Appends the XID of one that is prepared, as XA COMMIT takes it: X'61',X'',1.
void binlog_xid_format(const struct binlog_gtid *g, struct buf *out);

struct binlog_query {
    uint32_t thread;
    uint16_t error;
    struct span db, sql; // sql: compressed in a BINLOG_QUERY_COMPRESSED
    uint16_t charset;    // the session's character_set_client, a collation's number; 0: not told
    int64_t commit_us;   // fraction of the second, MariaDB; 0
};
bool binlog_query_read(const struct binlog_event *ev, struct binlog_query *q, struct err *e) MUST_CHECK;

// The statement behind a rows query (29) or an annotate rows event (160).
bool binlog_statement_read(const struct binlog_event *ev, struct span *sql, struct err *e) MUST_CHECK;

bool binlog_incident_read(const struct binlog_event *ev, unsigned *incident, struct span *message,
                          struct err *e) MUST_CHECK;

// A packed integer (MySQL documentation, "Protocol::LengthEncodedInteger"); bad for NULL and the reserved
// 255.
uint64_t cursor_packed(struct cursor *c);
// Bytes behind their packed length.
struct span cursor_packed_bytes(struct cursor *c);

#endif
