// Whole binlogs of MySQL and MariaDB, decoded without a server, against the real Debezium's events.
#include "test.h"

#include "mysql/reader.h"

#include <unistd.h>
#include <zlib.h>

#define GOLDEN "tests/golden/"

static void read_gz(const char *name, struct buf *out)
{
    gzFile f = gzopen(name, "rb");
    char block[65536];
    if (f == NULL)
        fail_msg("cannot read %s", name);
    for (int n; (n = gzread(f, block, sizeof block)) > 0;)
        buf_bytes(out, block, (size_t)n);
    assert_int_equal(gzclose(f), Z_OK);
    assert_false(out->bad);
}

// What the servers' catalogs said while the golden files were made.
static void fill_catalog(struct my_catalog *c)
{
    struct err e;
    assert_true(my_catalog_add(c, "zoo", "t_num", "f74", MY_HINT_FLOAT_SCALED, 0, &e));
    assert_true(my_catalog_add(c, "zoo", "t_uk", "b", MY_HINT_NONE, 1, &e));
    assert_true(my_catalog_add(c, "zoo", "t_maria", "u", MY_HINT_UUID, 0, &e));
}

static void decode(struct my_reader *r, struct span log)
{
    struct err e;
    assert_true(log.n > 4 && memcmp(log.p, BINLOG_MAGIC, 4) == 0);
    assert_true(my_reader_begin(r, (struct span)SPAN_LIT("binlog.000001"), 4, true, &e));
    for (size_t at = 4, size; at < log.n; at += size) {
        struct cursor c = cursor_of((struct span){log.p + at + 9, 4});
        size = (size_t)cursor_le(&c, 4);
        assert_true(size >= BINLOG_HEADER_BYTES && size <= log.n - at);
        if (!my_reader_event(r, (struct span){log.p + at, size}, &e))
            fail_msg("%s", e.text);
    }
}

static void compare(const char *db, struct span lines)
{
    char name[] = "/tmp/cdc-golden.XXXXXX", command[600];
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, lines.p, lines.n), lines.n);
    close(fd);
    // The schema changes show the catalog, which is not here.
    snprintf(command, sizeof command,
             GOLDEN "streamed " GOLDEN
                    "%s/default.ndjson.gz | grep -v '^{\"topic\": *\"my\",' >%s.want; " GOLDEN
                    "compare --variant default --db %s %s.want %s",
             db, name, db, name, name);
    int status = system(command);
    snprintf(command, sizeof command, "%s.want", name);
    unlink(command);
    unlink(name);
    assert_int_equal(status, 0);
}

static void check(const char *db)
{
    struct buf log, lines;
    struct err e;
    struct my_catalog catalog = {0};
    struct capture capture = {.topic_prefix = "my", .topic_delimiter = ".", .topic_transaction = "transaction"};
    struct my_reader r;
    char name[64];
    buf_init(&log, 1u << 20);
    buf_init(&lines, 16u << 20);
    fill_catalog(&catalog);
    assert_true(my_reader_init(&r, &capture, &catalog, &lines, db, 1u << 20, &e));
    r.epoch = 1;
    r.skip_op['t'] = true;
    snprintf(name, sizeof name, GOLDEN "%s/default.binlog.gz", db);
    read_gz(name, &log);
    decode(&r, buf_view(&log));
    compare(db, buf_view(&lines));
    my_reader_release(&r);
    my_catalog_release(&catalog);
    buf_release(&log);
    buf_release(&lines);
}

static void mysql(void **state)
{
    (void)state;
    check("mysql");
}

static void mariadb(void **state)
{
    (void)state;
    check("mariadb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mysql),
        cmocka_unit_test(mariadb),
    };
    return cmocka_run_group_tests_name("mysql_golden", tests, NULL, NULL);
}
