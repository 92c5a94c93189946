#include "postgres/slot.h"

#include <stdio.h>
#include <stdlib.h>

bool lsn_parse(const char *text, uint64_t *lsn)
{
    unsigned high, low;
    char rest;
    if (sscanf(text, "%8x/%8x%c", &high, &low, &rest) != 2 ||
        strspn(text, "0123456789abcdefABCDEF/") != strlen(text))
        return false;
    *lsn = (uint64_t)high << 32 | low;
    return true;
}

struct lsn_text lsn_text(uint64_t lsn)
{
    struct lsn_text t;
    snprintf(t.at, sizeof t.at, "%X/%X", (unsigned)(lsn >> 32), (unsigned)lsn);
    return t;
}

// Columns came with versions: wal_status in 13, invalidation_reason in 17.
static const char *lost_column(int version)
{
    if (version >= 170000)
        return "coalesce(invalidation_reason, CASE wal_status WHEN 'lost' THEN 'its log was removed' END)";
    if (version >= 130000)
        return "CASE wal_status WHEN 'lost' THEN 'its log was removed (max_slot_wal_keep_size)' END";
    return "CASE WHEN restart_lsn IS NULL THEN 'it has no restart_lsn' END";
}

static void read_facts(const struct pg_rows *rows, struct slot_facts *f)
{
    const char *lost = pg_cell(rows, 0, 4), *confirmed = pg_cell(rows, 0, 3), *pid = pg_cell(rows, 0, 2);
    f->exists = true;
    f->ours = pg_cell(rows, 0, 0)[0] == 't';
    f->active_pid = pid != NULL ? atoi(pid) : 0;
    f->lost = lost != NULL;
    snprintf(f->what, sizeof f->what, "%s", lost != NULL ? lost : pg_cell(rows, 0, 1));
    if (confirmed != NULL && !lsn_parse(confirmed, &f->confirmed_lsn))
        f->lost = true;
}

bool slot_look(struct pg_client *c, const char *name, struct slot_facts *f, struct err *e)
{
    struct buf sql;
    struct pg_rows *rows = NULL;
    *f = (struct slot_facts){0};
    buf_init(&sql, 4096);
    buf_printf(&sql,
               "SELECT coalesce(plugin = 'pgoutput' AND database = current_database(), false), "
               "coalesce(plugin, slot_type) || ' of database ' || coalesce(database, '(none)'), active_pid, "
               "confirmed_flush_lsn, %s FROM pg_replication_slots WHERE slot_name = ",
               lost_column(pg_server_version(c)));
    bool ok = pg_quote_literal(c, name, &sql, e) && pg_query(c, buf_cstr(&sql), 0, NULL, &rows, NULL, e);
    if (ok && pg_row_count(rows) != 0)
        read_facts(rows, f);
    pg_rows_free(rows);
    buf_release(&sql);
    return ok || err_wrap(e, "cannot look at slot \"%s\"", name);
}

bool slot_create(struct pg_client *c, const struct slot_wish *w, uint64_t *from_lsn, char snapshot[80],
                 struct err *e)
{
    struct buf sql;
    struct pg_rows *rows = NULL;
    buf_init(&sql, 4096);
    buf_lit(&sql, "CREATE_REPLICATION_SLOT ");
    bool ok = pg_quote_name(c, w->name, &sql, e);
    buf_str(&sql, w->temporary ? " TEMPORARY LOGICAL pgoutput " : " LOGICAL pgoutput ");
    if (w->failover)
        buf_str(&sql, w->exports ? "(SNAPSHOT 'export', FAILOVER)" : "(SNAPSHOT 'nothing', FAILOVER)");
    else
        buf_str(&sql, w->exports ? "EXPORT_SNAPSHOT" : "NOEXPORT_SNAPSHOT");
    ok = ok && pg_query(c, buf_cstr(&sql), 0, NULL, &rows, NULL, e);
    if (ok && (pg_row_count(rows) != 1 || !lsn_parse(pg_cell(rows, 0, 1), from_lsn)))
        ok = err_set(e, STATUS_PEER, "the server told no consistent point");
    snprintf(snapshot, 80, "%s", ok && pg_cell(rows, 0, 2) != NULL ? pg_cell(rows, 0, 2) : "");
    pg_rows_free(rows);
    buf_release(&sql);
    return ok || err_wrap(e, "cannot create slot \"%s\"", w->name);
}

bool slot_drop(struct pg_client *c, const char *name, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 4096);
    buf_lit(&sql, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = ");
    bool ok = pg_quote_literal(c, name, &sql, e) && pg_query(c, buf_cstr(&sql), 0, NULL, NULL, NULL, e);
    buf_release(&sql);
    return ok || err_wrap(e, "cannot drop slot \"%s\"", name);
}
