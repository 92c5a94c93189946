#include "mysql/log_dump.h"

#include "mysql/client_conn.h"

#include <poll.h>
#include <stdlib.h>
#include <strings.h>

// ---- what the two libraries do differently

// COM_BINLOG_DUMP's flag of MariaDB (Knowledge Base, "COM_BINLOG_DUMP").
enum { SEND_ANNOTATE_ROWS = 2 };

#ifdef MARIADB_PACKAGE_VERSION

// libmariadb's own interface to the log knows no MySQL GTIDs and copies every event; its public way to send
// any command and read a packet does.

struct dump_state {
    char unused;
};

static void put_le(struct buf *b, uint64_t v, int bytes)
{
    for (; bytes > 0; bytes--, v >>= 8)
        buf_char(b, (char)(v & 0xff));
}

// MySQL documentation, "COM_BINLOG_DUMP": position 4  flags 2  server id 4  file; "COM_BINLOG_DUMP_GTID":
// flags 2  server id 4  length 4, file  position 8  length 4, set.
static bool send_dump(struct my_client *c, const struct my_dump *d)
{
    enum { DUMP = 0x12, DUMP_GTID = 0x1e, THROUGH_GTID = 4 };
    bool by_gtid = d->gtid_set.n != 0;
    struct buf command;
    buf_init(&command, 16u << 20);
    if (by_gtid) {
        put_le(&command, THROUGH_GTID, 2);
        put_le(&command, d->server_id, 4);
        put_le(&command, 0, 4);
        put_le(&command, 4, 8);
        put_le(&command, d->gtid_set.n, 4);
        buf_span(&command, d->gtid_set);
    } else {
        put_le(&command, d->pos, 4);
        put_le(&command, d->statements && c->mariadb ? SEND_ANNOTATE_ROWS : 0, 2);
        put_le(&command, d->server_id, 4);
        buf_str(&command, d->file);
    }
    bool ok = !command.bad &&
              c->conn->methods->db_command(c->conn, (enum enum_server_command)(by_gtid ? DUMP_GTID : DUMP),
                                           command.p, command.n, 1, NULL) == 0;
    buf_release(&command);
    return ok;
}

static enum my_read fetch(struct my_client *c, struct span *event)
{
    unsigned long n = mysql_net_read_packet(c->conn);
    if (n == packet_error || n == 0)
        return MY_FAIL;
    const unsigned char *p = c->conn->net.read_pos;
    if (n < 9 && p[0] == 0xfe)
        return MY_END;
    *event = (struct span){(const char *)p + 1, n - 1}; // behind the OK byte
    return MY_GOT;
}

void my_dump_end(struct my_client *c)
{
    (void)c;
}

#else

struct dump_state {
    MYSQL_RPL rpl;
    struct span set;
};

static void give_set(MYSQL_RPL *rpl, unsigned char *to)
{
    const struct span *set = rpl->gtid_set_arg;
    memcpy(to, set->p, set->n);
}

static bool send_dump(struct my_client *c, const struct my_dump *d)
{
    c->dump = calloc(1, sizeof *c->dump);
    if (c->dump == NULL)
        return false;
    MYSQL_RPL *rpl = &c->dump->rpl;
    c->dump->set = d->gtid_set;
    rpl->file_name = d->file;
    rpl->file_name_length = strlen(d->file);
    rpl->start_position = d->gtid_set.n != 0 ? 4 : d->pos;
    rpl->server_id = d->server_id;
    rpl->flags = d->statements && c->mariadb ? SEND_ANNOTATE_ROWS : 0;
    if (d->gtid_set.n != 0) {
        rpl->flags = MYSQL_RPL_GTID;
        rpl->gtid_set_encoded_size = d->gtid_set.n;
        rpl->fix_gtid_set = give_set;
        rpl->gtid_set_arg = &c->dump->set;
    }
    return mysql_binlog_open(c->conn, rpl) == 0;
}

static enum my_read fetch(struct my_client *c, struct span *event)
{
    MYSQL_RPL *rpl = &c->dump->rpl;
    if (mysql_binlog_fetch(c->conn, rpl) != 0)
        return MY_FAIL;
    if (rpl->size == 0)
        return MY_END;
    *event = (struct span){(const char *)rpl->buffer + 1, rpl->size - 1}; // behind the OK byte
    return MY_GOT;
}

