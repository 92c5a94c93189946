#include "mysql/view.h"

#include "base/clock.h"
#include "base/stop.h"
#include "mysql/catalog_load.h"
#include "mysql/holder.h"

#include <stdio.h>
#include <stdlib.h>

// Who waits for the lock of all tables holds up all writers: never longer than this, with a pause between.
#define LOCK_TURN_S 2
#define LOCK_PAUSE_MS 500
// How often it is tried to begin all snapshots at one place without a lock.
#define TRIES 10
#define YEAR_S 31536000 // the most that the servers know
// Between looks at what is about to commit.
#define LOOK_MS 10

enum {
    ACCESS_DENIED = 1227,
    TABLE_ACCESS_DENIED = 1142,
    DATABASE_ACCESS_DENIED = 1044,
    NO_SUCH_DATABASE = 1049,
    NO_SUCH_TABLE = 1146,
    LOCK_WAIT_TIMEOUT = 1205,
    DEFINITION_CHANGED = 1412,
};

static int64_t give_up_at(const struct my_view *v)
{
    return v->o->lock_ms == 0 ? INT64_MAX : clock_mono_ms() + v->o->lock_ms;
}

static bool parse_lock(struct my_view *v, struct err *e)
{
    static const char *const words[] = {
        [MY_LOCK_GLOBAL] = "global", [MY_LOCK_TABLES] = "tables", [MY_LOCK_NONE] = "none"};
    if (v->o->lock == NULL)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(v->o->lock, words[i]) == 0) {
            v->lock = (enum my_lock)i;
            return true;
        }
    return err_set(e, STATUS_USAGE, "--lock takes global, tables or none, not \"%.50s\"", v->o->lock);
}

static bool set_lock_timeout(const struct my_view *v, struct my_client *c, int64_t s, struct err *e)
{
    char sql[80];
    int64_t most_s = v->o->lock_ms == 0 ? YEAR_S : (v->o->lock_ms + 999) / 1000;
    s = s > most_s ? most_s : s;
    snprintf(sql, sizeof sql, "SET SESSION lock_wait_timeout = %lld", (long long)s);
    return my_query(c, sql, NULL, NULL, e);
}

