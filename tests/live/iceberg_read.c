// iceberg_read DIR NAMESPACE TABLE [QUERY]: the rows of a table of a file catalog, a JSON object each, after
// its equality deletes; an independent reading of what the sink's commits mean, by libduckdb. QUERY is asked
// of the rows, as t, in their place.
#include "iceberg/catalog_file.h"
#include "iceberg/duckdb.h"
#include "iceberg/entries.h"
#include "iceberg/scan.h"
#include "iceberg/sql.h"

#include <stdio.h>
#include <stdlib.h>

struct deletes {
    const struct ice_schema *schema;
    struct buf sql;
};

// Rows of older files that have the key of a file of deletes are gone.
static bool add_deletes(void *context, const struct ice_entry *entry, struct err *e)
{
    struct deletes *d = context;
    struct ice_field fields[64];
    if (entry->content != ICE_EQUALITY_DELETES)
        return entry->content == ICE_DATA || err_set(e, STATUS_DATA, "a file of position deletes");
    for (size_t i = 0; i < entry->n_equality_ids; i++)
        fields[i] = d->schema->fields[ice_schema_find(d->schema, entry->equality_ids[i])];
    buf_printf(&d->sql, " AND NOT (cdc_seq < %lld AND EXISTS (SELECT 1 FROM ",
               (long long)entry->sequence_number);
    if (!ice_scan_file(entry->path, fields, entry->n_equality_ids, &d->sql, e))
        return false;
    buf_lit(&d->sql, " AS d WHERE ");
    for (size_t i = 0; i < entry->n_equality_ids; i++) {
        buf_str(&d->sql, i == 0 ? "d." : " AND d.");
        ice_sql_name(&d->sql, fields, i);
        buf_lit(&d->sql, " IS NOT DISTINCT FROM s.");
        ice_sql_name(&d->sql, fields, i);
    }
    buf_lit(&d->sql, "))");
    return buf_ok(&d->sql, "a query", e);
}

static bool make_query(const struct ice_table *t, const char *query, struct buf *sql, struct err *e)
{
    struct deletes d = {.schema = t->schema};
    bool any;
    buf_init(&d.sql, 1u << 28);
    buf_lit(sql, "COPY (WITH t AS (SELECT * EXCLUDE (cdc_seq) FROM ");
    bool ok = ice_scan_write(t->manifest_list, t->schema, sql, &any, e) &&
              ice_entries_walk(t->manifest_list, add_deletes, &d, e);
    buf_lit(sql, " AS s WHERE true");
    buf_span(sql, buf_view(&d.sql));
    buf_printf(sql, ") %s) TO '/dev/stdout' (FORMAT csv, HEADER false, QUOTE '', DELIMITER '\t', ESCAPE '')",
               query != NULL ? query : "SELECT to_json(t) AS j FROM t ORDER BY j");
    buf_release(&d.sql);
    // A table of no rows prints none.
    if (ok && !any)
        buf_reset(sql);
    return ok && buf_ok(sql, "a query", e);
}

static bool ask(const char *sql, struct err *e)
{
    duckdb_config config = NULL;
    duckdb_database database;
    duckdb_connection connection;
    duckdb_result result;
    char *why = NULL;
    if (duckdb_create_config(&config) != DuckDBSuccess ||
        duckdb_open_ext(NULL, &database, config, &why) != DuckDBSuccess ||
        duckdb_connect(database, &connection) != DuckDBSuccess)
        return err_set(e, STATUS_IO, "libduckdb cannot be used");
    bool ok = duckdb_query(connection, sql, &result) == DuckDBSuccess ||
              err_set(e, STATUS_IO, "%s", duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    duckdb_disconnect(&connection), duckdb_close(&database), duckdb_destroy_config(&config);
    return ok;
}

static bool count_manifests(const struct ice_table *t, struct err *e)
{
    struct buf list;
    struct arena arena = {0};
    buf_init(&list, 1u << 28);
    bool ok = ice_manifest_list_read(t->manifest_list, &list, &arena, e);
    printf("%zu\n", list.n / sizeof(struct ice_manifest));
    arena_release(&arena), buf_release(&list);
    return ok;
}

static bool run(char **argv, bool manifests, struct err *e)
{
    struct ice_catalog *catalog;
    struct ice_table t;
    struct buf sql;
    const struct ice_name name = {span_of(argv[2]), span_of(argv[3])};
    if (!ice_catalog_open_file(span_of(argv[1]), &catalog, e))
        return false;
    ice_table_init(&t), buf_init(&sql, 1u << 28);
    enum ice_found found = catalog->ops->load(catalog, &name, &t, e);
    if (found == ICE_MISSING)
        err_set(e, STATUS_USAGE, "no table %s.%s", argv[2], argv[3]);
    bool ok = found == ICE_FOUND;
    if (ok && manifests)
        ok = count_manifests(&t, e);
    else if (ok)
        ok = make_query(&t, argv[4], &sql, e) && (sql.n == 0 || ask(buf_cstr(&sql), e));
    ice_table_release(&t), buf_release(&sql);
    catalog->ops->close(catalog);
    return ok;
}

int main(int argc, char **argv)
{
    struct err e;
    bool manifests = argc > 1 && strcmp(argv[1], "--manifests") == 0;
    argc -= manifests, argv += manifests;
    if (argc != 4 && argc != 5)
        return 2;
    if (run(argv, manifests, &e))
        return 0;
    fprintf(stderr, "iceberg_read: %s\n", e.text);
    return 1;
}
