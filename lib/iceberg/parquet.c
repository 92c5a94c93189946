#include "iceberg/parquet.h"

#include "iceberg/bounds.h"
#include "iceberg/files.h"
#include "iceberg/sql.h"
#include "iceberg/vector.h"

#include <stdio.h>
#include <stdlib.h>

#define SQL_MAX_BYTES (4u << 20)
#define SCAN_MAX_BYTES (512u << 20)

// What the library may take for rows that wait for their file, and for writing it.
#define MEMORY_LIMIT "192MiB"

struct ice_parquet {
    duckdb_database database;
    duckdb_connection connection;
    uint64_t files; // so far; they name their tables
};

struct ice_parquet_file {
    struct ice_parquet *parquet;
    const struct ice_field *fields;
    size_t n;
    char table[32];
    char codec[16];
    duckdb_logical_type *types; // of what columns there are so far
    duckdb_data_chunk chunk;
    duckdb_appender appender;
    struct ice_bounds *bounds; // of a type NULL: none are told, for values come from elsewhere
    struct arena texts;        // of the chunk's rows
    idx_t filled;              // rows of the chunk
    int64_t rows;
};

static bool query(struct ice_parquet *p, const char *sql, const char *what, struct err *e)
{
    duckdb_result result;
    bool ok = duckdb_query(p->connection, sql, &result) == DuckDBSuccess;
    if (!ok)
        err_set(e, STATUS_IO, "%s: libduckdb: %.1000s", what, duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    return ok;
}

// ---- the connection

static bool configure(duckdb_config config)
{
    // It is to write files, and to get nothing from elsewhere.
    static const char *const settings[][2] = {
        {"threads", "2"},
        {"memory_limit", MEMORY_LIMIT},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (duckdb_set_config(config, settings[i][0], settings[i][1]) != DuckDBSuccess)
            return false;
    return true;
}

bool ice_parquet_open(struct ice_parquet **opened, struct err *e)
{
    duckdb_config config = NULL;
    char *why = NULL;
    struct ice_parquet *p = calloc(1, sizeof *p);
    if (p == NULL)
        return err_no_memory(e);
    bool ok = duckdb_create_config(&config) == DuckDBSuccess && configure(config) &&
              duckdb_open_ext(NULL, &p->database, config, &why) == DuckDBSuccess &&
              duckdb_connect(p->database, &p->connection) == DuckDBSuccess;
    if (!ok)
        err_set(e, STATUS_IO, "libduckdb cannot be used: %.1000s", why != NULL ? why : "no connection");
    duckdb_free(why);
    duckdb_destroy_config(&config);
    if (!ok)
        ice_parquet_close(p);
    else
        *opened = p;
    return ok;
}

void ice_parquet_close(struct ice_parquet *p)
{
    if (p == NULL)
        return;
    duckdb_disconnect(&p->connection);
    duckdb_close(&p->database);
    free(p);
}

// ---- types

static const duckdb_type plain[] = {
    [ICE_BOOLEAN] = DUCKDB_TYPE_BOOLEAN,
    [ICE_INT] = DUCKDB_TYPE_INTEGER,
    [ICE_LONG] = DUCKDB_TYPE_BIGINT,
    [ICE_FLOAT] = DUCKDB_TYPE_FLOAT,
    [ICE_DOUBLE] = DUCKDB_TYPE_DOUBLE,
    [ICE_DATE] = DUCKDB_TYPE_DATE,
    [ICE_TIME] = DUCKDB_TYPE_TIME,
    [ICE_TIMESTAMP] = DUCKDB_TYPE_TIMESTAMP,
    [ICE_TIMESTAMPTZ] = DUCKDB_TYPE_TIMESTAMP_TZ,
    [ICE_STRING] = DUCKDB_TYPE_VARCHAR,
    [ICE_UUID] = DUCKDB_TYPE_UUID,
    [ICE_BINARY] = DUCKDB_TYPE_BLOB,
};

// libduckdb has no bytes of a fixed length, and Iceberg's readers want them so.
static bool can_write(const struct ice_type *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (!can_write(&t->fields[i].type))
            return false;
    return t->kind == ICE_DECIMAL || ice_type_is_nested(t) || ice_sql_plain(t->kind) != NULL;
}

static duckdb_logical_type make_type(const struct ice_type *t);

static duckdb_logical_type make_struct(const struct ice_type *t)
{
    duckdb_logical_type made = NULL;
    duckdb_logical_type *types = calloc(t->n, sizeof *types);
    char **names = calloc(t->n, sizeof *names);
    bool ok = types != NULL && names != NULL;
    for (size_t i = 0; ok && i < t->n; i++) {
        types[i] = make_type(&t->fields[i].type);
        names[i] = strndup(t->fields[i].name.p, t->fields[i].name.n);
        ok = names[i] != NULL;
    }
    // Rows are appended by the parts' names.
    if (ok)
        made = duckdb_create_struct_type(types, (const char **)names, t->n);
    for (size_t i = 0; i < t->n; i++) {
        if (types != NULL && types[i] != NULL)
            duckdb_destroy_logical_type(&types[i]);
        if (names != NULL)
            free(names[i]);
    }
    free(types), free(names);
    return made;
}

static duckdb_logical_type make_type(const struct ice_type *t)
{
    if (t->kind == ICE_STRUCT)
        return make_struct(t);
    if (t->kind == ICE_DECIMAL)
        return duckdb_create_decimal_type((uint8_t)t->precision, (uint8_t)t->scale);
    if (!ice_type_is_nested(t))
        return duckdb_create_logical_type(plain[t->kind]);
    duckdb_logical_type key = make_type(&t->fields[0].type), value, made;
    if (t->kind == ICE_LIST)
        made = duckdb_create_list_type(key);
    else {
        value = make_type(&t->fields[1].type);
        made = duckdb_create_map_type(key, value);
        duckdb_destroy_logical_type(&value);
    }
    duckdb_destroy_logical_type(&key);
    return made;
}

// ---- statements

static bool run(struct ice_parquet *p, struct buf *sql, const char *what, struct err *e)
{
    bool ok = buf_ok(sql, what, e) && query(p, buf_cstr(sql), what, e);
    buf_release(sql);
    return ok;
}

static bool create_table(struct ice_parquet_file *f, struct err *e)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX_BYTES);
    buf_printf(&sql, "CREATE TABLE %s(", f->table);
    for (size_t i = 0; i < f->n; i++) {
        buf_str(&sql, i == 0 ? "" : ",");
        ice_sql_name(&sql, f->fields, i);
        buf_char(&sql, ' ');
        ice_sql_type(&sql, &f->fields[i].type);
    }
    buf_char(&sql, ')');
    return run(f->parquet, &sql, "a table for a file's rows", e);
}