// Whatever the server's own settings say, a query gives all its rows as they are, and may take its time.
static bool connect(struct my_view *v, struct my_client **c, struct err *e)
{
    struct my_login login = {.url = v->o->url,
                             .password_file = v->o->password_file,
                             .defaults_file = v->o->defaults_file,
                             .ssl_mode = v->o->ssl_mode};
    if (*c != NULL)
        return true;
    if (!my_connect(&login, c, e) ||
        !my_query(*c,
                  "SET SESSION net_write_timeout = 31536000, wait_timeout = 31536000, character_set_results "
                  "= NULL, "
                  "sql_select_limit = 18446744073709551615, sql_big_selects = 1",
                  NULL, NULL, e) ||
        !my_query(*c, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", NULL, NULL, e))
        return false;
    return my_query(*c,
                    my_is_mariadb(*c) ? "SET SESSION max_statement_time = 0, idle_transaction_timeout = 0, "
                                        "idle_readonly_transaction_timeout = 0"
                                      : "SET SESSION max_execution_time = 0",
                    NULL, NULL, e) &&
           set_lock_timeout(v, *c, INT64_MAX, e);
}

bool my_view_init(struct my_view *v, const struct tail_options *o, size_t clients, struct err *e)
{
    *v = (struct my_view){.o = o, .clients = clients};
    v->client = calloc(clients, sizeof *v->client);
    if (v->client == NULL)
        return err_no_memory(e);
    return parse_lock(v, e) && connect(v, &v->control, e);
}

void my_view_release(struct my_view *v)
{
    for (size_t i = 0; v->client != NULL && i < v->clients; i++)
        my_close(v->client[i]);
    free(v->client);
    my_close(v->control);
    *v = (struct my_view){0};
}

// ---- the snapshots

static bool begin(struct my_view *v, struct err *e)
{
    for (size_t i = 0; i < v->clients; i++)
        if (!my_query(v->client[i], "ROLLBACK", NULL, NULL, e) ||
            !my_query(v->client[i], "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", NULL, NULL, e))
            return false;
    return true;
}

// Behind a savepoint what a table's statements hold against DDL is let go. The plain statements' connection
// holds the table too: else it would stand in the queue behind a DDL that waits for the others.
static bool set_savepoints(struct my_view *v, struct err *e)
{
    for (size_t i = 0; i < v->clients; i++)
        if (!my_query(v->client[i], "SAVEPOINT cdc", NULL, NULL, e))
            return false;
    return my_query(v->control, "START TRANSACTION READ ONLY", NULL, NULL, e) &&
           my_query(v->control, "SAVEPOINT cdc", NULL, NULL, e);
}

static bool is_same(const struct my_log_entry *a, const struct my_log_entry *b)
{
    return a->number == b->number && a->size == b->size;
}

// MariaDB tells the place in the log that a connection's snapshot is of.
static bool place_of(struct my_client *c, struct my_log_entry *place, struct err *e)
{
    struct my_rows *rows;
    const char *file = NULL, *pos = NULL;
    if (!my_query(c, "SHOW STATUS LIKE 'binlog_snapshot_%'", &rows, NULL, e))
        return false;
    for (size_t i = 0; i < my_row_count(rows); i++) {
        const char *name = my_cell(rows, i, 0), *value = my_cell(rows, i, 1);
        file = strcmp(name, "Binlog_snapshot_file") == 0 && value[0] != '\0' ? value : file;
        pos = strcmp(name, "Binlog_snapshot_position") == 0 ? value : pos;
    }
    bool ok = file != NULL || err_set(e, STATUS_USAGE, "the server has no binary log");
    ok = ok && my_log_entry_set(place, file, pos, e);
    my_rows_free(rows);
    return ok;
}

// The lowest of the places; *same: they are one.
static bool place_of_all(struct my_view *v, bool *same, struct err *e)
{
    *same = true;
    for (size_t i = 0; i < v->clients; i++) {
        struct my_log_entry place;
        if (!place_of(v->client[i], &place, e))
            return false;
        bool lower =
            place.number < v->place.number || (place.number == v->place.number && place.size < v->place.size);
        *same = *same && (i == 0 || is_same(&place, &v->place));
        if (i == 0 || lower)
            v->place = place;
    }
    return true;
}

// ---- under a lock

static bool wait_is_over(int64_t give_up_ms)
{
    if (stop_count() != 0 || clock_mono_ms() >= give_up_ms)
        return true;
    clock_nap_us(LOCK_PAUSE_MS * 1000);
    return false;
}

static bool run_lock(struct my_view *v, const char *sql, struct err *e)
{
    int64_t give_up_ms = give_up_at(v);
    unsigned code;
    if (!set_lock_timeout(v, v->control, LOCK_TURN_S, e))
        return false;
    while (!my_query(v->control, sql, NULL, &code, e)) {
        if (code == LOCK_WAIT_TIMEOUT && !wait_is_over(give_up_ms))
            continue;
        err_wrap(e, "cannot lock %s for a moment", v->lock == MY_LOCK_TABLES ? "the tables" : "all tables");
        if (code == LOCK_WAIT_TIMEOUT) {
            v->kept_out = true;
            my_name_holder(v->control, NULL, MY_HELD_AGAINST_WRITERS, e);
        } else if (code == ACCESS_DENIED || code == TABLE_ACCESS_DENIED || code == DATABASE_ACCESS_DENIED) {
            err_hint(e, v->lock == MY_LOCK_TABLES
                            ? "GRANT LOCK TABLES, SELECT ON *.* lets it; or --lock none"
                            : "GRANT RELOAD ON *.* lets it; or --lock tables, --lock none");
        }
        return false;
    }
    return set_lock_timeout(v, v->control, INT64_MAX, e);
}

static void write_name(struct buf *sql, const struct my_table_name *t)
{
    my_quote_name(span_of(t->db), sql);
    buf_char(sql, '.');
    my_quote_name(span_of(t->table), sql);
}

static bool lock(struct my_view *v, const struct my_table_name *tables, size_t n, struct err *e)
{
    struct buf sql;
    if (v->lock == MY_LOCK_GLOBAL)
        return run_lock(v, "FLUSH TABLES WITH READ LOCK", e);
    buf_init(&sql, 64u << 20);
    buf_lit(&sql, "LOCK TABLES ");
    for (size_t i = 0; i < n; i++) {
        buf_str(&sql, i == 0 ? "" : ", ");
        write_name(&sql, &tables[i]);
        buf_lit(&sql, " READ");
    }
    bool ok = buf_ok(&sql, "the statement", e) && run_lock(v, buf_cstr(&sql), e);
    buf_release(&sql);
    return ok;
}

// Nothing commits between the snapshots and the look at the log.
static bool open_locked(struct my_view *v, const struct my_table_name *tables, size_t n, struct err *e)
{
    return lock(v, tables, n, e) && begin(v, e) && my_server_end(v->control, &v->place, e) &&
           my_query(v->control, "UNLOCK TABLES", NULL, NULL, e);
}

// ---- without one

static bool owned_gtids(struct my_view *v, struct buf *owned, struct err *e)
{
    struct my_rows *rows;
    if (!my_query(v->control, "SELECT @@GLOBAL.gtid_owned, @@GLOBAL.gtid_mode", &rows, NULL, e))
        return false;
    bool ok = strcmp(my_cell(rows, 0, 1), "ON") == 0;
    buf_reset(owned);
    buf_str(owned, my_cell(rows, 0, 0));
    my_rows_free(rows);
    if (ok)
        return buf_ok(owned, "the list of transactions", e);
    err_set(e, STATUS_USAGE, "--lock none needs gtid_mode = ON, which tells what is about to commit");
    return err_hint(e, "--lock global, or tables, does without");
}

// Whether a transaction of the first list (uuid:n#thread:n#thread,uuid:…) is still in the second.
static bool still_owned(const char *first, const char *second)
{
    char word[200];
    for (const char *p = first; *p != '\0';) {
        size_t n = strcspn(p, ",:\n");
        if (n != 0 && n < sizeof word && memchr(p, '#', n) != NULL) {
            snprintf(word, sizeof word, "%.*s", (int)n, p);
            if (strstr(second, word) != NULL)
                return true;
        }
        p += n + (p[n] != '\0');
    }
    return false;
}

// A transaction is in the log a moment before a snapshot shows it.
static bool wait_for_commits(struct my_view *v, struct err *e)
{
    struct buf first, now;
    buf_init(&first, 1u << 20);
    buf_init(&now, 1u << 20);
    int64_t give_up_ms = give_up_at(v);
    bool ok = owned_gtids(v, &first, e) && owned_gtids(v, &now, e);
    while (ok && still_owned(buf_cstr(&first), buf_cstr(&now))) {
        if (stop_count() != 0 || clock_mono_ms() >= give_up_ms) {
            ok = err_set(e, STATUS_PEER, "a transaction that is in the log does not come to its end: %.200s",
                         buf_cstr(&now));
            break;
        }
        clock_nap_us(LOOK_MS * 1000);
        ok = owned_gtids(v, &now, e);
    }
    buf_release(&first);
    buf_release(&now);
    return ok;
}

// *exact: nothing committed between the two looks at the log. If not, what did may be shown by the rows, and
// comes from the log once more.
static bool open_unlocked(struct my_view *v, bool *exact, struct err *e)
{
    if (my_is_mariadb(v->control))
        return begin(v, e) && place_of_all(v, exact, e);
    struct my_log_entry end = {0};
    if (!my_server_end(v->control, &v->place, e) || !wait_for_commits(v, e) || !begin(v, e) ||
        !my_server_end(v->control, &end, e))
        return false;
    *exact = is_same(&end, &v->place);
    return true;
}

static bool open_any(struct my_view *v, const struct my_table_name *tables, size_t n, struct err *e)
{
    bool exact = false;
    bool tries = v->lock == MY_LOCK_NONE || my_is_mariadb(v->control);
    for (int i = 0; tries && !exact && i < TRIES; i++)
        if (!open_unlocked(v, &exact, e))
            return false;
    if (exact)
        return true;
    if (v->lock != MY_LOCK_NONE)
        return open_locked(v, tables, n, e);
    v->o->note("--lock none: what is committed at this moment may be in the rows and come from the log too");
    return true;
}

// ---- XA

// One that is prepared stands in the log already, and its rows are shown once it is committed: the log would
// not bring it again.
static bool check_xa(struct my_view *v, bool *prepared, struct err *e)
{
    struct my_rows *rows;
    unsigned code;
    struct err ignored;
    *prepared = false;
    if (!my_query(v->control, "XA RECOVER", &rows, &code, &ignored)) {
        if (!my_is_connected(v->control)) {
            *e = ignored;
            return false;
        }
        return true; // without XA_RECOVER_ADMIN nothing is known of any
    }
    *prepared = my_row_count(rows) != 0;
    const char *xid = *prepared ? my_cell(rows, 0, 3) : "";
    err_set(
        e, STATUS_PEER,
        "XA transaction %.100s is prepared, and whether its changes count is not known: no snapshot can be "
        "begun",
        xid);
    err_hint(e, "XA COMMIT or XA ROLLBACK ends it");
    my_rows_free(rows);
    return true;
}

// The view before lets go of its table first: a DDL that waits for it keeps the lock of all tables from us.
static bool leave(struct my_view *v, struct my_client **c, struct err *e)
{
    return connect(v, c, e) && my_query(*c, "ROLLBACK", NULL, NULL, e);
}

static bool open_once(struct my_view *v, const struct my_table_name *tables, size_t n, bool *prepared,
                      struct err *e)
{
    if (!leave(v, &v->control, e))
        return false;
    for (size_t i = 0; i < v->clients; i++)
        if (!leave(v, &v->client[i], e))
            return false;
    return open_any(v, tables, n, e) && check_xa(v, prepared, e);
}

bool my_view_open(struct my_view *v, const struct my_table_name *tables, size_t n, struct err *e)
{
    int64_t give_up_ms = give_up_at(v);
    bool prepared;
    do
        if (!open_once(v, tables, n, &prepared, e))
            return err_wrap(e, "cannot open a view");
    while (prepared && !wait_is_over(give_up_ms));
    v->kept_out = prepared;
    v->time_us = clock_wall_ns() / 1000000000 * 1000000; // as the log tells times
    return !prepared && set_savepoints(v, e);
}

// ---- a table

bool my_view_unlock(struct my_view *v, struct err *e)
{
    for (size_t i = 0; i < v->clients; i++)
        if (v->client[i] != NULL && !my_query(v->client[i], "ROLLBACK TO SAVEPOINT cdc", NULL, NULL, e))
            return false;
    return my_query(v->control, "ROLLBACK TO SAVEPOINT cdc", NULL, NULL, e);
}

// A look at the table is enough for the transaction to hold it.
static bool look(struct my_client *c, const char *sql, unsigned *code, struct err *e)
{
    struct my_rows *rows = NULL;
    bool ok = my_query(c, sql, &rows, code, e);
    my_rows_free(rows);
    return ok;
}

static bool hold(struct my_view *v, const struct my_table_name *t, unsigned *code, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 8192);
    buf_lit(&sql, "SELECT 1 FROM ");
    write_name(&sql, t);
    buf_lit(&sql, " LIMIT 1");
    bool ok = buf_ok(&sql, "the table's name", e);
    for (size_t i = 0; ok && i < v->clients; i++)
        ok = look(v->client[i], buf_cstr(&sql), code, e);
    ok = ok && look(v->control, buf_cstr(&sql), code, e);
    buf_release(&sql);
    return ok;
}

static bool is_same_table(struct my_view *v, const struct my_table_name *t, bool *same, struct err *e)
{
    struct buf sql;
    struct my_rows *rows = NULL;
    buf_init(&sql, 8192);
    buf_lit(&sql, "SELECT CREATE_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ");
    bool ok = my_quote_literal(v->control, t->db, &sql, e);
    buf_lit(&sql, " AND TABLE_NAME = ");
    ok = ok && my_quote_literal(v->control, t->table, &sql, e) && buf_ok(&sql, "the table's name", e) &&
         my_query(v->control, buf_cstr(&sql), &rows, NULL, e);
    const char *made = ok && my_row_count(rows) == 1 ? my_cell(rows, 0, 0) : NULL;
    *same = strcmp(made != NULL ? made : "", t->made) == 0;
    my_rows_free(rows);
    buf_release(&sql);
    return ok;
}

bool my_view_lock(struct my_view *v, const struct my_table_name *t, bool *found, bool *shows, struct err *e)
{
    unsigned code = 0;
    if (!my_view_unlock(v, e))
        return false;
    bool ok = hold(v, t, &code, e);
    *found = code != NO_SUCH_TABLE && code != NO_SUCH_DATABASE;
    *shows = code != DEFINITION_CHANGED;
    if (code == LOCK_WAIT_TIMEOUT) {
        e->status = STATUS_PEER;
        v->kept_out = true;
        my_name_holder(v->control, t, MY_HELD_AGAINST_READERS, e);
    }
    if (ok)
        return is_same_table(v, t, shows, e);
    return !*found || !*shows;
}