void my_dump_end(struct my_client *c)
{
    free(c->dump);
}

#endif

// ---- the log

static bool ask_checksum(struct my_client *c, bool *checksum, struct err *e)
{
    struct my_rows *rows;
    if (!my_query(c, "SELECT @@global.binlog_checksum", &rows, NULL, e))
        return false;
    const char *value = my_cell(rows, 0, 0);
    *checksum = value != NULL && strcasecmp(value, "NONE") != 0;
    my_rows_free(rows);
    return my_query(c, "SET @master_binlog_checksum = @@global.binlog_checksum", NULL, NULL, e) &&
           (c->mariadb ||
            my_query(c, "SET @source_binlog_checksum = @@global.binlog_checksum", NULL, NULL, e));
}

static bool set_heartbeat(struct my_client *c, int64_t ms, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 256);
    buf_printf(&sql, "SET @master_heartbeat_period = %lld", (long long)ms * 1000000);
    if (!c->mariadb)
        buf_printf(&sql, ", @source_heartbeat_period = %lld", (long long)ms * 1000000);
    bool ok = my_query(c, buf_cstr(&sql), NULL, NULL, e);
    buf_release(&sql);
    return ok;
}

// Capability 4: knows GTIDs. Without it MariaDB hides them.
static bool set_maria(struct my_client *c, const char *gtid_list, struct err *e)
{
    struct buf sql;
    bool ok = my_query(c, "SET @mariadb_slave_capability = 4", NULL, NULL, e);
    if (gtid_list == NULL)
        return ok;
    buf_init(&sql, 1u << 20);
    buf_lit(&sql,
            "SET @slave_gtid_strict_mode = 0, @slave_gtid_ignore_duplicates = 0, @slave_connect_state = ");
    ok = ok && my_quote_literal(c, gtid_list, &sql, e) && my_query(c, buf_cstr(&sql), NULL, NULL, e);
    buf_release(&sql);
    return ok;
}

bool my_dump_start(struct my_client *c, const struct my_dump *d, bool *checksum, struct err *e)
{
    if (!ask_checksum(c, checksum, e) || !set_heartbeat(c, d->heartbeat_ms, e) ||
        (c->mariadb && !set_maria(c, d->gtid_list, e)))
        return false;
    // While the reader of the pipe is slow nothing is taken from the server: it must have patience.
    if (!my_query(c, "SET SESSION net_write_timeout = 31536000", NULL, NULL, e))
        return false;
    if (d->gtid_set.n == 0 && d->gtid_list == NULL && d->pos > UINT32_MAX)
        return err_set(e, STATUS_LOST, "position %llu lies beyond 4 GiB of its file, where no dump can begin",
                       (unsigned long long)d->pos);
    return send_dump(c, d) || my_client_fail(c, "cannot start reading the log", e);
}

static bool has_input(struct my_client *c)
{
    struct pollfd fd = {.fd = my_client_socket(c), .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static bool dump_failed(struct my_client *c, struct err *e)
{
    enum { READING_LOG_FAILED = 1236 };
    unsigned code = mysql_errno(c->conn);
    const char *text = mysql_error(c->conn);
    // MySQL ends the older of the two, MariaDB the newer, with another number.
    if (strstr(text, "same server_uuid") != NULL || strstr(text, "same server_id") != NULL) {
        err_set(e, STATUS_USAGE, "another client reads the log as the same server: %s", text);
        return err_hint(e, "give each its own --server-id, or none");
    }
    return err_set(e, code == READING_LOG_FAILED ? STATUS_LOST : STATUS_PEER, "cannot read the log: %s",
                   text);
}

enum my_read my_dump_read(struct my_client *c, bool may_block, struct span *event, struct err *e)
{
    // What the library has read ahead does not show here; then the caller flushes a little too often.
    if (!may_block && !has_input(c))
        return MY_NOTHING;
    enum my_read got = fetch(c, event);
    if (got == MY_FAIL)
        dump_failed(c, e);
    return got;
}