static bool copy_table(struct ice_parquet_file *f, struct span path, struct err *e)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX_BYTES);
    buf_printf(&sql, "COPY %s TO ", f->table);
    ice_sql_quoted(&sql, path, '\'');
    buf_printf(&sql, " (FORMAT PARQUET, COMPRESSION %s, FIELD_IDS {", f->codec);
    ice_sql_ids(&sql, f->fields, f->n, NULL);
    buf_lit(&sql, "})");
    return run(f->parquet, &sql, "cannot write a Parquet file", e);
}

// ---- a file

static bool begin(struct ice_parquet_file *f, struct err *e)
{
    if (!create_table(f, e))
        return false;
    f->types = calloc(f->n, sizeof *f->types);
    f->bounds = calloc(f->n, sizeof *f->bounds);
    if (f->types == NULL || f->bounds == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < f->n; i++) {
        ice_bounds_init(&f->bounds[i], &f->fields[i].type);
        f->types[i] = make_type(&f->fields[i].type);
    }
    return duckdb_appender_create(f->parquet->connection, NULL, f->table, &f->appender) == DuckDBSuccess ||
           err_set(e, STATUS_IO, "libduckdb: %.1000s", duckdb_appender_error(f->appender));
}

static bool check_fields(const struct ice_field *fields, size_t n, const char *codec, struct err *e)
{
    static const char *const codecs[] = {"zstd", "gzip", "snappy", "uncompressed"};
    size_t i = 0;
    while (i < sizeof codecs / sizeof codecs[0] && strcmp(codec, codecs[i]) != 0)
        i++;
    if (i == sizeof codecs / sizeof codecs[0]) {
        err_set(e, STATUS_USAGE, "no Parquet file is written with the compression %s", codec);
        return err_hint(e, "the table's property write.parquet.compression-codec takes zstd, gzip, snappy or "
                           "uncompressed");
    }
    for (i = 0; i < n; i++)
        if (!can_write(&fields[i].type))
            return err_set(e, STATUS_USAGE, "the column %.*s is of a type that is not written",
                           SPAN_ARG(fields[i].name));
    return true;
}

