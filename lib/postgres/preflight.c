#include "postgres/preflight.h"

#include <stdlib.h>

// A walsender that is our own is not counted as taken.
static const char query[] =
    "SELECT current_setting('wal_level'), current_setting('max_replication_slots'), "
    "(SELECT count(*) FROM pg_replication_slots), current_setting('max_wal_senders'), "
    "(SELECT count(*) FROM pg_stat_replication WHERE pid <> pg_backend_pid()), "
    "(SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user), pg_is_in_recovery(), "
    "has_database_privilege(current_database(), 'CREATE'), quote_ident(current_user), "
    "quote_ident(current_database()), "
    // Managed services grant a role of this name in the attribute's stead.
    "EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_replication' AND pg_has_role(oid, 'member'))";

enum {
    WAL_LEVEL,
    MAX_SLOTS,
    SLOTS,
    MAX_SENDERS,
    SENDERS,
    REPLICATION,
    RECOVERY,
    CREATE_RIGHT,
    ROLE,
    DATABASE,
    RDS
};

static bool is_true(const struct pg_rows *rows, int column)
{
    const char *v = pg_cell(rows, 0, column);
    return v != NULL && v[0] == 't';
}

static void judge(const struct pg_rows *rows, int version, const struct preflight_needs *needs,
                  struct buf *faults)
{
    const char *level = pg_cell(rows, 0, WAL_LEVEL);
    int max_slots = atoi(pg_cell(rows, 0, MAX_SLOTS)), slots = atoi(pg_cell(rows, 0, SLOTS));
    int max_senders = atoi(pg_cell(rows, 0, MAX_SENDERS)), senders = atoi(pg_cell(rows, 0, SENDERS));
    if (version < 120000)
        buf_printf(faults, "the server is PostgreSQL %d, needed is 12 or later\n", version / 10000);
    if (strcmp(level, "logical") != 0)
        buf_printf(faults,
                   "wal_level is %s, needed is logical: ALTER SYSTEM SET wal_level = logical; then restart "
                   "the server\n",
                   level);
    if (needs->slot && slots >= max_slots)
        buf_printf(
            faults,
            "all %d of max_replication_slots are taken: SELECT slot_name, active FROM pg_replication_slots; "
            "drop one "
            "that nobody needs, or ALTER SYSTEM SET max_replication_slots = %d; then restart the server\n",
            max_slots, max_slots + 5);
    if (senders >= max_senders)
        buf_printf(faults,
                   "all %d of max_wal_senders are taken: ALTER SYSTEM SET max_wal_senders = %d; then restart "
                   "the server\n",
                   max_senders, max_senders + 5);
    if (!is_true(rows, REPLICATION) && !is_true(rows, RDS))
        buf_printf(faults, "role %s may not replicate: ALTER ROLE %s REPLICATION\n", pg_cell(rows, 0, ROLE),
                   pg_cell(rows, 0, ROLE));
    if (is_true(rows, RECOVERY) && version < 160000)
        buf_printf(
            faults,
            "the server is a standby, which can be tailed from PostgreSQL 16 on: connect to its primary\n");
    else if (is_true(rows, RECOVERY) && needs->publication)
        buf_printf(faults, "the server is a standby, so the publication must be made on its primary first\n");
    else if (needs->publication && !is_true(rows, CREATE_RIGHT))
        buf_printf(faults, "role %s may not make a publication: GRANT CREATE ON DATABASE %s TO %s\n",
                   pg_cell(rows, 0, ROLE), pg_cell(rows, 0, DATABASE), pg_cell(rows, 0, ROLE));
    if (needs->failover && version < 170000)
        buf_printf(faults, "--slot-failover needs PostgreSQL 17, the server is %d\n", version / 10000);
}

bool preflight_server(struct pg_client *c, const struct preflight_needs *needs, struct buf *faults,
                      struct err *e)
{
    struct pg_rows *rows;
    if (!pg_query(c, query, 0, NULL, &rows, NULL, e))
        return err_wrap(e, "cannot ask for the server's settings");
    judge(rows, pg_server_version(c), needs, faults);
    pg_rows_free(rows);
    return true;
}
