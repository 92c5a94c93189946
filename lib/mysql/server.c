#include "mysql/server.h"

#include "mysql/reader.h"

#include <stdio.h>
#include <stdlib.h>

void my_server_release(struct my_server *s)
{
    free(s->log);
    *s = (struct my_server){0};
}

bool my_server_variable(struct my_client *c, const char *name, char *value, size_t size, struct err *e)
{
    char sql[200];
    struct my_rows *rows;
    snprintf(sql, sizeof sql, "SHOW GLOBAL VARIABLES LIKE '%s'", name);
    if (!my_query(c, sql, &rows, NULL, e))
        return false;
    const char *cell = my_cell(rows, 0, 1);
    snprintf(value, size, "%s", cell != NULL ? cell : "");
    my_rows_free(rows);
    return true;
}

bool my_log_entry_set(struct my_log_entry *entry, const char *name, const char *size, struct err *e)
{
    if (name == NULL || size == NULL || strlen(name) >= sizeof entry->name ||
        !binlog_file_number(span_of(name), &entry->number))
        return err_set(e, STATUS_PEER, "the server's log has a file whose name is not understood: %.200s",
                       name != NULL ? name : "(none)");
    snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->size = strtoull(size, NULL, 10);
    return true;
}

static bool list_files(struct my_server *s, struct my_client *c, struct err *e)
{
    struct my_rows *rows;
    if (!my_query(c, "SHOW BINARY LOGS", &rows, NULL, e))
        return false;
    bool ok = true;
    s->log = calloc(my_row_count(rows) + 1, sizeof *s->log);
    if (s->log == NULL)
        ok = err_no_memory(e);
    for (size_t i = 0; ok && i < my_row_count(rows); i++)
        ok = my_log_entry_set(&s->log[s->n++], my_cell(rows, i, 0), my_cell(rows, i, 1), e);
    my_rows_free(rows);
    return ok;
}

bool my_server_end(struct my_client *c, struct my_log_entry *end, struct err *e)
{
    struct my_rows *rows;
    bool new_words = !my_is_mariadb(c) && my_server_version(c) >= 80200;
    if (!my_query(c, new_words ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS", &rows, NULL, e))
        return false;
    bool ok = my_row_count(rows) == 1 ? my_log_entry_set(end, my_cell(rows, 0, 0), my_cell(rows, 0, 1), e)
                                      : err_set(e, STATUS_USAGE, "the server has no binary log");
    my_rows_free(rows);
    return ok;
}

bool my_server_look(struct my_server *s, struct my_client *c, struct err *e)
{
    *s = (struct my_server){0};
    if (!my_server_variable(c, my_is_mariadb(c) ? "server_id" : "server_uuid", s->identity,
                            sizeof s->identity, e) ||
        !list_files(s, c, e) || !my_server_end(c, &s->end, e))
        return false;
    const char *dot = strrchr(s->end.name, '.');
    snprintf(s->base, sizeof s->base, "%.*s", (int)(dot - s->end.name), s->end.name);
    return true;
}

const struct my_log_entry *my_server_file(const struct my_server *s, uint64_t number)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->log[i].number == number)
            return &s->log[i];
    return NULL;
}
