#include "iceberg/scan.h"

#include "iceberg/entries.h"
#include "iceberg/files.h"
#include "iceberg/sql.h"

#define TEXT_MAX_BYTES (256u << 20)

// The lists that the query is made of.
struct lists {
    struct buf files, numbers;
};

static bool see(void *context, const struct ice_entry *entry, struct err *e)
{
    struct lists *l = context;
    struct buf path;
    if (entry->content != ICE_DATA)
        return true;
    if (!ice_files_path(entry->path, &path, e))
        return false;
    buf_str(&l->files, l->files.n == 0 ? "" : ",");
    ice_sql_quoted(&l->files, buf_view(&path), '\'');
    buf_str(&l->numbers, l->numbers.n == 0 ? "(" : ",(");
    ice_sql_quoted(&l->numbers, buf_view(&path), '\'');
    buf_printf(&l->numbers, ",%lld)", (long long)entry->sequence_number);
    buf_release(&path);
    return buf_ok(&l->files, "the list of files", e) && buf_ok(&l->numbers, "the list of files", e);
}

static void put_schema(const struct ice_field *fields, size_t n, struct buf *sql)
{
    struct buf part;
    buf_init(&part, TEXT_MAX_BYTES);
    buf_lit(sql, ", schema=MAP{");
    for (size_t i = 0; i < n; i++) {
        buf_printf(sql, "%s%d:{name:", i == 0 ? "" : ",", fields[i].id);
        buf_reset(&part);
        ice_sql_bare_name(&part, fields, i);
        ice_sql_quoted(sql, buf_view(&part), '\'');
        buf_lit(sql, ",type:");
        buf_reset(&part);
        ice_sql_type(&part, &fields[i].type);
        ice_sql_quoted(sql, buf_view(&part), '\'');
        buf_lit(sql, ",default_value:NULL}");
    }
    buf_char(sql, '}');
    sql->bad |= part.bad;
    buf_release(&part);
}

bool ice_scan_file(struct span location, const struct ice_field *fields, size_t n, struct buf *sql,
                   struct err *e)
{
    struct buf path;
    if (!ice_files_path(location, &path, e))
        return false;
    buf_lit(sql, "read_parquet(");
    ice_sql_quoted(sql, buf_view(&path), '\'');
    buf_lit(sql, ", hive_partitioning=false");
    put_schema(fields, n, sql);
    buf_char(sql, ')');
    buf_release(&path);
    return buf_ok(sql, "a query", e);
}

bool ice_scan_write(struct span manifest_list, const struct ice_schema *schema, struct buf *sql, bool *any,
                    struct err *e)
{
    struct lists l;
    buf_init(&l.files, TEXT_MAX_BYTES), buf_init(&l.numbers, TEXT_MAX_BYTES);
    bool ok = ice_entries_walk(manifest_list, see, &l, e);
    *any = l.files.n != 0;
    buf_lit(sql, "(SELECT ");
    for (size_t i = 0; i < schema->n; i++) {
        ice_sql_name(sql, schema->fields, i);
        buf_char(sql, ',');
    }
    buf_lit(sql, "cdc_seq FROM read_parquet([");
    buf_span(sql, buf_view(&l.files));
    buf_lit(sql, "], hive_partitioning=false, filename='cdc_file'");
    put_schema(schema->fields, schema->n, sql);
    buf_lit(sql, ") JOIN (VALUES ");
    buf_span(sql, buf_view(&l.numbers));
    buf_lit(sql, ") AS cdc_numbers(cdc_name, cdc_seq) ON cdc_file = cdc_name)");
    buf_release(&l.files), buf_release(&l.numbers);
    return ok && buf_ok(sql, "a query", e);
}
