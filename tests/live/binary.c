// Whether pg_binary_write() makes of a value's binary form what pg_type_write() makes of its text, byte for
// byte: asks a real server for both, of edge values and random ones, of each type and in each of the modes.
//   binary URL SEED [PATTERN]     PATTERN: only the types that contain it; "flip": one bit of each is wrong
#include "postgres/binary.h"
#include "postgres/catalog_load.h"

#include <stdio.h>
#include <stdlib.h>

struct test {
    const char *type, *values; // SQL, a set of one column; %d is its place
};

// ints(n): integers of every magnitude up to n digits. digits(n): a string of 1 to n, some of them many
// zeros. words(): of any character, more quotes and backslashes than others. instants(): microseconds from
// 2000-01-01.
static const char prepare[] =
    "CREATE TYPE pg_temp.mood AS ENUM ('ok', 'a \"b\"', 'c,d', '', '\\', 'NULL', 'ä');"
    "CREATE DOMAIN pg_temp.price AS numeric(12, 3); CREATE DOMAIN pg_temp.cheap AS pg_temp.price;"
    "CREATE DOMAIN pg_temp.row AS int[]; CREATE DOMAIN pg_temp.feeling AS pg_temp.mood;"
    "CREATE FUNCTION pg_temp.ints(n int) RETURNS SETOF int8 LANGUAGE sql VOLATILE AS $$"
    "  SELECT ((random() - 0.5) * 2 * 10 ^ (random() * n))::int8 FROM generate_series(1, 3000) $$;"
    "CREATE FUNCTION pg_temp.instants() RETURNS SETOF float8 LANGUAGE sql VOLATILE AS $$"
    "  SELECT greatest(-211e15, least(9.2e18, (random() - 0.4) * 2 * 10 ^ (random() * 19)))"
    "  FROM generate_series(1, 3000) $$;"
    "CREATE FUNCTION pg_temp.digits(n int) RETURNS text LANGUAGE sql VOLATILE AS $$"
    "  SELECT CASE WHEN random() < 0.1 THEN rpad('1', m, '0') WHEN random() < 0.1 THEN rpad('9', m, '9')"
    "    ELSE left(repeat(translate(md5(random()::text) || md5(random()::text), 'abcdef', '012039'), 1 + m / "
    "64),"
    "    m) END FROM (SELECT 1 + floor(random() * n)::int m) x $$;"
    "CREATE FUNCTION pg_temp.decimals(n int, scale int) RETURNS SETOF numeric LANGUAGE sql VOLATILE AS $$"
    "  SELECT (CASE WHEN random() < 0.5 THEN '-' ELSE '' END || pg_temp.digits(n) || 'e' || -scale)::numeric"
    "  FROM generate_series(1, 1500)"
    "  UNION ALL SELECT v * ('1e' || -scale)::numeric FROM generate_series(-300, 300) v WHERE abs(v) < 10 ^ least(n, 3)"
    "  UNION ALL VALUES ('NaN'::numeric), (0) $$;"
    "CREATE FUNCTION pg_temp.words() RETURNS SETOF text LANGUAGE sql VOLATILE AS $$"
    "  SELECT (SELECT coalesce(string_agg(CASE WHEN random() < 0.3 THEN substr('\"\\{},NULL''', 1 +"
    "    floor(random() * 11 + i * 0)::int, 1) WHEN random() < 0.5 THEN chr(1 + floor(random() * 126)::int)"
    "    WHEN random() < 0.9 THEN chr(160 + floor(random() * 55000)::int)"
    "    ELSE chr(65536 + floor(random() * 100000)::int) END, ''), '')"
    "    FROM generate_series(1, floor(random() * 30 + n * 0)::int) i)"
    "  FROM generate_series(1, 1500) n UNION ALL VALUES (''), ('NULL'), (' ') $$;"
    "CREATE FUNCTION pg_temp.blobs() RETURNS SETOF bytea LANGUAGE sql VOLATILE AS $$"
    "  SELECT substr(decode(md5(random()::text) || md5(random()::text), 'hex'), 1, floor(random() * 33)::int)"
    "  FROM generate_series(1, 1500) $$";

#define DECIMALS(precision, scale)                                                                           \
    {                                                                                                        \
        "numeric(" #precision "," #scale ")", "SELECT pg_temp.decimals(" #precision "," #scale ")"           \
    }
