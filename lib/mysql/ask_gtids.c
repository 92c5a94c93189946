#include "mysql/ask_gtids.h"

#include "mysql/binlog.h"
#include "mysql/server.h"

#include <strings.h>

// A file's first bytes are its magic.
#define FIRST_POS 4

bool my_has_gtids(struct my_client *c, bool *has, struct err *e)
{
    char mode[64];
    *has = my_is_mariadb(c);
    if (*has)
        return true;
    if (!my_server_variable(c, "gtid_mode", mode, sizeof mode, e))
        return false;
    *has = strcasecmp(mode, "ON") == 0;
    return true;
}

static bool add_cell(struct my_client *c, const char *sql, const char *column, struct my_gtids *to,
                     struct err *e)
{
    struct my_rows *rows;
    if (!my_query(c, sql, &rows, NULL, e))
        return false;
    const char *cell = column != NULL ? my_named_cell(rows, 0, column) : my_cell(rows, 0, 0);
    bool ok = cell == NULL || my_gtids_add(to, span_of(cell), e);
    my_rows_free(rows);
    return ok;
}

static bool ask_maria(struct my_client *c, const struct my_dump *d, struct my_gtids *before, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 4096);
    buf_lit(&sql, "SELECT BINLOG_GTID_POS(");
    bool ok = my_quote_literal(c, d->file, &sql, e);
    buf_printf(&sql, ", %llu)", (unsigned long long)d->pos);
    ok = ok && add_cell(c, buf_cstr(&sql), NULL, before, e);
    buf_release(&sql);
    return ok;
}

// What the files before this one have: the file's second event says it.
static bool ask_previous(struct my_client *c, const char *file, struct my_gtids *before, struct err *e)
{
    struct my_rows *rows;
    struct buf sql;
    buf_init(&sql, 4096);
    buf_lit(&sql, "SHOW BINLOG EVENTS IN ");
    bool ok = my_quote_literal(c, file, &sql, e);
    buf_lit(&sql, " LIMIT 3");
    ok = ok && my_query(c, buf_cstr(&sql), &rows, NULL, e);
    buf_release(&sql);
    if (!ok)
        return false;
    for (size_t i = 0; ok && i < my_row_count(rows); i++) {
        const char *type = my_named_cell(rows, i, "Event_type"), *set = my_named_cell(rows, i, "Info");
        if (type != NULL && strcmp(type, "Previous_gtids") == 0 && set != NULL)
            ok = my_gtids_add(before, span_of(set), e);
    }
    my_rows_free(rows);
    return ok;
}

static bool add_event(const struct binlog_event *ev, struct buf *gtid, struct my_gtids *before, struct err *e)
{
    struct binlog_gtid g;
    if (ev->type != BINLOG_GTID && ev->type != BINLOG_GTID_TAGGED)
        return true;
    buf_reset(gtid);
    if (!binlog_gtid_read(ev, &g, e))
        return false;
    binlog_gtid_format(&g, gtid);
    return my_gtids_add(before, buf_view(gtid), e);
}

static bool read_file(struct my_client *dump, const struct my_dump *d, struct my_gtids *before, struct err *e)
{
    struct my_dump all = *d;
    struct binlog_format format = {0};
    struct binlog_event ev;
    struct span bytes;
    struct buf gtid;
    uint64_t pos = FIRST_POS;
    all.pos = FIRST_POS;
    buf_init(&gtid, 256);
    bool ok = my_dump_start(dump, &all, &format.checksum, e);
    while (ok && pos < d->pos) {
        enum my_read got = my_dump_read(dump, true, &bytes, e);
        ok = got == MY_GOT    ? binlog_event_read(&format, bytes, &ev, e)
             : got == MY_FAIL ? false
                              : err_set(e, STATUS_PEER, "the log ended");
        if (!ok || ev.next_pos == 0 || (ev.flags & BINLOG_FLAG_ARTIFICIAL) != 0 ||
            ev.type == BINLOG_HEARTBEAT || ev.type == BINLOG_HEARTBEAT_V2)
            continue;
        pos += ev.size;
        ok =
            ev.type == BINLOG_FORMAT ? binlog_format_read(&format, &ev, e) : add_event(&ev, &gtid, before, e);
    }
    buf_release(&gtid);
    return ok;
}

bool my_gtids_before(struct my_client *c, struct my_client *dump, const struct my_dump *d,
                     struct my_gtids *before, struct err *e)
{
    bool ok = before->mariadb ? ask_maria(c, d, before, e)
                              : ask_previous(c, d->file, before, e) &&
                                    (d->pos == FIRST_POS || read_file(dump, d, before, e));
    return ok || err_wrap(e, "cannot ask for the GTIDs before position %llu of %s",
                          (unsigned long long)d->pos, d->file);
}

bool my_gtids_not_there(struct my_client *c, const struct my_gtids *g, struct buf *out, struct err *e)
{
    struct my_rows *rows;
    struct buf text, sql;
    buf_init(&text, MY_GTIDS_MAX_BYTES);
    buf_init(&sql, 3 * MY_GTIDS_MAX_BYTES);
    my_gtids_format(g, &text);
    if (g->mariadb)
        buf_lit(&sql, "SELECT @@gtid_binlog_state");
    else
        buf_lit(&sql, "SELECT GTID_SUBTRACT(");
    bool ok = g->mariadb || my_quote_literal(c, buf_cstr(&text), &sql, e);
    if (!g->mariadb)
        buf_lit(&sql, ", @@global.gtid_executed)");
    ok = ok && buf_ok(&sql, "the GTIDs", e) && my_query(c, buf_cstr(&sql), &rows, NULL, e);
    if (ok) {
        const char *cell = my_cell(rows, 0, 0);
        if (g->mariadb)
            my_gtids_missing(g, span_of(cell != NULL ? cell : ""), out);
        else
            buf_str(out, cell != NULL ? cell : "");
        my_rows_free(rows);
    }
    buf_release(&text);
    buf_release(&sql);
    return ok;
}
