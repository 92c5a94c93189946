#include "mysql/preflight.h"

#include "mysql/server.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct preflight {
    struct my_client *c;
    struct buf *faults;
    const struct tail_options *o;
};

static bool look(const struct preflight *p, const char *name, char value[128], struct err *e)
{
    return my_server_variable(p->c, name, value, 128, e);
}

static bool check_version(const struct preflight *p)
{
    unsigned version = my_server_version(p->c), least = my_is_mariadb(p->c) ? 100500 : 80000;
    if (version >= least)
        return true;
    buf_printf(p->faults,
               "the server is %s %u.%u, needed is %u.%u or later: older logs do not name the columns\n",
               my_is_mariadb(p->c) ? "MariaDB" : "MySQL", version / 10000, version / 100 % 100, least / 10000,
               least / 100 % 100);
    return false;
}

// One setting that must have one value. Sessions that are open keep the old one.
static bool check_setting(const struct preflight *p, const char *name, const char *needed, struct err *e)
{
    char value[128];
    if (!look(p, name, value, e))
        return false;
    if (strcasecmp(value, needed) != 0)
        buf_printf(p->faults, "%s is %s, needed is %s: SET %s %s = '%s'%s\n", name,
                   value[0] != '\0' ? value : "not known", needed, my_is_mariadb(p->c) ? "GLOBAL" : "PERSIST",
                   name, needed, my_is_mariadb(p->c) ? ", and in the server's configuration" : "");
    return true;
}

static bool check_log(const struct preflight *p, struct err *e)
{
    char value[128];
    if (!look(p, "log_bin", value, e))
        return false;
    if (strcasecmp(value, "ON") == 0)
        return true;
    buf_printf(p->faults, "log_bin is OFF, needed is ON: start the server with --log-bin%s\n",
               my_is_mariadb(p->c) ? "" : ", without --skip-log-bin");
    return true;
}

static bool check_gtids(const struct preflight *p, struct err *e)
{
    char value[128];
    if (my_is_mariadb(p->c))
        return true;
    if (!look(p, "gtid_mode", value, e))
        return false;
    if (strcasecmp(value, "ON") != 0)
        p->o->note(
            "gtid_mode is %s: events show no GTID, and a replica that is promoted cannot be gone on with",
            value);
    return true;
}

// ---- rights

static bool contains(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (; *text != '\0'; text++)
        if (strncasecmp(text, word, n) == 0)
            return true;
    return false;
}

struct right {
    const char *names[3]; // the first is what is granted; the others serve too
    bool maria, mysql;    // on which server
    bool global;          // on *.* alone
    bool found;
};

// GRANT A, B ON `db`.* TO …
static void look_at_grant(const char *grant, struct right *rights, size_t n)
{
    const char *on = strstr(grant, " ON ");
    char list[4096];
    if (on == NULL)
        return;
    snprintf(list, sizeof list, "%.*s", (int)(on - grant), grant);
    bool global = strncmp(on, " ON *.* ", 8) == 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 3 && rights[i].names[k] != NULL; k++)
            if ((global || !rights[i].global) &&
                (contains(list, rights[i].names[k]) || contains(list, "ALL PRIVILEGES")))
                rights[i].found = true;
}

static bool user_name(const struct preflight *p, char user[256], struct err *e)
{
    struct my_rows *rows;
    if (!my_query(p->c, "SELECT CURRENT_USER()", &rows, NULL, e))
        return false;
    const char *cell = my_cell(rows, 0, 0), *at = cell != NULL ? strrchr(cell, '@') : NULL;
    if (at != NULL)
        snprintf(user, 256, "'%.*s'@'%s'", (int)(at - cell), cell, at + 1);
    my_rows_free(rows);
    return at != NULL || err_set(e, STATUS_PEER, "the server does not say who is logged in");
}

// The lock by which a snapshot begins: MariaDB does without as a rule.
static bool takes_lock(const struct preflight *p, const char *lock)
{
    return p->o->check && strcmp(p->o->start, "initial") == 0 &&
           strcmp(p->o->lock != NULL ? p->o->lock : "global", lock) == 0;
}

