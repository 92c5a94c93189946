#include "mysql/schema_line.h"

#include "mysql/definition_load.h"
#include "mysql/schema_change.h"

bool my_schema_is_wanted(const struct tail_options *o, const struct capture *capture, enum ddl_kind kind,
                         struct span db, struct span table)
{
    if (!o->schema_changes || my_is_system_database(db))
        return false;
    if (o->only_captured_databases && !pattern_admits(&capture->schema, db))
        return false;
    if (!o->only_captured_tables)
        return true;
    if (kind == DDL_DATABASE)
        return pattern_admits(&capture->schema, db);
    return kind != DDL_OTHER && captures(capture, db, table);
}

struct asked {
    struct my_definition definition;
    const struct ddl_change *change;
};

static bool load(void *context, struct my_client *c, struct err *e)
{
    struct asked *a = context;
    my_definition_release(&a->definition);
    return my_definition_load(&a->definition, c, a->change->db, a->change->table, e);
}

static bool write(struct asked *a, const struct my_ddl *ddl, const struct my_envelope *v, bool *described,
                  struct buf *out, struct err *e)
{
    const struct ddl_change *change = ddl->change;
    struct my_schema_change c = {.at = &ddl->at,
                                 .snapshot = "false",
                                 .db = change->db,
                                 .tables = change->tables,
                                 .table = change->table,
                                 .kind = change->kind,
                                 .sql = change->sql,
                                 .described = described,
                                 .definition = &a->definition};
    // An index beside the key changes nothing that is told of the table.
    if (change->kind == DDL_KEY && (a->definition.n_key == 0 || a->definition.primary)) {
        c.db = ddl->default_db;
        c.tables = c.table = (struct span){"", 0};
    }
    return my_schema_change_write(&c, v, out, e);
}

bool my_schema_line(struct my_session *s, const struct tail_options *o, const struct capture *capture,
                    const struct my_ddl *ddl, const struct my_envelope *v, bool *described, struct buf *out,
                    bool *written, struct err *e)
{
    struct asked a = {.change = ddl->change};
    enum ddl_kind kind = ddl->change->kind;
    bool has_table = kind == DDL_CREATE || kind == DDL_ALTER || kind == DDL_KEY;
    *written = my_schema_is_wanted(o, capture, kind, ddl->change->db, ddl->change->table);
    if (!*written)
        return true;
    bool ok = (!has_table || my_session_ask(s, o, load, &a, e)) &&
              write(&a, ddl, v, o->schemas ? described : NULL, out, e);
    my_definition_release(&a.definition);
    return ok;
}