bool ice_parquet_begin(struct ice_parquet *p, const struct ice_field *fields, size_t n, const char *codec,
                       struct ice_parquet_file **file, struct err *e)
{
    if (!check_fields(fields, n, codec, e))
        return false;
    struct ice_parquet_file *f = calloc(1, sizeof *f);
    if (f == NULL)
        return err_no_memory(e);
    *f = (struct ice_parquet_file){.parquet = p, .fields = fields, .n = n};
    snprintf(f->table, sizeof f->table, "t%llu", (unsigned long long)p->files++);
    snprintf(f->codec, sizeof f->codec, "%s", codec);
    if (!begin(f, e)) {
        ice_parquet_abandon(f);
        return false;
    }
    *file = f;
    return true;
}

// A chunk is made anew each time: a reset one keeps what its lists hold.
static bool flush(struct ice_parquet_file *f, struct err *e)
{
    if (f->chunk == NULL)
        return true;
    duckdb_data_chunk_set_size(f->chunk, f->filled);
    bool ok = duckdb_append_data_chunk(f->appender, f->chunk) == DuckDBSuccess ||
              err_set(e, STATUS_IO, "libduckdb: %.1000s", duckdb_appender_error(f->appender));
    duckdb_destroy_data_chunk(&f->chunk);
    arena_reset(&f->texts);
    f->chunk = NULL;
    f->filled = 0;
    return ok;
}

bool ice_parquet_row(struct ice_parquet_file *f, const struct ice_value *values, struct err *e)
{
    if (f->chunk == NULL && (f->chunk = duckdb_create_data_chunk(f->types, f->n)) == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < f->n; i++) {
        if (!ice_vector_put(duckdb_data_chunk_get_vector(f->chunk, i), f->filled, &f->fields[i].type,
                            &values[i], &f->texts))
            return err_no_memory(e);
        if (f->bounds[i].type != NULL)
            ice_bounds_see(&f->bounds[i], &values[i]);
    }
    f->rows++;
    return ++f->filled < duckdb_vector_size() || flush(f, e);
}

static bool tell(const struct ice_parquet_file *f, struct arena *a, struct ice_data_file *out, struct err *e)
{
    struct ice_column_stats *stats = arena_take(a, (f->n + 1) * sizeof *stats);
    size_t told = 0;
    if (stats == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < f->n; i++)
        if (!ice_type_is_nested(&f->fields[i].type) && f->bounds[i].type != NULL &&
            !ice_bounds_tell(&f->bounds[i], f->fields[i].id, f->rows, a, &stats[told++]))
            return err_no_memory(e);
    out->stats = stats;
    out->n_stats = told;
    out->records = f->rows;
    return true;
}

// ---- values from elsewhere

static bool close_appender(struct ice_parquet_file *f, struct err *e)
{
    return flush(f, e) && (duckdb_appender_close(f->appender) == DuckDBSuccess ||
                           err_set(e, STATUS_IO, "libduckdb: %.1000s", duckdb_appender_error(f->appender)));
}