static bool check_rights(const struct preflight *p, struct err *e)
{
    bool maria = my_is_mariadb(p->c);
    struct right rights[] = {
        {{"REPLICATION SLAVE", NULL}, true, true, true, false},
        {{"REPLICATION CLIENT", NULL}, false, true, true, false},
        {{"BINLOG MONITOR", "REPLICATION CLIENT", "SUPER"}, true, false, true, false},
        {{"SELECT", NULL}, true, true, false, false},
        {{"RELOAD", "FLUSH_TABLES", NULL}, false, takes_lock(p, "global"), true, false},
        {{"LOCK TABLES", NULL}, false, takes_lock(p, "tables"), false, false},
    };
    const size_t n = sizeof rights / sizeof rights[0];
    char user[256];
    struct my_rows *rows;
    if (!user_name(p, user, e) || !my_query(p->c, "SHOW GRANTS", &rows, NULL, e))
        return false;
    for (size_t i = 0; i < my_row_count(rows); i++)
        if (my_cell(rows, i, 0) != NULL)
            look_at_grant(my_cell(rows, i, 0), rights, n);
    my_rows_free(rows);
    for (size_t i = 0; i < n; i++)
        if (!rights[i].found && (maria ? rights[i].maria : rights[i].mysql))
            buf_printf(p->faults, "%s has no right %s: GRANT %s ON *.* TO %s\n", user, rights[i].names[0],
                       rights[i].names[0], user);
    return true;
}

// ---- the server id

static bool clashes(const struct preflight *p, struct err *e)
{
    char own[128];
    struct my_rows *rows;
    struct err ignored;
    if (!look(p, "server_id", own, e))
        return false;
    if (strtoull(own, NULL, 10) == 0)
        buf_printf(p->faults,
                   "server_id is 0, so nobody can read the log: SET GLOBAL server_id = 1, and in the "
                   "server's configuration\n");
    if (p->o->server_id == 0)
        return true;
    if (strtoull(own, NULL, 10) == p->o->server_id)
        buf_printf(p->faults, "--server-id %llu is the server's own: give another, or none\n",
                   (unsigned long long)p->o->server_id);
    bool old_words = my_is_mariadb(p->c) || my_server_version(p->c) < 80022;
    if (!my_query(p->c, old_words ? "SHOW SLAVE HOSTS" : "SHOW REPLICAS", &rows, NULL, &ignored)) {
        p->o->note("whether a replica has --server-id %llu too is not known: %s",
                   (unsigned long long)p->o->server_id, ignored.text);
        return true;
    }
    for (size_t i = 0; i < my_row_count(rows); i++) {
        const char *id = my_cell(rows, i, 0);
        if (id != NULL && strtoull(id, NULL, 10) == p->o->server_id)
            buf_printf(p->faults, "--server-id %llu is that of a replica: give another, or none\n",
                       (unsigned long long)p->o->server_id);
    }
    my_rows_free(rows);
    return true;
}

static bool check_metadata(const struct preflight *p, bool by_catalog, struct err *e)
{
    char value[128];
    if (!by_catalog)
        return check_setting(p, "binlog_row_metadata", "FULL", e);
    if (!look(p, "binlog_row_metadata", value, e))
        return false;
    if (strcasecmp(value, "FULL") != 0)
        p->o->note(
            "binlog_row_metadata is %s: the columns' names are those of the catalog when the rows are read. "
            "A captured table that is changed before its rows are read ends the run with status 3, and "
            "what was written of it before may bear wrong names",
            value);
    return true;
}

bool my_preflight(struct my_client *c, const struct tail_options *o, bool by_catalog, struct buf *faults,
                  struct err *e)
{
    struct preflight p = {c, faults, o};
    if (!check_version(&p))
        return true; // an older server does not have the settings
    return check_log(&p, e) && check_setting(&p, "binlog_format", "ROW", e) &&
           check_setting(&p, "binlog_row_image", "FULL", e) && check_metadata(&p, by_catalog, e) &&
           check_gtids(&p, e) && check_rights(&p, e) && clashes(&p, e);
}
