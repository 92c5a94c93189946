#include "postgres/view.h"

#include "base/clock.h"
#include "postgres/slot.h"

#include <stdio.h>
#include <stdlib.h>

// The transactions in progress, some 20 bytes each.
#define SEEN_MAX (1u << 20)

// Plain index scans in the key's order, and nothing that only pays off for a report.
#define BEGIN "ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; "
#define SETTINGS                                                                                             \
    "SET LOCAL lock_timeout = %lld; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off; "    \
    "SET LOCAL idle_in_transaction_session_timeout = 0"

void pg_view_init(struct pg_view *v, int64_t lock_ms)
{
    *v = (struct pg_view){.lock_ms = lock_ms};
    buf_init(&v->seen, SEEN_MAX);
}

void pg_view_release(struct pg_view *v)
{
    pg_close(v->client);
    v->client = NULL;
    buf_release(&v->seen);
}

// name: NULL for a view of now.
static bool begin(struct pg_client *c, const char *name, int64_t lock_ms, struct err *e)
{
    char sql[sizeof BEGIN SETTINGS + 160];
    // The snapshot is set before anything else.
    if (name != NULL)
        snprintf(sql, sizeof sql, BEGIN "SET TRANSACTION SNAPSHOT '%s'; " SETTINGS, name, (long long)lock_ms);
    else
        snprintf(sql, sizeof sql, BEGIN SETTINGS, (long long)lock_ms);
    return pg_query(c, sql, 0, NULL, NULL, NULL, e);
}

static bool savepoint(struct pg_client *c, struct err *e)
{
    return pg_query(c, "SAVEPOINT t", 0, NULL, NULL, NULL, e);
}

bool pg_view_join(struct pg_client *c, const struct pg_view *v, struct err *e)
{
    return (begin(c, v->name, v->lock_ms, e) && savepoint(c, e)) ||
           err_wrap(e, "cannot join the view %s", v->name);
}

static bool describe(struct pg_view *v, struct err *e)
{
    // The insert position is read behind the snapshot: what commits from there on is not in it.
    static const char sql[] =
        "SELECT pg_export_snapshot(), txid_current_snapshot(), "
        "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END, "
        "txid_snapshot_xmax(txid_current_snapshot()), (extract(epoch FROM clock_timestamp()) * "
        "1000000)::int8";
    struct pg_rows *rows;
    if (!pg_query(v->client, sql, 0, NULL, &rows, NULL, e))
        return false;
    snprintf(v->name, sizeof v->name, "%s", pg_cell(rows, 0, 0));
    buf_reset(&v->seen);
    buf_str(&v->seen, pg_cell(rows, 0, 1));
    bool ok = lsn_parse(pg_cell(rows, 0, 2), &v->past_lsn);
    v->xid = strtoull(pg_cell(rows, 0, 3), NULL, 10);
    v->time_us = strtoll(pg_cell(rows, 0, 4), NULL, 10);
    v->opened_ms = clock_mono_ms();
    pg_rows_free(rows);
    return (ok || err_set(e, STATUS_PEER, "the server does not say where its log ends")) &&
           buf_ok(&v->seen, "the list of open transactions", e);
}

bool pg_view_open(struct pg_view *v, const char *url, const char *exported, struct err *e)
{
    bool ok = (v->client != NULL || pg_connect(url, PG_SQL, "cdc-snapshot", &v->client, e)) &&
              begin(v->client, exported, v->lock_ms, e) && describe(v, e) && savepoint(v->client, e);
    return ok || err_wrap(e, "cannot open a view");
}

bool pg_view_close(struct pg_view *v, struct err *e)
{
    return v->client == NULL || pg_query(v->client, "ROLLBACK", 0, NULL, NULL, NULL, e);
}

// Who has a lock that is in our way, or waits for one in front of us: the message of a wait that was too
// long.
static void name_holder(struct pg_client *c, uint32_t oid, struct err *e)
{
    char sql[1024];
    struct pg_rows *rows = NULL;
    struct err ignored;
    snprintf(
        sql, sizeof sql,
        "SELECT l.pid, coalesce(nullif(a.application_name, ''), '?'), coalesce(a.usename, '?'), "
        "date_trunc('second', a.query_start), a.state, left(regexp_replace(a.query, '\\s+', ' ', 'g'), 80) "
        "FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.mode = 'AccessExclusiveLock' "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.relation IN "
        "(SELECT %u UNION SELECT relid FROM pg_partition_tree(%u)) ORDER BY l.granted DESC, a.query_start "
        "LIMIT 1",
        (unsigned)oid, (unsigned)oid);
    if (!pg_view_unlock(c, &ignored) || !pg_query(c, sql, 0, NULL, &rows, NULL, &ignored))
        return;
    if (pg_row_count(rows) == 1) {
        const char *since = pg_cell(rows, 0, 3), *state = pg_cell(rows, 0, 4), *text = pg_cell(rows, 0, 5);
        err_set(e, STATUS_PEER,
                "process %s of the server (%s, role %s) holds it or waits in front; its "
                "statement since %s, %s: %s",
                pg_cell(rows, 0, 0), pg_cell(rows, 0, 1), pg_cell(rows, 0, 2), since != NULL ? since : "?",
                state != NULL ? state : "?", text != NULL ? text : "?");
        err_hint(e, "end it (SELECT pg_terminate_backend(%s)), or wait for longer with --lock-timeout",
                 pg_cell(rows, 0, 0));
    }
    pg_rows_free(rows);
}

bool pg_view_lock(struct pg_client *c, const char *table, uint32_t oid, bool *shows, struct err *e)
{
    struct buf sql;
    struct pg_rows *rows = NULL;
    char sqlstate[6] = "";
    buf_init(&sql, 4096);
    // pg_class is read as the view has it, pg_relation_filenode() looks at what is now. A partitioned table
    // has no rows of its own: its leaves count.
    buf_printf(&sql,
               "LOCK TABLE %s IN ACCESS SHARE MODE; "
               "SELECT EXISTS (SELECT FROM pg_class WHERE oid = %u) AND NOT EXISTS (SELECT FROM "
               "(SELECT %u::oid AS oid UNION SELECT relid FROM pg_partition_tree(%u)) t "
               "JOIN pg_class c ON c.oid = t.oid AND c.relkind = 'r' "
               "WHERE c.relfilenode IS DISTINCT FROM pg_relation_filenode(c.oid))",
               table, (unsigned)oid, (unsigned)oid, (unsigned)oid);
    bool ok = buf_ok(&sql, "the statement", e) && pg_query(c, buf_cstr(&sql), 0, NULL, &rows, sqlstate, e);
    if (strcmp(sqlstate, "55P03") == 0 || strcmp(sqlstate, "40P01") == 0) { // too long, or a deadlock
        e->status = STATUS_PEER;
        name_holder(c, oid, e);
    }
    if (ok)
        *shows = pg_row_count(rows) == 1 && pg_cell(rows, 0, 0)[0] == 't';
    pg_rows_free(rows);
    buf_release(&sql);
    return ok;
}

bool pg_view_unlock(struct pg_client *c, struct err *e)
{
    return pg_query(c, "ROLLBACK TO SAVEPOINT t", 0, NULL, NULL, NULL, e);
}
