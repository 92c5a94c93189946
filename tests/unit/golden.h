// For the tests that decode recorded logs without a server: their files, and the comparison with Debezium's
// events.
#ifndef CDC_TESTS_UNIT_GOLDEN_H
#define CDC_TESTS_UNIT_GOLDEN_H

#include "test.h"

#include <unistd.h>

#define GOLDEN "tests/golden/"

// Appends a file of tests/golden, unpacked.
static inline void golden_read(const char *name, struct buf *out)
{
    char command[256], block[65536];
    snprintf(command, sizeof command, "gzip -dcf " GOLDEN "%s", name);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        buf_bytes(out, block, n);
    assert_int_equal(pclose(f), 0);
    assert_false(out->bad);
}

// The lines against what Debezium streamed in DB/VARIANT.ndjson.gz.
static inline void golden_compare(const char *db, const char *variant, struct span lines)
{
    char name[] = "/tmp/cdc-golden.XXXXXX", command[768];
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, lines.p, lines.n), lines.n);
    close(fd);
    snprintf(command, sizeof command,
             GOLDEN "streamed " GOLDEN "%s/%s.ndjson.gz >%s.want && " GOLDEN
                    "compare --variant %s --db %s %s.want %s >&2",
             db, variant, name, variant, db, name, name);
    int status = system(command);
    snprintf(command, sizeof command, "%s.want", name);
    unlink(command);
    unlink(name);
    assert_int_equal(status, 0);
}

#endif