static void put_fill(const struct ice_parquet_file *f, const struct ice_parquet_file *gaps, size_t field,
                     struct span scan, struct buf *sql)
{
    buf_printf(sql, "UPDATE %s SET ", f->table);
    ice_sql_name(sql, f->fields, field);
    buf_lit(sql, " = found.v FROM (SELECT g.");
    ice_sql_name(sql, gaps->fields, ICE_GAP_ROW);
    buf_lit(sql, " AS r, arg_max_null(s.");
    ice_sql_name(sql, f->fields, field);
    buf_printf(sql, ", s.cdc_seq) AS v FROM %s g JOIN ", gaps->table);
    buf_span(sql, scan);
    buf_lit(sql, " AS s ON ");
    for (size_t i = ICE_GAP_KEY; i < gaps->n; i++) {
        buf_str(sql, i == ICE_GAP_KEY ? "g." : " AND g.");
        ice_sql_name(sql, gaps->fields, i);
        buf_lit(sql, " = s.");
        ice_sql_name(sql, gaps->fields, i);
    }
    buf_lit(sql, " WHERE g.");
    ice_sql_name(sql, gaps->fields, ICE_GAP_FIELD);
    buf_printf(sql, " = %zu GROUP BY 1) AS found WHERE %s.rowid = found.r", field, f->table);
}

static bool fill_field(struct ice_parquet_file *f, const struct ice_parquet_file *gaps, size_t field,
                       struct span scan, uint64_t *missing, struct err *e)
{
    struct buf sql;
    duckdb_result result;
    buf_init(&sql, SCAN_MAX_BYTES);
    put_fill(f, gaps, field, scan, &sql);
    bool ok = buf_ok(&sql, "a query for what rows lack", e);
    if (ok) {
        ok = duckdb_query(f->parquet->connection, buf_cstr(&sql), &result) == DuckDBSuccess ||
             err_set(e, STATUS_IO, "cannot read what rows lack: libduckdb: %.1000s",
                     duckdb_result_error(&result));
        *missing -= ok ? duckdb_rows_changed(&result) : 0;
        duckdb_destroy_result(&result);
    }
    buf_release(&sql);
    return ok;
}

bool ice_parquet_fill(struct ice_parquet_file *f, struct ice_parquet_file *gaps, struct span scan,
                      uint64_t *missing, struct err *e)
{
    bool ok = close_appender(f, e) && close_appender(gaps, e);
    for (size_t i = 0; ok && scan.n != 0 && i < f->n; i++)
        if (missing[i] != 0)
            ok = fill_field(f, gaps, i, scan, &missing[i], e);
    ice_parquet_abandon(gaps);
    return ok;
}

void ice_parquet_expect(struct ice_parquet_file *f, size_t field)
{
    f->bounds[field].type = NULL;
}

// ---- the end

static bool write_file(struct ice_parquet_file *f, struct span location, struct ice_data_file *out,
                       struct err *e)
{
    struct buf path;
    if (!close_appender(f, e) || !ice_files_path(location, &path, e))
        return false;
    bool ok = ice_files_make_room(location, e) && copy_table(f, buf_view(&path), e) &&
              ice_files_seal(location, &out->bytes, e);
    buf_release(&path);
    out->path = location;
    return ok;
}

bool ice_parquet_finish(struct ice_parquet_file *f, struct span location, struct arena *a,
                        struct ice_data_file *out, struct err *e)
{
    bool ok = write_file(f, location, out, e) && tell(f, a, out, e);
    ice_parquet_abandon(f);
    return ok;
}

void ice_parquet_abandon(struct ice_parquet_file *f)
{
    char sql[64];
    struct err ignored;
    if (f->chunk != NULL)
        duckdb_destroy_data_chunk(&f->chunk);
    arena_release(&f->texts);
    if (f->appender != NULL)
        duckdb_appender_destroy(&f->appender);
    snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %s", f->table);
    (void)!query(f->parquet, sql, "a table", &ignored);
    for (size_t i = 0; f->bounds != NULL && i < f->n; i++)
        ice_bounds_release(&f->bounds[i]);
    for (size_t i = 0; f->types != NULL && i < f->n; i++)
        if (f->types[i] != NULL)
            duckdb_destroy_logical_type(&f->types[i]);
    free(f->types), free(f->bounds), free(f);
}