// Some of a set's values to an array, with NULLs.
#define ARRAYS(type, set)                                                                                    \
    {                                                                                                        \
        type "[]", "SELECT array_agg(CASE WHEN random() < 0.1 THEN NULL ELSE v::" type " END) FROM (" set    \
                   ") s(v) GROUP BY floor(random() * 400) UNION ALL VALUES "                                 \
                   "('{}'::" type "[]), ('{NULL}'), ('[3:4][-1:0]={{NULL,NULL},{NULL,NULL}}')"               \
    }
#define INSTANT_EDGES                                                                                        \
    "('infinity'), ('-infinity'), ('4713-01-01 BC'), ('0001-12-31 23:59:59.999999 BC'), ('0001-01-01'), "    \
    "('0044-03-15 BC'), ('1969-12-31 23:59:59.999999'), ('1970-01-01'), ('1999-12-31 23:59:59.999999'), "    \
    "('2000-01-01'), ('2000-02-29'), ('1900-02-28 23:59:59'), ('2400-12-31'), ('9999-12-31 23:59:59.5'), "   \
    "('10000-01-01'), ('99999-12-31'), ('100000-01-01'), ('294246-12-31'), ('294247-01-02'), "               \
    "('294276-12-31 23:59:59.999999'), ('1677-09-21'), ('1677-09-22'), ('2262-04-11'), ('2262-04-12')"
#define INSTANTS(type, precision)                                                                            \
    {                                                                                                        \
        type precision, "SELECT '2000-01-01'::" type                                                         \
                        " + v * interval '1 microsecond' FROM pg_temp.instants() v UNION ALL VALUES "        \
                        "(NULL::" type "), " INSTANT_EDGES                                                   \
    }
#define DATES                                                                                                \
    "SELECT '2000-01-01'::date + greatest(-2451507, least(2145031948, v))::int FROM pg_temp.ints(9) v "      \
    "UNION ALL VALUES (NULL::date), ('5874897-12-31'), ('1000000-01-01'), ('999999-12-31'), " INSTANT_EDGES
#define TIMES                                                                                                \
    "SELECT '0:00'::time + random() * interval '1 day' FROM generate_series(1, 1500) UNION ALL VALUES "      \
    "(NULL::time), ('0:00'), ('24:00'), ('23:59:59.999999'), ('12:34:56'), ('0:00:00.1')"
#define UUIDS "SELECT gen_random_uuid() FROM generate_series(1, 1500)"

