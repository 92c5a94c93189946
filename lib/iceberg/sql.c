#include "iceberg/sql.h"

#include <strings.h>

#define SQL_MAX_BYTES (4u << 20)

static const char *const plain[] = {
    [ICE_BOOLEAN] = "BOOLEAN", [ICE_INT] = "INTEGER",         [ICE_LONG] = "BIGINT",
    [ICE_FLOAT] = "FLOAT",     [ICE_DOUBLE] = "DOUBLE",       [ICE_DATE] = "DATE",
    [ICE_TIME] = "TIME",       [ICE_TIMESTAMP] = "TIMESTAMP", [ICE_TIMESTAMPTZ] = "TIMESTAMPTZ",
    [ICE_STRING] = "VARCHAR",  [ICE_UUID] = "UUID",           [ICE_BINARY] = "BLOB",
};

const char *ice_sql_plain(enum ice_kind kind)
{
    return (size_t)kind < sizeof plain / sizeof plain[0] ? plain[kind] : NULL;
}

void ice_sql_quoted(struct buf *sql, struct span text, char quote)
{
    buf_char(sql, quote);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == quote)
            buf_char(sql, quote);
        buf_char(sql, text.p[i]);
    }
    buf_char(sql, quote);
}

void ice_sql_bare_name(struct buf *sql, const struct ice_field *fields, size_t i)
{
    buf_span(sql, fields[i].name);
    for (size_t j = 0; j < i; j++)
        if (fields[j].name.n == fields[i].name.n &&
            strncasecmp(fields[j].name.p, fields[i].name.p, fields[i].name.n) == 0) {
            buf_printf(sql, "_%d", fields[i].id);
            break;
        }
}

void ice_sql_name(struct buf *sql, const struct ice_field *fields, size_t i)
{
    struct buf name;
    buf_init(&name, SQL_MAX_BYTES);
    ice_sql_bare_name(&name, fields, i);
    ice_sql_quoted(sql, buf_view(&name), '"');
    sql->bad |= name.bad;
    buf_release(&name);
}

void ice_sql_type(struct buf *sql, const struct ice_type *t)
{
    switch (t->kind) {
    case ICE_DECIMAL:
        buf_printf(sql, "DECIMAL(%d,%d)", t->precision, t->scale);
        break;
    case ICE_LIST:
        ice_sql_type(sql, &t->fields[0].type);
        buf_lit(sql, "[]");
        break;
    case ICE_MAP:
        buf_lit(sql, "MAP(");
        ice_sql_type(sql, &t->fields[0].type);
        buf_char(sql, ',');
        ice_sql_type(sql, &t->fields[1].type);
        buf_char(sql, ')');
        break;
    case ICE_STRUCT:
        buf_lit(sql, "STRUCT(");
        for (size_t i = 0; i < t->n; i++) {
            buf_str(sql, i == 0 ? "" : ",");
            ice_sql_name(sql, t->fields, i);
            buf_char(sql, ' ');
            ice_sql_type(sql, &t->fields[i].type);
        }
        buf_char(sql, ')');
        break;
    default:
        buf_str(sql, ice_sql_plain(t->kind));
    }
}

// FIELD_IDS: a nested column's own id is a member of its parts' list.
void ice_sql_ids(struct buf *sql, const struct ice_field *fields, size_t n, const struct ice_type *of)
{
    static const char *const inner[] = {"key", "value"};
    for (size_t i = 0; i < n; i++) {
        const struct ice_type *t = &fields[i].type;
        buf_str(sql, i == 0 ? "" : ",");
        if (of != NULL && of->kind == ICE_LIST)
            buf_lit(sql, "element");
        else if (of != NULL && of->kind == ICE_MAP)
            buf_str(sql, inner[i]);
        else
            ice_sql_name(sql, fields, i);
        if (!ice_type_is_nested(t)) {
            buf_printf(sql, ":%d", fields[i].id);
            continue;
        }
        buf_printf(sql, ":{__duckdb_field_id:%d,", fields[i].id);
        ice_sql_ids(sql, t->fields, t->n, t);
        buf_char(sql, '}');
    }
}
