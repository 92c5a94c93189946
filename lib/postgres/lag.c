#include "postgres/lag.h"

#include "event/json.h"
#include "postgres/client.h"
#include "state/report.h"

#include <stdio.h>
#include <stdlib.h>

// A standby has no log of its own: its head is what it has replayed.
#define QUERY(wal_status)                                                                                    \
    "SELECT (SELECT system_identifier FROM pg_control_system()), h.lsn - '0/0', s.slot_name, " wal_status    \
    ", s.active_pid, s.restart_lsn - '0/0', s.confirmed_flush_lsn - '0/0' FROM (SELECT CASE WHEN "           \
    "pg_is_in_recovery() "                                                                                   \
    "THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn) h "                                 \
    "LEFT JOIN pg_replication_slots s ON s.slot_name = $1"

static uint64_t number(const char *cell)
{
    return cell != NULL ? strtoull(cell, NULL, 10) : 0;
}

static void take_row(struct pg_lag *l, const struct pg_rows *rows)
{
    const char *system = pg_cell(rows, 0, 0), *wal_status = pg_cell(rows, 0, 3);
    *l = (struct pg_lag){0};
    snprintf(l->system, sizeof l->system, "%s", system != NULL ? system : "");
    l->head_lsn = number(pg_cell(rows, 0, 1));
    l->has_slot = pg_cell(rows, 0, 2) != NULL;
    snprintf(l->wal_status, sizeof l->wal_status, "%s", wal_status != NULL ? wal_status : "");
    l->active_pid = (int64_t)number(pg_cell(rows, 0, 4));
    l->has_restart = pg_cell(rows, 0, 5) != NULL;
    l->restart_lsn = number(pg_cell(rows, 0, 5));
    l->confirmed_lsn = number(pg_cell(rows, 0, 6));
}

bool pg_lag_read(struct pg_lag *l, const char *url, const char *slot, struct err *e)
{
    struct pg_client *client;
    struct pg_rows *rows;
    if (!pg_connect(url, PG_SQL, "cdc-offset", &client, e))
        return false;
    const char *query = pg_server_version(client) >= 130000 ? QUERY("s.wal_status") : QUERY("NULL");
    bool ok = pg_query(client, query, 1, &slot, &rows, NULL, e);
    if (ok) {
        take_row(l, rows);
        pg_rows_free(rows);
    }
    pg_close(client);
    return ok;
}

bool pg_lag_is_lost(const struct pg_lag *l)
{
    return !l->has_slot || strcmp(l->wal_status, "lost") == 0;
}

// Where the sink has a place in this server's log. One that is in a snapshot has none yet.
static bool behind_bytes(const struct pg_lag *l, const struct position_sink *sink, uint64_t *bytes)
{
    struct pos p;
    struct err ignored;
    if (l == NULL || !pos_parse(buf_view(&sink->token), &p, &ignored) || p.source != POS_PG ||
        p.phase != POS_LOG)
        return false;
    *bytes = l->head_lsn > p.n[0] ? l->head_lsn - p.n[0] : 0;
    return true;
}

static uint64_t retained(const struct pg_lag *l)
{
    return l->head_lsn > l->restart_lsn ? l->head_lsn - l->restart_lsn : 0;
}

static void text_slot(const struct pg_lag *l, const char *slot, struct buf *out)
{
    buf_printf(out, "%-11s  %s", "slot", slot);
    if (!l->has_slot) {
        buf_str(out, ": missing\n");
        return;
    }
    if (l->active_pid != 0)
        buf_printf(out, ", read by process %lld", (long long)l->active_pid);
    else
        buf_str(out, ", read by nobody");
    if (l->wal_status[0] != '\0')
        buf_printf(out, ", wal_status %s", l->wal_status);
    if (l->has_restart)
        buf_printf(out, ", %llu bytes of WAL retained", (unsigned long long)retained(l));
    buf_char(out, '\n');
}

void pg_lag_text(const struct pg_lag *l, const char *slot, const struct position *p, int64_t now_ms,
                 struct buf *out)
{
    uint64_t bytes;
    for (size_t i = 0; i < p->n; i++) {
        bool known = behind_bytes(l, &p->sinks[i], &bytes);
        report_behind_text(&p->sinks[i], l != NULL, known ? &bytes : NULL, now_ms, out);
    }
    if (p->n == 0)
        buf_str(out, "no position yet\n");
    if (l != NULL && slot[0] != '\0')
        text_slot(l, slot, out);
}

static void json_slot(const struct pg_lag *l, const char *slot, struct buf *out)
{
    buf_str(out, ",\"slot\":{\"name\":");
    json_quote(out, span_of(slot));
    buf_printf(out, ",\"exists\":%s", l->has_slot ? "true" : "false");
    if (l->wal_status[0] != '\0')
        buf_printf(out, ",\"wal_status\":\"%s\"", l->wal_status);
    if (l->active_pid != 0)
        buf_printf(out, ",\"active_pid\":%lld", (long long)l->active_pid);
    if (l->has_restart) {
        buf_str(out, ",\"restart_lsn\":\"");
        report_lsn(l->restart_lsn, out);
        buf_str(out, "\",\"confirmed_lsn\":\"");
        report_lsn(l->confirmed_lsn, out);
        buf_printf(out, "\",\"retained_bytes\":%llu", (unsigned long long)retained(l));
    }
    buf_char(out, '}');
}

void pg_lag_json(const struct pg_lag *l, const char *slot, const struct position *p, int64_t now_ms,
                 struct buf *out)
{
    uint64_t bytes;
    buf_str(out, "{\"sinks\":{");
    for (size_t i = 0; i < p->n; i++) {
        bool known = behind_bytes(l, &p->sinks[i], &bytes);
        buf_str(out, i == 0 ? "" : ",");
        report_behind_json(&p->sinks[i], known ? &bytes : NULL, now_ms, out);
    }
    buf_char(out, '}');
    if (l != NULL) {
        buf_str(out, ",\"head_lsn\":\"");
        report_lsn(l->head_lsn, out);
        buf_char(out, '"');
    }
    if (l != NULL && slot[0] != '\0')
        json_slot(l, slot, out);
    buf_str(out, "}\n");
}