static const struct test tests[] = {
    {"int2", "SELECT greatest(-32768, least(32767, v)) FROM pg_temp.ints(5) v"},
    {"int4", "SELECT greatest(-2147483648, least(2147483647, v)) FROM pg_temp.ints(10) v"},
    {"int8", "SELECT pg_temp.ints(18) UNION ALL VALUES (-9223372036854775808), (9223372036854775807)"},
    {"oid", "SELECT least(4294967295, abs(pg_temp.ints(10))) UNION ALL VALUES (4294967295)"},
    {"bool", "VALUES (true), (false), (NULL)"},
    {"text", "SELECT pg_temp.words()"},
    {"varchar", "SELECT pg_temp.words()"},
    {"varchar(40)", "SELECT pg_temp.words()"},
    {"char(40)", "SELECT pg_temp.words()"},
    {"name", "SELECT pg_temp.words()"},
    {"pg_temp.mood", "SELECT unnest(enum_range(NULL::pg_temp.mood))"},
    {"pg_temp.feeling", "SELECT unnest(enum_range(NULL::pg_temp.mood))"},
    {"json", "SELECT json_build_object('a', v, 'b', json_build_array(1, NULL)) FROM pg_temp.words() v"},
    {"jsonb", "SELECT jsonb_build_object('a', v, 'b', length(v)) FROM pg_temp.words() v"},
    {"uuid", UUIDS},
    {"bytea", "SELECT pg_temp.blobs()"},
    {"date", DATES},
    {"time", TIMES},
    {"time(0)", TIMES},
    {"time(3)", TIMES},
    INSTANTS("timestamp", ""),
    INSTANTS("timestamp", "(0)"),
    INSTANTS("timestamp", "(3)"),
    INSTANTS("timestamp", "(4)"),
    INSTANTS("timestamptz", ""),
    INSTANTS("timestamptz", "(0)"),
    INSTANTS("timestamptz", "(2)"),
    INSTANTS("timestamptz", "(5)"),
    DECIMALS(1, 0),
    DECIMALS(5, 2),
    DECIMALS(10, 0),
    DECIMALS(18, 4),
    DECIMALS(19, 19),
    DECIMALS(38, 0),
    DECIMALS(38, 1),
    DECIMALS(38, 10),
    DECIMALS(38, 37),
    DECIMALS(39, 2),
    DECIMALS(40, 40),
    DECIMALS(131, 31),
    DECIMALS(1000, 500),
    DECIMALS(9, -2),
    DECIMALS(30, -5),
    DECIMALS(3, 6),
    {"numeric", "SELECT pg_temp.decimals(12, 4) UNION ALL SELECT pg_temp.decimals(38, 20) UNION ALL "
                "SELECT pg_temp.decimals(60, 29) UNION ALL SELECT pg_temp.decimals(20, -20) UNION ALL "
                "SELECT pg_temp.decimals(5, 60) UNION ALL VALUES ('Infinity'::numeric), ('-Infinity'), "
                "('1e131071'), ('-1e-16383'), ('1.000'), ('10000'), ('100000000.0000'), ('0.00001000')"},
    {"pg_temp.price", "SELECT pg_temp.decimals(12, 3)"},
    {"pg_temp.cheap", "SELECT pg_temp.decimals(12, 3)"},
    {"pg_temp.row", "VALUES ('{1,NULL}'::int[]), ('{}'), ('[0:1]={7,8}'), ('{{{1},{2}},{{3},{4}}}')"},
    ARRAYS("int2", "SELECT generate_series(-500, 500)"),
    ARRAYS("int8", "SELECT pg_temp.ints(18)"),
    ARRAYS("bool", "SELECT random() < 0.5 FROM generate_series(1, 1000)"),
    ARRAYS("text", "SELECT pg_temp.words()"),
    ARRAYS("pg_temp.mood", "SELECT unnest(enum_range(NULL::pg_temp.mood)) FROM generate_series(1, 99)"),
    ARRAYS("jsonb", "SELECT to_jsonb(pg_temp.words())"),
    ARRAYS("uuid", UUIDS),
    ARRAYS("bytea", "SELECT pg_temp.blobs()"),
    ARRAYS("date", DATES),
    ARRAYS("time", TIMES),
    ARRAYS("timestamp", "SELECT '2000-01-01'::timestamp + v * interval '1 us' FROM pg_temp.instants() v"),
    ARRAYS("timestamptz", "SELECT '2000-01-01'::timestamptz + v * interval '1 us' FROM pg_temp.instants() v"),
    ARRAYS("numeric", "SELECT pg_temp.decimals(38, 20)"),
    ARRAYS("numeric(38,10)", "SELECT pg_temp.decimals(38, 10)"),
    ARRAYS("pg_temp.price", "SELECT pg_temp.decimals(12, 3)"),
};

// Options that are independent of each other share a run.
static const struct mode {
    const char *decimal, *time, *binary;
    struct column_rule rule;
    bool ruled;
} modes[] = {
    {.decimal = "precise", .time = "adaptive", .binary = "bytes"},
    {.decimal = "string", .time = "connect", .binary = "base64"},
    {.decimal = "double", .time = "isostring", .binary = "base64-url-safe"},
    {.time = "microseconds", .binary = "hex", .rule = {.kind = RULE_TRUNCATE, .n = 9}, .ruled = true},
    {.time = "nanoseconds", .rule = {.kind = RULE_MASK, .n = 4}, .ruled = true},
    {.time = "adaptive_time_microseconds", .rule = {.kind = RULE_TRUNCATE, .n = 9}, .ruled = true},
};
#define MODES (sizeof modes / sizeof modes[0])

static struct pg_client *client;
static unsigned long compared, refused, wrong;
static bool flips;

static void must(bool ok, const struct err *e, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, e->text);
    exit(2);
}

static struct pg_rows *query(const char *what, const char *sql)
{
    struct err e;
    struct pg_rows *rows;
    must(pg_query(client, sql, 0, NULL, &rows, NULL, &e), &e, what);
    return rows;
}

static void unhex(const char *digits, struct buf *bytes)
{
    buf_reset(bytes);
    for (unsigned byte; sscanf(digits, "%2x", &byte) == 1; digits += 2)
        buf_char(bytes, (char)byte);
    if (flips && bytes->n != 0)
        bytes->p[bytes->n - 1] ^= 1;
}

static void compare(const char *type, size_t mode, const struct pg_type *t, const char *text,
                    struct span bytes)
{
    struct err e;
    struct buf want, got;
    buf_init(&want, 1 << 24), buf_init(&got, 1 << 24);
    bool takes = pg_type_write(t, span_of(text), &want, &e);
    bool ok = pg_binary_write(t, bytes, &got, &e) == takes;
    ok = ok && (!takes || span_eq(buf_view(&want), buf_view(&got)));
    compared++;
    refused += !takes;
    if (!ok && wrong++ < 20)
        fprintf(stderr, "%s, mode %zu: %.200s: got %.*s, wanted %.*s\n", type, mode, text,
                SPAN_ARG(buf_view(&got)), SPAN_ARG(buf_view(&want)));
    buf_release(&want), buf_release(&got);
}

static void try_mode(const struct test *test, size_t mode, const struct pg_type_info *info, int32_t typmod,
                     const struct pg_rows *rows)
{
    struct err e;
    struct shape shape;
    struct shape_options options = SHAPE_OPTIONS_DEFAULT;
    struct buf bytes;
    options.decimal = modes[mode].decimal;
    options.time = modes[mode].time;
    options.binary = modes[mode].binary;
    must(shape_compile(&shape, &options, SHAPE_ADAPTIVE, &e), &e, "options");
    struct pg_type t = pg_type_resolve(info, typmod, &shape, modes[mode].ruled ? &modes[mode].rule : NULL);
    if (!pg_binary_takes(&t)) {
        fprintf(stderr, "%s is not taken\n", test->type);
        exit(2);
    }
    buf_init(&bytes, 1 << 24);
    for (int i = 0; i < pg_row_count(rows); i++) {
        unhex(pg_cell(rows, i, 1), &bytes);
        compare(test->type, mode, &t, pg_cell(rows, i, 0), buf_view(&bytes));
    }
    buf_release(&bytes);
}

// A domain's values are cast to its base, for enum_send() takes none.
static const char column_query[] =
    "SELECT atttypid, atttypmod, typsend, CASE typtype WHEN 'd' THEN '::' || typbasetype::regtype END "
    "FROM pg_attribute JOIN pg_type p ON p.oid = atttypid WHERE attrelid = 't'::regclass AND attname = 'v'";

static void try_type(const struct test *test, const struct catalog *c)
{
    char sql[8192];
    snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS pg_temp.t; CREATE TEMP TABLE t (v %s); INSERT INTO t %s",
             test->type, test->values);
    pg_rows_free(query(test->type, sql));
    struct pg_rows *column = query(test->type, column_query);
    const char *send = pg_cell(column, 0, 2), *cast = pg_cell(column, 0, 3);
    snprintf(sql, sizeof sql, "SELECT v, encode(%s(v%s), 'hex') FROM t WHERE v IS NOT NULL", send,
             cast != NULL ? cast : "");
    struct pg_rows *rows = query(test->type, sql);
    struct pg_type_info info = catalog_type(c, (uint32_t)strtoul(pg_cell(column, 0, 0), NULL, 10));
    for (size_t mode = 0; mode < MODES; mode++)
        try_mode(test, mode, &info, atoi(pg_cell(column, 0, 1)), rows);
    pg_rows_free(rows);
    pg_rows_free(column);
}

int main(int argc, char **argv)
{
    struct err e;
    struct catalog c = {0};
    char seed[64];
    const char *pattern = argc > 3 ? argv[3] : "";
    if (argc < 3)
        return 2;
    flips = strcmp(pattern, "flip") == 0;
    must(pg_connect(argv[1], PG_SQL, "test", &client, &e), &e, "connect");
    pg_rows_free(query("functions", prepare));
    snprintf(seed, sizeof seed, "SELECT setseed(%s)", argv[2]);
    pg_rows_free(query("the seed", seed));
    must(catalog_load_types(&c, client, &e), &e, "types");
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        if (flips || strstr(tests[i].type, pattern) != NULL)
            try_type(&tests[i], &c);
    catalog_release(&c);
    pg_close(client);
    printf("%lu compared, %lu of them refused, %lu differ\n", compared, refused, wrong);
    return wrong != 0 || compared == 0;
}
